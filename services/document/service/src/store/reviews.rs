//! Documents that a person has to look at, and who holds them.

use super::Store;
use super::rows::{count, decision, kind, member};
use document_workflows::contract::ReviewDecision;
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Instant, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{Check, DocumentId, DocumentKind, MemberId, ReviewId, VerificationId};
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

/// A review to be asked for.
#[derive(Clone, Debug)]
pub struct NewReview {
    /// Its new id, unless it was asked for before.
    pub review_id: ReviewId,
    /// The verification.
    pub verification_id: VerificationId,
    /// The document.
    pub document_id: DocumentId,
    /// Why a person has to look.
    pub internal_reason: String,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it ends without a decision.
    pub expires_at: Timestamp,
    /// Who waits for the decision.
    pub waiting: WaitingActivity,
}

/// The activity that waits for a decision.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WaitingActivity {
    /// Its workflow.
    pub workflow_id: String,
    /// The workflow's run.
    pub run_id: String,
    /// The activity.
    pub activity_id: String,
}

/// How a review stands when it is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Requested {
    /// It waits for a person.
    Waiting,
    /// It was decided already.
    Decided(ReviewDecision),
    /// It was closed without a decision.
    Over,
}

/// A review.
#[derive(Clone, Debug, PartialEq)]
pub struct Review {
    /// The review.
    pub review_id: ReviewId,
    /// The document.
    pub document_id: DocumentId,
    /// The verification.
    pub verification_id: VerificationId,
    /// Whose document it is.
    pub member_id: MemberId,
    /// What the document was announced as, where it was judged.
    pub kind: DocumentKind,
    /// Pages of the document, 1 to 50.
    pub page_count: u32,
    /// Why a person has to look.
    pub internal_reason: String,
    /// The checks, as they were made.
    pub checks: Vec<Check>,
    /// When it was asked for.
    pub requested_at: Timestamp,
    /// When it ends without a decision.
    pub expires_at: Timestamp,
    /// Who took it last, and until when.
    pub claim: Option<ReviewClaim>,
    /// Whether it waits for a decision.
    pub is_waiting: bool,
    /// Whether the document was erased.
    pub is_erased: bool,
}

/// A review that its holder may see and decide. Nothing but [`Review::held_by`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct HeldReview {
    review: Review,
    reviewer_id: MemberId,
}

impl HeldReview {
    /// The review.
    pub fn review(&self) -> &Review {
        &self.review
    }

    /// Who holds it.
    pub fn reviewer_id(&self) -> MemberId {
        self.reviewer_id
    }
}

/// Who holds a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReviewClaim {
    /// The reviewer.
    pub reviewer_id: MemberId,
    /// When the claim ends.
    pub until: Timestamp,
}

/// The key of a review in the list: microseconds since 1970-01-01 UTC, then the review.
pub type ReviewKey = (i64, ReviewId);

/// Why a reviewer may not do what they want to with a review.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReviewRefusal {
    /// There is none with this id.
    NotFound,
    /// Its document was erased.
    Erased,
    /// It is decided, expired or withdrawn.
    Over,
    /// The document is the reviewer's own.
    OfOneself,
    /// Somebody else holds it.
    ClaimedByAnother,
    /// The reviewer doesn't hold it, or no longer.
    NotClaimed,
    /// Kind and number are known of a document that may be this one, and the reviewer didn't say that it is the member's own.
    NumberKnown,
}

impl Review {
    /// Its key in the list.
    pub fn key(&self) -> ReviewKey {
        (self.requested_at.as_microsecond(), self.review_id)
    }

    /// What stands against doing anything with it; a claim is not looked at.
    pub fn refusal(&self, now: Timestamp) -> Option<ReviewRefusal> {
        match self {
            review if review.is_erased => Some(ReviewRefusal::Erased),
            review if !review.is_waiting || review.expires_at <= now => Some(ReviewRefusal::Over),
            _ => None,
        }
    }

    /// It in the hands of a reviewer who wants to see its pages or decide it: only its holder may.
    ///
    /// # Errors
    /// What stands against that.
    pub fn held_by(self, reviewer_id: MemberId, now: Timestamp) -> Result<HeldReview, ReviewRefusal> {
        if let Some(refusal) = self.refusal(now) {
            return Err(refusal);
        }
        match self.claim_at(now) {
            None => Err(ReviewRefusal::NotClaimed),
            Some(claim) if claim.reviewer_id != reviewer_id => Err(ReviewRefusal::ClaimedByAnother),
            Some(_) => Ok(HeldReview {
                review: self,
                reviewer_id,
            }),
        }
    }

    /// Who holds it now.
    pub fn claim_at(&self, now: Timestamp) -> Option<ReviewClaim> {
        self.claim.filter(|claim| now < claim.until)
    }
}

struct ReviewRow {
    review_id: Uuid,
    document_id: Uuid,
    verification_id: Uuid,
    member_id: i64,
    kind: String,
    page_count: i32,
    internal_reason: String,
    checks: Option<Json<Vec<Check>>>,
    requested_at: Instant,
    expires_at: Instant,
    claimed_by: Option<i64>,
    claimed_until: Option<Instant>,
    is_waiting: bool,
    is_erased: bool,
}

impl ReviewRow {
    fn parse(self) -> Result<Review, Problem> {
        let claim = self.claimed_by.zip(self.claimed_until);
        let claim = claim.map(|(reviewer, until)| {
            Ok::<_, Problem>(ReviewClaim {
                reviewer_id: member(reviewer)?,
                until: until.to_jiff(),
            })
        });
        Ok(Review {
            review_id: self.review_id.into(),
            document_id: self.document_id.into(),
            verification_id: self.verification_id.into(),
            member_id: member(self.member_id)?,
            kind: kind(&self.kind)?,
            page_count: count("page_count", self.page_count)?,
            internal_reason: self.internal_reason,
            checks: self.checks.map(|Json(checks)| checks).unwrap_or_default(),
            requested_at: self.requested_at.to_jiff(),
            expires_at: self.expires_at.to_jiff(),
            claim: claim.transpose()?,
            is_waiting: self.is_waiting,
            is_erased: self.is_erased,
        })
    }
}

impl Store {
    /// Asks for a review, once for each document of a verification. A later request asks anew when the review expired, and also
    /// when it was decided: then that decision did not end the verification, and what it was made on may have changed. It is kept
    /// as a former one. Another attempt of the same request finds what was decided. Requests have whole seconds: of one second,
    /// the activity tells them apart.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`; an internal problem when there is no such document.
    #[tracing::instrument(name = "INSERT reviews", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "reviews"))]
    pub async fn request_review(&self, review: &NewReview) -> Result<Requested, Problem> {
        let (verification_id, document_id) = (review.verification_id.uuid(), review.document_id.uuid());
        let mut transaction = self.pool.begin().await?;
        sqlx::query!(
            "INSERT INTO reviews (review_id, verification_id, document_id, internal_reason, requested_at, expires_at,
                 workflow_id, run_id, activity_id)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT ON CONSTRAINT reviews_once DO NOTHING",
            review.review_id.uuid(),
            verification_id,
            document_id,
            review.internal_reason,
            review.requested_at.to_sqlx() as _,
            review.expires_at.to_sqlx() as _,
            review.waiting.workflow_id,
            review.waiting.run_id,
            review.waiting.activity_id,
        )
        .execute(&mut *transaction)
        .await?;
        sqlx::query!(
            "WITH ended AS (
                 SELECT review_id, status, decision_id, decision, reason_code, decided_by, ended_at FROM reviews
                 WHERE verification_id = $1 AND document_id = $2 AND status IN ('expired', 'decided')
                   AND (requested_at < $4 OR requested_at = $4 AND activity_id <> $6)
                 FOR UPDATE),
             former AS (
                 INSERT INTO former_review_decisions (review_id, decision_id, decision, reason_code, decided_by, decided_at)
                 SELECT review_id, decision_id, decision, reason_code, decided_by, ended_at FROM ended
                 WHERE status = 'decided'
                 ON CONFLICT ON CONSTRAINT former_review_decisions_pkey DO NOTHING),
             reopened AS (
                 UPDATE reviews SET status = 'waiting', ended_at = NULL, claimed_by = NULL, claimed_until = NULL,
                     internal_reason = $3, requested_at = $4, expires_at = $5,
                     decision = NULL, reason_code = NULL, member_text = NULL, internal_note = NULL, decided_by = NULL,
                     is_members_own = false
                 FROM ended WHERE reviews.review_id = ended.review_id
                 RETURNING reviews.review_id)
             DELETE FROM review_identities WHERE review_id IN (SELECT review_id FROM reopened)",
            verification_id,
            document_id,
            review.internal_reason,
            review.requested_at.to_sqlx() as _,
            review.expires_at.to_sqlx() as _,
            review.waiting.activity_id,
        )
        .execute(&mut *transaction)
        .await?;
        let row = sqlx::query!(
            "UPDATE reviews SET workflow_id = $3, run_id = $4, activity_id = $5
             WHERE verification_id = $1 AND document_id = $2
             RETURNING review_id, status, decision, reason_code",
            verification_id,
            document_id,
            review.waiting.workflow_id,
            review.waiting.run_id,
            review.waiting.activity_id,
        )
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(match (row.status.as_str(), row.decision, row.reason_code) {
            ("waiting", _, _) => Requested::Waiting,
            ("decided", Some(text), Some(reason_code)) => Requested::Decided(ReviewDecision {
                review_id: row.review_id.into(),
                decision: decision(&text)?,
                reason_code,
            }),
            _ => Requested::Over,
        })
    }

    /// A review.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT reviews", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "reviews"))]
    pub async fn find_review(&self, review_id: ReviewId) -> Result<Option<Review>, Problem> {
        find_review(&mut *self.pool.acquire().await?, review_id).await
    }

    /// The reviews after a place that wait for a person and can be decided, the oldest first.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT reviews", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "reviews"))]
    pub async fn list_reviews(
        &self,
        after: Option<ReviewKey>,
        limit: i64,
        now: Timestamp,
    ) -> Result<Vec<Review>, Problem> {
        let after_at = after.map(|(micros, _)| Timestamp::from_microsecond(micros));
        let after_at = after_at.transpose().map_err(Problem::internal)?;
        let rows = sqlx::query_as!(
            ReviewRow,
            r#"SELECT review_id, review.document_id, review.verification_id, member_id,
                   coalesce(checked.document_kind, kind) AS "kind!", page_count, internal_reason,
                   checked.checks AS "checks?: Json<Vec<Check>>",
                   requested_at AS "requested_at: Instant", expires_at AS "expires_at: Instant",
                   claimed_by, claimed_until AS "claimed_until: Instant",
                   true AS "is_waiting!", false AS "is_erased!"
             FROM reviews review JOIN documents document ON document.document_id = review.document_id
             LEFT JOIN document_checks checked
                 ON checked.document_id = review.document_id AND checked.verification_id = review.verification_id
             WHERE status = 'waiting' AND expires_at > $1 AND erased_at IS NULL
               AND ($2::timestamptz IS NULL OR (requested_at, review_id) > ($2, $3))
             ORDER BY requested_at, review_id LIMIT $4"#,
            now.to_sqlx() as _,
            after_at.map(|at| at.to_sqlx()) as _,
            after.map(|(_, review_id)| review_id.uuid()),
            limit,
        )
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(ReviewRow::parse).collect()
    }
}

/// Takes a review for a reviewer until `claim.until`, within a transaction, unless somebody else holds it.
///
/// # Errors
/// `DATABASE_UNAVAILABLE`.
#[tracing::instrument(name = "UPDATE reviews", skip_all, fields(otel.kind = "client",
    db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "reviews"))]
pub async fn claim_review(
    connection: &mut PgConnection,
    review_id: ReviewId,
    claim: ReviewClaim,
    now: Timestamp,
) -> Result<Result<Review, ReviewRefusal>, Problem> {
    let taken = sqlx::query!(
        "UPDATE reviews SET claimed_by = $2, claimed_until = $3
         FROM documents document
         WHERE review_id = $1 AND document.document_id = reviews.document_id AND erased_at IS NULL
           AND status = 'waiting' AND expires_at > $4 AND document.member_id <> $2
           AND (claimed_by IS NULL OR claimed_by = $2 OR claimed_until <= $4)",
        review_id.uuid(),
        claim.reviewer_id.get(),
        claim.until.to_sqlx() as _,
        now.to_sqlx() as _,
    )
    .execute(&mut *connection)
    .await?;
    let Some(review) = find_review(connection, review_id).await? else {
        return Ok(Err(ReviewRefusal::NotFound));
    };
    Ok(match taken.rows_affected() {
        0 if review.member_id == claim.reviewer_id => Err(ReviewRefusal::OfOneself),
        0 => Err(review.refusal(now).unwrap_or(ReviewRefusal::ClaimedByAnother)),
        _ => Ok(review),
    })
}

pub(super) async fn find_review(connection: &mut PgConnection, review_id: ReviewId) -> Result<Option<Review>, Problem> {
    let row = sqlx::query_as!(
        ReviewRow,
        r#"SELECT review_id, review.document_id, review.verification_id, member_id,
               coalesce(checked.document_kind, kind) AS "kind!", page_count, internal_reason,
               checked.checks AS "checks?: Json<Vec<Check>>",
               requested_at AS "requested_at: Instant", expires_at AS "expires_at: Instant",
               claimed_by, claimed_until AS "claimed_until: Instant",
               status = 'waiting' AS "is_waiting!", erased_at IS NOT NULL AS "is_erased!"
         FROM reviews review JOIN documents document ON document.document_id = review.document_id
         LEFT JOIN document_checks checked
             ON checked.document_id = review.document_id AND checked.verification_id = review.verification_id
         WHERE review_id = $1"#,
        review_id.uuid(),
    )
    .fetch_optional(connection)
    .await?;
    row.map(ReviewRow::parse).transpose()
}
