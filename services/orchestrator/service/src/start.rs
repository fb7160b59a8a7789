//! How a verification starts: once for each request, and one at a time for a member.

use crate::parse::NewVerification;
use crate::store::{Intake, Verification};
use crate::{Engine, Store, render};
use mesh_runtime::{Problem, clock};
use mesh_types::{Reason, VerificationId, VerificationStatus};
use orchestrator_workflows::contract::{MethodStatus, VerificationRequest};

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
        return Err(Problem::new(
            Reason::MemberNotFound,
            "no member has this id; register it first",
        ));
    }
    let request = VerificationRequest {
        verification_id: VerificationId::from(clock::new_uuid()),
        member_id: new.member_id,
        target_score: new.target_score,
        methods: new.methods,
        timeout_seconds: new.timeout_seconds,
        search_attributes: engine.search_attributes(),
    };
    loop {
        match store
            .insert_verification(new.request_id, &request, clock::now())
            .await?
        {
            Intake::Taken(verification) => {
                let run_id = ensure_started(store, engine, &verification).await?;
                return Ok(Started {
                    verification_id: verification.request.verification_id,
                    run_id,
                });
            }
            Intake::RequestIdReused => {
                let message = "this request_id was used for another verification; choose a new one";
                return Err(Problem::new(Reason::RequestIdReused, message));
            }
            Intake::InProgress(other) => {
                ensure_started(store, engine, &other).await?;
                let id = other.request.verification_id;
                if engine.is_open(new.member_id).await? {
                    let message = "the member has a verification in progress; watch or cancel it";
                    let problem = Problem::new(Reason::VerificationInProgress, message);
                    return Err(problem.with_metadata("verification_id", id.to_string()));
                }
                settle(store, id).await?;
            }
        }
    }
}

/// Ends a verification in the read model whose workflow was closed from outside, by an operator's `terminate` say: it would
/// be in progress for ever otherwise. Call it when no workflow is open; one that closed by itself has recorded its end.
pub async fn settle(store: &Store, id: VerificationId) -> Result<(), Problem> {
    match store.find_verification(id).await? {
        Some(row) if row.status == VerificationStatus::InProgress && row.run_id.is_some() => {
            let mut end = render::initial_state(&row);
            end.status = VerificationStatus::Failed;
            for method in &mut end.methods {
                method.status = MethodStatus::Failed;
                method.internal_reason = "WORKFLOW_CLOSED".to_owned();
                method.member_reason = "The verification was stopped on our side. Please start another one.".to_owned();
            }
            store.record_outcome(&end, None, clock::now()).await
        }
        _ => Ok(()),
    }
}

/// Starts the workflow of a verification that was taken in, unless it runs already; returns its run.
pub async fn ensure_started(store: &Store, engine: &Engine, verification: &Verification) -> Result<String, Problem> {
    match &verification.run_id {
        Some(run_id) => Ok(run_id.clone()),
        None => {
            store
                .record_run(verification.request.verification_id, || {
                    engine.start(&verification.request)
                })
                .await
        }
    }
}
