//! The ledger: events are added, never changed.

use super::{CounterReason, EventFact, NewEntry, NewEvent, NewFact, Recorded, Store, kept, unknown};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{Contribution, EventId, EvidenceId, EvidenceKind, MemberId, Method};
use reputation_workflows::policy::RuleVersion;
use reputation_workflows::policy::activity::Activity;
use reputation_workflows::policy::standing::{Fact, LedgerEvent};
use sqlx::PgConnection;

impl Store {
    /// Writes entries in one transaction; a method of a verification that is there already stays as it is.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "INSERT ledger_entries", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "ledger_entries"))]
    pub async fn insert_entries(&self, entries: Vec<NewEntry>, recorded_at: Timestamp) -> Result<(), Problem> {
        let mut transaction = self.pool.begin().await?;
        for entry in entries {
            let inserted = sqlx::query!(
                "INSERT INTO ledger_entries
                     (entry_id, kind, member_id, verification_id, method, rule_version, occurred_at, recorded_at)
                 VALUES ($1, 'verification', $2, $3, $4, $5, $6, $7)
                 ON CONFLICT ON CONSTRAINT ledger_entries_method_once DO NOTHING",
                entry.event_id.uuid(),
                entry.member_id.get(),
                entry.verification_id.uuid(),
                entry.method.as_str(),
                i16::try_from(entry.rule_version).map_err(Problem::internal)?,
                entry.occurred_at.to_sqlx() as _,
                recorded_at.to_sqlx() as _,
            )
            .execute(&mut *transaction)
            .await?;
            if inserted.rows_affected() == 0 {
                continue;
            }
            for line in &entry.lines {
                insert_line(
                    &mut transaction,
                    entry.event_id,
                    line.kind,
                    line.evidence_id,
                    line.points,
                )
                .await?;
            }
            kept::follow_ledger(&mut transaction, entry.member_id, recorded_at).await?;
        }
        Ok(transaction.commit().await?)
    }

    /// Records an activity, or that an event does not count any more: once for each request.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "INSERT ledger_entries", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "ledger_entries"))]
    pub async fn record_event(&self, new: &NewEvent) -> Result<Recorded, Problem> {
        let mut transaction = self.pool.begin().await?;
        let inserted = match new.fact {
            NewFact::Activity {
                member_id,
                activity,
                occurred_at,
            } => insert_activity(&mut transaction, new, member_id, activity, occurred_at).await?,
            NewFact::Counter { event_id, reason } => {
                match insert_counter(&mut transaction, new, event_id, reason).await? {
                    Ok(inserted) => inserted,
                    Err(refusal) => return Ok(refusal),
                }
            }
        };
        // Either way the connection goes back before another is asked for: many callers at once would wait for each other.
        match inserted {
            Some(member_id) => {
                kept::follow_ledger(&mut transaction, member_id, new.recorded_at).await?;
                transaction.commit().await?;
            }
            None => transaction.rollback().await?,
        }
        self.find_by_request(new).await
    }

    /// What came of the request, now or before.
    async fn find_by_request(&self, new: &NewEvent) -> Result<Recorded, Problem> {
        let row = sqlx::query!(
            "SELECT entry_id, fingerprint FROM ledger_entries WHERE request_id = $1",
            new.request_id.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else {
            // Only a counter is refused without having been there before.
            return Ok(Recorded::NotCounterable);
        };
        if row.fingerprint.as_deref() != Some(new.fingerprint.as_slice()) {
            return Ok(Recorded::RequestIdReused);
        }
        let event = self.find_event(EventId::from(row.entry_id)).await?;
        let event = event.ok_or_else(|| Problem::internal("an entry of the ledger is gone"))?;
        Ok(Recorded::Done(Box::new(event)))
    }

    /// A member's events, for [`reputation_workflows::policy::standing`].
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

/// All events of a member's ledger.
pub(super) async fn events_of(connection: &mut PgConnection, member_id: MemberId) -> Result<Vec<LedgerEvent>, Problem> {
    let rows = sqlx::query!(
        r#"SELECT entry.entry_id, entry.occurred_at AS "occurred_at: SqlTimestamp", entry.counters, entry.method,
                  entry.rule_version, line.kind AS "kind?", line.evidence_id AS "evidence_id?", line.points AS "points?"
             FROM ledger_entries entry LEFT JOIN ledger_lines line USING (entry_id)
            WHERE entry.member_id = $1
            ORDER BY entry.occurred_at, entry.entry_id, line.evidence_id, line.kind"#,
        member_id.get(),
    )
    .fetch_all(connection)
    .await?;
    let mut events: Vec<LedgerEvent> = Vec::new();
    for row in rows {
        let event_id = EventId::from(row.entry_id);
        if events.last().is_none_or(|last| last.event_id != event_id) {
            events.push(LedgerEvent {
                event_id,
                occurred_at_seconds: row.occurred_at.to_jiff().as_second(),
                fact: match row.counters {
                    Some(other) => Fact::Counters(EventId::from(other)),
                    None => Fact::Contributions(Vec::new()),
                },
            });
        }
        let line = (row.kind, row.evidence_id, row.points);
        if let (
            Some(LedgerEvent {
                fact: Fact::Contributions(lines),
                ..
            }),
            (Some(kind), Some(evidence_id), Some(points)),
        ) = (events.last_mut(), line)
        {
            lines.push(contribution(
                row.method.as_deref(),
                row.rule_version,
                &kind,
                evidence_id,
                points,
            )?);
        }
    }
    Ok(events)
}

/// A line of the ledger. Activities have no method of a verification; they are what the method reputation goes by.
pub(super) fn contribution(
    method: Option<&str>,
    rule_version: Option<i16>,
    kind: &str,
    evidence_id: uuid::Uuid,
    points: i32,
) -> Result<Contribution, Problem> {
    let method = match method {
        None => Method::Reputation,
        Some(method) => Method::parse(method).ok_or_else(|| unknown("method", method))?,
    };
    Ok(Contribution {
        method,
        kind: EvidenceKind::parse(kind).ok_or_else(|| unknown("kind of evidence", kind))?,
        evidence_id: EvidenceId::from(evidence_id),
        points,
        rule_version: u16::try_from(rule_version.unwrap_or_default()).map_err(Problem::internal)?,
    })
}

async fn insert_line(
    connection: &mut PgConnection,
    event_id: EventId,
    kind: EvidenceKind,
    evidence_id: EvidenceId,
    points: i32,
) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO ledger_lines (entry_id, kind, evidence_id, points) VALUES ($1, $2, $3, $4)",
        event_id.uuid(),
        kind.as_str(),
        evidence_id.uuid(),
        points,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// Whose ledger changed; `None` when the request came before.
type Inserted = Option<MemberId>;

async fn insert_activity(
    connection: &mut PgConnection,
    new: &NewEvent,
    member_id: MemberId,
    activity: Activity,
    occurred_at: Timestamp,
) -> Result<Inserted, Problem> {
    let inserted = sqlx::query!(
        "INSERT INTO ledger_entries
             (entry_id, kind, member_id, rule_version, request_id, fingerprint, quantity, occurred_at, recorded_at)
         VALUES ($1, 'activity', $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT ON CONSTRAINT ledger_entries_request_once DO NOTHING",
        new.event_id.uuid(),
        member_id.get(),
        i16::try_from(RuleVersion::V2.number()).map_err(Problem::internal)?,
        new.request_id.uuid(),
        new.fingerprint.as_slice(),
        i32::try_from(activity.quantity()).map_err(Problem::internal)?,
        occurred_at.to_sqlx() as _,
        new.recorded_at.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 0 {
        return Ok(None);
    }
    let evidence_id = EvidenceId::from(new.event_id.uuid());
    insert_line(
        connection,
        new.event_id,
        activity.kind(),
        evidence_id,
        activity.points(),
    )
    .await?;
    Ok(Some(member_id))
}

/// A counter is written at the instant at which it is recorded. The unique constraint lets an event be countered once.
async fn insert_counter(
    connection: &mut PgConnection,
    new: &NewEvent,
    event_id: EventId,
    reason: CounterReason,
) -> Result<Result<Inserted, Recorded>, Problem> {
    let countered = sqlx::query!(
        "SELECT member_id, kind FROM ledger_entries WHERE entry_id = $1",
        event_id.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let Some(countered) = countered else {
        return Ok(Err(Recorded::NotFound));
    };
    if countered.kind == "counter" {
        return Ok(Err(Recorded::NotCounterable));
    }
    let occurred_at = Timestamp::from_second(new.recorded_at.as_second()).map_err(Problem::internal)?;
    let inserted = sqlx::query!(
        "INSERT INTO ledger_entries
             (entry_id, kind, member_id, request_id, fingerprint, counters, reason, occurred_at, recorded_at)
         VALUES ($1, 'counter', $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT DO NOTHING",
        new.event_id.uuid(),
        countered.member_id,
        new.request_id.uuid(),
        new.fingerprint.as_slice(),
        event_id.uuid(),
        reason.as_str(),
        occurred_at.to_sqlx() as _,
        new.recorded_at.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    let member_id = MemberId::try_from(countered.member_id).map_err(Problem::internal)?;
    Ok(Ok((inserted.rows_affected() > 0).then_some(member_id)))
}

/// An activity by the kind of its line.
pub(super) fn activity_of(kind: &str, quantity: Option<i32>) -> Result<Activity, Problem> {
    let quantity = u32::try_from(quantity.unwrap_or_default()).map_err(Problem::internal)?;
    match EvidenceKind::parse(kind) {
        Some(EvidenceKind::VolunteerHours) => Ok(Activity::VolunteerHours { minutes: quantity }),
        Some(EvidenceKind::ReviewReceived) => Ok(Activity::ReviewReceived { rating: quantity }),
        _ => Err(unknown("activity", kind)),
    }
}

/// An event as it is in the ledger, whose lines are known.
pub(super) fn fact_of(
    kind: &str,
    verification: Option<(uuid::Uuid, Method)>,
    (counters, reason): (Option<uuid::Uuid>, Option<String>),
    quantity: Option<i32>,
    lines: Vec<Contribution>,
) -> Result<EventFact, Problem> {
    match (kind, verification, counters) {
        ("verification", Some((verification_id, method)), None) => Ok(EventFact::Verification {
            verification_id: verification_id.into(),
            method,
            lines,
        }),
        ("counter", None, Some(counters)) => {
            let reason = reason.unwrap_or_default();
            Ok(EventFact::Counter {
                counters: counters.into(),
                reason: CounterReason::parse(&reason).ok_or_else(|| unknown("reason", &reason))?,
            })
        }
        ("activity", None, None) => {
            let line = lines.first().ok_or_else(|| unknown("activity without a line", kind))?;
            Ok(EventFact::Activity {
                activity: activity_of(line.kind.as_str(), quantity)?,
                points: line.points,
            })
        }
        _ => Err(unknown("kind of event", kind)),
    }
}
