//! Temporal: the connections, the workers, and whether it answers.

use crate::Problem;
use crate::config::Common;
use crate::metrics::Metrics;
use crate::service::WorkerParts;
use crate::telemetry::{Telemetry, propagator};
use crate::tls::engines::TemporalAccess;
use anyhow::Context;
use mesh_types::Reason;
use secrecy::ExposeSecret;
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use temporalio_client::tonic::IntoRequest;
use temporalio_client::{Client, ClientOptions, ConnectionOptions, RetryOptions, grpc::WorkflowService};
use temporalio_common_full::protos::temporal::api::enums::v1::TaskQueueType;
use temporalio_common_full::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common_full::protos::temporal::api::workflowservice::v1::{
    DescribeNamespaceRequest, DescribeTaskQueueRequest,
};
use temporalio_sdk::interceptors::{ActivityInboundInterceptor, ExecuteActivityInput, ExecuteActivityOutput, Next};
use temporalio_sdk::opentelemetry::OpenTelemetryPlugin;
use temporalio_sdk::runtime::worker_tuner::{FixedSizeSlotSupplier, TunerHolder, WorkerTuner};
use temporalio_sdk::{Runtime, Worker, WorkerOptions};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const PROBE_TIMEOUT: Duration = Duration::from_secs(1);
/// An RPC must tell its caller within seconds that Temporal is away.
const CALL_RETRIES: Duration = Duration::from_secs(3);
/// A worker has done the work already: it goes on trying to hand its result in.
const WORKER_RETRIES: Duration = Duration::from_secs(60);

/// Slots for a worker that differ from the configured ones: `options.tuner = slots(2, 50)`.
///
/// `activities` bounds local activities as well. `workflow_tasks` is at least 2.
pub fn slots(activities: usize, workflow_tasks: usize) -> WorkerTuner {
    TunerHolder::builder()
        .workflow_task_slot_supplier(FixedSizeSlotSupplier::new(workflow_tasks.max(2)))
        .activity_task_slot_supplier(FixedSizeSlotSupplier::new(activities))
        .local_activity_task_slot_supplier(FixedSizeSlotSupplier::new(activities))
        .nexus_task_slot_supplier(FixedSizeSlotSupplier::new(1))
        .build()
        .into()
}

/// The two clients of a process, over two connections: RPCs give up early, workers late.
pub(crate) struct Clients {
    pub(crate) calls: Client,
    pub(crate) workers: Client,
}

/// Connects once. Fails when Temporal doesn't answer or has no such namespace.
pub(crate) async fn connect(
    identity: &str,
    (config, access): (&Common, &TemporalAccess),
    metrics: &Metrics,
    telemetry: &Telemetry,
) -> anyhow::Result<Clients> {
    let open = async |retries: Duration| {
        let connection = ConnectionOptions::new(config.temporal_url.clone())
            .identity(identity)
            .connect_timeout(CONNECT_TIMEOUT)
            .retry_options(
                RetryOptions::builder()
                    .max_elapsed_time(Some(retries))
                    .max_retries(0)
                    .build(),
            )
            .maybe_metrics_meter(metrics.client_meter()?)
            .maybe_tls_options(access.tls.clone())
            .maybe_api_key(access.api_key.as_ref().map(|key| key.expose_secret().to_owned()))
            .build();
        let options = ClientOptions::new(config.temporal_namespace.clone());
        let options = if config.interceptors {
            let plugin = OpenTelemetryPlugin::builder()
                .tracer(telemetry.temporal_tracer())
                .propagator(propagator())
                .build();
            options.plugin(plugin).build()
        } else {
            options.build()
        };
        Client::connect(connection, options).await.map_err(innermost)
    };
    let clients = Clients {
        calls: open(CALL_RETRIES).await?,
        workers: open(WORKER_RETRIES).await?,
    };
    match lack(&clients.calls).await {
        None => Ok(clients),
        Some(why) => Err(anyhow::anyhow!(why)),
    }
}

/// The SDK's connection errors repeat their whole chain in Debug form; what a reader needs is at its end.
fn innermost(error: impl std::error::Error) -> anyhow::Error {
    let mut cause: &dyn std::error::Error = &error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    anyhow::anyhow!("{cause}")
}

/// What is wrong with Temporal, if anything.
pub(crate) async fn lack(client: &Client) -> Option<String> {
    let namespace = client.options().namespace.clone();
    let request = DescribeNamespaceRequest {
        namespace: namespace.clone(),
        ..Default::default()
    };
    let mut client = client.clone();
    match tokio::time::timeout(PROBE_TIMEOUT, client.describe_namespace(request.into_request())).await {
        Ok(Ok(_)) => None,
        Ok(Err(status)) if status.code() == tonic::Code::NotFound => Some(format!(
            "there is no namespace {namespace}: create it with `temporal operator namespace create`"
        )),
        Ok(Err(status)) => Some(format!("{:?}: {}", status.code(), status.message())),
        Err(_) => Some(format!("no answer within {PROBE_TIMEOUT:?}")),
    }
}

/// Whether this process polls `task_queue`, as Temporal sees it: what is missing, if anything.
pub(crate) async fn polling_lack(client: &Client, task_queue: &str) -> Option<String> {
    let identity = client.connection().identity().to_owned();
    for kind in [TaskQueueType::Workflow, TaskQueueType::Activity] {
        let request = DescribeTaskQueueRequest {
            namespace: client.options().namespace.clone(),
            task_queue: Some(TaskQueue {
                name: task_queue.to_owned(),
                ..Default::default()
            }),
            task_queue_type: kind.into(),
            ..Default::default()
        };
        let mut client = client.clone();
        let answer = tokio::time::timeout(PROBE_TIMEOUT, client.describe_task_queue(request.into_request())).await;
        if let Ok(Ok(answer)) = answer
            && answer
                .into_inner()
                .pollers
                .iter()
                .any(|poller| poller.identity == identity)
        {
            return None;
        }
    }
    Some("the worker does not poll yet".to_owned())
}

/// The SDK's runtime, shared by all workers of the process. Must be made inside the Tokio runtime.
pub(crate) fn runtime(metrics: &Metrics) -> anyhow::Result<Arc<Runtime>> {
    let options = temporalio_sdk::runtime::RuntimeOptions::builder()
        .telemetry_options(metrics.sdk_options())
        .build()
        .map_err(anyhow::Error::msg)?;
    Ok(Arc::new(Runtime::from_current_tokio(options)?))
}

/// Ends each attempt of an activity at its own time limit. Temporal gives it to somebody else by then; without this, one that
/// hangs, such as in a statement of a server that vanished, would hold its slot and connection for ever.
struct TimeLimits;

impl ActivityInboundInterceptor for TimeLimits {
    fn execute_activity<'a>(
        &'a self,
        input: ExecuteActivityInput,
        next: Next<'a, ExecuteActivityInput, ExecuteActivityOutput<'a>>,
    ) -> ExecuteActivityOutput<'a> {
        let limit = input.activity_info().deadline.and_then(time_until);
        Box::pin(async move {
            let attempt = next.run(input);
            let Some(limit) = limit else { return attempt.await };
            match tokio::time::timeout(limit, attempt).await {
                Ok(result) => result,
                Err(_) => {
                    let message = "the attempt passed its time limit";
                    Err(Problem::new(Reason::DeadlineExceeded, message).into())
                }
            }
        })
    }
}

fn time_until(deadline: SystemTime) -> Option<Duration> {
    let deadline = jiff::Timestamp::try_from(deadline).ok()?;
    let left = deadline.duration_since(crate::clock::now());
    Some(Duration::try_from(left).unwrap_or_default())
}

/// A worker on its own thread: the SDK's workers can't move between threads.
pub(crate) struct WorkerThread {
    pub(crate) task_queue: &'static str,
    ended: oneshot::Receiver<anyhow::Result<()>>,
}

impl WorkerThread {
    /// Starts the worker; it drains when `stop` is cancelled.
    pub(crate) fn start(
        parts: WorkerParts,
        runtime: Arc<Runtime>,
        client: Client,
        config: &Common,
        stop: CancellationToken,
    ) -> anyhow::Result<Self> {
        let WorkerParts { task_queue, register } = parts;
        let mut options = WorkerOptions::new(task_queue)
            .tuner(slots(
                config.max_concurrent_activities,
                config.max_concurrent_workflow_tasks,
            ))
            .graceful_shutdown_period(config.graceful_activity_shutdown)
            // The SDK hears of a cancellation only by the answer to a heartbeat, so a slow heartbeat is a slow cancel.
            .max_heartbeat_throttle_interval(Duration::from_secs(1))
            .default_heartbeat_throttle_interval(Duration::from_secs(1))
            .build();
        let (end, ended) = oneshot::channel();
        let handle = tokio::runtime::Handle::current();
        let work = move || {
            let result = handle.block_on(async {
                register(&mut options)?;
                options.activity_inbound_interceptor(TimeLimits);
                let mut worker = Worker::new(&runtime, client, options)?;
                let shutdown = worker.shutdown_handle();
                let run = worker.run();
                tokio::pin!(run);
                tokio::select! {
                    result = &mut run => {
                        result?;
                        anyhow::ensure!(stop.is_cancelled(), "the worker ended by itself");
                        Ok(())
                    }
                    () = stop.cancelled() => {
                        shutdown();
                        run.await.map_err(anyhow::Error::from)
                    }
                }
            });
            // Nobody listens only when the drain gave up on this thread, and then the process is about to end.
            let _ = end.send(result.with_context(|| format!("the worker of task queue {task_queue:?} failed")));
        };
        std::thread::Builder::new()
            .name(format!("worker-{task_queue}"))
            .spawn(work)?;
        Ok(Self { task_queue, ended })
    }

    /// Waits for the worker's end. Not to be called again after it returned.
    pub(crate) async fn ended(&mut self) -> anyhow::Result<()> {
        match (&mut self.ended).await {
            Ok(result) => result,
            Err(_) => Err(anyhow::anyhow!(
                "the worker of task queue {:?} panicked",
                self.task_queue
            )),
        }
    }
}
