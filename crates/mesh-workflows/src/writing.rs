//! An activity that writes some rows, the cheapest way that outlives an outage.

use temporalio_common::ActivityDefinition;
use temporalio_common::data_converters::TemporalDeserializable;
use temporalio_common::error::ActivityExecutionError;
use temporalio_workflow::{ActivityOptions, LocalActivityOptions, WorkflowContext};

/// Runs an activity at once by a local one, which saves two events and a workflow task. One that retries for long would fill the
/// history, so where that fails, an ordinary one goes on. It has to be one that may be repeated.
///
/// # Errors
/// Those of the ordinary activity.
pub async fn write<W, A>(
    ctx: &WorkflowContext<W>,
    activity: impl Fn() -> A,
    input: A::Input,
    (at_once, later): (LocalActivityOptions, ActivityOptions),
) -> Result<A::Output, ActivityExecutionError>
where
    A: ActivityDefinition,
    A::Input: Clone,
    A::Output: TemporalDeserializable,
{
    match ctx.execute_local_activity(activity(), input.clone(), at_once).await {
        Ok(written) => Ok(written),
        Err(_) => ctx.execute_activity(activity(), input, later).await,
    }
}
