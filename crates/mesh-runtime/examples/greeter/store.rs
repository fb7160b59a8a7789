//! All SQL of this service, a file for each table.

mod greetings;

pub use greetings::{Greeting, GreetingPlace, insert_greeting};

use mesh_runtime::Problem;
use sqlx::PgPool;

/// The tables of this service. Clones share the pool.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
}

impl Store {
    /// Over a pool.
    pub fn new(pool: PgPool) -> Self {
        Self { pool }
    }

    /// Stores a greeting by itself.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn insert_greeting(&self, greeting: &Greeting) -> Result<(), Problem> {
        insert_greeting(&mut *self.pool.acquire().await?, greeting).await
    }
}
