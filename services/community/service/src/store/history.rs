//! The history of connections, as it is written and followed.
//!
//! Whoever changes a connection holds two advisory locks until the transaction ends, in this order: the member's, so that a
//! member's changes come one after the other, in the order of their sequence; and the one of all changes, shared, which lets
//! [`Store::settled_sequence`] wait until no change is under way. Both are taken before the row is touched, and the row is
//! touched before the change gets its number, so whoever takes a number has a transaction id already; see
//! [`Store::transaction_id`].

use super::{Store, member, strength};
use community_trust::Strength;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::{Actor, Problem};
use mesh_types::MemberId;
use sqlx::PgConnection;

/// The lock of all changes, of the kind with two numbers; those of members have one number.
const ALL_CHANGES: (i32, i32) = (0x636f, 1);
/// How long a start waits for changes under way before it tries again. Changes that come meanwhile wait behind it.
const LOAD_LOCK_TIMEOUT: &str = "250ms";

/// A change of a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Change {
    /// Its number.
    pub sequence: i64,
    /// The connection as it was from then on; [`Strength::NONE`] where it was removed.
    pub edge: Edge,
}

/// A connection and its strength.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edge {
    /// Who made it.
    pub from: MemberId,
    /// Whom it leads to.
    pub to: MemberId,
    /// How strong it is.
    pub strength: Strength,
}

/// A change as the history tells it, with when it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PastChange {
    /// What changed.
    pub change: Change,
    /// The strength before; [`Strength::NONE`] where there was no connection.
    pub before: Strength,
    /// When.
    pub changed_at: Timestamp,
}

/// What a look at the history shows, all of one snapshot.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Look {
    /// Changes in the order of their numbers.
    pub changes: Vec<Change>,
    /// The oldest transaction that had not ended; all before it have.
    pub oldest_running: i64,
    /// Whether the last number that was seen is still there. It is not after the database was restored to a time before it.
    pub goes_on: bool,
}

impl Store {
    /// A number so that every change up to it is visible from now on, or will never be. It waits until no change is under
    /// way, for 250 ms at most.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away, or a change took longer.
    #[tracing::instrument(name = "SELECT connection_changes", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "connection_changes"))]
    pub async fn settled_sequence(&self) -> Result<i64, Problem> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query_scalar!("SELECT set_config('lock_timeout', $1, true)", LOAD_LOCK_TIMEOUT)
            .fetch_one(&mut *transaction)
            .await?;
        sqlx::query!("SELECT pg_advisory_xact_lock($1, $2)", ALL_CHANGES.0, ALL_CHANGES.1)
            .execute(&mut *transaction)
            .await?;
        let settled = sqlx::query_scalar!(r#"SELECT coalesce(max(sequence), 0) AS "settled!" FROM connection_changes"#)
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(settled)
    }

    /// Connections in the order of their members, after these two.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT connections", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "connections"))]
    pub async fn edges_after(&self, (from, to): (i64, i64), limit: i64) -> Result<Vec<Edge>, Problem> {
        let rows = sqlx::query!(
            "SELECT from_member, to_member, strength FROM connections WHERE (from_member, to_member) > ($1, $2)
             ORDER BY from_member, to_member LIMIT $3",
            from,
            to,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let edges = rows.into_iter().map(|row| {
            Ok(Edge {
                from: member(row.from_member)?,
                to: member(row.to_member)?,
                strength: strength(row.strength)?,
            })
        });
        edges.collect()
    }

    /// The changes after a number, `limit` at most, and those of the `missing` numbers before it that are visible by now.
    ///
    /// It has no span: four times a second in every instance, these would be most of all traces.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub async fn look(&self, after: i64, missing: &[i64], limit: i64) -> Result<Look, Problem> {
        let rows = sqlx::query!(
            r#"SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint AS "oldest_running!",
                      ($1 = 0 OR EXISTS (SELECT FROM connection_changes WHERE sequence = $1)) AS "goes_on!",
                      sequence AS "sequence?", from_member AS "from_member?", to_member AS "to_member?",
                      coalesce(new_strength, 0::smallint) AS "strength!"
                 FROM (SELECT) AS always
                 LEFT JOIN ((SELECT sequence, from_member, to_member, new_strength FROM connection_changes
                              WHERE sequence > $1 ORDER BY sequence LIMIT $3)
                             UNION ALL
                            (SELECT sequence, from_member, to_member, new_strength FROM connection_changes
                              WHERE sequence = ANY($2))) AS change ON true
                ORDER BY sequence"#,
            after,
            missing,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let first = rows
            .first()
            .ok_or_else(|| Problem::internal("a look at nothing has no row"))?;
        let (oldest_running, goes_on) = (first.oldest_running, first.goes_on);
        let mut changes = Vec::with_capacity(rows.len());
        for row in rows {
            let (Some(sequence), Some(from), Some(to)) = (row.sequence, row.from_member, row.to_member) else {
                continue;
            };
            let edge = Edge {
                from: member(from)?,
                to: member(to)?,
                strength: strength(row.strength)?,
            };
            changes.push(Change { sequence, edge });
        }
        Ok(Look {
            changes,
            oldest_running,
            goes_on,
        })
    }

    /// The changes after a number that were made before an instant, in the order of their numbers, `limit` at most.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT connection_changes", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "connection_changes"))]
    pub async fn changes_until(&self, until: Timestamp, after: i64, limit: i64) -> Result<Vec<PastChange>, Problem> {
        let rows = sqlx::query!(
            r#"SELECT sequence, from_member, to_member, coalesce(old_strength, 0::smallint) AS "old_strength!",
                      coalesce(new_strength, 0::smallint) AS "new_strength!", changed_at AS "changed_at: SqlTimestamp"
                 FROM connection_changes WHERE sequence > $1 AND changed_at < $2 ORDER BY sequence LIMIT $3"#,
            after,
            until.to_sqlx() as _,
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let changes = rows.into_iter().map(|row| {
            let edge = Edge {
                from: member(row.from_member)?,
                to: member(row.to_member)?,
                strength: strength(row.new_strength)?,
            };
            Ok(PastChange {
                change: Change {
                    sequence: row.sequence,
                    edge,
                },
                before: strength(row.old_strength)?,
                changed_at: row.changed_at.to_jiff(),
            })
        });
        changes.collect()
    }

    /// A new transaction id: whatever took a number before this call has a lower one.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT"))]
    pub async fn transaction_id(&self) -> Result<i64, Problem> {
        let id = sqlx::query_scalar!(r#"SELECT pg_current_xact_id()::text::bigint AS "id!""#)
            .fetch_one(&self.pool)
            .await?;
        Ok(id)
    }
}

/// Takes the locks of a change.
pub(super) async fn begin_change(connection: &mut PgConnection, from: MemberId) -> Result<(), Problem> {
    sqlx::query!("SELECT pg_advisory_xact_lock($1)", from.get())
        .execute(&mut *connection)
        .await?;
    sqlx::query!(
        "SELECT pg_advisory_xact_lock_shared($1, $2)",
        ALL_CHANGES.0,
        ALL_CHANGES.1
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Adds a change of which the row is written already.
pub(super) async fn insert_change(
    connection: &mut PgConnection,
    (from, to): (i64, i64),
    (old_strength, new_strength): (Option<i16>, Option<i16>),
    (actor, now): (&Actor, Timestamp),
) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO connection_changes (from_member, to_member, old_strength, new_strength, changed_by, changed_at)
         VALUES ($1, $2, $3, $4, $5, $6)",
        from,
        to,
        old_strength,
        new_strength,
        actor.to_string(),
        now.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(())
}
