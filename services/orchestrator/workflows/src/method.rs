//! One method of a verification: its child workflow, and what its end means to the parent.

use crate::contract::{MethodRequest, MethodStatus, method_workflow_id};
use crate::{VerificationWorkflow, policy};
use document_workflows::DocumentVerificationWorkflow;
use document_workflows::contract::{DocumentOutcome, DocumentVerificationRequest, ExtractionLimits, Patience};
use mesh_types::{Evidence, Method};
use reputation_workflows::ReputationVerificationWorkflow;
use reputation_workflows::contract::{MethodEvidence, ReputationOutcome, ReputationVerificationRequest};
use temporalio_common::WorkflowDefinition;
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::error::IncomingError;
use temporalio_workflow::{
    ChildWorkflowCancellationType, ChildWorkflowExecutionError, ChildWorkflowOptions, ChildWorkflowStartError,
    ParentClosePolicy, WorkflowCancellationToken, WorkflowContext, workflows,
};

/// How a method ended, and what it found.
struct MethodEnd {
    status: MethodStatus,
    internal_reason: String,
    member_reason: String,
    evidence: Vec<Evidence>,
}

impl VerificationWorkflow {
    /// Runs a method to its end and writes the end into the state. A method that fails never fails the others.
    pub(crate) async fn run_method(
        ctx: &WorkflowContext<Self>,
        at: usize,
        chosen: MethodRequest,
        needed: WorkflowCancellationToken,
    ) {
        let method = chosen.method();
        let end = match chosen {
            MethodRequest::Document {
                document_kind,
                document_url,
            } => {
                let input = ctx.state(|state| DocumentVerificationRequest {
                    verification_id: state.request.verification_id,
                    member_id: state.request.member_id,
                    document_url,
                    document_kind,
                    limits: ExtractionLimits::default(),
                    patience: Patience::default(),
                });
                let queue = document_workflows::contract::TASK_QUEUE;
                Self::run_child(ctx, method, DocumentVerificationWorkflow::run, input, queue, needed)
                    .await
                    .map(Into::into)
            }
            MethodRequest::Reputation => {
                let input = ctx.state(|state| ReputationVerificationRequest {
                    verification_id: state.request.verification_id,
                    member_id: state.request.member_id,
                });
                let queue = reputation_workflows::contract::TASK_QUEUE;
                Self::run_child(ctx, method, ReputationVerificationWorkflow::run, input, queue, needed)
                    .await
                    .map(Into::into)
            }
        };
        let end = end.unwrap_or_else(|broken| broken);
        ctx.state_mut(|state| {
            let found = end
                .evidence
                .into_iter()
                .map(|evidence| MethodEvidence { method, evidence });
            state.evidence.extend(found);
            let shown = &mut state.methods[at];
            shown.status = end.status;
            shown.internal_reason = end.internal_reason;
            shown.member_reason = end.member_reason;
        });
    }

    async fn run_child<W>(
        ctx: &WorkflowContext<Self>,
        method: Method,
        workflow: W,
        input: W::Input,
        task_queue: &str,
        needed: WorkflowCancellationToken,
    ) -> Result<W::Output, MethodEnd>
    where
        W: WorkflowDefinition + 'static,
        W::Output: TemporalDeserializable + 'static,
    {
        let id = ctx.state(|state| method_workflow_id(state.request.verification_id, method));
        let options = ChildWorkflowOptions::builder()
            .workflow_id(id)
            .task_queue(task_queue.to_owned())
            .parent_close_policy(ParentClosePolicy::RequestCancel)
            .cancel_type(ChildWorkflowCancellationType::TryCancel)
            .cancellation_token(needed.clone())
            .build();
        // A child that is cancelled while it starts may never bring a result, so the cancellation ends the wait.
        let started = workflows::select! {
            started = ctx.start_child_workflow(workflow, input, options) => started,
            _ = needed.cancelled() => return Err(MethodEnd::cancelled()),
        };
        let result = match started {
            Ok(child) => workflows::select! {
                result = child.result() => result,
                _ = needed.cancelled() => return Err(MethodEnd::cancelled()),
            },
            Err(ChildWorkflowStartError::Cancelled(_)) => return Err(MethodEnd::cancelled()),
            Err(_) => return Err(MethodEnd::failed("CHILD_NOT_STARTED")),
        };
        result.map_err(MethodEnd::from)
    }
}

impl MethodEnd {
    fn cancelled() -> Self {
        Self {
            status: MethodStatus::Cancelled,
            internal_reason: "CANCELLED".to_owned(),
            member_reason: "This was cancelled.".to_owned(),
            evidence: Vec::new(),
        }
    }

    fn failed(reason: &str) -> Self {
        Self {
            status: MethodStatus::Failed,
            internal_reason: reason.to_owned(),
            member_reason: "Something went wrong on our side. Nothing is lost; please try again later.".to_owned(),
            evidence: Vec::new(),
        }
    }
}

impl From<ChildWorkflowExecutionError> for MethodEnd {
    fn from(error: ChildWorkflowExecutionError) -> Self {
        if error.as_cancelled().is_some() {
            return Self::cancelled();
        }
        if error.as_timeout().is_some() {
            return Self::failed("TIMED_OUT");
        }
        // The failure of the activity that broke is at the end of the chain of causes.
        let chain = std::iter::successors(error.reason(), |error| error.cause());
        let types = chain.filter_map(|error| match error {
            IncomingError::Application(failure) => failure.type_name(),
            _ => None,
        });
        Self::failed(types.filter(|name| !name.is_empty()).last().unwrap_or("CHILD_FAILED"))
    }
}

impl From<DocumentOutcome> for MethodEnd {
    fn from(outcome: DocumentOutcome) -> Self {
        Self {
            status: policy::method_status(outcome.decision),
            internal_reason: outcome.internal_reason,
            member_reason: outcome.member_reason,
            evidence: outcome.evidence,
        }
    }
}

impl From<ReputationOutcome> for MethodEnd {
    fn from(outcome: ReputationOutcome) -> Self {
        let (status, member_reason) = match outcome.evidence.is_empty() {
            true => (
                MethodStatus::Rejected,
                "There is no activity on the platform yet that counts.",
            ),
            false => (MethodStatus::Accepted, "Your activity on the platform counts."),
        };
        Self {
            status,
            internal_reason: outcome.reasons.join(", "),
            member_reason: member_reason.to_owned(),
            evidence: outcome.evidence,
        }
    }
}
