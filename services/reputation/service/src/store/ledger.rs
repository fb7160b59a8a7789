//! Writing the ledger: entries are added, never changed.

use super::revocations::insert_revocation;
use super::{CounterReason, Event, Store, events, materialized};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::{Actor, Problem, clock};
use mesh_types::{
    EventId, EvidenceId, KnownContribution, KnownEvidence, MemberId, Method, Reason, RuleVersion, VerificationId,
};
use reputation_workflows::policy;
use reputation_workflows::policy::activity::Activity;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// Evidence of one verification, all that is known so far.
pub struct EvidenceBatch {
    /// The member.
    pub member_id: MemberId,
    /// The verification.
    pub verification_id: VerificationId,
    /// The rules that give the points.
    pub rules: RuleVersion,
    /// When it was earned, a whole second.
    pub occurred_at: Timestamp,
    /// The evidence.
    pub evidence: Vec<KnownEvidence>,
}

/// Something that a member did on the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewActivity {
    /// The member.
    pub member_id: MemberId,
    /// What.
    pub activity: Activity,
    /// When, a whole second.
    pub occurred_at: Timestamp,
}

/// An event does not count any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NewCounter {
    /// Which one.
    pub event_id: EventId,
    /// Why.
    pub reason: CounterReason,
}

impl Store {
    /// Writes the evidence that the ledger does not have yet, an entry for each method, in one transaction. Evidence that it
    /// has stays as it is.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away; then nothing is written.
    #[tracing::instrument(name = "INSERT ledger_entries", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "ledger_entries"))]
    pub async fn insert_evidence(&self, batch: &EvidenceBatch, recorded_at: Timestamp) -> Result<(), Problem> {
        let _turn = self.turn(batch.member_id).await?;
        let mut transaction = self.pool.begin().await?;
        // The lock lets one batch of a member go after the other, so that none is written twice.
        let score = materialized::lock(&mut transaction, batch.member_id).await?;
        let known = find_known(&mut transaction, &batch.evidence).await?;
        let mut new: BTreeMap<Method, BTreeMap<EvidenceId, &KnownEvidence>> = BTreeMap::new();
        for evidence in batch.evidence.iter().filter(|new| !known.contains(&new.evidence_id)) {
            let of_method = new.entry(evidence.kind.method()).or_default();
            of_method.insert(evidence.evidence_id, evidence);
        }
        let mut has_points = false;
        for (method, evidence) in new {
            let line = |evidence: &&KnownEvidence| (policy::contribution(batch.rules, evidence), evidence.basis);
            let lines = evidence.values().map(line).filter(|(line, _)| line.points > 0);
            let lines: Vec<_> = lines.collect();
            if lines.is_empty() {
                continue;
            }
            has_points = true;
            let entry_id = insert_verification_entry(&mut transaction, batch, method, recorded_at).await?;
            for (line, basis) in &lines {
                insert_line(
                    &mut transaction,
                    entry_id,
                    line,
                    basis.map(|basis| i16::from(basis.get())),
                )
                .await?;
            }
        }
        if has_points {
            score.follow_ledger(&mut transaction, recorded_at).await?;
            transaction.commit().await?;
        }
        Ok(())
    }
}

impl Store {
    /// Whose an event is.
    ///
    /// # Errors
    /// `EVENT_NOT_FOUND`; `DATABASE_UNAVAILABLE`.
    pub async fn member_of(&self, event_id: EventId) -> Result<MemberId, Problem> {
        let found = sqlx::query_scalar!(
            "SELECT member_id FROM ledger_entries WHERE entry_id = $1",
            event_id.uuid()
        )
        .fetch_optional(&self.pool)
        .await?;
        MemberId::try_from(found.ok_or_else(not_found)?).map_err(Problem::internal)
    }

    /// Whose a verification is that earned something; none when it earned nothing.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    pub async fn find_member_of(&self, verification_id: VerificationId) -> Result<Option<MemberId>, Problem> {
        let mut connection = self.pool.acquire().await?;
        find_member_of(&mut connection, verification_id).await
    }
}

async fn find_member_of(
    connection: &mut PgConnection,
    verification_id: VerificationId,
) -> Result<Option<MemberId>, Problem> {
    let member_id = sqlx::query_scalar!(
        "SELECT member_id FROM ledger_entries WHERE kind = 'verification' AND verification_id = $1 LIMIT 1",
        verification_id.uuid(),
    );
    let member_id = member_id.fetch_optional(connection).await?;
    member_id.map(MemberId::try_from).transpose().map_err(Problem::internal)
}

async fn find_known(
    connection: &mut PgConnection,
    evidence: &[KnownEvidence],
) -> Result<BTreeSet<EvidenceId>, Problem> {
    let ids: Vec<uuid::Uuid> = evidence.iter().map(|evidence| evidence.evidence_id.uuid()).collect();
    let known = sqlx::query_scalar!(
        "SELECT evidence_id FROM ledger_lines WHERE evidence_id = ANY ($1)",
        &ids
    )
    .fetch_all(connection)
    .await?;
    Ok(known.into_iter().map(EvidenceId::from).collect())
}

async fn insert_verification_entry(
    connection: &mut PgConnection,
    batch: &EvidenceBatch,
    method: Method,
    recorded_at: Timestamp,
) -> Result<EventId, Problem> {
    let entry_id = EventId::from(clock::new_uuid());
    sqlx::query!(
        "INSERT INTO ledger_entries
             (entry_id, kind, member_id, verification_id, method, rule_version, occurred_at, recorded_at)
         VALUES ($1, 'verification', $2, $3, $4, $5, $6, $7)",
        entry_id.uuid(),
        batch.member_id.get(),
        batch.verification_id.uuid(),
        method.as_str(),
        rule_number(batch.rules)?,
        batch.occurred_at.to_sqlx() as _,
        recorded_at.to_sqlx() as _,
    )
    .execute(connection)
    .await?;
    Ok(entry_id)
}

async fn insert_line(
    connection: &mut PgConnection,
    entry_id: EventId,
    line: &KnownContribution,
    basis: Option<i16>,
) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO ledger_lines (evidence_id, entry_id, kind, points, basis) VALUES ($1, $2, $3, $4, $5)",
        line.evidence_id.uuid(),
        entry_id.uuid(),
        line.kind.as_str(),
        line.points,
        basis,
    )
    .execute(connection)
    .await?;
    Ok(())
}

fn rule_number(rules: RuleVersion) -> Result<i16, Problem> {
    i16::try_from(rules.number()).map_err(Problem::internal)
}

/// Records an activity under the id of its event, within a transaction; `recorded_by` says who tells of it.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn insert_activity(
    connection: &mut PgConnection,
    event_id: EventId,
    new: &NewActivity,
    (recorded_by, recorded_at): (&Actor, Timestamp),
) -> Result<Event, Problem> {
    let score = materialized::lock(connection, new.member_id).await?;
    sqlx::query!(
        "INSERT INTO ledger_entries
             (entry_id, kind, member_id, rule_version, quantity, occurred_at, recorded_at, recorded_by)
         VALUES ($1, 'activity', $2, $3, $4, $5, $6, $7)",
        event_id.uuid(),
        new.member_id.get(),
        rule_number(RuleVersion::V2)?,
        i32::try_from(new.activity.quantity()).map_err(Problem::internal)?,
        new.occurred_at.to_sqlx() as _,
        recorded_at.to_sqlx() as _,
        recorded_by.to_string(),
    )
    .execute(&mut *connection)
    .await?;
    let line = KnownContribution {
        method: new.activity.kind().method(),
        kind: new.activity.kind(),
        evidence_id: EvidenceId::from(event_id.uuid()),
        points: new.activity.points(),
        rule_version: RuleVersion::V2.number(),
    };
    insert_line(connection, event_id, &line, None).await?;
    score
        .follow_activity(connection, new.occurred_at, line.points, recorded_at)
        .await?;
    events::get_event(connection, event_id).await
}

/// Records that an event does not count any more from now on, within a transaction; the verification that it is of, if any, is
/// revoked with it. `countered_by` says who wants it so.
///
/// # Errors
/// `EVENT_NOT_FOUND`; `EVENT_NOT_COUNTERABLE` for an event that is countered already or is a counter itself;
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn insert_counter(
    connection: &mut PgConnection,
    counter_id: EventId,
    new: &NewCounter,
    (countered_by, recorded_at): (&Actor, Timestamp),
) -> Result<Event, Problem> {
    let countered = sqlx::query!(
        "SELECT member_id, kind, verification_id FROM ledger_entries WHERE entry_id = $1",
        new.event_id.uuid()
    )
    .fetch_optional(&mut *connection)
    .await?;
    let countered = countered.ok_or_else(not_found)?;
    if countered.kind == "counter" {
        return Err(not_counterable());
    }
    let member_id = MemberId::try_from(countered.member_id).map_err(Problem::internal)?;
    let score = materialized::lock(connection, member_id).await?;
    let occurred_at = Timestamp::from_second(recorded_at.as_second()).map_err(Problem::internal)?;
    let inserted = sqlx::query!(
        "INSERT INTO ledger_entries
             (entry_id, kind, member_id, counters, reason, occurred_at, recorded_at, countered_by)
         VALUES ($1, 'counter', $2, $3, $4, $5, $6, $7)
         ON CONFLICT ON CONSTRAINT ledger_entries_countered_once DO NOTHING",
        counter_id.uuid(),
        member_id.get(),
        new.event_id.uuid(),
        new.reason.as_str(),
        occurred_at.to_sqlx() as _,
        recorded_at.to_sqlx() as _,
        countered_by.to_string(),
    )
    .execute(&mut *connection)
    .await?;
    if inserted.rows_affected() == 0 {
        return Err(not_counterable());
    }
    score.follow_ledger(connection, recorded_at).await?;
    if let Some(verification_id) = countered.verification_id {
        insert_revocation(connection, verification_id, recorded_at).await?;
    }
    events::get_event(connection, counter_id).await
}

/// Counters what a verification earned by a method, within a transaction: each of its entries that counts.
///
/// # Errors
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn counter_verification(
    connection: &mut PgConnection,
    (verification_id, method): (VerificationId, Method),
    (countered_by, recorded_at): (&Actor, Timestamp),
) -> Result<(), Problem> {
    let Some(member_id) = find_member_of(connection, verification_id).await? else {
        return Ok(());
    };
    // Nobody else counters them meanwhile, and nobody adds to them.
    materialized::lock(connection, member_id).await?;
    let entries = sqlx::query_scalar!(
        "SELECT entry_id FROM ledger_entries entry
          WHERE kind = 'verification' AND verification_id = $1 AND method = $2
            AND NOT EXISTS (SELECT FROM ledger_entries other WHERE other.counters = entry.entry_id)
          ORDER BY entry_id",
        verification_id.uuid(),
        method.as_str(),
    )
    .fetch_all(&mut *connection)
    .await?;
    for entry_id in entries {
        let counter = NewCounter {
            event_id: entry_id.into(),
            reason: CounterReason::Revoked,
        };
        insert_counter(
            connection,
            clock::new_uuid().into(),
            &counter,
            (countered_by, recorded_at),
        )
        .await?;
    }
    Ok(())
}

fn not_found() -> Problem {
    Problem::new(Reason::EventNotFound, "no event of the ledger has this id")
}

fn not_counterable() -> Problem {
    Problem::new(
        Reason::EventNotCounterable,
        "the event is countered already, or is a counter itself; record what is right as a new event",
    )
}
