//! A Temporal server of this process's own, with the workers of all queues, and one verification on it.

mod plan;

pub use plan::{Plan, by_community, by_document, by_person, by_reputation};

use super::fakes::{
    CommunityFakes, DecayFakes, DocumentFakes, InPersonFakes, OrchestratorFakes, ReputationFakes, ScheduledFakes,
    Script, Scripts, Updates, Writings,
};
use super::time::client_of;
use anyhow::{Context, ensure};
use community_workflows::CommunityValidationWorkflow;
use document_workflows::DocumentVerificationWorkflow;
use in_person_workflows::InPersonVerificationWorkflow;
use mesh_runtime::clock;
use mesh_testkit::{NAMESPACE, Temporal};
use mesh_types::{MemberId, Method, Score};
use orchestrator_workflows::contract::{
    TASK_QUEUE, VERIFICATION_WORKFLOW, VerificationInput, VerificationOutcome, method_workflow_id, workflow_id,
};
use orchestrator_workflows::{VerificationReminderWorkflow, VerificationReportWorkflow, VerificationWorkflow};
use prost::Message;
use reputation_workflows::{ReputationBatchUpdateWorkflow, ReputationDecayWorkflow, ReputationVerificationWorkflow};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock, mpsc};
use std::time::Duration;
use temporalio_client::errors::WorkflowGetResultError;
use temporalio_client::tonic::IntoRequest;
use temporalio_client::{
    Client, WorkflowDescribeOptions, WorkflowExecutionDescription, WorkflowExecutionInfo, WorkflowFetchHistoryOptions,
    WorkflowGetResultOptions, WorkflowHandle,
};
use temporalio_common::SearchAttributes;
use temporalio_common::protos::temporal::api::common::v1::{Payload, Payloads, TimeSkippingConfig, WorkflowType};
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::{History, HistoryEvent};
use temporalio_common::protos::temporal::api::taskqueue::v1::TaskQueue;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;
use temporalio_sdk::{Runtime, Worker, WorkerOptions};

/// A queue whose worker has never heard of any patch: what starts there is as old as the first release.
pub const BEFORE_THE_PATCHES: &str = "orchestrator-before-the-patches";
/// The longest that any single wait of a test lasts.
pub const DEADLINE: Duration = Duration::from_secs(30);

/// What workers and recorded histories call this process; never the machine's name.
pub(super) const IDENTITY: &str = "mesh-tests";
const RECORD_ENV: &str = "MESH_RECORD_HISTORIES";

/// The server, its workers, and what they do.
pub struct Stack {
    runtime: tokio::runtime::Runtime,
    sdk: Arc<Runtime>,
    pub(super) client: Client,
    pub(super) scripts: Arc<Scripts>,
    /// What the scheduled workflows wrote.
    pub(super) writings: Arc<Writings>,
    /// What kept scores were brought up to.
    pub(super) updates: Arc<Updates>,
    // Its drop would end the server.
    _server: Temporal,
}

/// Whether the clock of a verification jumps over what would only be waited for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    /// As it goes.
    Real,
    /// Whenever only timers are pending.
    Skipping,
}

/// What a worker runs.
pub trait Register: FnOnce(&mut WorkerOptions) -> anyhow::Result<()> + Send + 'static {}

impl<F: FnOnce(&mut WorkerOptions) -> anyhow::Result<()> + Send + 'static> Register for F {}

/// A worker of the document service.
pub fn document_worker(scripts: Arc<Scripts>) -> impl Register {
    move |options: &mut WorkerOptions| {
        options
            .register_workflow::<DocumentVerificationWorkflow>()?
            .register_activities(DocumentFakes(scripts));
        Ok(())
    }
}

/// A worker that a test can stop.
pub struct RunningWorker {
    stop: Box<dyn Fn() + Send>,
    thread: std::thread::JoinHandle<()>,
}

impl RunningWorker {
    /// Stops it and waits until it has gone.
    pub fn stop(self) -> anyhow::Result<()> {
        (self.stop)();
        self.thread.join().map_err(|_panic| anyhow::anyhow!("the worker broke"))
    }
}

/// Runs a test on the one stack of this process, which starts with the first test.
pub fn on_stack(test: impl AsyncFnOnce(&Stack) -> anyhow::Result<()>) -> anyhow::Result<()> {
    on_stack_within(DEADLINE + DEADLINE, test)
}

/// The same for a test that may take so long.
pub fn on_stack_within(limit: Duration, test: impl AsyncFnOnce(&Stack) -> anyhow::Result<()>) -> anyhow::Result<()> {
    static STACK: OnceLock<Result<Stack, String>> = OnceLock::new();
    let stack = STACK.get_or_init(|| Stack::start().map_err(|error| format!("{error:#}")));
    let stack = stack.as_ref().map_err(|error| anyhow::anyhow!("{error}"))?;
    stack.runtime.block_on(async {
        tokio::time::timeout(limit, test(stack))
            .await
            .context("the test did not end in time")?
    })
}

impl Stack {
    fn start() -> anyhow::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()?;
        let scripts = Arc::new(Scripts::default());
        let (server, client, sdk) = runtime.block_on(async {
            let server = Temporal::start().await?;
            let client = client_of(&server).await?;
            anyhow::Ok((
                server,
                client,
                Arc::new(Runtime::from_current_tokio(Default::default())?),
            ))
        })?;
        let stack = Self {
            runtime,
            sdk,
            client,
            scripts: scripts.clone(),
            writings: Arc::default(),
            updates: Arc::default(),
            _server: server,
        };
        for (queue, knows_patches) in [(TASK_QUEUE, true), (BEFORE_THE_PATCHES, false)] {
            let orchestrator = OrchestratorFakes(scripts.clone());
            let scheduled = ScheduledFakes(stack.writings.clone());
            stack.work_for_ever(queue, move |options| {
                options
                    .register_workflow::<VerificationWorkflow>()?
                    .register_workflow::<VerificationReminderWorkflow>()?
                    .register_workflow::<VerificationReportWorkflow>()?
                    .register_activities(orchestrator)
                    .register_activities(scheduled);
                if !knows_patches {
                    options.patch_activation_callback = Some(Arc::new(|_patch| false));
                }
                Ok(())
            })?;
        }
        let queue = document_workflows::contract::TASK_QUEUE;
        stack.work_for_ever(queue, document_worker(scripts.clone()))?;
        let reading = DocumentFakes(scripts.clone());
        stack.work_for_ever(document_workflows::contract::OCR_TASK_QUEUE, |options| {
            options.register_activities(reading);
            Ok(())
        })?;
        let community = CommunityFakes(scripts.clone());
        stack.work_for_ever(community_workflows::contract::TASK_QUEUE, |options| {
            options
                .register_workflow::<CommunityValidationWorkflow>()?
                .register_activities(community);
            Ok(())
        })?;
        let in_person = InPersonFakes(scripts.clone());
        stack.work_for_ever(in_person_workflows::contract::TASK_QUEUE, |options| {
            options
                .register_workflow::<InPersonVerificationWorkflow>()?
                .register_activities(in_person);
            Ok(())
        })?;
        let (reputation, decay) = (ReputationFakes(scripts), DecayFakes(stack.updates.clone()));
        stack.work_for_ever(reputation_workflows::contract::TASK_QUEUE, |options| {
            options
                .register_workflow::<ReputationVerificationWorkflow>()?
                .register_workflow::<ReputationDecayWorkflow>()?
                .register_workflow::<ReputationBatchUpdateWorkflow>()?
                .register_activities(reputation)
                .register_activities(decay);
            Ok(())
        })?;
        Ok(stack)
    }

    /// A worker that lives as long as the process.
    fn work_for_ever(&self, queue: &'static str, register: impl Register) -> anyhow::Result<()> {
        std::mem::forget(self.work(queue, register)?);
        Ok(())
    }

    /// A worker on a thread of its own, because the SDK's workers can't move between threads.
    pub fn work(&self, queue: &'static str, register: impl Register) -> anyhow::Result<RunningWorker> {
        let (sdk, client, handle) = (self.sdk.clone(), self.client.clone(), self.runtime.handle().clone());
        let (ready, is_ready) = mpsc::channel::<anyhow::Result<Box<dyn Fn() + Send>>>();
        let work = move || {
            handle.block_on(async {
                let made = async {
                    let mut options = WorkerOptions::new(queue)
                        // A cancellation is heard by the answer to a heartbeat.
                        .max_heartbeat_throttle_interval(Duration::from_millis(100))
                        .default_heartbeat_throttle_interval(Duration::from_millis(100))
                        .build();
                    register(&mut options)?;
                    anyhow::Ok(Worker::new(&sdk, client, options)?)
                };
                match made.await {
                    Ok(mut worker) => {
                        // Nobody listens only when the test thread is gone.
                        let _ = ready.send(Ok(Box::new(worker.shutdown_handle())));
                        if let Err(error) = worker.run().await {
                            panic!("the worker of {queue} ended: {error:?}");
                        }
                    }
                    Err(error) => {
                        let _ = ready.send(Err(error));
                    }
                }
            });
        };
        let thread = std::thread::Builder::new()
            .name(format!("worker-{queue}"))
            .spawn(work)?;
        let stop = is_ready
            .recv_timeout(DEADLINE)
            .with_context(|| format!("the worker of {queue} does not start"))??;
        Ok(RunningWorker { stop, thread })
    }

    /// Starts a verification of a new member.
    pub async fn verify(&self, plan: Plan) -> anyhow::Result<Verification> {
        let script = self.scripts.add(plan.course);
        let started_at_seconds = clock::now().as_second() - plan.started_days_ago * 24 * 3600;
        let input = VerificationInput {
            verification_id: script.verification_id,
            member_id: script.member_id,
            target_score: Score::capped(plan.target_score),
            methods: plan.methods.iter().map(|choose| choose(script.member_id)).collect(),
            started_at_seconds,
            deadline_at_seconds: started_at_seconds.saturating_add_unsigned(plan.timeout_seconds),
            search_attributes: plan.search_attributes,
        };
        let start = StartWorkflowExecutionRequest {
            workflow_id: workflow_id(script.verification_id),
            task_queue: queue_named(plan.task_queue),
            search_attributes: input.search_attributes().map(SearchAttributes::into_proto),
            ..start_of(VERIFICATION_WORKFLOW, &input, plan.clock)?
        };
        self.start_workflow(start).await?;
        let handle = self
            .client
            .get_workflow_handle::<VerificationWorkflow>(workflow_id(script.verification_id));
        Ok(Verification {
            script,
            input,
            handle,
            client: self.client.clone(),
        })
    }

    /// Starts a workflow as a request says; returns its run.
    pub async fn start_workflow(&self, start: StartWorkflowExecutionRequest) -> anyhow::Result<String> {
        let mut service = self.client.connection().workflow_service();
        let started = service.start_workflow_execution(start.into_request()).await?;
        Ok(started.into_inner().run_id)
    }
}

/// A start of a workflow; the SDK's own can't ask for time skipping.
pub fn start_of(
    workflow: &str,
    input: &impl Serialize,
    passing: Clock,
) -> anyhow::Result<StartWorkflowExecutionRequest> {
    let input = Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: serde_json::to_vec(input)?,
        ..Default::default()
    };
    Ok(StartWorkflowExecutionRequest {
        namespace: NAMESPACE.to_owned(),
        workflow_type: Some(WorkflowType {
            name: workflow.to_owned(),
        }),
        input: Some(Payloads { payloads: vec![input] }),
        request_id: clock::new_uuid().to_string(),
        identity: IDENTITY.to_owned(),
        time_skipping_config: (passing == Clock::Skipping).then(skipping),
        ..Default::default()
    })
}

/// The clock jumps whenever only timers are pending.
pub fn skipping() -> TimeSkippingConfig {
    TimeSkippingConfig {
        enabled: true,
        ..Default::default()
    }
}

/// A task queue in a request.
pub fn queue_named(name: &str) -> Option<TaskQueue> {
    Some(TaskQueue {
        name: name.to_owned(),
        ..Default::default()
    })
}

/// Where a member's invented document lies.
pub fn document_url(member_id: MemberId) -> String {
    format!("file:///documents/members/{member_id}/documents/018f3c6e-7d1a-7bb2-9c55-0f1f2a3b4c5d")
}

/// A verification that was started.
pub struct Verification {
    /// Its script.
    pub script: Arc<Script>,
    /// What it was started with.
    pub input: VerificationInput,
    /// Its workflow.
    pub handle: WorkflowHandle<Client, VerificationWorkflow>,
    client: Client,
}

impl Verification {
    /// Waits for the workflow's end.
    pub async fn end(&self) -> anyhow::Result<Result<VerificationOutcome, WorkflowGetResultError>> {
        let result = self.handle.get_result(WorkflowGetResultOptions::default());
        tokio::time::timeout(DEADLINE, result)
            .await
            .context("the verification does not end")
    }

    /// The parent workflow as Temporal shows it to operators.
    pub async fn describe(&self) -> anyhow::Result<WorkflowExecutionDescription> {
        Ok(self.handle.describe(WorkflowDescribeOptions::default()).await?)
    }

    /// A method's workflow as Temporal shows it to operators; none when there is no such workflow.
    pub async fn describe_method(&self, method: Method) -> Option<WorkflowExecutionDescription> {
        let id = method_workflow_id(self.script.verification_id, method, 1);
        let child = self.client.get_workflow_handle::<DocumentVerificationWorkflow>(id);
        child.describe(WorkflowDescribeOptions::default()).await.ok()
    }

    /// The parent workflow's history.
    pub async fn history(&self) -> anyhow::Result<History> {
        history_of(&self.client, workflow_id(self.script.verification_id)).await
    }

    /// The history of a method's workflow.
    pub async fn method_history(&self, method: Method) -> anyhow::Result<History> {
        history_of(&self.client, method_workflow_id(self.script.verification_id, method, 1)).await
    }
}

/// The history of a workflow's last run.
pub async fn history_of(client: &Client, id: String) -> anyhow::Result<History> {
    fetch_history(client.get_workflow_handle::<VerificationWorkflow>(id)).await
}

/// The history of one run of a workflow.
pub async fn history_of_run(client: &Client, id: String, run_id: String) -> anyhow::Result<History> {
    let run = WorkflowExecutionInfo::builder()
        .namespace(NAMESPACE)
        .workflow_id(id)
        .run_id(run_id)
        .build();
    fetch_history(WorkflowHandle::new(client.clone(), run)).await
}

async fn fetch_history(handle: WorkflowHandle<Client, VerificationWorkflow>) -> anyhow::Result<History> {
    let events = handle
        .fetch_history(WorkflowFetchHistoryOptions::default())
        .into_events();
    Ok(History {
        events: tokio::time::timeout(DEADLINE, events).await.context("no history")??,
    })
}

/// How many events of a type a history holds.
pub fn count(history: &History, wanted: EventType) -> usize {
    history
        .events
        .iter()
        .filter(|event| event.event_type() == wanted)
        .count()
}

/// The types of a history's events, in order.
pub fn event_types(history: &History) -> Vec<&'static str> {
    history
        .events
        .iter()
        .map(|event| event.event_type().as_str_name())
        .collect()
}

/// From a history's first event to its last in whole seconds, as the workflow's clock went.
pub fn lasted(history: &History) -> anyhow::Result<Duration> {
    let at = |event: Option<&HistoryEvent>| {
        let time = event
            .and_then(|event| event.event_time)
            .context("an event without a time")?;
        Ok::<_, anyhow::Error>(time.seconds)
    };
    Ok(Duration::from_secs(
        (at(history.events.last())? - at(history.events.first())?).try_into()?,
    ))
}

/// The folder of a service's recorded histories.
pub fn histories(service: &str) -> PathBuf {
    Path::new("../services").join(service).join("workflows/histories")
}

/// Writes a history under a name when the environment asks for it and there is none of that name.
pub fn record(service: &str, name: &str, history: &History) -> anyhow::Result<()> {
    let file = histories(service).join(name).with_extension("binpb");
    if std::env::var_os(RECORD_ENV).is_none() || file.exists() {
        return Ok(());
    }
    ensure!(!history.events.is_empty(), "{name}: nothing to record");
    std::fs::create_dir_all(histories(service))?;
    std::fs::write(&file, history.encode_to_vec()).with_context(|| format!("cannot write {}", file.display()))
}
