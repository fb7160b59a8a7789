//! The clock of one member's decay, over 83 years, and the daily sweep.

use super::fakes::DATABASE_AWAY;
use super::support::{
    Clock, DEADLINE, Stack, count, history_of_run, on_stack, on_stack_within, queue_named, record, start_of,
};
use anyhow::{Context, ensure};
use mesh_testkit::eventually;
use mesh_types::MemberId;
use reputation_workflows::contract::{
    DecayState, REPUTATION_BATCH_UPDATE_WORKFLOW, REPUTATION_DECAY_WORKFLOW, Sweep, TASK_QUEUE, decay_workflow_id,
};
use reputation_workflows::{ReputationBatchUpdateWorkflow, ReputationDecayWorkflow};
use serde_json::{Value, json};
use std::time::{Duration, Instant};
use temporalio_client::{
    Client, WorkflowGetResultOptions, WorkflowHandle, WorkflowQueryOptions, WorkflowSignalOptions,
};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::TimeSkippingConfig;
use temporalio_common::protos::temporal::api::enums::v1::EventType;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

const PERIOD: i64 = 30 * 24 * 3600;
/// Updates of a clock in all, at most.
const ITERATIONS: usize = 1_000;
/// What the test may take for all of them, on a busy machine.
const EIGHTY_THREE_YEARS: Duration = Duration::from_secs(240);
/// No run of the clock has a longer history.
const MOST_EVENTS: usize = 60;

struct DecayClock {
    member_id: MemberId,
    first_run: String,
    handle: WorkflowHandle<Client, ReputationDecayWorkflow>,
}

impl DecayClock {
    /// Starts a member's clock; one that skips takes as many jumps as it needs.
    async fn start(stack: &Stack, number: i64, input: Value, passing: Clock) -> anyhow::Result<Self> {
        let member_id = MemberId::try_from(number)?;
        let skipping = TimeSkippingConfig {
            enabled: true,
            max_session_skip_count: 1_000_000,
            ..Default::default()
        };
        let start = StartWorkflowExecutionRequest {
            workflow_id: decay_workflow_id(member_id),
            task_queue: queue_named(TASK_QUEUE),
            time_skipping_config: (passing == Clock::Skipping).then_some(skipping),
            ..start_of(REPUTATION_DECAY_WORKFLOW, &input, passing)?
        };
        let first_run = stack.start_workflow(start).await?;
        let handle = stack.client.get_workflow_handle(decay_workflow_id(member_id));
        Ok(Self {
            member_id,
            first_run,
            handle,
        })
    }

    async fn end(&self, within: Duration) -> anyhow::Result<DecayState> {
        let result = self.handle.get_result(WorkflowGetResultOptions::default());
        let end = tokio::time::timeout(within, result).await;
        Ok(end.context("the clock does not end")??)
    }

    async fn cancel(&self) -> anyhow::Result<()> {
        let signal = ReputationDecayWorkflow::cancel_decay;
        Ok(self
            .handle
            .signal(signal, RawValue::empty(), WorkflowSignalOptions::default())
            .await?)
    }

    /// The length of each run's history, from the first run to the last, and when the last one ended by its own clock, in
    /// seconds.
    async fn lengths(&self, stack: &Stack) -> anyhow::Result<(Vec<usize>, i64)> {
        let (mut lengths, mut ended_at) = (Vec::new(), 0);
        let mut next = Some(self.first_run.clone());
        while let Some(run) = next {
            let history = history_of_run(&stack.client, decay_workflow_id(self.member_id), run).await?;
            lengths.push(history.events.len());
            let last = history.events.last().and_then(|event| event.event_time);
            ended_at = last.context("an event without a time")?.seconds;
            next = history.events.last().and_then(|event| match &event.attributes {
                Some(Attributes::WorkflowExecutionContinuedAsNewEventAttributes(next)) => {
                    Some(next.new_execution_run_id.clone())
                }
                _ => None,
            });
        }
        Ok((lengths, ended_at))
    }
}

#[test]
fn a_clock_runs_for_83_years_in_short_histories() -> anyhow::Result<()> {
    on_stack_within(EIGHTY_THREE_YEARS, async |stack| {
        let began = Instant::now();
        let clock = DecayClock::start(
            stack,
            830_000,
            json!({ "member_id": 830_000, "iterations": 5_000 }),
            Clock::Skipping,
        )
        .await?;
        let end = clock.end(EIGHTY_THREE_YEARS).await?;
        println!(
            "1,000 updates of a member's score in {:.1} s",
            began.elapsed().as_secs_f64()
        );
        ensure!(
            end.iterations_done as usize == ITERATIONS && !end.is_cancelled,
            "{end:?}"
        );
        let updates = stack.updates.of(clock.member_id);
        assert_eq!(updates.len(), ITERATIONS);
        for (update, number) in updates.iter().zip(1..) {
            assert_eq!(update.period, number);
            let first = updates[0].as_of_seconds;
            assert_eq!(update.as_of_seconds, first + (i64::from(number) - 1) * PERIOD);
        }
        let (lengths, ended_at) = clock.lengths(stack).await?;
        let longest = lengths.iter().copied().max().unwrap_or_default();
        println!("{} runs, the longest history has {longest} events", lengths.len());
        ensure!(longest <= MOST_EVENTS, "{lengths:?}");
        let late = ended_at - updates[ITERATIONS - 1].as_of_seconds;
        ensure!(
            (0..3600).contains(&late),
            "by the workflow's own clock it ended {late} s after the last period"
        );
        Ok(())
    })
}

#[test]
fn a_clock_is_stopped_at_any_point() -> anyhow::Result<()> {
    on_stack(async |stack| {
        // Before its first update, while it waits for the second, and in its second run.
        for (number, updates) in [(831_000, 0), (831_001, 1), (831_002, 6)] {
            let input = json!({ "member_id": number, "interval_seconds": if updates == 0 { 3600 } else { 1 } });
            let clock = DecayClock::start(stack, number, input, Clock::Real).await?;
            let look = async || (stack.updates.of(clock.member_id).len() >= updates).then_some(());
            eventually(DEADLINE, "the clock to go on", look).await?;
            let query = ReputationDecayWorkflow::decay_state;
            let before = clock.handle.query(query, (), WorkflowQueryOptions::default()).await?;
            clock.cancel().await?;
            let end = clock.end(DEADLINE).await?;
            ensure!(
                end.is_cancelled && end.iterations_done >= before.iterations_done,
                "{before:?} {end:?}"
            );
            ensure!((end.iterations_done as usize) < ITERATIONS, "{end:?}");
            // An update that was under way when the clock was stopped is not waited for.
            let under_way = stack.updates.of(clock.member_id).len() - end.iterations_done as usize;
            ensure!(under_way <= 1, "{under_way} more updates than the clock counted");
            if updates == 1 {
                let last = clock.handle.describe(Default::default()).await?.run_id().to_owned();
                let history = history_of_run(&stack.client, decay_workflow_id(clock.member_id), last).await?;
                record("reputation", "decay-cancelled", &history)?;
            }
        }
        Ok(())
    })
}

#[test]
fn a_clock_is_stopped_while_the_database_is_away() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let input = json!({ "member_id": DATABASE_AWAY, "interval_seconds": 1 });
        let clock = DecayClock::start(stack, DATABASE_AWAY, input, Clock::Real).await?;
        let look = async || (stack.updates.of(clock.member_id).len() > 1).then_some(());
        eventually(DEADLINE, "the update to be tried again", look).await?;
        clock.cancel().await?;
        let end = clock.end(DEADLINE).await?;
        assert_eq!((end.iterations_done, end.is_cancelled), (0, true));
        let id = decay_workflow_id(clock.member_id);
        let history = history_of_run(&stack.client, id, clock.first_run.clone()).await?;
        record("reputation", "decay-cancelled-in-an-update", &history)
    })
}

#[test]
fn a_signal_with_anything_in_it_stops_a_clock() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let clock = DecayClock::start(stack, 832_000, json!({ "member_id": 832_000 }), Clock::Real).await?;
        let signal = temporalio_client::UntypedSignal::new("cancel_decay");
        let input = RawValue::new(vec![json_payload(b"\"please\"")?, json_payload(b"7")?]);
        clock
            .handle
            .signal(signal, input, WorkflowSignalOptions::default())
            .await?;
        ensure!(clock.end(DEADLINE).await?.is_cancelled);
        Ok(())
    })
}

#[test]
fn a_run_goes_on_as_a_new_one_after_four_updates() -> anyhow::Result<()> {
    on_stack(async |stack| {
        let input = json!({ "member_id": 833_000, "iterations": 5 });
        let clock = DecayClock::start(stack, 833_000, input, Clock::Skipping).await?;
        let end = clock.end(DEADLINE).await?;
        assert_eq!((end.iterations_done, end.is_cancelled), (5, false));
        let id = decay_workflow_id(clock.member_id);
        let first = history_of_run(&stack.client, id.clone(), clock.first_run.clone()).await?;
        assert_eq!(count(&first, EventType::ActivityTaskCompleted), 4);
        record("reputation", "decay-goes-on-as-new", &first)?;
        let last = clock.handle.describe(Default::default()).await?.run_id().to_owned();
        record(
            "reputation",
            "decay-to-its-end",
            &history_of_run(&stack.client, id, last).await?,
        )
    })
}

#[test]
fn a_sweep_is_for_the_instant_that_is_asked_for_and_never_for_the_future() -> anyhow::Result<()> {
    on_stack(async |stack| {
        for (id, asked) in [
            ("sweep-past", Some(1_700_000_000)),
            ("sweep-future", Some(i64::MAX)),
            ("sweep-now", None),
        ] {
            let start = StartWorkflowExecutionRequest {
                workflow_id: id.to_owned(),
                task_queue: queue_named(TASK_QUEUE),
                ..start_of(
                    REPUTATION_BATCH_UPDATE_WORKFLOW,
                    &json!({ "as_of_seconds": asked }),
                    Clock::Real,
                )?
            };
            let run = stack.start_workflow(start).await?;
            let handle = stack.client.get_workflow_handle::<ReputationBatchUpdateWorkflow>(id);
            let progress = handle.get_result(WorkflowGetResultOptions::default());
            let progress = tokio::time::timeout(DEADLINE, progress)
                .await
                .context("it does not end")??;
            assert_eq!(progress.members, 3);
            let history = history_of_run(&stack.client, id.to_owned(), run).await?;
            let started = history.events[0].event_time.context("an event without a time")?.seconds;
            let expected = Sweep {
                as_of_seconds: asked.filter(|asked| *asked < started).unwrap_or(started),
            };
            assert_eq!(
                stack.updates.sweeps_of(id),
                [expected; 3],
                "tried until the database was back"
            );
            if id == "sweep-past" {
                record("reputation", "sweep-of-a-past-instant", &history)?;
            }
        }
        Ok(())
    })
}

fn json_payload(data: &[u8]) -> anyhow::Result<temporalio_common::protos::temporal::api::common::v1::Payload> {
    Ok(temporalio_common::protos::temporal::api::common::v1::Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: data.to_vec(),
        ..Default::default()
    })
}
