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

/// The names of the kinds of evidence that count in this way.
fn kinds_that_count(counting: Counting) -> Vec<String> {
    let kinds = EvidenceKind::ALL.iter().filter(|kind| kind.counting() == counting);
    kinds.map(|kind| kind.as_str().to_owned()).collect()
}

/// At most `limit` lines that count, after one. Which lines count is what [`reputation_workflows::policy::ledger_fold`] says;
/// a test holds the statement against it.
///
/// The statement goes along the index of entries from the last line on and looks up the rest for each (`LATERAL … OFFSET 0`,
/// scalar subqueries), so that it reads a page also where the planner takes a join of all entries for cheaper.
async fn list_lines(
    connection: &mut PgConnection,
    member_id: MemberId,
    as_of: Timestamp,
    after: Option<LineKey>,
    limit: i64,
) -> Result<Vec<Line>, Problem> {
    // No event is older than the epoch.
    let (after_at, after_event, after_evidence) = after
        .map_or((0, Uuid::nil(), Uuid::nil()), |(at, event, evidence)| {
            (at, event.uuid(), evidence.uuid())
        });
    let renewed = kinds_that_count(Counting::NewestVerification);
    let mut never_or_renewed = kinds_that_count(Counting::OwnVerificationOnly);
    never_or_renewed.extend_from_slice(&renewed);
    let after_at = Timestamp::from_second(after_at).map_err(Problem::internal)?;
    let rows = sqlx::query!(
        r#"WITH newest AS (
               SELECT DISTINCT ON (line.kind) line.kind, entry.verification_id
                 FROM ledger_entries entry JOIN ledger_lines line USING (entry_id)
                WHERE entry.kind = 'verification' AND entry.member_id = $1 AND entry.occurred_at <= $2
                  AND line.points > 0 AND line.kind = ANY ($3)
                  AND NOT EXISTS (SELECT FROM ledger_entries counter
                                   WHERE counter.counters = entry.entry_id AND counter.occurred_at <= $2)
                ORDER BY line.kind, entry.occurred_at DESC, entry.entry_id DESC
           ), counting AS (
               SELECT occurred_at, entry_id, rule_version, evidence
                 FROM ledger_entries entry
                CROSS JOIN LATERAL (
                      SELECT ARRAY (SELECT evidence_id FROM ledger_lines line
                                     WHERE line.entry_id = entry.entry_id AND line.points > 0
                                       AND (line.kind <> ALL ($4) OR (line.kind, entry.verification_id) IN
                                                                    (SELECT kind, verification_id FROM newest)))
                             AS evidence OFFSET 0) line
                WHERE member_id = $1 AND occurred_at <= $2 AND (occurred_at, entry_id) >= ($5, $6)
                  AND evidence <> '{}'
                  AND (SELECT counter.entry_id FROM ledger_entries counter
                        WHERE counter.counters = entry.entry_id AND counter.occurred_at <= $2) IS NULL
                -- The entry of the last line may have no more of them.
                ORDER BY occurred_at, entry_id LIMIT 1 + $8::bigint
           )
           SELECT occurred_at AS "occurred_at: SqlTimestamp", counting.entry_id, rule_version, kind, evidence_id, points
             FROM counting JOIN ledger_lines ON evidence_id = ANY (evidence)
            WHERE (occurred_at, counting.entry_id, evidence_id) > ($5, $6, $7)
            ORDER BY occurred_at, counting.entry_id, evidence_id LIMIT $8::bigint"#,
        member_id.get(),
        as_of.to_sqlx() as _,
        &renewed,
        &never_or_renewed,
        after_at.to_sqlx() as _,
        after_event,
        after_evidence,
        limit,
    )
    .fetch_all(connection)
    .await?;
    let mut lines = Vec::with_capacity(rows.len());
    for row in rows {
        lines.push(Line {
            occurred_at_seconds: row.occurred_at.to_jiff().as_second(),
            event_id: EventId::from(row.entry_id),
            contribution: events::known_line(row.rule_version, &row.kind, row.evidence_id, row.points)?.into(),
        });
    }
    Ok(lines)
}

#[cfg(test)]
mod tests;
