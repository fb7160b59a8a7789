//! The sweep: materialised scores of many members brought up to an instant by one statement.

use super::Store;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;

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
}

impl Store {
    /// Brings the next `size` members after one up to an instant; `None` when there are no more.
    ///
    /// An instant that a member's score has passed changes nothing of it, and a fall that is recorded stays the only one: so
    /// a member whose ledger changes meanwhile is safe, as the change itself brings the score up to date.
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
        let row = sqlx::query!(
            r#"WITH shard AS (
                   SELECT max(member_id) AS last_member_id, count(*) AS members
                     FROM (SELECT member_id FROM reputations WHERE member_id > $1 ORDER BY member_id LIMIT $2) next
               ), fell AS (
                   INSERT INTO level_falls (member_id, fell_at, level_before, level_after, event_id, recorded_at)
                   SELECT member_id, to_timestamp(at), level_before, level_after,
                          level_fall_id(member_id, at, level_after), $4::timestamptz
                     FROM (SELECT member_id, anchor_seconds, periods, nanopoints,
                                  (($3 - anchor_seconds) / 2592000)::integer AS due
                             FROM reputations, shard
                            WHERE member_id > $1 AND member_id <= last_member_id AND nanopoints >= 25000000000
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
                RETURNING 1
               )
               SELECT last_member_id, members AS "members!", (SELECT count(*) FROM advanced) AS "changed!",
                      (SELECT count(*) FROM fell) AS "level_falls!"
                 FROM shard"#,
            after_member_id,
            i64::from(size),
            as_of.as_second(),
            recorded_at.to_sqlx() as _,
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(row.last_member_id.map(|last_member_id| Shard {
            last_member_id,
            members: row.members,
            changed: row.changed,
            level_falls: row.level_falls,
        }))
    }
}
