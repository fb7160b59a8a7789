//! All SQL of the service: documents, what was read on them, what was ruled, who reviews them.
//!
//! Time and ids are arguments, what is not there is `None`, and every write may come twice.

mod decisions;
mod documents;
mod identities;
mod leftovers;
mod pages;
mod readings;
mod reviews;
mod rows;
mod rulings;
mod standing;
mod submissions;

pub use decisions::{DecidedReview, NewDecision};
pub use documents::{Document, Erased, NewDocument, NewFile, Recorded, RecordedUpload};
pub use identities::Entry;
pub use leftovers::Leftover;
pub use pages::Page;
pub use readings::ReadingAtRest;
pub use reviews::{Claim, NewReview, Requested, Review, ReviewPlace, ReviewRefusal, WaitingActivity};
pub use rulings::{EvidencePlace, NewRuling, StoredEvidenceItem, StoredRuling, Written};
pub use standing::Standing;
pub use submissions::{NewSubmission, StoredSubmission, WorkflowRun};

use sqlx::PgPool;

/// The service's tables. Clones share the pool.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
}

impl Store {
    /// A store over a database whose schema is up to date.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}

#[cfg(test)]
mod tests;
