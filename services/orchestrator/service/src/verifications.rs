//! Verifications as rows and workflows together: each has a row first, then a workflow, then the workflow's run in the row.

use crate::api::parse::StartVerification;
use crate::reconcile::reconcile;
use crate::store::{InsertOutcome, NewVerification, Verification};
use crate::{Store, Workflows};
use jiff::Timestamp;
use mesh_runtime::Problem;
use mesh_types::{Reason, RequestId, VerificationId};
use orchestrator_workflows::contract::VerificationInput;

/// Starts and cancels verifications.
#[derive(Clone)]
pub struct Verifications {
    store: Store,
    workflows: Workflows,
    search_attributes: bool,
}

impl Verifications {
    /// Over a store and Temporal; `search_attributes` is whether the workflows that it starts have any.
    pub fn new(store: Store, workflows: Workflows, search_attributes: bool) -> Self {
        Self {
            store,
            workflows,
            search_attributes,
        }
    }

    /// Inserts a verification under an id and starts its workflow; returns the run. Again under the same id is the same.
    ///
    /// The row is written first, the workflow is started outside of any transaction, and its run is written down last. A
    /// crash in between leaves a row without a run: the same request again, or any other one for the member, starts the
    /// workflow, which is idempotent by the verification's id.
    pub async fn start(&self, id: VerificationId, asked: StartVerification, now: Timestamp) -> Result<String, Problem> {
        if self.store.find_member(asked.member_id).await?.is_none() {
            let message = "no member has this id; register it first";
            return Err(Problem::new(Reason::MemberNotFound, message));
        }
        let new = NewVerification {
            verification_id: id,
            member_id: asked.member_id,
            request: asked.request,
            started_at: now,
        };
        loop {
            match self.store.insert_verification(&new).await? {
                InsertOutcome::Inserted(verification) => return self.ensure_started(&verification).await,
                InsertOutcome::InProgress(other) => {
                    let run_id = self.ensure_started(&other).await?;
                    if !reconcile(&self.store, &self.workflows, &other, &run_id).await? {
                        let message = "the member has a verification in progress; watch or cancel it";
                        let problem = Problem::new(Reason::VerificationInProgress, message);
                        return Err(problem.with_metadata("verification_id", other.verification_id.to_string()));
                    }
                }
            }
        }
    }

    /// Starts the workflow of a verification unless its run is known; returns the run.
    async fn ensure_started(&self, verification: &Verification) -> Result<String, Problem> {
        if let Some(run_id) = &verification.run_id {
            return Ok(run_id.clone());
        }
        let run_id = self.workflows.start(self.input(verification)).await?;
        self.store.record_run(verification.verification_id, &run_id).await?;
        Ok(run_id)
    }

    /// Asks a verification's own run to end. The run is made sure of first, since the workflow may not be started yet.
    pub async fn cancel(&self, verification: &Verification, request_id: RequestId) -> Result<(), Problem> {
        let run_id = self.ensure_started(verification).await?;
        self.workflows
            .cancel(verification.verification_id, &run_id, request_id)
            .await
    }

    /// A verification as the table has it.
    pub async fn find(&self, id: VerificationId) -> Result<Option<Verification>, Problem> {
        self.store.find_verification(id).await
    }

    fn input(&self, verification: &Verification) -> VerificationInput {
        let started_at_seconds = verification.started_at.as_second();
        VerificationInput {
            verification_id: verification.verification_id,
            member_id: verification.member_id,
            target_score: verification.request.target_score,
            methods: verification.request.methods.clone(),
            started_at_seconds,
            deadline_at_seconds: started_at_seconds.saturating_add_unsigned(verification.request.timeout_seconds),
            search_attributes: self.search_attributes,
        }
    }
}
