//! Calls to workflows from an RPC or an activity. Each ends within a limit, and says by a reason what became of it.
//!
//! Without a limit, a query or an update would wait for ever where no worker runs.

use crate::Problem;
use crate::problem::from_temporal;
use mesh_types::{Reason, RequestId};
use std::future::Future;
use std::time::Duration;
use temporalio_client::errors::{
    WorkflowGetResultError, WorkflowInteractionError, WorkflowQueryError, WorkflowStartError, WorkflowUpdateError,
};
use temporalio_client::tonic::Code;
use temporalio_client::{
    Client, QueryRejectCondition, WorkflowCancelOptions, WorkflowDescribeOptions, WorkflowExecuteUpdateOptions,
    WorkflowExecutionInfo, WorkflowExecutionStatus, WorkflowGetResultOptions, WorkflowHandle, WorkflowQueryOptions,
    WorkflowSignalOptions, WorkflowStartOptions,
};
use temporalio_common_full::{HasWorkflowDefinition, QueryDefinition, SignalDefinition, UpdateDefinition};

/// How long a call from an RPC may take. A query or an update needs a worker besides.
pub const CALL_TIMEOUT: Duration = Duration::from_secs(3);

/// A workflow that runs under the id of a start.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Started {
    /// The run.
    pub run_id: String,
    /// Whether an earlier start made it.
    pub existed: bool,
}

/// Starts a workflow; one that runs under the same id already is found instead.
///
/// The options decide what a closed workflow of the id means. With `WorkflowIdReusePolicy::RejectDuplicate` it is found as
/// well, so that an id names one workflow for ever; by default a new one starts.
///
/// # Errors
/// `TEMPORAL_UNAVAILABLE` when Temporal is away.
pub async fn start_or_existing<W>(
    client: &Client,
    workflow: W,
    input: W::Input,
    options: WorkflowStartOptions,
) -> Result<Started, Problem>
where
    W: HasWorkflowDefinition,
    W::Input: Send,
{
    let (run_id, existed) = match bounded(CALL_TIMEOUT, client.start_workflow(workflow, input, options)).await? {
        Ok(handle) => (handle.run_id().map(str::to_owned), false),
        Err(WorkflowStartError::AlreadyStarted { run_id, .. }) => (run_id, true),
        Err(error) => return Err(from_temporal(error)),
    };
    let run_id = run_id.ok_or_else(|| Problem::internal("a start without a run"))?;
    Ok(Started { run_id, existed })
}

/// One run of a workflow, or with no `run_id` the last one of its id.
pub fn handle_of<W: HasWorkflowDefinition>(
    client: &Client,
    workflow_id: impl Into<String>,
    run_id: Option<String>,
) -> WorkflowHandle<Client, W> {
    let info = WorkflowExecutionInfo::builder()
        .namespace(client.options().namespace.clone())
        .workflow_id(workflow_id)
        .maybe_run_id(run_id)
        .build();
    WorkflowHandle::new(client.clone(), info)
}

/// The status of a workflow; `None` when Temporal knows none of its id. That proves nothing: it may have been looked for in
/// the wrong place, or in a Temporal that lost it.
///
/// # Errors
/// `TEMPORAL_UNAVAILABLE` when Temporal is away.
pub async fn status_of<W: HasWorkflowDefinition>(
    handle: &WorkflowHandle<Client, W>,
) -> Result<Option<WorkflowExecutionStatus>, Problem> {
    match bounded(CALL_TIMEOUT, handle.describe(WorkflowDescribeOptions::default())).await? {
        Ok(described) => Ok(Some(described.status())),
        Err(WorkflowInteractionError::NotFound(_)) => Ok(None),
        Err(error) => Err(from_temporal(error)),
    }
}

/// The result of a workflow that has completed; `None` when it was closed in another way, or there is none.
///
/// # Errors
/// `TEMPORAL_UNAVAILABLE` when Temporal is away or the workflow is open.
pub async fn result_of<W: HasWorkflowDefinition>(
    handle: &WorkflowHandle<Client, W>,
) -> Result<Option<W::Output>, Problem> {
    match bounded(CALL_TIMEOUT, handle.get_result(WorkflowGetResultOptions::default())).await? {
        Ok(result) => Ok(Some(result)),
        Err(
            WorkflowGetResultError::Failed(_)
            | WorkflowGetResultError::Cancelled { .. }
            | WorkflowGetResultError::Terminated { .. }
            | WorkflowGetResultError::TimedOut
            | WorkflowGetResultError::ContinuedAsNew
            | WorkflowGetResultError::NotFound(_),
        ) => Ok(None),
        Err(error) => Err(from_temporal(error)),
    }
}

/// Asks an open workflow; `None` when it is closed or there is none.
///
/// # Errors
/// `TEMPORAL_UNAVAILABLE` when Temporal is away, or no worker answers within `limit`.
pub async fn query_within<W, Q>(
    limit: Duration,
    handle: &WorkflowHandle<Client, W>,
    query: Q,
    input: Q::Input,
) -> Result<Option<Q::Output>, Problem>
where
    W: HasWorkflowDefinition,
    Q: QueryDefinition<Workflow = W::Run>,
    Q::Input: Send,
{
    let options = WorkflowQueryOptions::builder()
        .reject_condition(QueryRejectCondition::NotOpen)
        .build();
    match bounded(limit, handle.query(query, input, options)).await? {
        Ok(answer) => Ok(Some(answer)),
        Err(WorkflowQueryError::NotFound(_) | WorkflowQueryError::Rejected { .. }) => Ok(None),
        // Its last workflow tasks failed, as under a version that can't go on with it.
        Err(WorkflowQueryError::Rpc(status)) if status.code() == Code::FailedPrecondition => {
            let message = "the workflow can't answer at this moment";
            Err(Problem::new(Reason::TemporalUnavailable, message).with_source(status))
        }
        Err(error) => Err(from_temporal(error)),
    }
}

/// Changes an open workflow and waits for its answer; `None` when the workflow refuses, is closed, or there is none. The
/// same `request_id` again changes nothing and returns the same answer.
///
/// # Errors
/// `TEMPORAL_UNAVAILABLE` when Temporal is away, or no worker answers within `limit`; then it is not known whether the
/// change was made.
pub async fn update_within<W, U>(
    limit: Duration,
    handle: &WorkflowHandle<Client, W>,
    update: U,
    input: U::Input,
    request_id: RequestId,
) -> Result<Option<U::Output>, Problem>
where
    W: HasWorkflowDefinition,
    U: UpdateDefinition<Workflow = W::Run>,
    U::Input: Send,
    U::Output: 'static,
{
    let options = WorkflowExecuteUpdateOptions::builder()
        .update_id(request_id.to_string())
        .build();
    match bounded(limit, handle.execute_update(update, input, options)).await? {
        Ok(answer) => Ok(Some(answer)),
        Err(WorkflowUpdateError::NotFound(_) | WorkflowUpdateError::Failed(_)) => Ok(None),
        Err(error) => Err(from_temporal(error)),
    }
}

/// Tells an open workflow a fact; `false` when it is closed or there is none. The same `request_id` again tells nothing.
///
/// # Errors
/// `TEMPORAL_UNAVAILABLE` when Temporal is away.
pub async fn signal<W, S>(
    handle: &WorkflowHandle<Client, W>,
    signal: S,
    input: S::Input,
    request_id: RequestId,
) -> Result<bool, Problem>
where
    W: HasWorkflowDefinition,
    S: SignalDefinition<Workflow = W::Run>,
    S::Input: Send,
{
    let options = WorkflowSignalOptions::builder()
        .request_id(request_id.to_string())
        .build();
    was_found(bounded(CALL_TIMEOUT, handle.signal(signal, input, options)).await?)
}

/// Asks a workflow to end; `false` when there is none. Of one that is closed Temporal says nothing: the answer is the same as
/// for an open one, and [`status_of`] tells them apart. With the handle of a run ([`handle_of`]) it can't
/// reach a later one of the same id. `why` stands in the workflow's history.
///
/// # Errors
/// `TEMPORAL_UNAVAILABLE` when Temporal is away.
pub async fn cancel<W: HasWorkflowDefinition>(
    handle: &WorkflowHandle<Client, W>,
    why: &'static str,
    request_id: RequestId,
) -> Result<bool, Problem> {
    let options = WorkflowCancelOptions::builder()
        .reason(why)
        .request_id(request_id.to_string())
        .build();
    was_found(bounded(CALL_TIMEOUT, handle.cancel(options)).await?)
}

fn was_found(answer: Result<(), WorkflowInteractionError>) -> Result<bool, Problem> {
    match answer {
        Ok(()) => Ok(true),
        Err(WorkflowInteractionError::NotFound(_)) => Ok(false),
        Err(error) => Err(from_temporal(error)),
    }
}

/// Bounds a call to Temporal, for those that have no function of their own here.
///
/// # Errors
/// `TEMPORAL_UNAVAILABLE` when it takes longer than `limit`.
pub async fn bounded<T>(limit: Duration, call: impl Future<Output = T>) -> Result<T, Problem> {
    tokio::time::timeout(limit, call).await.map_err(|_| {
        let message = "the workflow does not answer in time";
        Problem::new(Reason::TemporalUnavailable, message)
    })
}
