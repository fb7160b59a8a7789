//! Validations as a whole: how they stand, what waits for whom, and how they end.

use super::invitations::{WorkflowRun, instant};
use super::{Store, member};
use community_workflows::contract::{Aggregate, AggregationRequest, ValidationEnd};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Instant, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{Decision, MemberId, MethodOutcome, Reason, VerificationId};
use sqlx::types::Json;

/// A validation, without who votes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Validation {
    /// Its verification.
    pub verification_id: VerificationId,
    /// Whom the vouches are for.
    pub member_id: MemberId,
    /// The workflow that takes the answers.
    pub run: WorkflowRun,
    /// Approvals that accept.
    pub approvals_needed: i32,
    /// Validators who were asked.
    pub invited: i64,
    /// Those who approve.
    pub approvals: i64,
    /// Those who reject.
    pub rejections: i64,
    /// Those who abstain.
    pub abstentions: i64,
    /// When it began to ask.
    pub requested_at: Timestamp,
    /// Until when answers are taken.
    pub deadline: Timestamp,
    /// What the votes amount to, once no answer is taken any more.
    pub counted: Option<Counted>,
}

/// What the votes of a validation amount to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Counted {
    /// The outcome; `needs_review` until a person has decided.
    pub outcome: MethodOutcome,
    /// How sure it is, in ten-thousandths.
    pub confidence: i32,
    /// When it was counted.
    pub ended_at: Timestamp,
    /// Until when a person may decide, where one has to.
    pub review_until: Option<Timestamp>,
}

/// A request that waits for a validator. It is personal, so it is never printed.
#[derive(Clone)]
pub struct OpenRequest {
    /// The verification that asks.
    pub verification_id: VerificationId,
    /// The name by which the validator knows the member.
    pub display_name: String,
    /// How they know each other.
    pub relationship: String,
    /// When the validator was asked.
    pub invited_at: Timestamp,
    /// Until when they may answer.
    pub deadline: Timestamp,
}

/// A validation that waits for a person's decision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WaitingReview {
    /// Its verification.
    pub verification_id: VerificationId,
    /// Until when a person may decide.
    pub review_until: Timestamp,
}

struct Row {
    verification_id: uuid::Uuid,
    member_id: i64,
    workflow_id: String,
    run_id: String,
    approvals_needed: i32,
    invited: i64,
    approvals: i64,
    rejections: i64,
    abstentions: i64,
    requested_at: Instant,
    deadline: Instant,
    outcome: Option<Json<MethodOutcome>>,
    confidence: Option<i32>,
    ended_at: Option<Instant>,
    review_until: Option<Instant>,
}

impl Row {
    fn read(self) -> Result<Validation, Problem> {
        let counted = match (self.outcome, self.confidence, self.ended_at) {
            (Some(Json(outcome)), Some(confidence), Some(ended_at)) => Some(Counted {
                outcome,
                confidence,
                ended_at: ended_at.to_jiff(),
                review_until: self.review_until.map(Instant::to_jiff),
            }),
            _ => None,
        };
        Ok(Validation {
            verification_id: self.verification_id.into(),
            member_id: member(self.member_id)?,
            run: WorkflowRun {
                workflow_id: self.workflow_id,
                run_id: self.run_id,
            },
            approvals_needed: self.approvals_needed,
            invited: self.invited,
            approvals: self.approvals,
            rejections: self.rejections,
            abstentions: self.abstentions,
            requested_at: self.requested_at.to_jiff(),
            deadline: self.deadline.to_jiff(),
            counted,
        })
    }
}

impl Store {
    /// A validation, if there is one.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT validations", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "validations"))]
    pub async fn find_validation(&self, verification_id: VerificationId) -> Result<Option<Validation>, Problem> {
        let row = sqlx::query_as!(
            Row,
            r#"SELECT verification_id, member_id, workflow_id, run_id, approvals_needed,
                      (SELECT count(*) FROM validation_requests AS request
                        WHERE request.verification_id = validation.verification_id) AS "invited!",
                      (SELECT count(*) FROM validation_votes WHERE validation_votes.verification_id = validation.verification_id
                          AND answer = 'approve') AS "approvals!",
                      (SELECT count(*) FROM validation_votes WHERE validation_votes.verification_id = validation.verification_id
                          AND answer = 'reject') AS "rejections!",
                      (SELECT count(*) FROM validation_votes WHERE validation_votes.verification_id = validation.verification_id
                          AND answer = 'abstain') AS "abstentions!",
                      requested_at AS "requested_at: Instant", deadline AS "deadline: Instant",
                      outcome AS "outcome: Json<MethodOutcome>", confidence, ended_at AS "ended_at: Instant",
                      review_until AS "review_until: Instant"
                 FROM validations AS validation WHERE verification_id = $1"#,
            verification_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        row.map(Row::read).transpose()
    }

    /// Validations that wait for a person's decision, the one that ends first at the front, after one of these if given.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT validations", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "validations"))]
    pub async fn list_reviews(
        &self,
        after: Option<(Timestamp, VerificationId)>,
        limit: i64,
    ) -> Result<Vec<WaitingReview>, Problem> {
        let (until, id) = after.unwrap_or((EARLIEST, VerificationId::from(uuid::Uuid::nil())));
        let rows = sqlx::query!(
            r#"SELECT verification_id, review_until AS "review_until!: Instant" FROM validations
                WHERE decision = 'needs_review' AND (review_until, verification_id) > ($1, $2)
                ORDER BY review_until, verification_id LIMIT $3"#,
            until.to_sqlx() as _,
            id.uuid(),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let waiting = rows.into_iter().map(|row| WaitingReview {
            verification_id: row.verification_id.into(),
            review_until: row.review_until.to_jiff(),
        });
        Ok(waiting.collect())
    }

    /// The requests that wait for a validator's answer, the one that ends first at the front, after one of these if given.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT validation_requests", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "validation_requests"))]
    pub async fn list_open_requests(
        &self,
        validator_id: MemberId,
        after: Option<(Timestamp, VerificationId)>,
        (now, limit): (Timestamp, i64),
    ) -> Result<Vec<OpenRequest>, Problem> {
        let (deadline, id) = after.unwrap_or((EARLIEST, VerificationId::from(uuid::Uuid::nil())));
        let rows = sqlx::query!(
            r#"SELECT request.verification_id, display_name, relationship, invited_at AS "invited_at: Instant",
                      request.deadline AS "deadline: Instant"
                 FROM validation_requests AS request
                 JOIN validations USING (verification_id)
                 JOIN introductions USING (introduction_id)
                WHERE validator_id = $1 AND closed_at IS NULL AND request.deadline > $2
                  AND (request.deadline, request.verification_id) > ($3, $4)
                ORDER BY request.deadline, request.verification_id LIMIT $5"#,
            validator_id.get(),
            now.to_sqlx() as _,
            deadline.to_sqlx() as _,
            id.uuid(),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        let requests = rows.into_iter().map(|row| OpenRequest {
            verification_id: row.verification_id.into(),
            display_name: row.display_name,
            relationship: row.relationship,
            invited_at: row.invited_at.to_jiff(),
            deadline: row.deadline.to_jiff(),
        });
        Ok(requests.collect())
    }

    /// The standing of a member who was considered as a validator, as a stable text; none for who was not.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT validation_candidates", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "validation_candidates"))]
    pub async fn find_standing(
        &self,
        verification_id: VerificationId,
        member_id: MemberId,
    ) -> Result<Option<String>, Problem> {
        let standing = sqlx::query_scalar!(
            "SELECT standing FROM validation_candidates WHERE verification_id = $1 AND member_id = $2",
            verification_id.uuid(),
            member_id.get(),
        );
        Ok(standing.fetch_optional(&self.pool).await?)
    }

    /// Records what the votes amount to, closes what is open, and deletes what was shown unless a person has to decide. What was
    /// decided finally stays, and is returned.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "UPDATE validations", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "validations"))]
    pub async fn record_end(
        &self,
        request: &AggregationRequest,
        aggregate: &Aggregate,
    ) -> Result<Option<MethodOutcome>, Problem> {
        let ended_at = instant(request.ended_at_seconds)?;
        let decided_by = match &request.end {
            ValidationEnd::Reviewed(decision) => Some(decision.decided_by.as_str()),
            _ => None,
        };
        let review_until = match aggregate.needs_review() {
            true => Some(instant(request.review_until_seconds)?.to_sqlx()),
            false => None,
        };
        let mut transaction = self.pool.begin().await?;
        let row = sqlx::query!(
            r#"SELECT decision, outcome AS "outcome: Json<MethodOutcome>", introduction_id FROM validations
                WHERE verification_id = $1 FOR UPDATE"#,
            request.verification_id.uuid(),
        )
        .fetch_optional(&mut *transaction)
        .await?;
        // It was withdrawn before anybody was invited.
        let Some(row) = row else { return Ok(None) };
        let is_final = row
            .decision
            .is_some_and(|decision| decision != Decision::NeedsReview.as_str());
        if is_final && let Some(Json(outcome)) = row.outcome {
            return Ok(Some(outcome));
        }
        sqlx::query!(
            "UPDATE validations SET outcome = $2, decision = $3, confidence = $4, ended_at = $5, review_until = $6,
                    decided_by = $7
              WHERE verification_id = $1",
            request.verification_id.uuid(),
            Json(&aggregate.outcome) as _,
            aggregate.outcome.decision.as_str(),
            i32::try_from(aggregate.confidence_ten_thousandths).map_err(Problem::internal)?,
            ended_at.to_sqlx() as _,
            review_until as _,
            decided_by,
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "UPDATE validation_requests SET closed_at = $2, closed_as = 'OVER'
              WHERE verification_id = $1 AND closed_at IS NULL",
            request.verification_id.uuid(),
            ended_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        if !aggregate.needs_review() {
            sqlx::query!(
                "DELETE FROM introductions WHERE introduction_id = $1",
                row.introduction_id
            )
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(Some(aggregate.outcome.clone()))
    }
}

/// Before every instant in the tables; PostgreSQL knows none before 4713 BC.
const EARLIEST: Timestamp = Timestamp::UNIX_EPOCH;

pub(crate) fn no_validation() -> Problem {
    let message = "nobody was asked to vouch by a verification of this id, or not yet";
    Problem::new(Reason::ValidationNotFound, message)
}
