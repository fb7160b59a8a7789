//! One verification by document: up to three submissions, each from its pages to a ruling.

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
            let (outcome, may_be_followed) = Self::verify_submission(ctx).await?;
            if outcome.decision == Decision::Resubmit && may_be_followed && ctx.state(Self::submissions_left) > 0 {
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

    /// What came of the present document, and whether another may follow it.
    async fn verify_submission(ctx: &WorkflowContext<Self>) -> WorkflowResult<(DocumentOutcome, bool)> {
        let extraction = Self::extract(ctx).await?;
        let checks = Self::check(ctx, &extraction).await?;
        let ruling = policy::decide(&checks);
        let more_may_follow = Self::more_may_follow(ctx, ruling.decision);
        let ruling = match ruling.decision {
            Decision::NeedsReview if more_may_follow => Self::ask_a_person(ctx, &extraction, ruling, &checks).await?,
            Decision::NeedsReview => policy::without_review(ruling),
            Decision::Accepted | Decision::Rejected | Decision::Resubmit => ruling,
        };
        let outcome = Self::record(ctx, &extraction, ruling).await?;
        Ok((outcome, more_may_follow))
    }

    /// Whether a person or another document may follow a decision; always so, but for what began before the patch.
    ///
    /// The patch is asked for only where it matters, so that an acceptance costs no event for it: one that is refused when
    /// it is recorded is newer than the patch anyway. And it is asked for before any local activity of the same workflow
    /// task: a task may end between the markers of the two, where a query comes in say, and a replay then finds the second
    /// one too late.
    fn more_may_follow(ctx: &WorkflowContext<Self>, decision: Decision) -> bool {
        match decision {
            Decision::Accepted | Decision::Rejected => true,
            Decision::Resubmit | Decision::NeedsReview => ctx.patched(contract::RESUBMISSION_AND_REVIEW),
        }
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
        policy::submissions_left(&self.request.patience, self.submission)
    }
}
