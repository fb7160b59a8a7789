//! Verifications as rows and workflows together: each has a row first, then a workflow, then the workflow's run in the row.

use crate::api::parse::StartVerification;
use crate::reconcile::reconcile;
use crate::store::{InsertOutcome, NewVerification, StoredMethod, Verification};
use crate::{Store, Workflows};
use jiff::Timestamp;
use mesh_runtime::Problem;
use mesh_types::{Reason, RequestId, VerificationId};
use orchestrator_workflows::contract::VerificationInput;

/// How many verifications are claimed at once to be looked at. A process that dies leaves so many to the look after next.
const LOOKS_AT_ONCE: i64 = 20;

/// Starts and cancels verifications, and looks after those in progress.
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
    /// crash in between leaves a row without a run: the same request again, any other one for the member, or
    /// [`Self::look_after`] starts the workflow, which is idempotent by the verification's id.
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
                    if !reconcile(&self.store, &self.workflows, &other, &run_id, now).await? {
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
        let run_id = self.workflows.start(self.input(verification)?).await?;
        self.store.record_run(verification.verification_id, &run_id).await?;
        Ok(run_id)
    }

    /// Asks a verification to end; `false` when it has ended already. Its workflow is made sure of first, since it may not be
    /// started yet.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`; `TEMPORAL_UNAVAILABLE`, also when Temporal knows nothing of a workflow that was started.
    pub async fn cancel(
        &self,
        verification: &Verification,
        request_id: RequestId,
        now: Timestamp,
    ) -> Result<bool, Problem> {
        let run_id = self.ensure_started(verification).await?;
        if !self.workflows.cancel(verification.verification_id, request_id).await? {
            let message = "the workflow engine knows nothing of this verification; ask again";
            return Err(Problem::new(Reason::TemporalUnavailable, message));
        }
        // Temporal takes the request also for a workflow that was closed from outside.
        let is_closed = reconcile(&self.store, &self.workflows, verification, &run_id, now).await?;
        Ok(!is_closed)
    }

    /// Looks after the verifications that are due by `now`, so that each comes to an end by itself: one whose start nobody
    /// repeated is started, one whose workflow is closed ends in the read model.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when none can be claimed, `TEMPORAL_UNAVAILABLE`; what was not looked at is due again later.
    pub async fn look_after(&self, now: Timestamp) -> Result<(), Problem> {
        loop {
            let due = self.store.claim_due(now, LOOKS_AT_ONCE).await?;
            if due.is_empty() {
                return Ok(());
            }
            for verification_id in due {
                match self.look_at(verification_id, now).await {
                    Err(problem) if problem.reason() == Reason::TemporalUnavailable => return Err(problem),
                    // One that can't be read or is locked holds nobody else up.
                    Err(problem) => {
                        tracing::error!(%verification_id, %problem, "a verification can't be looked after");
                    }
                    Ok(()) => {}
                }
            }
        }
    }

    async fn look_at(&self, id: VerificationId, now: Timestamp) -> Result<(), Problem> {
        let Some(found) = self.find(id).await?.filter(|found| found.outcome.is_none()) else {
            return Ok(());
        };
        match &found.run_id {
            Some(run_id) => reconcile(&self.store, &self.workflows, &found, run_id, now)
                .await
                .map(drop),
            None => {
                tracing::warn!(verification_id = %id, "a verification that nobody started is started now");
                self.ensure_started(&found).await.map(drop)
            }
        }
    }

    /// A verification as the table has it.
    pub async fn find(&self, id: VerificationId) -> Result<Option<Verification>, Problem> {
        self.store.find_verification(id).await
    }

    fn input(&self, verification: &Verification) -> Result<VerificationInput, Problem> {
        let methods = verification.request.methods.iter().map(|chosen| match chosen {
            StoredMethod::Known(request) => Ok(request.clone()),
            StoredMethod::Newer { .. } => Err(newer_version_needed()),
        });
        let started_at_seconds = verification.started_at.as_second();
        Ok(VerificationInput {
            verification_id: verification.verification_id,
            member_id: verification.member_id,
            target_score: verification.request.target_score,
            methods: methods.collect::<Result<_, _>>()?,
            started_at_seconds,
            deadline_at_seconds: started_at_seconds.saturating_add_unsigned(verification.request.timeout_seconds),
            search_attributes: self.search_attributes,
        })
    }
}

fn newer_version_needed() -> Problem {
    let message =
        "a newer version took this verification, and only it can start it; it is being rolled out, so try again";
    Problem::new(Reason::NewerVersionNeeded, message)
}
