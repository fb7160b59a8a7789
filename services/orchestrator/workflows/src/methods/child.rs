//! One run of a method's child workflow, whichever method it is.

use crate::reason::MethodReason;
use mesh_types::MethodOutcome;
use temporalio_common::WorkflowDefinition;
use temporalio_common::error::IncomingError;
use temporalio_workflow::{
    ChildWorkflowExecutionError, ChildWorkflowOptions, ChildWorkflowStartError, WorkflowCancellationToken,
    WorkflowContext, workflows,
};

/// Why a child brought no outcome.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ChildFailure {
    /// The child was cancelled.
    Cancelled,
    /// The child could not be started, failed, or ran out of time.
    Failed {
        /// The failure type of the activity that broke, where there is one.
        reason: MethodReason,
        /// Whether another child can come to another end.
        is_retryable: bool,
    },
}

/// Starts a child and waits for its outcome.
///
/// A child that is cancelled while it starts may never bring a result, so the cancellation ends the wait as well.
pub(super) async fn run<P, W>(
    ctx: &WorkflowContext<P>,
    workflow: W,
    input: W::Input,
    options: ChildWorkflowOptions,
    cancellation: WorkflowCancellationToken,
) -> Result<MethodOutcome, ChildFailure>
where
    W: WorkflowDefinition<Output = MethodOutcome> + 'static,
{
    let started = workflows::select! {
        started = ctx.start_child_workflow(workflow, input, options) => started,
        _ = cancellation.cancelled() => return Err(ChildFailure::Cancelled),
    };
    let child = match started {
        Ok(child) => child,
        Err(ChildWorkflowStartError::Cancelled(_)) => return Err(ChildFailure::Cancelled),
        Err(_) => {
            return Err(ChildFailure::Failed {
                reason: MethodReason::ChildNotStarted,
                is_retryable: false,
            });
        }
    };
    let result = workflows::select! {
        result = child.result() => result,
        _ = cancellation.cancelled() => return Err(ChildFailure::Cancelled),
    };
    result.map_err(ChildFailure::from)
}

impl From<ChildWorkflowExecutionError> for ChildFailure {
    fn from(error: ChildWorkflowExecutionError) -> Self {
        if error.as_cancelled().is_some() {
            return Self::Cancelled;
        }
        if error.as_timeout().is_some() {
            return Self::Failed {
                reason: MethodReason::TimedOut,
                is_retryable: false,
            };
        }
        // The failure of the activity that broke is at the end of the chain of causes.
        let chain = std::iter::successors(error.reason(), |error| error.cause());
        let failures = chain.filter_map(|error| match error {
            IncomingError::Application(failure) => Some(failure),
            _ => None,
        });
        let (mut reason, mut is_retryable) = (MethodReason::ChildFailed, true);
        for failure in failures {
            is_retryable &= !failure.is_non_retryable();
            if let Some(name) = failure.type_name().filter(|name| !name.is_empty()) {
                reason = MethodReason::from(name.to_owned());
            }
        }
        Self::Failed { reason, is_retryable }
    }
}
