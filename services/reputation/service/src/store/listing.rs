//! Events as people read them, the newest first.

use super::{Event, EventFact, Store, kept, ledger, unknown};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{Contribution, EventId, MemberId, Method};
use std::collections::BTreeMap;
use uuid::Uuid;

/// The place of an event in a list: its instant and, among those of one instant, its id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct EventPlace {
    /// When it happened.
    pub occurred_at: Timestamp,
    /// The event.
    pub event_id: EventId,
}

struct Row {
    event_id: Uuid,
    kind: String,
    member_id: i64,
    occurred_at: SqlTimestamp,
    recorded_at: SqlTimestamp,
    verification_id: Option<Uuid>,
    method: Option<String>,
    quantity: Option<i32>,
    counters: Option<Uuid>,
    reason: Option<String>,
    level_before: Option<i16>,
    level_after: Option<i16>,
}

impl Store {
    /// A member's events and falls below a level, the newest first, older than `before` if given.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT ledger_entries", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "ledger_entries"))]
    pub async fn list_events(
        &self,
        member_id: MemberId,
        before: Option<EventPlace>,
        limit: i64,
    ) -> Result<Vec<Event>, Problem> {
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT event_id AS "event_id!", kind AS "kind!", member_id AS "member_id!",
                      occurred_at AS "occurred_at!: SqlTimestamp", recorded_at AS "recorded_at!: SqlTimestamp",
                      verification_id, method, quantity, counters, reason, level_before, level_after
                 FROM (SELECT entry_id AS event_id, kind, member_id, occurred_at, recorded_at, verification_id, method,
                              quantity, counters, reason, NULL::smallint AS level_before, NULL::smallint AS level_after
                         FROM ledger_entries WHERE member_id = $1
                        UNION ALL
                       SELECT event_id, 'level_fall', member_id, fell_at, recorded_at, NULL, NULL,
                              NULL, NULL, NULL, level_before, level_after
                         FROM level_falls WHERE member_id = $1) event
                WHERE $2::timestamptz IS NULL OR (occurred_at, event_id) < ($2, $3::uuid)
                ORDER BY occurred_at DESC, event_id DESC LIMIT $4"#,
            member_id.get(),
            before.map(|place| place.occurred_at.to_sqlx()) as _,
            before.map(|place| place.event_id.uuid()),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        self.with_lines(rows).await
    }

    /// An event of the ledger.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    pub(super) async fn find_event(&self, event_id: EventId) -> Result<Option<Event>, Problem> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT entry_id AS event_id, kind, member_id, occurred_at AS "occurred_at: SqlTimestamp",
                      recorded_at AS "recorded_at: SqlTimestamp", verification_id, method, quantity, counters, reason,
                      NULL::smallint AS level_before, NULL::smallint AS level_after
                 FROM ledger_entries WHERE entry_id = $1"#,
            event_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        Ok(self.with_lines(row.into_iter().collect()).await?.pop())
    }

    async fn with_lines(&self, rows: Vec<Row>) -> Result<Vec<Event>, Problem> {
        let ids: Vec<Uuid> = rows.iter().map(|row| row.event_id).collect();
        let lines = sqlx::query!(
            "SELECT line.entry_id, entry.method, entry.rule_version, line.kind, line.evidence_id, line.points
               FROM ledger_lines line JOIN ledger_entries entry USING (entry_id)
              WHERE line.entry_id = ANY ($1) ORDER BY line.entry_id, line.evidence_id, line.kind",
            &ids,
        )
        .fetch_all(&self.pool)
        .await?;
        let mut by_event: BTreeMap<Uuid, Vec<Contribution>> = BTreeMap::new();
        for line in lines {
            let method = line.method.as_deref();
            by_event.entry(line.entry_id).or_default().push(ledger::contribution(
                method,
                line.rule_version,
                &line.kind,
                line.evidence_id,
                line.points,
            )?);
        }
        let event = |row: Row| {
            let lines = by_event.remove(&row.event_id).unwrap_or_default();
            event_of(row, lines)
        };
        rows.into_iter().map(event).collect()
    }
}

fn event_of(row: Row, lines: Vec<Contribution>) -> Result<Event, Problem> {
    let fact = match (row.level_before, row.level_after) {
        (Some(before), Some(after)) => EventFact::LevelFall {
            before: kept::level_of(before)?,
            after: kept::level_of(after)?,
        },
        _ => {
            let method = row
                .method
                .as_deref()
                .map(|text| Method::parse(text).ok_or_else(|| unknown("method", text)));
            let verification = row.verification_id.zip(method.transpose()?);
            ledger::fact_of(&row.kind, verification, (row.counters, row.reason), row.quantity, lines)?
        }
    };
    Ok(Event {
        event_id: EventId::from(row.event_id),
        member_id: MemberId::try_from(row.member_id).map_err(Problem::internal)?,
        occurred_at: row.occurred_at.to_jiff(),
        recorded_at: row.recorded_at.to_jiff(),
        fact,
    })
}
