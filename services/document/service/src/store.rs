//! All SQL of the service: documents, what was read on them, what was decided, who reviews them.
//!
//! Time and ids are arguments, what is not there is `None`, and every write may come twice.

mod decisions;
mod document_status;
mod documents;
mod identities;
mod orphaned_objects;
mod pages;
mod profile_changes;
mod readings;
mod review_decisions;
mod reviews;
mod revocations;
mod rows;
mod submissions;

pub use decisions::{EvidenceKey, NewDecision, StoredDecision, StoredEvidenceItem, Written};
pub use document_status::DocumentStatus;
pub use documents::{Document, Erased, NewDocument, NewFile, insert_document};
pub use identities::{Found, IdentityRecord, block, release, unblock};
pub use orphaned_objects::OrphanedObjects;
pub use pages::Page;
pub use profile_changes::record_profile_change;
pub use readings::StoredKey;
pub use review_decisions::{DecidedReview, NewReviewDecision};
pub use reviews::{
    HeldReview, NewReview, Requested, Review, ReviewClaim, ReviewKey, ReviewRefusal, WaitingActivity, claim_review,
};
pub use revocations::Revocation;
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
