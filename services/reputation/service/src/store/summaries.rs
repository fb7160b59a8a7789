//! Reading what a ledger comes to: its summary, and the lines that count, in pages.

use super::{Store, events};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as SqlTimestamp, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{Cap, Contribution, Counting, EventId, EvidenceId, EvidenceKind, MemberId};
use reputation_workflows::policy::decay::Nanopoints;
use reputation_workflows::policy::ledger_fold::fold;
use reputation_workflows::policy::summary::Summary;
use sqlx::PgConnection;
use sqlx::types::Json;
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// The key of a line: the event's instant in seconds since 1970-01-01 UTC, the event and the evidence.
pub type LineKey = (i64, EventId, EvidenceId);

/// A line that counts, and its place among them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// The event's instant, in seconds since 1970-01-01 UTC.
    pub occurred_at_seconds: i64,
    /// The event.
    pub event_id: EventId,
    /// The line itself.
    pub contribution: Contribution,
}

/// Entries that are read at once, also for a small page: entries may have no line that counts.
const LEAST_BATCH: i64 = 200;

/// A member's reputation at an instant, with a part of its lines.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reputation {
    /// What all events until then come to.
    pub summary: Summary,
    /// Lines that count, the oldest first.
    pub lines: Vec<Line>,
}

impl Line {
    /// Its key in a list.
    pub fn key(&self) -> LineKey {
        (self.occurred_at_seconds, self.event_id, self.contribution.evidence_id)
    }
}

impl Store {
    /// A member's reputation at an instant, with at most `limit` of the lines after one.
    ///
    /// It reads the summary and the lines that it returns. For an instant before the newest event the summary is no answer, and
    /// all events are read.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT ledger_summaries", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "ledger_summaries"))]
    pub async fn reputation(
        &self,
        member_id: MemberId,
        as_of: Timestamp,
        after: Option<LineKey>,
        limit: i64,
    ) -> Result<Reputation, Problem> {
        // One snapshot, so that the lines are those of the summary.
        let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
        let mut transaction = self.pool.begin_with(begin).await?;
        read(&mut transaction, member_id, as_of, after, limit).await
    }
}

/// A member's reputation, within a transaction.
pub(super) async fn read(
    connection: &mut PgConnection,
    member_id: MemberId,
    as_of: Timestamp,
    after: Option<LineKey>,
    limit: i64,
) -> Result<Reputation, Problem> {
    let kept = if has_event_after(connection, member_id, as_of).await? {
        None
    } else {
        find(connection, member_id).await?
    };
    let summary = match kept {
        Some(summary) => summary,
        None => fold(&events::events_of(connection, member_id).await?, as_of.as_second()).summary,
    };
    let lines = list_lines(connection, member_id, as_of, after, limit).await?;
    Ok(Reputation { summary, lines })
}

async fn has_event_after(
    connection: &mut PgConnection,
    member_id: MemberId,
    as_of: Timestamp,
) -> Result<bool, Problem> {
    let has = sqlx::query_scalar!(
        r#"SELECT EXISTS (SELECT FROM ledger_entries WHERE member_id = $1 AND occurred_at > $2) AS "has!""#,
        member_id.get(),
        as_of.to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(has)
}

/// What the ledger comes to; `None` where no event was ever written.
pub(super) async fn find(connection: &mut PgConnection, member_id: MemberId) -> Result<Option<Summary>, Problem> {
    let row = sqlx::query!(
        r#"SELECT anchor_seconds, anchor_nanopoints, without_document_nanopoints, points,
                  method_caps AS "method_caps: Json<Vec<Cap>>", capped_away_nanopoints
             FROM ledger_summaries WHERE member_id = $1"#,
        member_id.get(),
    )
    .fetch_optional(connection)
    .await?;
    Ok(row.map(|row| Summary {
        anchor_seconds: row.anchor_seconds,
        at_anchor: Nanopoints::capped(row.anchor_nanopoints),
        without_document: Nanopoints::capped(row.without_document_nanopoints),
        points: row.points,
        method_caps: row.method_caps.0,
        capped_away: row.capped_away_nanopoints,
    }))
}

pub(super) async fn write(
    connection: &mut PgConnection,
    member_id: MemberId,
    summary: &Summary,
) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO ledger_summaries (member_id, anchor_seconds, anchor_nanopoints, without_document_nanopoints, points,
                                       method_caps, capped_away_nanopoints)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (member_id) DO UPDATE
            SET anchor_seconds = excluded.anchor_seconds, anchor_nanopoints = excluded.anchor_nanopoints,
                without_document_nanopoints = excluded.without_document_nanopoints, points = excluded.points,
                method_caps = excluded.method_caps, capped_away_nanopoints = excluded.capped_away_nanopoints",
        member_id.get(),
        summary.anchor_seconds,
        summary.at_anchor.get(),
        summary.without_document.get(),
        summary.points,
        Json(&summary.method_caps) as _,
        summary.capped_away,
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// At most `limit` lines that count, after one. Which lines count is what [`reputation_workflows::policy::ledger_fold`] says;
/// a test holds this against it.
async fn list_lines(
    connection: &mut PgConnection,
    member_id: MemberId,
    as_of: Timestamp,
    after: Option<LineKey>,
    limit: i64,
) -> Result<Vec<Line>, Problem> {
    let newest = newest_verifications(connection, member_id, as_of).await?;
    let most = usize::try_from(limit).map_err(Problem::internal)?;
    let batch = (limit + 1).max(LEAST_BATCH);
    let (mut lines, mut after) = (Vec::new(), after);
    loop {
        // The entry of the last line comes again, because it may have more of them.
        let rows = list_entries(connection, member_id, as_of, after, batch).await?;
        let entries: BTreeSet<Uuid> = rows.iter().map(|row| row.entry_id).collect();
        for row in &rows {
            lines.extend(row.counting_line(&newest)?.filter(|line| Some(line.key()) > after));
        }
        let is_last = (entries.len() as i64) < batch;
        let last = rows.last().filter(|_| !is_last && lines.len() < most);
        let Some(last) = last else {
            lines.truncate(most);
            return Ok(lines);
        };
        after = Some((
            last.occurred_at.to_jiff().as_second(),
            last.entry_id.into(),
            EvidenceId::MAX,
        ));
    }
}

/// An entry of the ledger with one of its lines, or with none.
struct EntryRow {
    occurred_at: SqlTimestamp,
    entry_id: Uuid,
    verification_id: Option<Uuid>,
    rule_version: Option<i16>,
    is_countered: bool,
    kind: Option<String>,
    evidence_id: Option<Uuid>,
    points: Option<i32>,
}

impl EntryRow {
    /// The line, if it counts; `newest` has the verifications whose evidence of a kind counts.
    fn counting_line(&self, newest: &BTreeMap<EvidenceKind, Uuid>) -> Result<Option<Line>, Problem> {
        let (Some(kind), Some(evidence_id), Some(points)) = (&self.kind, self.evidence_id, self.points) else {
            return Ok(None);
        };
        let line = events::known_line(self.rule_version, kind, evidence_id, points)?;
        let counts = match line.kind.counting() {
            Counting::Each => true,
            Counting::NewestVerification => newest.get(&line.kind) == self.verification_id.as_ref(),
            Counting::OwnVerificationOnly => false,
        };
        Ok((counts && points > 0 && !self.is_countered).then(|| Line {
            occurred_at_seconds: self.occurred_at.to_jiff().as_second(),
            event_id: self.entry_id.into(),
            contribution: line.into(),
        }))
    }
}

/// At most `limit` entries, each with its lines, from that of a line on.
async fn list_entries(
    connection: &mut PgConnection,
    member_id: MemberId,
    as_of: Timestamp,
    from: Option<LineKey>,
    limit: i64,
) -> Result<Vec<EntryRow>, Problem> {
    // No event is older than the epoch.
    let (from_at, from_entry) = from.map_or((0, Uuid::nil()), |(at, event, _)| (at, event.uuid()));
    let from_at = Timestamp::from_second(from_at).map_err(Problem::internal)?;
    let rows = sqlx::query_as!(
        EntryRow,
        r#"SELECT occurred_at AS "occurred_at: SqlTimestamp", entry_id, verification_id, rule_version,
                  EXISTS (SELECT FROM ledger_entries counter
                           WHERE counter.counters = entry.entry_id AND counter.occurred_at <= $2) AS "is_countered!",
                  line.kind AS "kind?", evidence_id AS "evidence_id?", points AS "points?"
             FROM (SELECT occurred_at, entry_id, verification_id, rule_version FROM ledger_entries
                    WHERE member_id = $1 AND occurred_at <= $2 AND (occurred_at, entry_id) >= ($3, $4)
                    ORDER BY occurred_at, entry_id LIMIT $5) entry
             LEFT JOIN ledger_lines line USING (entry_id)
            ORDER BY occurred_at, entry_id, evidence_id"#,
        member_id.get(),
        as_of.to_sqlx() as _,
        from_at.to_sqlx() as _,
        from_entry,
        limit,
    )
    .fetch_all(connection)
    .await?;
    Ok(rows)
}

/// For each kind of evidence of which only the newest verification counts: which one that is.
async fn newest_verifications(
    connection: &mut PgConnection,
    member_id: MemberId,
    as_of: Timestamp,
) -> Result<BTreeMap<EvidenceKind, Uuid>, Problem> {
    let rows = sqlx::query!(
        r#"SELECT DISTINCT ON (line.kind) line.kind, entry.verification_id AS "verification_id!"
             FROM ledger_entries entry JOIN ledger_lines line USING (entry_id)
            WHERE entry.kind = 'verification' AND entry.member_id = $1 AND entry.occurred_at <= $2 AND line.points > 0
              AND NOT EXISTS (SELECT FROM ledger_entries counter
                               WHERE counter.counters = entry.entry_id AND counter.occurred_at <= $2)
            ORDER BY line.kind, entry.occurred_at DESC, entry.entry_id DESC"#,
        member_id.get(),
        as_of.to_sqlx() as _,
    )
    .fetch_all(connection)
    .await?;
    let known = rows.into_iter().filter_map(|row| {
        let kind = EvidenceKind::parse(&row.kind)?;
        Some((kind, row.verification_id))
    });
    Ok(known.collect())
}

#[cfg(test)]
mod tests;
