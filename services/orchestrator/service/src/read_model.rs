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
    /// Whether it is in progress and its workflow did not say so; the state is then only what was asked for.
    pub is_progress_unknown: bool,
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
    /// `VERIFICATION_NOT_FOUND`; `DATABASE_UNAVAILABLE`. While Temporal is away or no worker answers, the progress of one
    /// that is in progress is unknown.
    pub async fn get(&self, id: VerificationId) -> Result<Snapshot, Problem> {
        let mut snapshot = self.without_peers(id).await?;
        snapshot.progress = Progress::of(&self.peers, &snapshot.verification).await;
        Ok(snapshot)
    }

    async fn without_peers(&self, id: VerificationId) -> Result<Snapshot, Problem> {
        let row = self.get_row(id).await?;
        if row.outcome.is_some() {
            return Ok(Snapshot::of_row(row));
        }
        let answered = match self.workflows.find_state(id).await {
            Err(problem) if problem.reason() == Reason::TemporalUnavailable => None,
            answered => answered?,
        };
        // It may have ended while it was looked at: then the row says how.
        let snapshot = Snapshot::of_row(self.get_row(id).await?);
        Ok(match answered {
            Some(state) if snapshot.is_progress_unknown => Snapshot {
                state,
                is_progress_unknown: false,
                ..snapshot
            },
            _ => snapshot,
        })
    }

    async fn get_row(&self, id: VerificationId) -> Result<Verification, Problem> {
        let row = self.store.find_verification(id).await?;
        row.ok_or_else(not_found)
    }
}

pub(crate) fn not_found() -> Problem {
    Problem::new(Reason::VerificationNotFound, "no verification has this id")
}

impl Snapshot {
    /// What the table alone says: the end, or that every method runs.
    pub fn of_row(row: Verification) -> Self {
        Self {
            is_progress_unknown: row.outcome.is_none(),
            state: recorded_state(&row),
            verification: row,
            progress: Progress::default(),
        }
    }
}

fn recorded_state(row: &Verification) -> VerificationState {
    match row.outcome.clone() {
        // What it came to stays in the row; it gives no score any more.
        Some(outcome) if row.revoked.is_some() => VerificationState {
            methods: outcome.methods,
            breakdown: ScoreBreakdown::nothing(),
            next_steps: Vec::new(),
        },
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
