//! A dependency fails for a while, before a verification or in the middle of one: the verification ends right by itself, and
//! nobody is told anything wrong meanwhile.

use crate::support::*;
use mesh_proto::document::v1::GetDocumentVerificationRequest;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::{MethodStatus, VerificationStatus};
use mesh_testkit::{Fault, FaultProxy, Mesh, eventually};
use std::time::{Duration, Instant};
use tonic::Status;

const FAULTS: [Fault; 4] = [Fault::Cut, Fault::Hang, Fault::HoldRequests, Fault::HoldAnswers];

/// When the fault begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Before the verification is asked for.
    Before,
    /// While its document is read.
    InTheMiddle,
}

/// One case: what fails, how, for how long, and when.
struct Case<'a> {
    name: &'static str,
    proxy: &'a FaultProxy,
    fault: Fault,
    how_long: Duration,
    when: When,
}

/// A verification by two methods, of which the document alone reaches the target.
fn by_both(member_id: i64, document_url: String) -> proto::StartVerificationRequest {
    let mut request = by_document(member_id, document_url);
    let reputation = proto::method_request::Method::Reputation(proto::ReputationMethod {});
    request.methods.push(proto::MethodRequest {
        method: Some(reputation),
    });
    request
}

/// Nothing wrong is told: an error says that a retry helps, and an answer says nothing that will not be so.
fn assert_not_wrong(case: &str, shown: &Result<proto::Verification, Status>) {
    match shown {
        Err(status) => assert!(refusal(status).retry, "{case}: {status}"),
        Ok(shown) => {
            let right = [VerificationStatus::InProgress, VerificationStatus::Completed];
            assert!(right.contains(&shown.status()), "{case}: {shown:?}");
            let failed = shown
                .methods
                .iter()
                .any(|method| method.status() == MethodStatus::Failed);
            assert!(!failed, "{case}: {shown:?}");
        }
    }
}

/// Starts it, however often that takes.
async fn start(caller: &Caller, case: &str, request: &proto::StartVerificationRequest) -> String {
    let try_it = async || match caller.start(request.clone()).await {
        Ok(started) => Some(started.verification_id),
        Err(status) => {
            assert!(refusal(&status).retry, "{case}: {status}");
            None
        }
    };
    let started = eventually(PATIENCE, "the start to get through", try_it).await;
    started.unwrap_or_else(|error| panic!("{case}: {error}"))
}

async fn wait_for_a_page(caller: &Caller, case: &str, document_id: &str) {
    let look = async || {
        let request = GetDocumentVerificationRequest {
            document_id: document_id.to_owned(),
            ..Default::default()
        };
        let shown = caller.documents.clone().get_document_verification(request).await.ok()?;
        (shown.into_inner().verification?.pages_read > 0).then_some(())
    };
    let read = eventually(PATIENCE, "a page to be read", look).await;
    read.unwrap_or_else(|error| panic!("{case}: {error}"));
}

async fn survive(caller: &Caller, case: &Case<'_>, seed: u64) {
    let Case {
        name,
        proxy,
        fault,
        how_long,
        when,
    } = case;
    let told = format!("{name}, {fault:?} for {how_long:?}, {when:?}");
    let passport = passport(seed);
    let member_id = caller.register(passport.truth()).await;
    let pages = [specimen::to_png(&specimen::letter_page(1)), picture(&passport)];
    let upload = caller.upload(member_id, &pages).await;
    let request = by_both(member_id, upload.document_url);

    let begun = Instant::now();
    let id = match when {
        When::Before => {
            proxy.set(*fault);
            let end = eventually(*how_long + PATIENCE, "the fault to end", async || {
                // Tried all the while, as a caller would.
                if let Err(status) = caller.start(request.clone()).await {
                    assert!(refusal(&status).retry, "{told}: {status}");
                }
                (begun.elapsed() >= *how_long).then_some(())
            });
            end.await.unwrap_or_else(|error| panic!("{told}: {error}"));
            proxy.set(Fault::None);
            start(caller, &told, &request).await
        }
        When::InTheMiddle => {
            let id = start(caller, &told, &request).await;
            wait_for_a_page(caller, &told, &upload.document_id).await;
            proxy.set(*fault);
            let begun = Instant::now();
            let end = eventually(*how_long + PATIENCE, "the fault to end", async || {
                assert_not_wrong(&told, &caller.get(&id).await);
                (begun.elapsed() >= *how_long).then_some(())
            });
            end.await.unwrap_or_else(|error| panic!("{told}: {error}"));
            proxy.set(Fault::None);
            id
        }
    };
    let healed = Instant::now();
    let look = async || {
        let shown = caller.get(&id).await;
        assert_not_wrong(&told, &shown);
        shown
            .ok()
            .filter(|shown| shown.status() == VerificationStatus::Completed)
    };
    let end = eventually(PATIENCE, "the verification to complete", look).await;
    let end = end.unwrap_or_else(|error| panic!("{told}: {error}"));
    assert_eq!(end.methods[0].status(), MethodStatus::Accepted, "{told}");
    println!(
        "{told}: completed {:.1} s after the fault",
        healed.elapsed().as_secs_f64()
    );
}

async fn survive_all(names: &[&'static str], faults: &[Fault], how_long: Duration, whens: &[When], first_seed: u64) {
    let mesh = Mesh::builder().proxied().start().await.expect("the mesh starts");
    let (caller, proxies) = (Caller::of(&mesh), mesh.proxies.as_ref().expect("it has proxies"));
    let mut seeds = first_seed..;
    for name in names {
        let proxy = match *name {
            "postgres" => &proxies.postgres,
            "temporal" => &proxies.temporal,
            service => &proxies.services[service],
        };
        for (fault, when) in faults
            .iter()
            .flat_map(|fault| whens.iter().map(move |when| (*fault, *when)))
        {
            let case = Case {
                name,
                proxy,
                fault,
                how_long,
                when,
            };
            survive(&caller, &case, seeds.next().expect("no end of seeds")).await;
        }
    }
}

#[tokio::test]
async fn a_verification_survives_five_seconds_without_postgresql() {
    survive_all(&["postgres"], &FAULTS, Duration::from_secs(5), &[When::InTheMiddle], 10).await;
}

#[tokio::test]
async fn a_verification_survives_five_seconds_without_temporal() {
    survive_all(&["temporal"], &FAULTS, Duration::from_secs(5), &[When::InTheMiddle], 20).await;
}

#[tokio::test]
async fn a_verification_survives_five_seconds_without_the_peers_of_its_services() {
    let peers = ["orchestrator", "document", "reputation"];
    survive_all(
        &peers,
        &[Fault::Cut, Fault::HoldAnswers],
        Duration::from_secs(2),
        &[When::InTheMiddle],
        30,
    )
    .await;
}

/// The whole matrix: `cargo test -p mesh-tests --test mesh -- --ignored --nocapture faults`.
#[tokio::test]
#[ignore = "it takes a quarter of an hour; the short cases above are part of every run"]
async fn a_verification_survives_every_fault_for_a_minute() {
    let all = ["postgres", "temporal", "orchestrator", "document", "reputation"];
    let whens = [When::Before, When::InTheMiddle];
    futures::future::join_all(
        all.into_iter()
            .zip([100, 110, 120, 130, 140])
            .map(async |(name, seed)| {
                survive_all(&[name], &FAULTS, Duration::from_secs(60), &whens, seed).await;
            }),
    )
    .await;
}
