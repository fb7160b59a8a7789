//! An earlier build beside today's, on one database and one Temporal: what one version starts the other one ends, a rollback
//! included. `cargo xtask skew` builds both and runs this.

use crate::document::support::*;
use crate::support::*;
use futures::{StreamExt, TryStreamExt, stream};
use mesh_proto::document::v1::{DecideReviewRequest, DocumentDecision, GetDocumentVerificationRequest};
use mesh_proto::orchestrator::v1::{MethodStatus, VerificationStatus};
use mesh_testkit::{Mesh, SERVICES, binary, eventually};
use std::cell::Cell;
use std::path::{Path, PathBuf};

/// The folder with the services of the earlier build.
const OLD_PROGRAMS: &str = "MESH_OLD_PROGRAMS";
/// Verifications that one version starts and the other one ends.
const VERIFICATIONS: u64 = 100;
/// Of ten, so many wait for another document when the services are replaced, and so many for a person; the rest are in the
/// middle of their reading, or before it.
const AWAITING_DOCUMENT: u64 = 4;
const AWAITING_PERSON: u64 = 3;
/// Callers at once.
const CALLERS: usize = 8;

struct Started {
    member_id: i64,
    verification_id: String,
    passport: specimen::Passport,
    is_for_a_document: bool,
}

async fn start(caller: &Caller, seed: u64) -> Started {
    let passport = passport(seed);
    let place = seed % 10;
    let is_for_a_document = place < AWAITING_DOCUMENT;
    let is_for_a_person = !is_for_a_document && place < AWAITING_DOCUMENT + AWAITING_PERSON;
    let page = match (is_for_a_document, is_for_a_person) {
        (true, _) => specimen::to_png(&specimen::blank_page()),
        (false, true) => with_covered_print(&passport),
        (false, false) => picture(&passport),
    };
    let (member_id, verification_id) = caller.start_with(passport.truth(), &[page]).await;
    if is_for_a_document {
        caller.decided(&verification_id, DocumentDecision::Resubmit).await;
    } else if is_for_a_person {
        caller.decided(&verification_id, DocumentDecision::NeedsReview).await;
    }
    Started {
        member_id,
        verification_id,
        passport,
        is_for_a_document,
    }
}

/// Gives it what it waits for, and says whether it ends right.
async fn ends_right((mesh, caller): (&Mesh, &Caller), started: &Started) -> bool {
    let id = &started.verification_id;
    if started.is_for_a_document {
        let upload = caller.upload(started.member_id, &[picture(&started.passport)]).await;
        let submitted = caller.submit(id, upload.document_url).await;
        submitted.expect("another document is waited for");
    }
    // Some clean pictures need a person, too.
    let is_decided = Cell::new(false);
    let look = async || {
        if !is_decided.get() && needs_person(caller, id).await {
            accept(caller, started).await;
            is_decided.set(true);
        }
        let shown = caller.get(id).await.ok()?;
        (shown.status() != VerificationStatus::InProgress).then_some(shown)
    };
    let Ok(end) = eventually(PATIENCE, "the verification to end", look).await else {
        println!("{id} does not end: {}", document_workflow(mesh, id).await);
        return false;
    };
    let score = end.breakdown.as_ref().map(|sum| sum.score);
    let is_right = end.status() == VerificationStatus::Completed
        && end.methods[0].status() == MethodStatus::Accepted
        && score.is_some_and(|score| score >= BRONZE);
    if !is_right {
        println!("{id}: {end:?}");
    }
    is_right
}

async fn needs_person(caller: &Caller, verification_id: &str) -> bool {
    let request = GetDocumentVerificationRequest {
        verification_id: verification_id.to_owned(),
        ..Default::default()
    };
    let answer = caller.documents.clone().get_document_verification(request).await;
    let shown = answer.ok().and_then(|answer| answer.into_inner().verification);
    shown.is_some_and(|shown| shown.decision() == DocumentDecision::NeedsReview)
}

/// A person accepts the document, and types its number as whoever has it before them.
async fn accept(caller: &Caller, started: &Started) {
    let reviewer = Reviewer::new(caller);
    let review = reviewer.review_of(&started.verification_id).await;
    reviewer.claim(&review.review_id).await.expect("the review is free");
    let truth = started.passport.truth();
    let decision = DecideReviewRequest {
        issuing_state: truth.issuing_state.clone(),
        document_number: truth.document_number.clone(),
        ..reviewer.decision(&review.review_id, DocumentDecision::Accepted)
    };
    reviewer.decide(decision).await.expect("the decision is taken");
}

/// What Temporal says of the workflow of a verification's document.
async fn document_workflow(mesh: &Mesh, verification_id: &str) -> String {
    let id = format!("verification-{verification_id}-document-1");
    let describe = ["workflow", "describe", "--workflow-id", &id];
    let described = mesh.temporal.command(&describe).await;
    described.unwrap_or_else(|error| format!("{error:#}"))
}

/// The workflow tasks that failed, of all workflows that there are.
async fn failed_workflow_tasks(mesh: &Mesh) -> (usize, Vec<String>) {
    let listed = mesh
        .temporal
        .command(&["workflow", "list", "--limit", "10000", "--output", "json"])
        .await
        .unwrap_or_else(|error| panic!("{error:#}"));
    let listed: Vec<serde_json::Value> = serde_json::from_str(&listed).expect("a list is JSON");
    let histories = stream::iter(&listed)
        .map(async |workflow| {
            let id = workflow["execution"]["workflowId"].as_str().expect("it has an id");
            let run = workflow["execution"]["runId"].as_str().expect("it has a run");
            let which = ["--workflow-id", id, "--run-id", run, "--output", "json"];
            let history = mesh
                .temporal
                .command(&[["workflow", "show"].as_slice(), &which].concat())
                .await?;
            let failures = history.matches("EVENT_TYPE_WORKFLOW_TASK_FAILED").count();
            anyhow::Ok((failures > 0).then(|| format!("{id}: {failures}")))
        })
        .buffer_unordered(CALLERS)
        .try_collect::<Vec<_>>()
        .await
        .unwrap_or_else(|error| panic!("{error:#}"));
    (listed.len(), histories.into_iter().flatten().collect())
}

/// Replaces one service after the other, while verifications go on.
async fn roll_out(mesh: &Mesh, program: impl Fn(&str) -> PathBuf) {
    for facts in SERVICES {
        let service = mesh.service(facts.name).expect("it is one of the mesh's");
        let replaced = service.replace(program(facts.package)).await;
        replaced.unwrap_or_else(|error| panic!("{error:#}"));
    }
}

async fn start_under_one_and_end_under_the_other(
    mesh: &Mesh,
    told: &str,
    first_seed: u64,
    roll_out: impl Future<Output = ()>,
) {
    let caller = Caller::of(mesh);
    let started: Vec<Started> = stream::iter(first_seed..first_seed + VERIFICATIONS)
        .map(|seed| start(&caller, seed))
        .buffer_unordered(CALLERS)
        .collect()
        .await;
    roll_out.await;
    // Those of the old callers' connections ended with the services.
    let caller = Caller::of(mesh);
    let right: Vec<bool> = stream::iter(&started)
        .map(|started| ends_right((mesh, &caller), started))
        .buffer_unordered(CALLERS)
        .collect()
        .await;
    let right = right.into_iter().filter(|right| *right).count();
    println!("{told}: {right} of {} right", started.len());
    if right < started.len() {
        println!("{}", mesh.document.log_tail());
    }
    assert_eq!(right, started.len(), "{told}");
}

#[tokio::test]
#[ignore = "it needs an earlier build; `cargo xtask skew` makes one and runs this"]
async fn what_one_version_starts_the_other_one_ends() {
    let old = std::env::var_os(OLD_PROGRAMS).expect("`cargo xtask skew` says where the earlier build stands");
    let old = Path::new(&old);
    let mesh = Mesh::builder()
        .programs(old)
        .start()
        .await
        .expect("the old mesh starts");
    let today = |package: &str| binary(package).unwrap_or_else(|error| panic!("{error:#}"));
    let earlier = |package: &str| match old.join(package) {
        program if program.exists() => program,
        _ => today(package),
    };
    start_under_one_and_end_under_the_other(&mesh, "started old, ended new", 10_000, roll_out(&mesh, today)).await;
    start_under_one_and_end_under_the_other(&mesh, "started new, ended old", 20_000, roll_out(&mesh, earlier)).await;
    // The two side by side: callers and workers of one version with peers of the other.
    let document_alone = async {
        let replaced = mesh.document.replace(today("document-service")).await;
        replaced.unwrap_or_else(|error| panic!("{error:#}"));
    };
    start_under_one_and_end_under_the_other(
        &mesh,
        "started old, ended beside a new document service",
        30_000,
        document_alone,
    )
    .await;
    let (workflows, failed) = failed_workflow_tasks(&mesh).await;
    println!("{workflows} workflows, {} with a failed workflow task", failed.len());
    assert!(workflows as u64 >= 3 * 2 * VERIFICATIONS, "{workflows}");
    assert!(failed.is_empty(), "{failed:#?}");
    mesh.stop().await.expect("it drains");
}
