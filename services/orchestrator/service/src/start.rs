//! How a verification starts: once for each request, and one at a time for a member.

use crate::parse::NewVerification;
use crate::store::{Intake, Verification};
use crate::{Engine, Store};
use mesh_runtime::{Problem, clock};
use mesh_types::{Reason, VerificationId};
use orchestrator_workflows::contract::VerificationRequest;

/// A verification that runs.
pub struct Started {
    pub verification_id: VerificationId,
    pub run_id: String,
}

/// Takes a verification in and starts its workflow.
///
/// The row is written first and names the run afterwards, so a crash between the two leaves a row without a run: the
/// same request again, or any other one for the member, finds it and starts it.
pub async fn start(store: &Store, engine: &Engine, new: NewVerification) -> Result<Started, Problem> {
    if store.find_member(new.member_id).await?.is_none() {
        return Err(Problem::new(Reason::MemberNotFound, "no member has this id; register it first"));
    }
    let request = VerificationRequest {
        verification_id: VerificationId::from(clock::new_uuid()),
        member_id: new.member_id,
        target_score: new.target_score,
        methods: new.methods,
        timeout_seconds: new.timeout_seconds,
    };
    match store.insert_verification(new.request_id, &request, clock::now()).await? {
        Intake::Taken(verification) => {
            let run_id = ensure_started(store, engine, &verification).await?;
            Ok(Started { verification_id: verification.request.verification_id, run_id })
        }
        Intake::RequestIdReused => {
            Err(Problem::new(Reason::RequestIdReused, "this request_id was used for another verification; choose a new one"))
        }
        Intake::InProgress(other) => {
            ensure_started(store, engine, &other).await?;
            let message = "the member has a verification in progress; watch or cancel it";
            Err(Problem::new(Reason::VerificationInProgress, message)
                .with_metadata("verification_id", other.request.verification_id.to_string()))
        }
    }
}

/// Starts the workflow of a verification that was taken in, unless it runs already; returns its run.
pub async fn ensure_started(store: &Store, engine: &Engine, verification: &Verification) -> Result<String, Problem> {
    match &verification.run_id {
        Some(run_id) => Ok(run_id.clone()),
        None => store.record_run(verification.request.verification_id, || engine.start(&verification.request)).await,
    }
}
