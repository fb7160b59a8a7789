//! A thousand answers at once, by RPC and by signal, while the worker is killed.

use super::support::*;
use crate::support::*;
use community_workflows::CommunityValidationWorkflow;
use futures::future::join_all;
use mesh_proto::community::v1 as proto;
use mesh_proto::orchestrator::v1::VerificationStatus;
use mesh_runtime::workflows::handle_of;
use mesh_testkit::{Mesh, NAMESPACE};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use temporalio_client::{
    Client, ClientOptions, ConnectionOptions, UntypedSignal, WorkflowHandle, WorkflowSignalOptions,
};
use temporalio_common::data_converters::RawValue;
use temporalio_common::protos::temporal::api::common::v1::Payload;

const ANSWERS: usize = 1_000;

/// An answer and what its sender was told: nothing by a signal.
struct Told {
    validator_id: i64,
    request_id: String,
    reason: Option<Result<(), String>>,
}

type Handle = WorkflowHandle<Client, CommunityValidationWorkflow>;

pub(super) async fn a_thousand_across_a_kill(mesh: &Mesh) {
    let caller = Caller::of(mesh);
    let validation = begin(&caller, &[70; 10]).await;
    let workflow = workflow_of(mesh, &validation).await;
    // Two approve and eight reject, each of them a hundred times.
    let answers = (0..ANSWERS).map(|number| {
        let at = number % 10;
        let answer = match at {
            0 | 1 => proto::ValidationAnswer::Approve,
            _ => proto::ValidationAnswer::Reject,
        };
        (number, validation.response(validation.validators[at], answer))
    });
    // Every second validator answers by RPC alone; of the others half the answers are signals, which are sooner there.
    let sent = join_all(
        answers.map(async |(number, request)| match (number % 2, (number / 10) % 2) {
            (0, 1) => by_signal(&workflow, request).await,
            _ => by_rpc(&validation, &caller, request).await,
        }),
    );
    let killed = async {
        let database = mesh.databases.of("community").expect("it has one");
        let first = async || {
            let votes = mesh
                .postgres
                .sql_at(database, &["SELECT count(*) FROM validation_votes".to_owned()])
                .await
                .ok()?;
            votes.trim().parse::<i64>().ok().filter(|votes| *votes > 0)
        };
        mesh_testkit::eventually(PATIENCE, "the first vote", first)
            .await
            .expect("it is recorded");
        let community = mesh.service("community").expect("it runs");
        community.sigkill().await;
        community.restart().await.expect("it starts again");
    };
    let (told, ()) = tokio::join!(sent, killed);
    assert_eq!(told.len(), ANSWERS);

    let ended = caller.end_of(&validation.verification_id).await;
    assert_eq!(ended.status(), VerificationStatus::Failed);
    let progress = ended.methods[0].community.clone().expect("the progress");
    // With the eighth rejection a quorum is out of reach, whether or not the other two have answered.
    assert_eq!(
        (progress.invited, progress.rejections, progress.abstentions),
        (10, 8, 0),
        "each counted once"
    );
    let recorded = recorded(mesh, &validation).await;
    assert_eq!(recorded.len() as i32, progress.approvals + progress.rejections);
    let mut counted = BTreeSet::new();
    let mut refused = 0;
    for Told {
        validator_id,
        request_id,
        reason,
    } in &told
    {
        let vote = recorded.get(validator_id).cloned().flatten();
        let stands = vote.as_ref() == Some(request_id);
        match reason {
            None => {}
            Some(Ok(())) => {
                assert!(stands, "whoever is told that it counts has the vote that stands");
                assert!(counted.insert(*validator_id), "one of a validator's answers counts");
            }
            Some(Err(reason)) => {
                assert!(!stands, "who is refused by {reason} has no vote");
                assert!(
                    ["VALIDATION_ANSWERED", "VALIDATION_OVER"].contains(&reason.as_str()),
                    "{reason}"
                );
                refused += 1;
            }
        }
    }
    let by_rpc_alone = validation.validators.iter().skip(1).step_by(2);
    for validator in by_rpc_alone.filter(|validator| recorded.contains_key(validator)) {
        assert!(
            counted.contains(validator),
            "the sender of the vote that stands is told so"
        );
    }
    let by_rpc = told.iter().filter(|told| told.reason.is_some()).count();
    println!(
        "{ANSWERS} answers of 10 validators, {by_rpc} by RPC: {} told that they count, {refused} refused, {} votes",
        counted.len(),
        recorded.len()
    );
}

async fn workflow_of(mesh: &Mesh, validation: &Validation) -> Handle {
    let url: url::Url = mesh.temporal.url().parse().expect("Temporal's URL is one");
    let connection = ConnectionOptions::new(url).identity("test").build();
    let client = Client::connect(connection, ClientOptions::new(NAMESPACE).build()).await;
    let statement = format!(
        "SELECT workflow_id FROM validations WHERE verification_id = '{}'",
        validation.verification_id
    );
    let database = mesh.databases.of("community").expect("it has one");
    let workflow_id = mesh.postgres.sql_at(database, &[statement]).await.expect("it is there");
    handle_of(&client.expect("Temporal answers"), workflow_id.trim(), None)
}

async fn by_rpc(validation: &Validation, caller: &Caller, request: proto::SubmitValidationRequest) -> Told {
    let (validator_id, request_id) = (request.validator_id, request.request_id.clone());
    let told = validation.submit(caller, request).await;
    Told {
        validator_id,
        request_id,
        reason: Some(told.map_err(|status| match refusal(&status).reason {
            reason if reason.is_empty() => format!("{status:?}"),
            reason => reason,
        })),
    }
}

/// With a field that nobody knows.
async fn by_signal(workflow: &Handle, request: proto::SubmitValidationRequest) -> Told {
    let answer = match request.answer() {
        proto::ValidationAnswer::Approve => json!({ "answer": "approve" }),
        _ => json!({ "answer": "reject", "reject_reason": "conduct" }),
    };
    let mut message = answer;
    message["validator_id"] = request.validator_id.into();
    message["mood"] = "fine".into();
    let input = RawValue::new(vec![Payload {
        metadata: [("encoding".to_owned(), b"json/plain".to_vec())].into(),
        data: message.to_string().into_bytes(),
        ..Default::default()
    }]);
    let signal = UntypedSignal::new("validator_response");
    // One that comes after the end is told to nobody.
    let _ = workflow.signal(signal, input, WorkflowSignalOptions::default()).await;
    Told {
        validator_id: request.validator_id,
        request_id: request.request_id,
        reason: None,
    }
}

/// The request that each validator's vote came by; none for one that came by a signal.
async fn recorded(mesh: &Mesh, validation: &Validation) -> BTreeMap<i64, Option<String>> {
    let statement = format!(
        "SELECT validator_id || ' ' || coalesce(request_id::text, '') FROM validation_votes WHERE verification_id = '{}'",
        validation.verification_id
    );
    let database = mesh.databases.of("community").expect("it has one");
    let rows = mesh
        .postgres
        .sql_at(database, &[statement])
        .await
        .expect("they are there");
    let row = |line: &str| {
        let (validator, request_id) = line.split_once(' ').expect("two columns");
        let request_id = (!request_id.is_empty()).then(|| request_id.to_owned());
        (validator.parse().expect("a number"), request_id)
    };
    rows.lines().map(row).collect()
}
