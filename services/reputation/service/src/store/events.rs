//! Reading the ledger: as the policy folds it, and as people list it.

use super::{Store, newer, unknown};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{
    Contribution, EventId, EvidenceId, EvidenceKind, KnownContribution, Level, MemberId, Method, Open, VerificationId,
};
use reputation_workflows::policy::activity::Activity;
use reputation_workflows::policy::ledger_fold::{Fact, LedgerEvent};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// The key of an event in a list: microseconds since 1970-01-01 UTC and, among those of one instant, its id.
pub type EventKey = (i64, EventId);

impl Event {
    /// Its key in a list.
    pub fn key(&self) -> EventKey {
        (self.occurred_at.as_microsecond(), self.event_id)
    }
}

/// An event of the ledger, or a fall below a level.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Event {
    /// The event.
    pub event_id: EventId,
    /// The member.
    pub member_id: MemberId,
    /// When it happened.
    pub occurred_at: Timestamp,
    /// When it was recorded.
    pub recorded_at: Timestamp,
    /// What it is.
    pub fact: EventFact,
}

/// What an event says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EventFact {
    /// A method of a verification found evidence.
    Verification {
        /// The verification.
        verification_id: VerificationId,
        /// The method.
        method: Open<Method>,
        /// Each piece of evidence and its points.
        lines: Vec<Contribution>,
    },
    /// The member did something on the platform.
    Activity {
        /// What; `None` for one that a newer version recorded.
        activity: Option<Activity>,
        /// What it gives.
        points: i32,
    },
    /// An event does not count any more.
    Counter {
        /// Which one.
        counters: EventId,
        /// Why; `None` for a reason of a newer version.
        reason: Option<CounterReason>,
    },
    /// The member fell below a level.
    LevelFall {
        /// The level before.
        before: Level,
        /// The level since then.
        after: Level,
    },
    /// A kind of event that a newer version wrote.
    Newer,
}

/// Why an event does not count any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CounterReason {
    /// It was recorded by mistake.
    RecordedInError,
    /// It did not happen as it was told.
    Disputed,
    /// It was made up.
    Fraud,
    /// What it rested on was taken away.
    Revoked,
}

impl CounterReason {
    /// Every reason.
    pub const ALL: [CounterReason; 4] = [Self::RecordedInError, Self::Disputed, Self::Fraud, Self::Revoked];

    /// The stable text in the table.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RecordedInError => "recorded_in_error",
            Self::Disputed => "disputed",
            Self::Fraud => "fraud",
            Self::Revoked => "revoked",
        }
    }

    fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|reason| reason.as_str() == text)
    }
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
        before: Option<EventKey>,
        limit: i64,
    ) -> Result<Vec<Event>, Problem> {
        let before_at = before.map(|(micros, _)| Timestamp::from_microsecond(micros));
        let before_at = before_at.transpose().map_err(Problem::internal)?;
        let mut connection = self.pool.acquire().await?;
        let rows = sqlx::query_as!(
            Row,
            r#"SELECT event_id AS "event_id!", kind AS "kind!", member_id AS "member_id!",
                      occurred_at AS "occurred_at!: SqlTimestamp", recorded_at AS "recorded_at!: SqlTimestamp",
                      verification_id, method, quantity, counters, reason, level_before, level_after
                 FROM ((SELECT entry_id AS event_id, kind, member_id, occurred_at, recorded_at, verification_id, method,
                               quantity, counters, reason, NULL::smallint AS level_before, NULL::smallint AS level_after
                          FROM ledger_entries
                         WHERE member_id = $1 AND (occurred_at, entry_id) < (coalesce($2::timestamptz, 'infinity'), $3::uuid)
                         ORDER BY occurred_at DESC, entry_id DESC LIMIT $4)
                        UNION ALL
                       (SELECT event_id, 'level_fall', member_id, fell_at, recorded_at, NULL, NULL,
                               NULL, NULL, NULL, level_before, level_after
                          FROM level_falls
                         WHERE member_id = $1 AND (fell_at, event_id) < (coalesce($2::timestamptz, 'infinity'), $3::uuid)
                         ORDER BY fell_at DESC, event_id DESC LIMIT $4)) event
                ORDER BY occurred_at DESC, event_id DESC LIMIT $4"#,
            member_id.get(),
            before_at.map(|at| at.to_sqlx()) as _,
            before.map_or(Uuid::max(), |(_, event_id)| event_id.uuid()),
            limit,
        )
        .fetch_all(&mut *connection)
        .await?;
        with_lines(&mut connection, rows).await
    }

    /// A member's events, for [`reputation_workflows::policy::ledger_fold`].
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT ledger_lines", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "ledger_lines"))]
    pub async fn list_ledger(&self, member_id: MemberId) -> Result<Vec<LedgerEvent>, Problem> {
        let mut connection = self.pool.acquire().await?;
        events_of(&mut connection, member_id).await
    }
}

/// An event that is there.
pub(super) async fn get_event(connection: &mut PgConnection, event_id: EventId) -> Result<Event, Problem> {
    let row = sqlx::query_as!(
        Row,
        r#"SELECT entry_id AS event_id, kind, member_id, occurred_at AS "occurred_at: SqlTimestamp",
                  recorded_at AS "recorded_at: SqlTimestamp", verification_id, method, quantity, counters, reason,
                  NULL::smallint AS level_before, NULL::smallint AS level_after
             FROM ledger_entries WHERE entry_id = $1"#,
        event_id.uuid(),
    )
    .fetch_one(&mut *connection)
    .await?;
    let event = with_lines(connection, vec![row]).await?.pop();
    event.ok_or_else(|| Problem::internal("an entry of the ledger is gone"))
}

async fn with_lines(connection: &mut PgConnection, rows: Vec<Row>) -> Result<Vec<Event>, Problem> {
    let ids: Vec<Uuid> = rows.iter().map(|row| row.event_id).collect();
    let lines = sqlx::query!(
        "SELECT line.entry_id, entry.rule_version, entry.method, line.kind, line.evidence_id, line.points
               FROM ledger_lines line JOIN ledger_entries entry USING (entry_id)
              WHERE line.entry_id = ANY ($1) ORDER BY line.entry_id, line.evidence_id",
        &ids,
    )
    .fetch_all(connection)
    .await?;
    let mut by_event: BTreeMap<Uuid, Vec<Contribution>> = BTreeMap::new();
    for line in lines {
        let method = line.method.as_deref();
        let read = contribution(line.rule_version, method, &line.kind, line.evidence_id, line.points)?;
        by_event.entry(line.entry_id).or_default().push(read);
    }
    let event = |row: Row| {
        let lines = by_event.remove(&row.event_id).unwrap_or_default();
        event_of(row, lines)
    };
    rows.into_iter().map(event).collect()
}

fn event_of(row: Row, lines: Vec<Contribution>) -> Result<Event, Problem> {
    let fact = match (row.level_before, row.level_after) {
        (Some(before), Some(after)) => EventFact::LevelFall {
            before: level_of(before)?,
            after: level_of(after)?,
        },
        _ => {
            let verification = row.verification_id.zip(row.method.as_deref().map(Open::of_text));
            fact_of(&row.kind, verification, (row.counters, row.reason), row.quantity, lines)?
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

/// All events of a member's ledger.
pub(super) async fn events_of(connection: &mut PgConnection, member_id: MemberId) -> Result<Vec<LedgerEvent>, Problem> {
    let rows = sqlx::query!(
        r#"SELECT entry.entry_id, entry.kind, entry.occurred_at AS "occurred_at: SqlTimestamp", entry.counters,
                  entry.verification_id, entry.rule_version, line.kind AS "line_kind?", line.evidence_id AS "evidence_id?",
                  line.points AS "points?"
             FROM ledger_entries entry LEFT JOIN ledger_lines line USING (entry_id)
            WHERE entry.member_id = $1
            ORDER BY entry.occurred_at, entry.entry_id, line.evidence_id"#,
        member_id.get(),
    )
    .fetch_all(connection)
    .await?;
    let mut events: Vec<LedgerEvent> = Vec::new();
    for row in rows {
        let event_id = EventId::from(row.entry_id);
        let line = match (&row.line_kind, row.evidence_id, row.points) {
            (Some(kind), Some(evidence_id), Some(points)) => {
                Some(known_line(row.rule_version, kind, evidence_id, points)?)
            }
            _ => None,
        };
        if let Some(last) = events.last_mut().filter(|last| last.event_id == event_id) {
            if let Fact::Verification { lines, .. } = &mut last.fact {
                lines.extend(line);
            }
            continue;
        }
        let fact = match (row.counters, row.verification_id, line) {
            (Some(other), _, _) => Fact::Counters(EventId::from(other)),
            (None, Some(verification_id), line) => Fact::Verification {
                verification_id: verification_id.into(),
                lines: line.into_iter().collect(),
            },
            (None, None, Some(line)) => Fact::Activity(line),
            (None, None, None) => return Err(newer("kind of event", &row.kind)),
        };
        events.push(LedgerEvent {
            event_id,
            occurred_at_seconds: row.occurred_at.to_jiff().as_second(),
            fact,
        });
    }
    Ok(events)
}

/// A line of the ledger, as it is shown; `method` is that of a verification's entry.
fn contribution(
    rule_version: Option<i16>,
    method: Option<&str>,
    kind: &str,
    evidence_id: Uuid,
    points: i32,
) -> Result<Contribution, Problem> {
    Ok(Contribution {
        method: method.map_or(Open::Known(Method::Reputation), Open::of_text),
        kind: Open::of_text(kind),
        evidence_id: EvidenceId::from(evidence_id),
        points,
        rule_version: u16::try_from(rule_version.unwrap_or_default()).map_err(Problem::internal)?,
    })
}

/// A line of the ledger, as it is folded: how often it counts has to be known.
pub(super) fn known_line(
    rule_version: Option<i16>,
    kind: &str,
    evidence_id: Uuid,
    points: i32,
) -> Result<KnownContribution, Problem> {
    let kind = EvidenceKind::parse(kind).ok_or_else(|| newer("kind of evidence", kind))?;
    Ok(KnownContribution {
        method: kind.method(),
        kind,
        evidence_id: EvidenceId::from(evidence_id),
        points,
        rule_version: u16::try_from(rule_version.unwrap_or_default()).map_err(Problem::internal)?,
    })
}

/// An activity by the kind of its line.
fn activity_of(kind: &str, quantity: Option<i32>) -> Result<Option<Activity>, Problem> {
    let quantity = u32::try_from(quantity.unwrap_or_default()).map_err(Problem::internal)?;
    Ok(match EvidenceKind::parse(kind) {
        Some(EvidenceKind::VolunteerHours) => Some(Activity::VolunteerHours { minutes: quantity }),
        Some(EvidenceKind::ReviewReceived) => Some(Activity::ReviewReceived { rating: quantity }),
        _ => None,
    })
}

/// An event as it is in the ledger, whose lines are known.
fn fact_of(
    kind: &str,
    verification: Option<(Uuid, Open<Method>)>,
    (counters, reason): (Option<Uuid>, Option<String>),
    quantity: Option<i32>,
    lines: Vec<Contribution>,
) -> Result<EventFact, Problem> {
    match (kind, verification, counters) {
        ("verification", Some((verification_id, method)), None) => Ok(EventFact::Verification {
            verification_id: verification_id.into(),
            method,
            lines,
        }),
        ("counter", None, Some(counters)) => Ok(EventFact::Counter {
            counters: counters.into(),
            reason: reason.as_deref().and_then(CounterReason::parse),
        }),
        ("activity", None, None) => {
            let line = lines.first().ok_or_else(|| unknown("activity without a line", kind))?;
            Ok(EventFact::Activity {
                activity: activity_of(line.kind.as_str(), quantity)?,
                points: line.points,
            })
        }
        _ => Ok(EventFact::Newer),
    }
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

fn level_of(number: i16) -> Result<Level, Problem> {
    let level = Level::ALL.into_iter().find(|level| number_of(*level) == number);
    level.ok_or_else(|| unknown("level", number))
}
