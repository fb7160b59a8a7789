//! The sweep: kept scores of many members brought up to an instant by one statement.

use super::Store;
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::MemberId;

/// What one statement did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shard {
    /// The last member of the shard.
    pub last_member_id: i64,
    /// Members in the shard.
    pub members: i64,
    /// Members whose kept score changed.
    pub changed: i64,
    /// Falls below a level that were recorded.
    pub level_falls: i64,
}

impl Store {
    /// Brings the next `size` members after one up to an instant; `None` when there are no more.
    ///
    /// A member whose ledger changes meanwhile is left alone: the change itself brings the score up to date. An instant
    /// that a member's score has passed changes nothing of it, and a fall that is recorded stays the only one.
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
            r#"WITH shard AS MATERIALIZED (
                   SELECT member_id, anchor_at, periods, nanopoints,
                          floor(extract(epoch FROM $3::timestamptz - anchor_at) / 2592000)::integer AS due
                     FROM reputations WHERE member_id > $1 ORDER BY member_id LIMIT $2
               ), advanced AS (
                   UPDATE reputations kept
                      SET periods = shard.due,
                          nanopoints = CASE shard.due - shard.periods WHEN 1 THEN shard.nanopoints * 19 / 20
                                       ELSE decayed(shard.nanopoints, shard.due - shard.periods) END
                     FROM shard
                    WHERE kept.member_id = shard.member_id AND shard.due > shard.periods AND shard.nanopoints > 0
                      AND (kept.anchor_at, kept.periods, kept.nanopoints)
                        = (shard.anchor_at, shard.periods, shard.nanopoints)
                RETURNING kept.member_id, kept.anchor_at, shard.periods AS from_period, kept.periods AS to_period,
                          shard.nanopoints AS had, kept.nanopoints AS has
               ), fell AS (
                   INSERT INTO level_falls (member_id, fell_at, level_before, level_after, event_id, recorded_at)
                   SELECT member_id, fell_at, level_before, level_after,
                          level_fall_id(member_id, fell_at, level_after), $4::timestamptz
                     FROM advanced, falls_between(had, from_period, to_period) fall,
                          LATERAL (SELECT anchor_at + period * interval '2592000 seconds' AS fell_at) instant
                    WHERE level_of(has) < level_of(had)
                   ON CONFLICT ON CONSTRAINT level_falls_once DO NOTHING
                RETURNING 1
               )
               SELECT max(member_id) AS last_member_id, count(*) AS "members!",
                      (SELECT count(*) FROM advanced) AS "changed!", (SELECT count(*) FROM fell) AS "level_falls!"
                 FROM shard"#,
            after_member_id,
            i64::from(size),
            as_of.to_sqlx() as _,
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

    /// Some of the members whose ledger was written before scores were kept.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT reputations", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "reputations"))]
    pub async fn list_unread(&self, limit: i64) -> Result<Vec<MemberId>, Problem> {
        let rows = sqlx::query_scalar!(
            "SELECT member_id FROM reputations WHERE nanopoints IS NULL ORDER BY member_id LIMIT $1",
            limit
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|id| MemberId::try_from(id).map_err(Problem::internal))
            .collect()
    }
}
