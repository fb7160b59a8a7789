//! `KeepGreeting`: keeps a greeting, once for each request.

use crate::api::{parse, render};
use crate::greeting::{KEEP_GREETING, KeepGreetingRequest, StoredGreeting};
use crate::store::{Greeting, insert_greeting};
use jiff::Timestamp;
use mesh_runtime::Problem;
use mesh_runtime::idempotency::IdempotencyStore;

/// Keeps a greeting. The same request again returns the same answer and keeps nothing.
///
/// # Errors
/// `INVALID_REQUEST`, `REQUEST_ID_REUSED`; `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn keep_greeting(
    idempotency: &IdempotencyStore,
    message: &KeepGreetingRequest,
    now: Timestamp,
) -> Result<StoredGreeting, Problem> {
    let new = parse::keep_greeting(message)?;
    idempotency
        .in_transaction(
            KEEP_GREETING,
            new.request_id,
            message,
            now,
            async |connection, resource_id| {
                let greeting = Greeting {
                    greeting_id: resource_id.uuid(),
                    text: new.text,
                    stored_at: now,
                };
                insert_greeting(connection, &greeting).await?;
                Ok(render::greeting(greeting))
            },
        )
        .await
}
