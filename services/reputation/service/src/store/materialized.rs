//! The materialised score of a member: one row, changed under its lock.

use super::{Store, events, summaries};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::MemberId;
use reputation_workflows::policy::decay::Nanopoints;
use reputation_workflows::policy::ledger_fold::fold;
use reputation_workflows::policy::materialized::{LevelFall, Materialized};
use reputation_workflows::policy::summary::Summary;
use sqlx::PgConnection;

impl Store {
    /// Brings a member's materialised score up to an instant, records the falls on the way, and returns it; `None` for a
    /// member without an event. A repeat, or an instant that has passed, changes nothing.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "UPDATE reputations", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "reputations"))]
    pub async fn advance(
        &self,
        member_id: MemberId,
        as_of: Timestamp,
        recorded_at: Timestamp,
    ) -> Result<Option<Materialized>, Problem> {
        let _turn = self.turn(member_id).await?;
        let mut transaction = self.pool.begin().await?;
        let Some(mut score) = find_locked(&mut transaction, member_id).await? else {
            return Ok(None);
        };
        let falls = score.advance(as_of.as_second());
        insert_falls(&mut transaction, member_id, &falls, recorded_at).await?;
        write(&mut transaction, member_id, score).await?;
        transaction.commit().await?;
        Ok(Some(score))
    }
}

/// A member's row, locked until the end of the transaction.
pub(super) struct LockedScore {
    member_id: MemberId,
    score: Materialized,
}

/// Locks a member's row, which is made if it is absent. Take the lock before the ledger is changed.
pub(super) async fn lock(transaction: &mut PgConnection, member_id: MemberId) -> Result<LockedScore, Problem> {
    sqlx::query!(
        "INSERT INTO reputations (member_id, anchor_seconds, periods, nanopoints) VALUES ($1, 0, 0, 0)
         ON CONFLICT DO NOTHING",
        member_id.get(),
    )
    .execute(&mut *transaction)
    .await?;
    let score = find_locked(transaction, member_id).await?;
    let score = score.ok_or_else(|| Problem::internal("a row of reputations is gone"))?;
    Ok(LockedScore { member_id, score })
}

impl LockedScore {
    /// Makes the score fit the ledger after an event was written into it, by a fold of all events.
    pub(super) async fn follow_ledger(
        self,
        transaction: &mut PgConnection,
        recorded_at: Timestamp,
    ) -> Result<(), Problem> {
        let events = events::events_of(transaction, self.member_id).await?;
        let newest = events.iter().map(|event| event.occurred_at_seconds).max();
        // At the newest event where another writer's clock was ahead, so that no event is left out.
        let as_of = newest.unwrap_or(i64::MIN).max(recorded_at.as_second());
        let summary = fold(&events, as_of).summary;
        self.become_summary(transaction, &summary, as_of, recorded_at).await
    }

    /// The same after an activity. One that is the newest event is added to the summary, whatever the number of events before;
    /// any other one takes a fold of all.
    pub(super) async fn follow_activity(
        self,
        transaction: &mut PgConnection,
        occurred_at: Timestamp,
        points: i32,
        recorded_at: Timestamp,
    ) -> Result<(), Problem> {
        let occurred_at = occurred_at.as_second();
        let before = summaries::find(transaction, self.member_id).await?;
        match before.and_then(|before| before.with_activity(occurred_at, points.into())) {
            Some(appended) => {
                let as_of = occurred_at.max(recorded_at.as_second());
                self.become_summary(transaction, &appended, as_of, recorded_at).await
            }
            None => self.follow_ledger(transaction, recorded_at).await,
        }
    }

    /// First the score decays up to the present without the new event, as sweeps may have done already. Then the event changes
    /// the level: a lower one is one more fall, now. So the recorded falls never depend on whether a sweep ran, also when an
    /// event becomes known later than it happened.
    async fn become_summary(
        mut self,
        transaction: &mut PgConnection,
        summary: &Summary,
        as_of_seconds: i64,
        recorded_at: Timestamp,
    ) -> Result<(), Problem> {
        summaries::write(transaction, self.member_id, summary).await?;
        let mut score = Materialized::at_anchor(summary).unwrap_or(Materialized {
            anchor_seconds: as_of_seconds,
            periods: 0,
            score: Nanopoints::default(),
        });
        let mut falls = self.score.advance(recorded_at.as_second());
        let before = self.score.score.level();
        score.advance(as_of_seconds);
        let after = score.score.level();
        if after < before {
            falls.push(LevelFall {
                fell_at_seconds: recorded_at.as_second(),
                before,
                after,
            });
        }
        write(transaction, self.member_id, score).await?;
        insert_falls(transaction, self.member_id, &falls, recorded_at).await
    }
}

async fn find_locked(transaction: &mut PgConnection, member_id: MemberId) -> Result<Option<Materialized>, Problem> {
    let row = sqlx::query!(
        "SELECT anchor_seconds, periods, nanopoints FROM reputations WHERE member_id = $1 FOR UPDATE",
        member_id.get(),
    )
    .fetch_optional(transaction)
    .await?;
    let Some(row) = row else { return Ok(None) };
    Ok(Some(Materialized {
        anchor_seconds: row.anchor_seconds,
        periods: u32::try_from(row.periods).map_err(Problem::internal)?,
        score: Nanopoints::capped(row.nanopoints),
    }))
}

async fn write(transaction: &mut PgConnection, member_id: MemberId, score: Materialized) -> Result<(), Problem> {
    sqlx::query!(
        "UPDATE reputations SET anchor_seconds = $2, periods = $3, nanopoints = $4 WHERE member_id = $1",
        member_id.get(),
        score.anchor_seconds,
        i32::try_from(score.periods).map_err(Problem::internal)?,
        score.score.get(),
    )
    .execute(transaction)
    .await?;
    Ok(())
}

async fn insert_falls(
    transaction: &mut PgConnection,
    member_id: MemberId,
    falls: &[LevelFall],
    recorded_at: Timestamp,
) -> Result<(), Problem> {
    for fall in falls {
        sqlx::query!(
            "INSERT INTO level_falls (member_id, fell_at, level_before, level_after, event_id, recorded_at)
             VALUES ($1, to_timestamp($2::bigint), $3, $4, level_fall_id($1, $2, $4), $5)
             ON CONFLICT ON CONSTRAINT level_falls_once DO NOTHING",
            member_id.get(),
            fall.fell_at_seconds,
            events::number_of(fall.before),
            events::number_of(fall.after),
            recorded_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
    }
    Ok(())
}
