//! One verification by document: up to three submissions, each from its pages to a decision.

mod review;
mod steps;

use crate::contract::{
    self, DocumentOutcome, DocumentState, DocumentVerificationRequest, Phase, Submission, SubmissionTaken,
};
use crate::policy;
use mesh_types::{Decision, Reason};
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

    /// What came of the present document.
    async fn verify_submission(ctx: &WorkflowContext<Self>) -> WorkflowResult<DocumentOutcome> {
        let extraction = Self::extract(ctx).await?;
        let checks = Self::check(ctx, &extraction).await?;
        let decided = policy::decide(&checks);
        let decided = match decided.decision {
            Decision::NeedsReview => Self::ask_a_person(ctx, &extraction, decided, &checks).await?,
            Decision::Accepted | Decision::Rejected | Decision::Resubmit => decided,
        };
        Self::record(ctx, &extraction, decided).await
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

    fn submissions_left(&self) -> u32 {
        policy::submissions_left(&self.request.submission_limits, self.submission)
    }
}
