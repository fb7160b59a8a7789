//! How a verification stands: from its workflow while it is in progress, from the table afterwards; and what the services
//! of its methods know meanwhile. A read never writes.

use crate::methods::{Peers, Progress};
use crate::store::Verification;
use crate::{Store, Workflows};
use mesh_runtime::Problem;
use mesh_types::{Reason, ScoreBreakdown, VerificationId};
use orchestrator_workflows::contract::{MethodState, VerificationState};

/// Reads verifications.
#[derive(Clone)]
pub struct ReadModel {
    store: Store,
    workflows: Workflows,
    peers: Peers,
}

/// A verification as it stands.
pub struct Snapshot {
    /// The row.
    pub verification: Verification,
    /// How its methods and its score stand.
    pub state: VerificationState,
    /// What the services of its methods know.
    pub progress: Progress,
}

impl ReadModel {
    /// Over a store, the workflows and the services of the methods.
    pub fn new(store: Store, workflows: Workflows, peers: Peers) -> Self {
        Self {
            store,
            workflows,
            peers,
        }
    }

    /// A verification as it stands now.
    ///
    /// # Errors
    /// `VERIFICATION_NOT_FOUND`; `DATABASE_UNAVAILABLE`; `TEMPORAL_UNAVAILABLE` while it is in progress.
    pub async fn get(&self, id: VerificationId) -> Result<Snapshot, Problem> {
        let (verification, state) = self.row_and_state(id).await?;
        let progress = Progress::of(&self.peers, &verification).await;
        Ok(Snapshot {
            verification,
            state,
            progress,
        })
    }

    async fn row_and_state(&self, id: VerificationId) -> Result<(Verification, VerificationState), Problem> {
        let row = self.get_row(id).await?;
        if row.outcome.is_some() {
            let state = recorded_state(&row);
            return Ok((row, state));
        }
        let answered = self.workflows.find_state(id).await?;
        // It may have ended while it was looked at: then the row says how.
        let row = self.get_row(id).await?;
        let state = match (&row.outcome, answered) {
            (None, Some(state)) => state,
            _ => recorded_state(&row),
        };
        Ok((row, state))
    }

    async fn get_row(&self, id: VerificationId) -> Result<Verification, Problem> {
        let row = self.store.find_verification(id).await?;
        row.ok_or_else(|| Problem::new(Reason::VerificationNotFound, "no verification has this id"))
    }
}

/// What the table says: the end, or that every method runs.
pub fn recorded_state(row: &Verification) -> VerificationState {
    match row.outcome.clone() {
        Some(outcome) => VerificationState {
            methods: outcome.methods,
            breakdown: outcome.breakdown,
            next_steps: outcome.next_steps,
        },
        None => {
            let methods = row.request.methods.iter();
            VerificationState {
                methods: methods
                    .map(|chosen| MethodState::in_progress(chosen.method()))
                    .collect(),
                breakdown: ScoreBreakdown::nothing(),
                next_steps: Vec::new(),
            }
        }
    }
}
