//! The score that is kept beside a member's ledger, one locked row.

use super::{Store, unknown};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{Level, MemberId};
use reputation_workflows::policy::decay::Nanopoints;
use reputation_workflows::policy::materialized::{LevelFall, Materialized};
use reputation_workflows::policy::standing::standing;
use sqlx::PgConnection;

impl Store {
    /// Brings a member's kept score up to an instant, records the falls on the way, and returns it; `None` for a member
    /// without an event. Again, or for an instant that has passed, it changes nothing.
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
        let mut transaction = self.pool.begin().await?;
        let kept = match lock(&mut transaction, member_id).await? {
            Row::Absent => return Ok(None),
            // All that is known by now, so that no event is left out by a run for an instant that has passed.
            Row::Unread => Some(read_ledger(&mut transaction, member_id, recorded_at.max(as_of)).await?),
            Row::Kept(mut kept) => {
                let falls = kept.advance(as_of.as_second());
                insert_falls(&mut transaction, member_id, &falls, recorded_at).await?;
                write(&mut transaction, member_id, kept).await?;
                Some(kept)
            }
        };
        transaction.commit().await?;
        Ok(kept)
    }
}

/// Makes the kept score fit the ledger after an event was written into it. First comes what happened until now without
/// that event, as sweeps may have noticed it already; then the level that the member has with it, which may be a lower one
/// when it takes points away. So the falls that are recorded never depend on whether a sweep ran, also when an event becomes
/// known later than it happened.
pub(super) async fn follow_ledger(
    transaction: &mut PgConnection,
    member_id: MemberId,
    recorded_at: Timestamp,
) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO reputations (member_id, anchor_seconds, periods) VALUES ($1, 0, 0) ON CONFLICT DO NOTHING",
        member_id.get(),
    )
    .execute(&mut *transaction)
    .await?;
    let before = match lock(transaction, member_id).await? {
        Row::Kept(mut kept) => {
            let falls = kept.advance(recorded_at.as_second());
            insert_falls(transaction, member_id, &falls, recorded_at).await?;
            kept.score.level()
        }
        Row::Absent | Row::Unread => Level::None,
    };
    let after = read_ledger(transaction, member_id, recorded_at).await?.score.level();
    if after < before {
        let fall = LevelFall {
            fell_at_seconds: recorded_at.as_second(),
            before,
            after,
        };
        insert_falls(transaction, member_id, &[fall], recorded_at).await?;
    }
    Ok(())
}

/// Keeps what the ledger amounts to at an instant, or at its newest event where another writer's clock was ahead: no event
/// is left out. Nobody falls by that, as the level before is not known here.
async fn read_ledger(
    transaction: &mut PgConnection,
    member_id: MemberId,
    as_of: Timestamp,
) -> Result<Materialized, Problem> {
    let events = super::ledger::events_of(transaction, member_id).await?;
    let newest = events.iter().map(|event| event.occurred_at_seconds).max();
    let as_of = newest.unwrap_or(i64::MIN).max(as_of.as_second());
    let mut kept = Materialized::at_anchor(&standing(&events, as_of)).unwrap_or(Materialized {
        anchor_seconds: as_of,
        periods: 0,
        score: Nanopoints::default(),
    });
    kept.advance(as_of);
    write(transaction, member_id, kept).await?;
    Ok(kept)
}

enum Row {
    /// No event yet.
    Absent,
    /// The ledger was written before scores were kept.
    Unread,
    Kept(Materialized),
}

async fn lock(transaction: &mut PgConnection, member_id: MemberId) -> Result<Row, Problem> {
    let row = sqlx::query!(
        "SELECT anchor_seconds, periods, nanopoints FROM reputations WHERE member_id = $1 FOR UPDATE",
        member_id.get(),
    )
    .fetch_optional(transaction)
    .await?;
    let Some(row) = row else { return Ok(Row::Absent) };
    let Some(nanopoints) = row.nanopoints else {
        return Ok(Row::Unread);
    };
    Ok(Row::Kept(Materialized {
        anchor_seconds: row.anchor_seconds,
        periods: u32::try_from(row.periods).map_err(Problem::internal)?,
        score: Nanopoints::capped(nanopoints),
    }))
}

async fn write(transaction: &mut PgConnection, member_id: MemberId, kept: Materialized) -> Result<(), Problem> {
    sqlx::query!(
        "UPDATE reputations SET anchor_seconds = $2, periods = $3, nanopoints = $4 WHERE member_id = $1",
        member_id.get(),
        kept.anchor_seconds,
        i32::try_from(kept.periods).map_err(Problem::internal)?,
        kept.score.get(),
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
            number_of(fall.before),
            number_of(fall.after),
            recorded_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
    }
    Ok(())
}

/// A level as the tables number it: 0 none to 3 gold.
pub(super) fn number_of(level: Level) -> i16 {
    match level {
        Level::None => 0,
        Level::Bronze => 1,
        Level::Silver => 2,
        Level::Gold => 3,
    }
}

pub(super) fn level_of(number: i16) -> Result<Level, Problem> {
    let level = Level::ALL.into_iter().find(|level| number_of(*level) == number);
    level.ok_or_else(|| unknown("level", number))
}
