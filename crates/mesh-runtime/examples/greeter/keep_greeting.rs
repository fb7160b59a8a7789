//! `KeepGreeting`: keeps a greeting, once for each request.

use crate::api::{parse, render};
use crate::greeting::{KEEP_GREETING, KeepGreetingRequest, StoredGreeting};
use crate::store::{Greeting, insert_greeting};
use jiff::Timestamp;
use mesh_runtime::Problem;
use mesh_runtime::idempotency::Requests;

/// Keeps a greeting. The same request again returns the same answer and keeps nothing.
///
/// # Errors
/// `INVALID_REQUEST`, `REQUEST_ID_REUSED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn keep_greeting(
    requests: &Requests,
    message: &KeepGreetingRequest,
    now: Timestamp,
) -> Result<StoredGreeting, Problem> {
    let new = parse::keep_greeting(message)?;
    requests
        .in_transaction(
            KEEP_GREETING,
            new.request_id,
            message,
            now,
            async |connection, work_id| {
                let greeting = Greeting {
                    greeting_id: work_id.uuid(),
                    text: new.text,
                    stored_at: now,
                };
                insert_greeting(connection, &greeting).await?;
                Ok(render::greeting(greeting))
            },
        )
        .await
}
