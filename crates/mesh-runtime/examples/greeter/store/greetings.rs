//! The table `greetings`.

use super::Store;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use sqlx::PgConnection;
use uuid::Uuid;

/// A greeting as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Greeting {
    pub greeting_id: Uuid,
    pub text: String,
    pub stored_at: Timestamp,
}

/// Where a greeting stands in the list.
pub type GreetingPlace = (Timestamp, Uuid);

impl Greeting {
    /// Where it stands in the list.
    pub fn place(&self) -> GreetingPlace {
        (self.stored_at, self.greeting_id)
    }
}

/// Stores a greeting, in the caller's transaction. The same one again changes nothing.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
#[tracing::instrument(name = "INSERT greetings", skip_all, fields(
    otel.kind = "client", db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "greetings",
))]
pub async fn insert_greeting(connection: &mut PgConnection, greeting: &Greeting) -> Result<(), Problem> {
    // A real service uses `sqlx::query!`, which is checked when it is compiled.
    sqlx::query(
        "INSERT INTO greetings (greeting_id, text, stored_at) VALUES ($1, $2, $3)
         ON CONFLICT ON CONSTRAINT greetings_once DO NOTHING",
    )
    .bind(greeting.greeting_id)
    .bind(&greeting.text)
    .bind(greeting.stored_at.to_sqlx())
    .execute(connection)
    .await?;
    Ok(())
}

impl Store {
    /// How many there are.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn count_greetings(&self) -> Result<i64, Problem> {
        Ok(sqlx::query_scalar("SELECT count(*) FROM greetings")
            .fetch_one(&self.pool)
            .await?)
    }

    /// Greetings, the newest first, after a place in the list.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT greetings", skip_all, fields(
        otel.kind = "client", db.system.name = "postgresql", db.operation.name = "SELECT",
        db.collection.name = "greetings",
    ))]
    pub async fn list_greetings(&self, after: Option<&GreetingPlace>, limit: i64) -> Result<Vec<Greeting>, Problem> {
        let (stored_at, greeting_id) = after.copied().unzip();
        let rows: Vec<(Uuid, String, SqlTimestamp)> = sqlx::query_as(
            "SELECT greeting_id, text, stored_at FROM greetings
              WHERE $1::timestamptz IS NULL OR (stored_at, greeting_id) < ($1, $2)
              ORDER BY stored_at DESC, greeting_id DESC LIMIT $3",
        )
        .bind(stored_at.map(ToSqlx::to_sqlx))
        .bind(greeting_id)
        .bind(limit)
        .fetch_all(&self.pool)
        .await?;
        let greeting = |(greeting_id, text, stored_at): (Uuid, String, SqlTimestamp)| Greeting {
            greeting_id,
            text,
            stored_at: stored_at.to_jiff(),
        };
        Ok(rows.into_iter().map(greeting).collect())
    }
}
