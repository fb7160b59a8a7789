//! The SQL of the service: verifiers, and the search for them.

mod nearest;
#[cfg(test)]
mod tests;
mod verifiers;

use sqlx::PgPool;

pub use nearest::{Found, Key, Near};
pub use verifiers::{
    Certification, Recertification, Verifier, VerifierMethod, VerifierProfile, insert_verifier, update_verifier,
};

/// The SQL of the service. Clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    pool: PgPool,
}

impl Store {
    /// A store over a database whose schema is up to date.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }
}
