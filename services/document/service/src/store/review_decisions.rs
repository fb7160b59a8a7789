//! How reviews end: decided by their holder, or closed.

use super::identities::{are_weak, bytes, find_identity, key_ids};
use super::reviews::find_review;
use super::rows::{decision, known};
use super::{ReviewRefusal, Store, WaitingActivity};
use crate::identity::IdentityHash;
use document_workflows::contract::{ReviewDecision, ReviewEnd};
use jiff::Timestamp;
use jiff_sqlx::{Timestamp as Instant, ToSqlx};
use mesh_runtime::Problem;
use mesh_types::{Decision, DocumentId, MemberId, ReviewId, VerificationId};
use sqlx::PgConnection;
use uuid::Uuid;

/// What a reviewer decides.
#[derive(Clone, Debug)]
pub struct NewReviewDecision {
    /// The review.
    pub review_id: ReviewId,
    /// The reviewer.
    pub reviewer_id: MemberId,
    /// The work of the request that decides, by which a repeat finds its own decision.
    pub decision_id: Uuid,
    /// Accepted, rejected or to be submitted again.
    pub decision: Decision,
    /// A stable code.
    pub reason_code: String,
    /// For the member; may be empty with an acceptance.
    pub member_text: String,
    /// For other reviewers; may be empty.
    pub internal_note: String,
    /// Which physical document is accepted, under every key.
    pub identity: Vec<IdentityHash>,
    /// Whether the reviewer made sure that it is the member's own, though its kind and number are known of another one.
    pub is_members_own: bool,
}

/// A decision as it was recorded, and who waits for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DecidedReview {
    /// The decision.
    pub decision: ReviewDecision,
    /// When it was decided.
    pub decided_at: Timestamp,
    /// Who waits for it; nobody where the review was asked for anew since.
    pub waiting: Option<WaitingActivity>,
}

impl Store {
    /// Forgets what people wrote in reviews that ended before an instant, of at most so many; returns of how many. That they
    /// were decided, by whom and how, stays; also when they are asked for anew, as a former decision.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "UPDATE reviews", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "reviews"))]
    pub async fn forget_words(&self, before: Timestamp, limit: i64) -> Result<u64, Problem> {
        let forgotten = sqlx::query_scalar!(
            r#"WITH words AS (
                   UPDATE reviews SET internal_note = NULL, member_text = left(member_text, 0)
                    WHERE review_id IN (
                        SELECT review_id FROM reviews
                         WHERE ended_at < $1 AND (internal_note IS NOT NULL OR member_text <> '')
                         ORDER BY ended_at LIMIT $2 FOR UPDATE SKIP LOCKED)
                   RETURNING verification_id, document_id),
               sentences AS (
                   UPDATE document_decisions SET member_reason = '' FROM words
                    WHERE document_decisions.verification_id = words.verification_id
                      AND document_decisions.document_id = words.document_id)
               SELECT count(*) AS "count!" FROM words"#,
            before.to_sqlx() as _,
            limit,
        )
        .fetch_one(&self.pool)
        .await?;
        u64::try_from(forgotten).map_err(Problem::internal)
    }

    /// Decides a review that the reviewer holds, until a later request asks for it anew. The same decision again is answered as
    /// the first time, also once the review was asked for anew: it decides nothing then, because that is another look.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`; then it is not known whether it is decided.
    #[tracing::instrument(name = "UPDATE reviews", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "reviews"))]
    pub async fn decide_review(
        &self,
        new: &NewReviewDecision,
        decided_at: Timestamp,
    ) -> Result<Result<DecidedReview, ReviewRefusal>, Problem> {
        let mut transaction = self.pool.begin().await?;
        // The document too, or it could be erased before the decision is there.
        let row = sqlx::query!(
            r#"SELECT decision_id, decision, reason_code, ended_at AS "ended_at: Instant", workflow_id, run_id, activity_id
             FROM reviews review JOIN documents document ON document.document_id = review.document_id
             WHERE review_id = $1 FOR UPDATE OF review FOR SHARE OF document"#,
            new.review_id.uuid(),
        )
        .fetch_optional(&mut *transaction)
        .await?;
        let Some(row) = row else {
            return Ok(Err(ReviewRefusal::NotFound));
        };
        let waiting = WaitingActivity {
            workflow_id: row.workflow_id,
            run_id: row.run_id,
            activity_id: row.activity_id,
        };
        let is_last = row.decision_id == Some(new.decision_id);
        if is_last && let Some(text) = row.decision {
            return Ok(Ok(DecidedReview {
                decision: ReviewDecision {
                    review_id: new.review_id,
                    decision: decision(&text)?,
                    reason_code: known("reason_code", row.reason_code)?,
                },
                decided_at: known("ended_at", row.ended_at)?.to_jiff(),
                waiting: Some(waiting),
            }));
        }
        if let Some(former) = find_former_decision(&mut transaction, new).await? {
            return Ok(Ok(former));
        }
        if is_last {
            // An older version asked for the review anew, which keeps no former decisions.
            return Ok(Err(ReviewRefusal::Over));
        }
        // The row is locked, so nobody claims it meanwhile.
        let review = find_review(&mut transaction, new.review_id).await?;
        let held = review.ok_or(ReviewRefusal::NotFound);
        let held = match held.and_then(|review| review.held_by(new.reviewer_id, decided_at)) {
            Ok(held) => held,
            Err(refusal) => return Ok(Err(refusal)),
        };
        if new.decision == Decision::Accepted && !new.is_members_own {
            // Nothing is locked: what another member is accepted with from now on is found when the decision is recorded.
            let found = find_identity(&mut transaction, &new.identity, held.review().member_id).await?;
            if found.is_doubtful() {
                return Ok(Err(ReviewRefusal::NumberKnown));
            }
        }
        sqlx::query!(
            "UPDATE reviews SET status = 'decided', decision = $2, reason_code = $3, member_text = $4,
                 internal_note = nullif($5, ''), decided_by = $6, decision_id = $7, ended_at = $8, is_members_own = $9
             WHERE review_id = $1",
            new.review_id.uuid(),
            new.decision.as_str(),
            new.reason_code,
            new.member_text,
            new.internal_note,
            new.reviewer_id.get(),
            new.decision_id,
            decided_at.to_sqlx() as _,
            new.is_members_own,
        )
        .execute(&mut *transaction)
        .await?;
        insert_identity(&mut transaction, new).await?;
        transaction.commit().await?;
        Ok(Ok(DecidedReview {
            decision: ReviewDecision {
                review_id: new.review_id,
                decision: new.decision,
                reason_code: new.reason_code.clone(),
            },
            decided_at,
            waiting: Some(waiting),
        }))
    }

    /// Whether a reviewer has decided a review, also before it was asked for anew.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT former_review_decisions", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "former_review_decisions"))]
    pub async fn has_decided(&self, review_id: ReviewId, reviewer_id: MemberId) -> Result<bool, Problem> {
        let has_decided = sqlx::query_scalar!(
            r#"SELECT EXISTS (SELECT FROM reviews WHERE review_id = $1 AND decided_by = $2)
                   OR EXISTS (SELECT FROM former_review_decisions WHERE review_id = $1 AND decided_by = $2) AS "has_decided!""#,
            review_id.uuid(),
            reviewer_id.get(),
        )
        .fetch_one(&self.pool)
        .await?;
        Ok(has_decided)
    }

    /// Which physical document a person accepted in a verification, by its hashes; none where nobody did.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT review_identities", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "review_identities"))]
    pub async fn list_reviewed_identity(
        &self,
        document_id: DocumentId,
        verification_id: VerificationId,
    ) -> Result<Vec<IdentityHash>, Problem> {
        let rows = sqlx::query!(
            "SELECT identity_hash, key_id, is_weak FROM review_identities JOIN reviews USING (review_id)
             WHERE verification_id = $1 AND document_id = $2",
            verification_id.uuid(),
            document_id.uuid(),
        )
        .fetch_all(&self.pool)
        .await?;
        let hashes = rows.into_iter().map(|row| {
            Ok(IdentityHash {
                key_id: row.key_id,
                hash: known("identity_hash", row.identity_hash.try_into().ok())?,
                is_weak: row.is_weak,
            })
        });
        hashes.collect()
    }

    /// Closes a review that nobody decided; returns the decision if there is one. A withdrawal counts also before the
    /// request has come: then it leaves a closed review, under the new id.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "UPDATE reviews", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "UPDATE", db.collection.name = "reviews"))]
    pub async fn close_review(
        &self,
        verification_id: VerificationId,
        document_id: DocumentId,
        end: ReviewEnd,
        ended_at: Timestamp,
        new_review_id: ReviewId,
    ) -> Result<Option<ReviewDecision>, Problem> {
        let status = match end {
            ReviewEnd::Expired => "expired",
            ReviewEnd::Withdrawn => "withdrawn",
        };
        let mut transaction = self.pool.begin().await?;
        if end == ReviewEnd::Withdrawn {
            // A request that is still under way must find that nobody waits any more.
            sqlx::query!(
                "INSERT INTO reviews (review_id, verification_id, document_id, internal_reason, requested_at, expires_at,
                     workflow_id, run_id, activity_id, status, ended_at)
                 VALUES ($1, $2, $3, 'WITHDRAWN', $4, $4, '', '', '', 'withdrawn', $4)
                 ON CONFLICT ON CONSTRAINT reviews_once DO NOTHING",
                new_review_id.uuid(),
                verification_id.uuid(),
                document_id.uuid(),
                ended_at.to_sqlx() as _,
            )
            .execute(&mut *transaction)
            .await?;
        }
        sqlx::query!(
            "UPDATE reviews SET status = $3, ended_at = $4
             WHERE verification_id = $1 AND document_id = $2 AND status = 'waiting'",
            verification_id.uuid(),
            document_id.uuid(),
            status,
            ended_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        let row = sqlx::query!(
            r#"SELECT review_id, decision AS "decision!", reason_code AS "reason_code!" FROM reviews
             WHERE verification_id = $1 AND document_id = $2 AND status = 'decided'"#,
            verification_id.uuid(),
            document_id.uuid(),
        )
        .fetch_optional(&mut *transaction)
        .await?;
        transaction.commit().await?;
        let decided = row.map(|row| {
            Ok(ReviewDecision {
                review_id: row.review_id.into(),
                decision: decision(&row.decision)?,
                reason_code: row.reason_code,
            })
        });
        decided.transpose()
    }
}

/// What the same request decided before the review was asked for anew.
async fn find_former_decision(
    connection: &mut PgConnection,
    new: &NewReviewDecision,
) -> Result<Option<DecidedReview>, Problem> {
    let row = sqlx::query!(
        r#"SELECT decision, reason_code, decided_at AS "decided_at: Instant"
         FROM former_review_decisions WHERE review_id = $1 AND decision_id = $2"#,
        new.review_id.uuid(),
        new.decision_id,
    )
    .fetch_optional(connection)
    .await?;
    let former = row.map(|row| {
        Ok(DecidedReview {
            decision: ReviewDecision {
                review_id: new.review_id,
                decision: decision(&row.decision)?,
                reason_code: row.reason_code,
            },
            decided_at: row.decided_at.to_jiff(),
            waiting: None,
        })
    });
    former.transpose()
}

async fn insert_identity(connection: &mut PgConnection, decided: &NewReviewDecision) -> Result<(), Problem> {
    sqlx::query!(
        "INSERT INTO review_identities (review_id, identity_hash, key_id, is_weak)
         SELECT $1, identity_hash, key_id, is_weak
           FROM unnest($2::bytea[], $3::text[], $4::boolean[]) AS each (identity_hash, key_id, is_weak)
         ON CONFLICT ON CONSTRAINT review_identities_pkey DO NOTHING",
        decided.review_id.uuid(),
        &bytes(&decided.identity),
        &key_ids(&decided.identity),
        &are_weak(&decided.identity),
    )
    .execute(connection)
    .await?;
    Ok(())
}
