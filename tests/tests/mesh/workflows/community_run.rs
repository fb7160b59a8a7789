//! One validation by the community, alone or as a method of a member's verification, and what validators and a reviewer do to it.

use super::fakes::{Course, Script};
use super::support::{Clock, DEADLINE, Stack, Verification, event_types, history_of, queue_named, start_of};
use super::time::let_time_pass;
use anyhow::{Context, bail};
use community_workflows::CommunityValidationWorkflow;
use community_workflows::contract::{
    Answer, COMMUNITY_VALIDATION_WORKFLOW, CommunityValidationRequest, Phase, Progress, RejectReason, ResponseTaken,
    ReviewDecision, TASK_QUEUE, ValidationRules, ValidatorResponse, Vote,
};
use mesh_runtime::clock;
use mesh_testkit::eventually;
use mesh_types::{Decision, IntroductionId, MemberId, Method, MethodOutcome, RequestId};
use orchestrator_workflows::contract::method_workflow_id;
use serde_json::Value;
use std::sync::Arc;
use temporalio_client::errors::{WorkflowGetResultError, WorkflowUpdateError};
use temporalio_client::{
    Client, WorkflowCancelOptions, WorkflowExecuteUpdateOptions, WorkflowGetResultOptions, WorkflowHandle,
    WorkflowQueryOptions, WorkflowSignalOptions,
};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::Payload;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_common::protos::temporal::api::workflowservice::v1::StartWorkflowExecutionRequest;

/// A validation that was started.
pub struct CommunityRun {
    /// Its script.
    pub script: Arc<Script>,
    /// Its workflow.
    pub handle: WorkflowHandle<Client, CommunityValidationWorkflow>,
    client: Client,
}

impl CommunityRun {
    /// Starts one without a parent.
    pub async fn start(stack: &Stack, course: Course) -> anyhow::Result<Self> {
        let script = stack.scripts.add(course);
        let request = CommunityValidationRequest {
            verification_id: script.verification_id,
            member_id: script.member_id,
            introduction_id: IntroductionId::from(clock::new_uuid()),
            rules: ValidationRules::default(),
        };
        let start = StartWorkflowExecutionRequest {
            workflow_id: method_workflow_id(script.verification_id, Method::Community, 1),
            task_queue: queue_named(TASK_QUEUE),
            ..start_of(COMMUNITY_VALIDATION_WORKFLOW, &request, Clock::Real)?
        };
        stack.start_workflow(start).await?;
        Ok(Self::of(stack, script))
    }

    /// The method community of a member's verification.
    pub fn of_verification(stack: &Stack, verification: &Verification) -> Self {
        Self::of(stack, verification.script.clone())
    }

    fn of(stack: &Stack, script: Arc<Script>) -> Self {
        let id = method_workflow_id(script.verification_id, Method::Community, 1);
        Self {
            script,
            handle: stack.client.get_workflow_handle(id),
            client: stack.client.clone(),
        }
    }

    /// How it stands.
    pub async fn progress(&self) -> anyhow::Result<Progress> {
        let query = self.handle.query(
            CommunityValidationWorkflow::progress,
            (),
            WorkflowQueryOptions::default(),
        );
        Ok(query.await?)
    }

    /// Everybody who was invited, with their answer.
    pub async fn votes(&self) -> anyhow::Result<Vec<Vote>> {
        let query = self
            .handle
            .query(CommunityValidationWorkflow::votes, (), WorkflowQueryOptions::default());
        Ok(query.await?)
    }

    /// Waits until it stands as wanted.
    pub async fn comes_to(&self, what: &str, wanted: impl Fn(&Progress) -> bool) -> anyhow::Result<Progress> {
        eventually(DEADLINE, what, async || self.progress().await.ok().filter(&wanted)).await
    }

    /// Waits until so many were invited.
    pub async fn has_invited(&self, validators: u32) -> anyhow::Result<Progress> {
        let wanted = |progress: &Progress| progress.invited == validators;
        self.comes_to(&format!("{validators} validators to be invited"), wanted)
            .await
    }

    /// Waits until a person is asked.
    pub async fn waits_for_a_person(&self) -> anyhow::Result<Progress> {
        let wanted = |progress: &Progress| progress.phase == Phase::InReview;
        self.comes_to("a person to be asked", wanted).await
    }

    /// Answers as a validator, by the update.
    pub async fn answer(&self, response: ValidatorResponse) -> Result<ResponseTaken, WorkflowUpdateError> {
        let update = CommunityValidationWorkflow::submit_validation;
        let options = WorkflowExecuteUpdateOptions::default();
        self.handle.execute_update(update, response, options).await
    }

    /// The validators from 1 on answer one after the other; each answer counts.
    pub async fn vote(&self, answers: &[Answer]) -> anyhow::Result<()> {
        for (answer, validator) in answers.iter().zip(1..) {
            let taken = self.answer(response(validator, *answer)?).await?;
            assert_eq!(taken, ResponseTaken::Counted, "validator {validator}");
        }
        Ok(())
    }

    /// Answers as a validator where that can't count; the message of the refusal.
    pub async fn answer_in_vain(&self, response: ValidatorResponse) -> anyhow::Result<String> {
        refusal(self.answer(response).await)
    }

    /// Answers by the signal.
    pub async fn signal(&self, message: &Value) -> anyhow::Result<()> {
        let payload = Payload {
            metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
            data: serde_json::to_vec(message)?,
            ..Default::default()
        };
        let signal = CommunityValidationWorkflow::validator_response;
        let message = RawValue::new(vec![payload]);
        Ok(self
            .handle
            .signal(signal, message, WorkflowSignalOptions::default())
            .await?)
    }

    /// Decides as a person.
    pub async fn decide(&self, is_accepted: bool) -> Result<bool, WorkflowUpdateError> {
        let decision = ReviewDecision {
            is_accepted,
            decided_by: "person:1".to_owned(),
        };
        let update = CommunityValidationWorkflow::decide_validation;
        let options = WorkflowExecuteUpdateOptions::default();
        self.handle.execute_update(update, decision, options).await
    }

    /// Decides where nobody waits for it; the message of the refusal.
    pub async fn decide_in_vain(&self) -> anyhow::Result<String> {
        refusal(self.decide(true).await)
    }

    /// From now on the clock jumps over what would only be waited for.
    pub async fn let_time_pass(&self) -> anyhow::Result<()> {
        let id = method_workflow_id(self.script.verification_id, Method::Community, 1);
        let_time_pass(&self.client, id).await
    }

    /// Asks it to end.
    pub async fn cancel(&self) -> anyhow::Result<()> {
        let options = WorkflowCancelOptions::builder().reason("not needed".to_owned()).build();
        Ok(self.handle.cancel(options).await?)
    }

    /// Waits for its end.
    pub async fn end(&self) -> anyhow::Result<Result<MethodOutcome, WorkflowGetResultError>> {
        let result = self.handle.get_result(WorkflowGetResultOptions::default());
        tokio::time::timeout(DEADLINE, result)
            .await
            .context("the validation does not end")
    }

    /// Waits for its outcome: decision, internal reason, and how many vouches count.
    pub async fn outcome(&self) -> anyhow::Result<(Decision, String, usize)> {
        let outcome = self.end().await??;
        Ok((outcome.decision, outcome.internal_reason, outcome.evidence.len()))
    }

    /// Its history.
    pub async fn history(&self) -> anyhow::Result<History> {
        let id = method_workflow_id(self.script.verification_id, Method::Community, 1);
        let history = history_of(&self.client, id).await?;
        println!("{:?}", event_types(&history));
        Ok(history)
    }
}

/// A validator's answer, by a request of its own.
pub fn response(validator: i64, answer: Answer) -> anyhow::Result<ValidatorResponse> {
    Ok(ValidatorResponse {
        validator_id: MemberId::try_from(validator)?,
        answer,
        reject_reason: (answer == Answer::Reject).then_some(RejectReason::IdentityDoubtful),
        request_id: Some(RequestId::from(clock::new_uuid())),
    })
}

fn refusal<T: std::fmt::Debug>(answer: Result<T, WorkflowUpdateError>) -> anyhow::Result<String> {
    match answer {
        Err(WorkflowUpdateError::Failed(failure)) => Ok(failure.message),
        other => bail!("it was not refused by the workflow but came to {other:?}"),
    }
}
