//! One verification by document: up to three submissions, each from its pages to a decision.

mod review;
mod steps;

use crate::contract::{
    self, DocumentOutcome, DocumentState, DocumentVerificationRequest, Phase, Submission, SubmissionTaken, Validity,
};
use crate::policy;
use mesh_types::{Decision, DocumentId, DocumentUrl, Reason};
use steps::NotRead;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_workflow::{SyncWorkflowContext, WorkflowContext, WorkflowContextView, WorkflowResult};

/// Extracts, checks, rules, asks a person where it must, and stores the evidence; and again with the next document where
/// this one could not be read.
#[workflow]
pub struct DocumentVerificationWorkflow {
    request: DocumentVerificationRequest,
    document: Submission,
    submission: u32,
    phase: Phase,
}

#[workflow_methods]
impl DocumentVerificationWorkflow {
    #[init]
    fn new(_ctx: &WorkflowContextView, request: DocumentVerificationRequest) -> Self {
        Self {
            document: Submission {
                document_url: request.document_url.clone(),
                document_kind: request.document_kind,
            },
            submission: 1,
            phase: Phase::Extracting,
            request,
        }
    }

    #[run(name = contract::DOCUMENT_VERIFICATION_WORKFLOW)]
    pub async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<DocumentOutcome> {
        loop {
            let outcome = Self::verify_submission(ctx).await?;
            if outcome.decision == Decision::Resubmit && ctx.state(Self::submissions_left) > 0 {
                Self::wait_for_another_document(ctx).await?;
            } else {
                Self::enter(ctx, Phase::Ended);
                return Ok(outcome);
            }
        }
    }

    /// Takes the next document, which is read at once.
    #[update(name = contract::SUBMIT_DOCUMENT)]
    pub fn submit_document(&mut self, _ctx: &mut SyncWorkflowContext<Self>, submission: Submission) -> SubmissionTaken {
        self.document = submission;
        self.submission += 1;
        self.phase = Phase::Extracting;
        SubmissionTaken {
            submission: self.submission,
            submissions_left: self.submissions_left(),
        }
    }

    /// Refuses a document that nobody waits for; the message is the reason, `DOCUMENT_NOT_AWAITED`.
    #[update_validator(submit_document)]
    fn document_is_awaited(
        &self,
        _ctx: &WorkflowContextView,
        _submission: &Submission,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>> {
        match self.phase {
            Phase::AwaitingSubmission => Ok(()),
            Phase::Extracting | Phase::Checking | Phase::InReview | Phase::Ended => {
                Err(Reason::DocumentNotAwaited.as_str().into())
            }
        }
    }

    /// How the verification of the document stands now.
    #[query(name = contract::DOCUMENT_STATE)]
    pub fn document_state(&self, _ctx: &WorkflowContextView) -> DocumentState {
        DocumentState {
            phase: self.phase,
            submission: self.submission,
            submissions_left: self.submissions_left(),
        }
    }

    /// What came of the present document. One that was erased or got lost before it was decided is asked for again.
    async fn verify_submission(ctx: &WorkflowContext<Self>) -> WorkflowResult<DocumentOutcome> {
        match Self::read_and_check(ctx).await {
            Ok((document_id, Validity { checks, decided, .. })) => {
                let decided = match decided.decision {
                    Decision::NeedsReview => Self::ask_a_person(ctx, document_id, decided, &checks).await?,
                    Decision::Accepted | Decision::Rejected | Decision::Resubmit => decided,
                };
                Self::record(ctx, document_id, decided).await
            }
            Err(NotRead::AskAgain(decided)) => Self::record(ctx, ctx.state(Self::named_document), decided).await,
            Err(NotRead::Ended(termination)) => Err(termination),
        }
    }

    async fn read_and_check(ctx: &WorkflowContext<Self>) -> Result<(DocumentId, Validity), NotRead> {
        let document_id = Self::extract(ctx).await?.document_id;
        Ok((document_id, Self::check(ctx, document_id).await?))
    }

    async fn wait_for_another_document(ctx: &WorkflowContext<Self>) -> WorkflowResult<()> {
        Self::enter(ctx, Phase::AwaitingSubmission);
        Ok(ctx
            .wait_condition(|state| state.phase != Phase::AwaitingSubmission)
            .await?)
    }

    fn enter(ctx: &WorkflowContext<Self>, phase: Phase) {
        ctx.state_mut(|state| state.phase = phase);
    }

    /// The document that the URL names. The service has read the URL before anything is known of its document.
    fn named_document(&self) -> DocumentId {
        let url = DocumentUrl::parse(&self.document.document_url);
        url.map_or(DocumentId::MAX, |url| url.document_id())
    }

    fn submissions_left(&self) -> u32 {
        policy::submissions_left(&self.request.submission_limits, self.submission)
    }
}
