//! Votes: recorded once for each validator, and read.

use super::invitations::{instant, notify};
use super::{Store, member};
use community_workflows::contract::{Answer, VoteRecorded, VoteRequest};
use community_workflows::policy::{RECIPROCAL_SECONDS, Tally};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::{Timestamp as Instant, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{EvidenceId, MemberId, Reason, RequestId, Score, VerificationId};
use sqlx::PgConnection;

/// A vote that stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedVote {
    /// Who voted.
    pub validator_id: MemberId,
    /// What they said.
    pub answer: Answer,
    /// The stable text of why, for a rejection.
    pub reject_reason: Option<String>,
    /// The request that it came by.
    pub request_id: Option<RequestId>,
    /// Their reputation then.
    pub reputation: Score,
    /// What it is as evidence.
    pub evidence_id: EvidenceId,
    /// When.
    pub voted_at: Timestamp,
}

impl RecordedVote {
    /// As far as it counts.
    pub fn tally(&self) -> Tally {
        Tally {
            answer: self.answer,
            reputation: self.reputation,
            evidence_id: self.evidence_id,
        }
    }
}

/// What a validator's vote depends on besides who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Voting {
    /// Their reputation.
    pub reputation: Score,
    /// Why they may not vote, by what is known outside of the tables.
    pub refused: Option<Reason>,
    /// The id of the vote as evidence.
    pub evidence_id: EvidenceId,
}

impl Store {
    /// What became of a validator's vote; none where there was none.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT validation_votes", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "validation_votes"))]
    pub async fn find_vote(
        &self,
        verification_id: VerificationId,
        validator_id: MemberId,
    ) -> Result<Option<VoteRecorded>, Problem> {
        let mut connection = self.pool.acquire().await?;
        recorded(&mut connection, verification_id, validator_id).await
    }

    /// Records a vote, unless the validator may not vote, which is recorded instead. Whatever was recorded first stays.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "INSERT validation_votes", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "validation_votes"))]
    pub async fn insert_vote(&self, request: &VoteRequest, voting: Voting) -> Result<VoteRecorded, Problem> {
        let response = &request.response;
        let (verification_id, validator_id) = (request.verification_id, response.validator_id);
        let voted_at = instant(request.voted_at_seconds)?;
        let mut transaction = self.pool.begin().await?;
        lock_pair(&mut transaction, validator_id, request.member_id).await?;
        if let Some(first) = recorded(&mut transaction, verification_id, validator_id).await? {
            return Ok(first);
        }
        let refused = match voting.refused {
            Some(reason) => Some(reason),
            None => refusal(&mut transaction, request, voted_at).await?,
        };
        if let Some(reason) = refused {
            close(
                &mut transaction,
                (verification_id, validator_id),
                reason.as_str(),
                voted_at,
            )
            .await?;
            transaction.commit().await?;
            return Ok(VoteRecorded::Refused {
                reason: reason.as_str().to_owned(),
            });
        }
        sqlx::query!(
            "INSERT INTO validation_votes (verification_id, validator_id, member_id, request_id, answer, reject_reason, reputation,
                                evidence_id, voted_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            verification_id.uuid(),
            validator_id.get(),
            request.member_id.get(),
            response.request_id.map(RequestId::uuid),
            response.answer.as_str(),
            response.reject_reason.map(|reason| reason.as_str()),
            i16::from(voting.reputation.get()),
            voting.evidence_id.uuid(),
            voted_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        close(&mut transaction, (verification_id, validator_id), "ANSWERED", voted_at).await?;
        transaction.commit().await?;
        Ok(VoteRecorded::Recorded {
            answer: response.answer,
            request_id: response.request_id,
        })
    }

    /// The votes of a validation, in the order of their validators' ids.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT validation_votes", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "validation_votes"))]
    pub async fn list_votes(&self, verification_id: VerificationId) -> Result<Vec<RecordedVote>, Problem> {
        let rows = sqlx::query!(
            r#"SELECT validator_id, answer, reject_reason, request_id, reputation, evidence_id, voted_at AS "voted_at: Instant"
                 FROM validation_votes WHERE verification_id = $1 ORDER BY validator_id"#,
            verification_id.uuid(),
        )
        .fetch_all(&self.pool)
        .await?;
        let votes = rows.into_iter().map(|row| {
            Ok(RecordedVote {
                validator_id: member(row.validator_id)?,
                answer: answer(&row.answer)?,
                reject_reason: row.reject_reason,
                request_id: row.request_id.map(RequestId::from),
                reputation: Score::capped(row.reputation.into()),
                evidence_id: row.evidence_id.into(),
                voted_at: row.voted_at.to_jiff(),
            })
        });
        votes.collect()
    }

    /// The vouches of some members since an instant, for whomever they are: by whom and when.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT validation_votes", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "validation_votes"))]
    pub async fn list_vouches(
        &self,
        validators: &[MemberId],
        since: Timestamp,
    ) -> Result<Vec<(MemberId, Timestamp)>, Problem> {
        let ids: Vec<i64> = validators.iter().map(|validator| validator.get()).collect();
        let rows = sqlx::query!(
            r#"SELECT validator_id, voted_at AS "voted_at: Instant" FROM validation_votes
                WHERE validator_id = ANY($1) AND answer = 'approve' AND voted_at >= $2"#,
            &ids,
            since.to_sqlx() as _,
        )
        .fetch_all(&self.pool)
        .await?;
        let vouches = rows
            .into_iter()
            .map(|row| Ok((member(row.validator_id)?, row.voted_at.to_jiff())));
        vouches.collect()
    }

    /// Adds a reminder for whoever has not answered.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "INSERT notifications", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "notifications"))]
    pub async fn remind(&self, verification_id: VerificationId, reminder: u32, now: Timestamp) -> Result<(), Problem> {
        let mut transaction = self.pool.begin().await?;
        let silent = sqlx::query_scalar!(
            "SELECT validator_id FROM validation_requests WHERE verification_id = $1 AND closed_at IS NULL",
            verification_id.uuid(),
        )
        .fetch_all(&mut *transaction)
        .await?;
        let kind = format!("VALIDATION_REMINDER_{reminder}");
        notify(&mut transaction, verification_id, (&silent, &kind), now).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Nobody records a vote between these two members meanwhile, in either direction: of two who vouch for each other at the same
/// moment, one is refused.
async fn lock_pair(connection: &mut PgConnection, one: MemberId, other: MemberId) -> Result<(), Problem> {
    let pair = format!("vouch:{}:{}", one.min(other), one.max(other));
    sqlx::query!("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", pair)
        .execute(connection)
        .await?;
    Ok(())
}

/// Why a validator may not vote, by the tables.
async fn refusal(
    connection: &mut PgConnection,
    request: &VoteRequest,
    voted_at: Timestamp,
) -> Result<Option<Reason>, Problem> {
    let since = voted_at.saturating_sub(SignedDuration::from_secs(RECIPROCAL_SECONDS));
    let since = since.map_err(Problem::internal)?;
    let found = sqlx::query!(
        r#"SELECT EXISTS (SELECT FROM validation_requests
                           WHERE verification_id = $1 AND validator_id = $2) AS "is_invited!",
                  EXISTS (SELECT FROM validations
                           WHERE verification_id = $1 AND decision IS NOT NULL) AS "is_over!",
                  EXISTS (SELECT FROM validation_votes WHERE validator_id = $3 AND member_id = $2
                             AND answer = 'approve' AND voted_at > $4) AS "is_reciprocal!""#,
        request.verification_id.uuid(),
        request.response.validator_id.get(),
        request.member_id.get(),
        since.to_sqlx() as _,
    )
    .fetch_one(connection)
    .await?;
    Ok(match found {
        found if !found.is_invited => Some(Reason::ValidatorNotInvited),
        found if found.is_over => Some(Reason::ValidationOver),
        found if found.is_reciprocal => Some(Reason::VouchIsReciprocal),
        _ => None,
    })
}

async fn close(
    connection: &mut PgConnection,
    (verification_id, validator_id): (VerificationId, MemberId),
    closed_as: &str,
    now: Timestamp,
) -> Result<(), Problem> {
    sqlx::query!(
        "UPDATE validation_requests SET closed_at = $3, closed_as = $4
          WHERE verification_id = $1 AND validator_id = $2 AND closed_at IS NULL",
        verification_id.uuid(),
        validator_id.get(),
        now.to_sqlx() as _,
        closed_as,
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn recorded(
    connection: &mut PgConnection,
    verification_id: VerificationId,
    validator_id: MemberId,
) -> Result<Option<VoteRecorded>, Problem> {
    let row = sqlx::query!(
        r#"SELECT answer AS "answer?", request_id AS "request_id?", closed_as
             FROM validation_requests AS request
             LEFT JOIN validation_votes ON validation_votes.verification_id = request.verification_id
                            AND validation_votes.validator_id = request.validator_id
            WHERE request.verification_id = $1 AND request.validator_id = $2"#,
        verification_id.uuid(),
        validator_id.get(),
    )
    .fetch_optional(connection)
    .await?;
    let Some(row) = row else { return Ok(None) };
    if let Some(text) = row.answer {
        return Ok(Some(VoteRecorded::Recorded {
            answer: answer(&text)?,
            request_id: row.request_id.map(RequestId::from),
        }));
    }
    let over = |reason: String| match reason.as_str() {
        "OVER" => Reason::ValidationOver.as_str().to_owned(),
        _ => reason,
    };
    Ok(row
        .closed_as
        .map(|reason| VoteRecorded::Refused { reason: over(reason) }))
}

fn answer(text: &str) -> Result<Answer, Problem> {
    Answer::parse(text).ok_or_else(|| Problem::new(Reason::NewerVersionNeeded, "a newer version wrote this answer"))
}
