//! How a verification is cancelled: its own run, never another one of the member.

use crate::start_verification::Starter;
use crate::{Store, Workflows};
use mesh_runtime::Problem;
use mesh_types::{Reason, RequestId, VerificationId, VerificationStatus};

/// Asks a verification to end. One that was cancelled stays as it is.
pub async fn cancel_verification(
    store: &Store,
    workflows: &Workflows,
    starter: &Starter,
    request_id: RequestId,
    id: VerificationId,
) -> Result<(), Problem> {
    let found = store.find_verification(id).await?;
    let found = found.ok_or_else(|| Problem::new(Reason::VerificationNotFound, "no verification has this id"))?;
    match found.status {
        VerificationStatus::Cancelled => Ok(()),
        VerificationStatus::InProgress => {
            let run_id = starter.ensure_started(&found).await?;
            workflows.cancel(id, &run_id, request_id).await
        }
        ended => Err(Problem::new(
            Reason::VerificationEnded,
            format!("the verification ended as {}", ended.as_str()),
        )),
    }
}
