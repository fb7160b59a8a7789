//! The SQL of the requests. Its tables come from the kit's own migrations.

use super::{LEASE, RequestKey, ResourceId};
use crate::Problem;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_types::RequestId;
use sqlx::{PgConnection, PgPool, Postgres, Transaction};
use uuid::Uuid;

/// `lock_not_available` (PostgreSQL, appendix A).
const LOCK_TIMED_OUT: &str = "55P03";

/// How a request stands when somebody asks for it.
pub(super) enum ClaimOutcome {
    /// It is the caller's to work on. `attempt` counts from 1.
    Mine { resource_id: ResourceId, attempt: i32 },
    /// Somebody else works on it.
    InProgress,
    /// This was the answer.
    Answered(Vec<u8>),
    /// Its id came before with other content.
    Reused,
}

pub(super) async fn find_key(pool: &PgPool) -> Result<Option<[u8; 32]>, Problem> {
    let key: Option<Vec<u8>> = sqlx::query_scalar("SELECT key FROM mesh_idempotency_key")
        .fetch_optional(pool)
        .await?;
    Ok(key.and_then(|key| key.try_into().ok()))
}

/// Begins a transaction that waits for the row of another one for at most 3 s.
pub(super) async fn begin(pool: &PgPool) -> Result<Transaction<'static, Postgres>, Problem> {
    Ok(pool.begin_with("BEGIN; SET LOCAL lock_timeout = '3s'").await?)
}

/// The limit is for the claim alone. The work's own locks have that of the session.
pub(super) async fn end_lock_timeout(connection: &mut PgConnection) -> Result<(), Problem> {
    sqlx::query("SET LOCAL lock_timeout TO DEFAULT")
        .execute(connection)
        .await?;
    Ok(())
}

/// Claims a request. Within a transaction, it waits for the one that has claimed the same id and has not ended yet.
#[tracing::instrument(name = "INSERT mesh_idempotency_records", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "mesh_idempotency_records"))]
pub(super) async fn claim(
    connection: &mut PgConnection,
    asked: &RequestKey<'_>,
    now: Timestamp,
) -> Result<ClaimOutcome, Problem> {
    let resource_id = crate::clock::new_uuid();
    let inserted = sqlx::query(
        "INSERT INTO mesh_idempotency_records (request_id, rpc, fingerprint, resource_id, attempt, claimed_at, leased_until)
         VALUES ($1, $2, $3, $4, 1, $5, $6) ON CONFLICT ON CONSTRAINT mesh_idempotency_records_once DO NOTHING",
    )
    .bind(asked.request_id.uuid())
    .bind(asked.rpc)
    .bind(asked.fingerprint.as_slice())
    .bind(resource_id)
    .bind(now.to_sqlx())
    .bind((now + LEASE).to_sqlx())
    .execute(&mut *connection)
    .await;
    match inserted {
        Ok(inserted) if inserted.rows_affected() == 1 => {
            return Ok(ClaimOutcome::Mine {
                resource_id: ResourceId::from(resource_id),
                attempt: 1,
            });
        }
        Ok(_) => {}
        Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some(LOCK_TIMED_OUT) => {
            return Ok(ClaimOutcome::InProgress);
        }
        Err(error) => return Err(error.into()),
    }
    take_over(connection, asked, now).await
}

type Row = (Vec<u8>, Uuid, i32, SqlTimestamp, Option<Vec<u8>>);

/// Reads a request that came before, and takes it over when its lease is over.
async fn take_over(
    connection: &mut PgConnection,
    asked: &RequestKey<'_>,
    now: Timestamp,
) -> Result<ClaimOutcome, Problem> {
    let row: Option<Row> = sqlx::query_as(
        "SELECT fingerprint, resource_id, attempt, leased_until, answer FROM mesh_idempotency_records WHERE request_id = $1",
    )
    .bind(asked.request_id.uuid())
    .fetch_optional(&mut *connection)
    .await?;
    // It was refused and forgotten in between; the next look claims it.
    let Some((fingerprint, resource_id, attempt, leased_until, answer)) = row else {
        return Ok(ClaimOutcome::InProgress);
    };
    if fingerprint != asked.fingerprint {
        return Ok(ClaimOutcome::Reused);
    }
    if let Some(answer) = answer {
        return Ok(ClaimOutcome::Answered(answer));
    }
    if leased_until.to_jiff() > now {
        return Ok(ClaimOutcome::InProgress);
    }
    let taken = sqlx::query(
        "UPDATE mesh_idempotency_records SET attempt = attempt + 1, leased_until = $3
          WHERE request_id = $1 AND attempt = $2 AND answer IS NULL",
    )
    .bind(asked.request_id.uuid())
    .bind(attempt)
    .bind((now + LEASE).to_sqlx())
    .execute(connection)
    .await?;
    Ok(match taken.rows_affected() {
        0 => ClaimOutcome::InProgress,
        _ => ClaimOutcome::Mine {
            resource_id: ResourceId::from(resource_id),
            attempt: attempt + 1,
        },
    })
}

/// Keeps the first answer; says whether this was it.
#[tracing::instrument(name = "UPDATE mesh_idempotency_records", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "mesh_idempotency_records"))]
pub(super) async fn keep_answer(
    connection: &mut PgConnection,
    request_id: RequestId,
    answer: &[u8],
    now: Timestamp,
) -> Result<bool, Problem> {
    let kept = sqlx::query(
        "UPDATE mesh_idempotency_records SET answer = $2, answered_at = $3 WHERE request_id = $1 AND answer IS NULL",
    )
    .bind(request_id.uuid())
    .bind(answer)
    .bind(now.to_sqlx())
    .execute(connection)
    .await?;
    Ok(kept.rows_affected() == 1)
}

pub(super) async fn find_answer(
    connection: &mut PgConnection,
    request_id: RequestId,
) -> Result<Option<Vec<u8>>, Problem> {
    let answer: Option<Option<Vec<u8>>> =
        sqlx::query_scalar("SELECT answer FROM mesh_idempotency_records WHERE request_id = $1")
            .bind(request_id.uuid())
            .fetch_optional(connection)
            .await?;
    Ok(answer.flatten())
}

/// The fingerprint of a request that came before, and its answer if it has one.
pub(super) async fn find_request(
    connection: &mut PgConnection,
    request_id: RequestId,
) -> Result<Option<(Vec<u8>, Option<Vec<u8>>)>, Problem> {
    let row = sqlx::query_as("SELECT fingerprint, answer FROM mesh_idempotency_records WHERE request_id = $1")
        .bind(request_id.uuid())
        .fetch_optional(connection)
        .await?;
    Ok(row)
}

/// Ends the lease of an attempt, unless another one has taken over.
pub(super) async fn end_lease(
    pool: &PgPool,
    request_id: RequestId,
    attempt: i32,
    now: Timestamp,
) -> Result<(), Problem> {
    sqlx::query("UPDATE mesh_idempotency_records SET leased_until = $3 WHERE request_id = $1 AND attempt = $2 AND answer IS NULL")
        .bind(request_id.uuid())
        .bind(attempt)
        .bind(now.to_sqlx())
        .execute(pool)
        .await?;
    Ok(())
}

/// Forgets a request that no other attempt has taken over.
pub(super) async fn forget(pool: &PgPool, request_id: RequestId, attempt: i32) -> Result<(), Problem> {
    sqlx::query("DELETE FROM mesh_idempotency_records WHERE request_id = $1 AND attempt = $2 AND answer IS NULL")
        .bind(request_id.uuid())
        .bind(attempt)
        .execute(pool)
        .await?;
    Ok(())
}

/// Deletes at most `limit` requests that came before `instant`; returns how many. Instances that sweep at once skip each
/// other's rows.
#[tracing::instrument(name = "DELETE mesh_idempotency_records", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "mesh_idempotency_records"))]
pub(super) async fn delete_older(pool: &PgPool, instant: Timestamp, limit: i64) -> Result<u64, Problem> {
    let deleted = sqlx::query(
        "DELETE FROM mesh_idempotency_records WHERE request_id IN
            (SELECT request_id FROM mesh_idempotency_records WHERE claimed_at < $1 ORDER BY claimed_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
    )
    .bind(instant.to_sqlx())
    .bind(limit)
    .execute(pool)
    .await?;
    Ok(deleted.rows_affected())
}
