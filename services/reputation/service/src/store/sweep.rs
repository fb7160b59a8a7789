//! The sweep: materialised scores of many members brought up to an instant by one statement.

use super::Store;
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use mesh_runtime::{BATCH, Problem};

/// How long it is remembered that a member fell below a level: three years.
const FALL_RETENTION: SignedDuration = SignedDuration::from_hours(3 * 365 * 24);
/// The two statements for a shard end within the heartbeat timeout of the sweep, which beats between shards.
const LIMIT: &str = "SET LOCAL statement_timeout = '12s'";
/// SQLSTATE `lock_not_available`; and `query_canceled`, where the session waits for locks longer than a statement may take.
const WAITED: [&str; 2] = ["55P03", "57014"];

/// What one statement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The last member of the shard.
    pub last_member_id: i64,
    /// Members in the shard.
    pub members: i64,
    /// Members whose materialised score changed.
    pub changed: i64,
    /// Falls below a level that were recorded.
    pub level_falls: i64,
    /// Members whose score is due and was left as it is, because another session holds their row.
    pub skipped: i64,
}

impl Store {
    /// Brings the next `size` members after one up to an instant; `None` when there are no more.
    ///
    /// An instant that a member's score has passed changes nothing of it, and a fall that is recorded stays the only one: so
    /// a member whose ledger changes meanwhile is safe, as the change itself brings the score up to date. Where a row stays
    /// locked for longer than the session's lock timeout, the shard is done without the rows that others hold.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing of the shard is written.
    #[tracing::instrument(name = "UPDATE reputations", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "reputations"))]
    pub async fn sweep_shard(
        &self,
        after_member_id: i64,
        size: u32,
        as_of: Timestamp,
        recorded_at: Timestamp,
    ) -> Result<Option<Shard>, Problem> {
        let advance = |skips_locked| self.advance_shard((after_member_id, size), as_of, recorded_at, skips_locked);
        match advance(false).await {
            Err(error) if waited_for_a_lock(&error) => Ok(advance(true).await?),
            done => Ok(done?),
        }
    }

    async fn advance_shard(
        &self,
        (after_member_id, size): (i64, u32),
        as_of: Timestamp,
        recorded_at: Timestamp,
        skips_locked: bool,
    ) -> Result<Option<Shard>, sqlx::Error> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query(LIMIT).execute(&mut *transaction).await?;
        // Locks are taken one by one only where rows are skipped: that costs as much as the change itself.
        let row = sqlx::query!(
            r#"WITH shard AS (
                   SELECT max(member_id) AS last_member_id, count(*) AS members
                     FROM (SELECT member_id FROM reputations WHERE member_id > $1 ORDER BY member_id LIMIT $2) next
               ), free AS (
                   SELECT member_id FROM reputations
                    WHERE $5 AND member_id > $1 AND member_id <= (SELECT last_member_id FROM shard) AND nanopoints > 0
                      AND $3 - anchor_seconds >= 2592000 * (periods + 1::bigint)
                      FOR UPDATE SKIP LOCKED
               ), fell AS (
                   INSERT INTO level_falls (member_id, fell_at, level_before, level_after, event_id, recorded_at)
                   SELECT member_id, to_timestamp(at), level_before, level_after,
                          level_fall_id(member_id, at, level_after), $4::timestamptz
                     FROM (SELECT member_id, anchor_seconds, periods, nanopoints,
                                  (($3 - anchor_seconds) / 2592000)::integer AS due
                             FROM reputations, shard
                            WHERE member_id > $1 AND member_id <= last_member_id AND nanopoints >= 25000000000
                              AND (NOT $5 OR member_id IN (SELECT member_id FROM free))
                              AND $3 - anchor_seconds >= 2592000 * (periods + 1::bigint)) due,
                          falls_between(nanopoints, periods, due) fall,
                          LATERAL (SELECT anchor_seconds + period * 2592000::bigint AS at) fell_at
                    WHERE level_of(nanopoints * 19 / 20) < level_of(nanopoints) OR due > periods + 1
                   ON CONFLICT ON CONSTRAINT level_falls_once DO NOTHING
                RETURNING 1
               ), advanced AS (
                   UPDATE reputations
                      SET periods = (($3 - anchor_seconds) / 2592000)::integer,
                          nanopoints = CASE ($3 - anchor_seconds) / 2592000 - periods WHEN 1 THEN nanopoints * 19 / 20
                                       ELSE decayed(nanopoints, (($3 - anchor_seconds) / 2592000)::integer - periods) END
                     FROM shard
                    WHERE member_id > $1 AND member_id <= last_member_id AND nanopoints > 0
                      AND $3 - anchor_seconds >= 2592000 * (periods + 1::bigint)
                      AND (NOT $5 OR member_id IN (SELECT member_id FROM free))
                RETURNING 1
               )
               SELECT last_member_id, members AS "members!", (SELECT count(*) FROM advanced) AS "changed!",
                      (SELECT count(*) FROM fell) AS "level_falls!",
                      CASE WHEN $5 THEN (SELECT count(*) FROM reputations
                                          WHERE member_id > $1 AND member_id <= last_member_id AND nanopoints > 0
                                            AND $3 - anchor_seconds >= 2592000 * (periods + 1::bigint)
                                            AND member_id NOT IN (SELECT member_id FROM free))
                           ELSE 0 END AS "skipped!"
                 FROM shard"#,
            after_member_id,
            i64::from(size),
            as_of.as_second(),
            recorded_at.to_sqlx() as _,
            skips_locked,
        )
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(row.last_member_id.map(|last_member_id| Shard {
            last_member_id,
            members: row.members,
            changed: row.changed,
            level_falls: row.level_falls,
            skipped: row.skipped,
        }))
    }

    /// Deletes falls that were recorded more than three years before `now`.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; what stays is left to a later round.
    pub async fn forget_falls(&self, now: Timestamp) -> Result<(), Problem> {
        while self.delete_falls(now - FALL_RETENTION, BATCH).await? >= BATCH.unsigned_abs() {}
        Ok(())
    }

    /// Deletes falls that were recorded before an instant, at most so many; returns how many.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "DELETE level_falls", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "DELETE", db.collection.name = "level_falls"))]
    pub async fn delete_falls(&self, before: Timestamp, limit: i64) -> Result<u64, Problem> {
        let deleted = sqlx::query!(
            "DELETE FROM level_falls WHERE (member_id, fell_at, level_after) IN
                 (SELECT member_id, fell_at, level_after FROM level_falls WHERE recorded_at < $1
                   ORDER BY recorded_at LIMIT $2 FOR UPDATE SKIP LOCKED)",
            before.to_sqlx() as _,
            limit,
        )
        .execute(&self.pool)
        .await?;
        Ok(deleted.rows_affected())
    }
}

fn waited_for_a_lock(error: &sqlx::Error) -> bool {
    let code = error.as_database_error().and_then(|error| error.code());
    code.is_some_and(|code| WAITED.contains(&code.as_ref()))
}
