//! Which document was submitted to which verification.

use super::Store;
use super::rows::{count, member};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mesh_runtime::Problem;
use mesh_types::{DocumentId, MemberId, VerificationId};

/// A document that a verification reads now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewSubmission {
    /// The verification.
    pub verification_id: VerificationId,
    /// Which submission it is, from 1.
    pub submission: u32,
    /// The document.
    pub document_id: DocumentId,
    /// Who reads it.
    pub run: WorkflowRun,
    /// When.
    pub submitted_at: Timestamp,
}

/// A run of a workflow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkflowRun {
    /// The workflow.
    pub workflow_id: String,
    /// Its run.
    pub run_id: String,
}

/// The latest submission of a verification.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSubmission {
    /// Which submission it is, from 1.
    pub submission: u32,
    /// The document.
    pub document_id: DocumentId,
    /// Whose verification it is.
    pub member_id: MemberId,
    /// Who reads it.
    pub run: WorkflowRun,
}

impl Store {
    /// Says which document a verification reads now, and in which verification the document is used now.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "INSERT submissions", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "INSERT", db.collection.name = "submissions"))]
    pub async fn record_submission(&self, submission: &NewSubmission) -> Result<(), Problem> {
        let (document_id, verification_id) = (submission.document_id.uuid(), submission.verification_id.uuid());
        let mut transaction = self.pool.begin().await?;
        sqlx::query!(
            "UPDATE documents SET verification_id = $2 WHERE document_id = $1 AND verification_id IS DISTINCT FROM $2",
            document_id,
            verification_id,
        )
        .execute(&mut *transaction)
        .await?;
        // A workflow that was reset goes on in another run.
        sqlx::query!(
            "INSERT INTO submissions (verification_id, submission, document_id, workflow_id, run_id, submitted_at)
             VALUES ($1, $2, $3, $4, $5, $6)
             ON CONFLICT ON CONSTRAINT submissions_pkey DO UPDATE
             SET document_id = excluded.document_id, workflow_id = excluded.workflow_id, run_id = excluded.run_id",
            verification_id,
            submission.submission as i32,
            document_id,
            submission.run.workflow_id,
            submission.run.run_id,
            submission.submitted_at.to_sqlx() as _,
        )
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// The latest submission of a verification.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE`.
    #[tracing::instrument(name = "SELECT submissions", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "submissions"))]
    pub async fn find_latest_submission(
        &self,
        verification_id: VerificationId,
    ) -> Result<Option<StoredSubmission>, Problem> {
        let row = sqlx::query!(
            "SELECT submission, submissions.document_id, member_id, workflow_id, run_id
             FROM submissions JOIN documents ON documents.document_id = submissions.document_id
             WHERE submissions.verification_id = $1 ORDER BY submission DESC LIMIT 1",
            verification_id.uuid(),
        )
        .fetch_optional(&self.pool)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(StoredSubmission {
            submission: count("submission", row.submission)?,
            document_id: row.document_id.into(),
            member_id: member(row.member_id)?,
            run: WorkflowRun {
                workflow_id: row.workflow_id,
                run_id: row.run_id,
            },
        }))
    }
}
