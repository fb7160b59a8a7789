//! A dependency fails for a while, before a verification or in the middle of one: the verification ends right by itself, and
//! nobody is told anything wrong meanwhile.

use crate::support::*;
use anyhow::{Context, ensure};
use mesh_proto::document::v1::GetDocumentVerificationRequest;
use mesh_proto::document::v1::upload_document_request::Part;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::orchestrator::v1::{MethodStatus, VerificationStatus};
use mesh_testkit::{Engine, Fault, Mesh, MeshBuilder, eventually};
use std::cell::{Cell, RefCell};
use std::error::Error;
use std::fmt;
use std::time::{Duration, Instant};
use tonic::{Code, Status};

/// The faults on the way to a dependency.
const ON_THE_WAY: [Failure; 4] = [
    Failure::OnTheWay(Fault::Cut),
    Failure::OnTheWay(Fault::Hang),
    Failure::OnTheWay(Fault::HoldRequests),
    Failure::OnTheWay(Fault::HoldAnswers),
];

const PEERS: [Dependency; 4] = [
    Dependency::Peer("orchestrator"),
    Dependency::Peer("document"),
    Dependency::Peer("community"),
    Dependency::Peer("reputation"),
];

/// Specimens that a machine accepts without a person's look, enough for all cases in one mesh.
fn seeds() -> impl Iterator<Item = u64> {
    [100, 110, 120].into_iter().flat_map(|first| first..first + 8)
}

/// How soon a call is refused that needs an object store that is away.
const REFUSAL_TIMEOUT: Duration = Duration::from_secs(10);

/// What fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Dependency {
    Postgres,
    Temporal,
    ObjectStore,
    /// A service, for its peers.
    Peer(&'static str),
}

/// How it fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Failure {
    /// Its process is ended by SIGKILL, and started again when the time is over.
    Killed,
    /// It lives on, and what is said to it or by it does not arrive.
    OnTheWay(Fault),
}

/// When it begins to fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum When {
    /// Before the verification is asked for.
    Before,
    /// While its document is read.
    InTheMiddle,
}

/// One case: what fails, how, for how long, and when.
#[derive(Clone, Copy)]
struct Case {
    dependency: Dependency,
    failure: Failure,
    how_long: Duration,
    when: When,
}

impl fmt::Display for Case {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            dependency,
            failure,
            how_long,
            when,
        } = self;
        write!(f, "{dependency:?}, {failure:?} for {how_long:?}, {when:?}")
    }
}

impl Case {
    async fn begin(&self, mesh: &Mesh) -> anyhow::Result<()> {
        match (self.failure, self.dependency) {
            (Failure::OnTheWay(fault), _) => self.set(mesh, fault)?,
            (Failure::Killed, Dependency::Postgres) => mesh.postgres.kill().await?,
            (Failure::Killed, Dependency::Temporal) => mesh.temporal.kill().await?,
            (Failure::Killed, Dependency::ObjectStore) => {
                mesh.object_store
                    .as_ref()
                    .context("there is no object store")?
                    .kill()
                    .await;
            }
            (Failure::Killed, Dependency::Peer(name)) => mesh.service(name)?.sigkill().await,
        }
        Ok(())
    }

    async fn end(&self, mesh: &Mesh) -> anyhow::Result<()> {
        match (self.failure, self.dependency) {
            (Failure::OnTheWay(_), _) => self.set(mesh, Fault::None),
            (Failure::Killed, Dependency::Postgres) => mesh.postgres.restart().await,
            (Failure::Killed, Dependency::Temporal) => mesh.temporal.restart().await,
            (Failure::Killed, Dependency::ObjectStore) => {
                let server = mesh.object_store.as_ref().context("there is no object store")?;
                server.restart().await
            }
            (Failure::Killed, Dependency::Peer(name)) => mesh.service(name)?.restart().await,
        }
    }

    fn set(&self, mesh: &Mesh, fault: Fault) -> anyhow::Result<()> {
        let proxies = mesh.proxies.as_ref().context("it has no proxies")?;
        let proxy = match self.dependency {
            Dependency::Postgres => &proxies.postgres,
            Dependency::Temporal => &proxies.temporal,
            Dependency::ObjectStore => proxies.object_store.as_ref().context("there is no object store")?,
            Dependency::Peer(name) => &proxies.services[name],
        };
        proxy.set(fault);
        Ok(())
    }

    fn is_of_object_store(&self) -> bool {
        self.dependency == Dependency::ObjectStore
    }
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

/// Whether an error says nothing wrong: it says that a retry helps, or nobody was there to say anything.
fn is_to_be_tried_again(status: &Status) -> bool {
    // A status that a service sent has no source on the caller's side.
    refusal(status).retry || (status.source().is_some() && mesh_proto::reason(status).is_none())
}

/// Nothing wrong is told: an error says that a retry helps, and an answer says nothing that will not be so.
fn ensure_not_wrong(shown: &Result<proto::Verification, Status>) -> anyhow::Result<()> {
    match shown {
        Err(status) => ensure!(is_to_be_tried_again(status), "a wrong answer: {status:?}"),
        Ok(shown) => {
            let right = [VerificationStatus::InProgress, VerificationStatus::Completed];
            ensure!(right.contains(&shown.status()), "a wrong answer: {shown:?}");
            let failed = shown
                .methods
                .iter()
                .any(|method| method.status() == MethodStatus::Failed);
            ensure!(!failed, "a failed method: {shown:?}");
        }
    }
    Ok(())
}

/// Starts it, however often that takes.
async fn start(caller: &Caller, request: &proto::StartVerificationRequest) -> anyhow::Result<String> {
    let try_it = async || match caller.start(request.clone()).await {
        Ok(started) => Some(Ok(started.verification_id)),
        Err(status) if is_to_be_tried_again(&status) => None,
        Err(status) => Some(Err(anyhow::anyhow!("a wrong answer: {status:?}"))),
    };
    eventually(PATIENCE, "the start to get through", try_it).await?
}

async fn wait_for_a_page(caller: &Caller, document_id: &str) -> anyhow::Result<()> {
    let look = async || {
        let request = GetDocumentVerificationRequest {
            document_id: document_id.to_owned(),
            ..Default::default()
        };
        let shown = caller.documents.clone().get_document_verification(request).await.ok()?;
        (shown.into_inner().verification?.pages_read > 0).then_some(())
    };
    eventually(PATIENCE, "a page to be read", look).await
}

/// Uploads while the object store is away: it is refused at once and with a retry, and taken when the store is back.
async fn upload_at_last(
    caller: &Caller,
    parts: &[Part],
    how_long: Duration,
    refusals: &Cell<u32>,
) -> anyhow::Result<()> {
    let try_it = async || {
        let begun = Instant::now();
        let Err(status) = caller.try_upload(parts.to_vec()).await else {
            return Some(Ok(()));
        };
        let (took, refused) = (begun.elapsed(), refusal(&status));
        if refused.reason != "OBJECT_STORE_UNAVAILABLE" || refused.code != Code::Unavailable || !refused.retry {
            return Some(Err(anyhow::anyhow!("an upload was refused by {refused:?}")));
        }
        if took > REFUSAL_TIMEOUT {
            return Some(Err(anyhow::anyhow!("an upload was refused only after {took:?}")));
        }
        refusals.set(refusals.get() + 1);
        None
    };
    eventually(how_long + PATIENCE, "an upload to be taken", try_it).await??;
    ensure!(
        refusals.get() > 0,
        "an upload was taken though the object store was away"
    );
    Ok(())
}

/// Goes through a case; returns how long after the failure the verification was complete.
async fn survive(mesh: &Mesh, case: Case, seed: u64) -> anyhow::Result<Duration> {
    let Case { how_long, when, .. } = case;
    let caller = Caller::of(mesh);
    let passport = passport(seed);
    let member_id = caller.register(passport.truth()).await;
    // When the first page was read, the last one is still to be fetched.
    let letters = if case.is_of_object_store() { 2 } else { 1 };
    let mut pages: Vec<_> = (1..=letters)
        .map(|seed| specimen::to_png(&specimen::letter_page(seed)))
        .collect();
    pages.push(picture(&passport));
    let upload = caller.upload(member_id, &pages).await;
    let request = by_both(member_id, upload.document_url);
    let started = match when {
        When::Before => None,
        When::InTheMiddle => {
            let id = start(&caller, &request).await?;
            wait_for_a_page(&caller, &upload.document_id).await?;
            Some(id)
        }
    };

    case.begin(mesh).await?;
    let (begun, refusals) = (Instant::now(), Cell::new(0));
    let all_the_while = async {
        let end = eventually(how_long + PATIENCE, "the failure to end", async || {
            let told = match &started {
                Some(id) => ensure_not_wrong(&caller.get(id).await),
                // Tried all the while, as a caller would.
                None => match caller.start(request.clone()).await {
                    Err(status) if !is_to_be_tried_again(&status) => Err(anyhow::anyhow!("a wrong answer: {status:?}")),
                    _ => Ok(()),
                },
            };
            // However slow the machine is, the store is away until an upload was refused.
            let is_seen = !case.is_of_object_store() || refusals.get() > 0;
            (told.is_err() || (begun.elapsed() >= how_long && is_seen)).then_some(told)
        });
        end.await??;
        if let (true, Some(id)) = (case.is_of_object_store(), &started) {
            let shown = caller.get(id).await?;
            ensure!(
                shown.status() == VerificationStatus::InProgress,
                "it was read without the store: {shown:?}"
            );
        }
        case.end(mesh).await
    };
    let uploading = async {
        if case.is_of_object_store() {
            let parts = upload_parts(member_id, &[picture(&passport)]);
            upload_at_last(&caller, &parts, how_long, &refusals).await?;
        }
        anyhow::Ok(())
    };
    tokio::try_join!(all_the_while, uploading)?;
    let healed = Instant::now();

    let id = match started {
        Some(id) => id,
        None => start(&caller, &request).await?,
    };
    let last = RefCell::new(None);
    let look = async || {
        let shown = caller.get(&id).await;
        if let Err(wrong) = ensure_not_wrong(&shown) {
            return Some(Err(wrong));
        }
        let is_complete = matches!(&shown, Ok(shown) if shown.status() == VerificationStatus::Completed);
        last.replace(Some(shown));
        is_complete.then_some(Ok(()))
    };
    let completed = eventually(PATIENCE, "the verification to complete", look).await;
    completed.with_context(|| format!("it was last shown as {:?}", last.borrow()))??;
    let end = last.into_inner().context("it was shown")??;
    ensure!(end.methods[0].status() == MethodStatus::Accepted, "it ended as {end:?}");
    let took = healed.elapsed();
    println!("{case}: completed {:.1} s after it", took.as_secs_f64());
    Ok(took)
}

type Survived = Vec<(Case, anyhow::Result<Duration>)>;

/// All combinations for one dependency, one after the other in one mesh, which is well again after each.
async fn survive_all(
    mesh: &Mesh,
    dependency: Dependency,
    failures: &[Failure],
    how_long: &[Duration],
    whens: &[When],
    seeds: &mut impl Iterator<Item = u64>,
) -> Survived {
    let mut results = Vec::new();
    let failing = failures
        .iter()
        .flat_map(|failure| how_long.iter().map(move |how_long| (*failure, *how_long)));
    let cases = failing.flat_map(|(failure, how_long)| {
        whens.iter().map(move |when| Case {
            dependency,
            failure,
            how_long,
            when: *when,
        })
    });
    for case in cases {
        let seed = seeds.next().expect("there are enough specimens");
        let survived = survive(mesh, case, seed).await;
        if survived.is_err() {
            case.end(mesh).await.expect("it is well again");
        }
        results.push((case, survived));
    }
    results
}

/// What is asserted of every result: the verification ended right by itself, no method failed, no answer was wrong.
fn assert_survived(results: &Survived) {
    let failed = results
        .iter()
        .filter_map(|(case, result)| Some(format!("{case}: {:#}", result.as_ref().err()?)));
    let failed: Vec<_> = failed.collect();
    assert!(failed.is_empty() && !results.is_empty(), "{}", failed.join("\n"));
}

/// The two faults that are tried in every run: one that is seen at once, and one that nobody sees.
const IN_EVERY_RUN: [Failure; 2] = [Failure::OnTheWay(Fault::Cut), Failure::OnTheWay(Fault::HoldAnswers)];

/// Five seconds of each, while a document is read.
async fn survive_five_seconds(mesh: MeshBuilder, dependency: Dependency) {
    let mesh = mesh.proxied().start().await.expect("the mesh starts");
    let five = [Duration::from_secs(5)];
    assert_survived(
        &survive_all(
            &mesh,
            dependency,
            &IN_EVERY_RUN,
            &five,
            &[When::InTheMiddle],
            &mut seeds(),
        )
        .await,
    );
}

#[tokio::test]
async fn a_verification_survives_five_seconds_without_postgresql() {
    survive_five_seconds(Mesh::builder(), Dependency::Postgres).await;
}

#[tokio::test]
async fn a_verification_survives_five_seconds_without_temporal() {
    survive_five_seconds(Mesh::builder(), Dependency::Temporal).await;
}

#[tokio::test]
async fn a_verification_survives_five_seconds_without_the_object_store() {
    survive_five_seconds(Mesh::builder().object_store(), Dependency::ObjectStore).await;
}

#[tokio::test]
async fn a_verification_survives_two_seconds_without_the_peers_of_its_services() {
    let mesh = Mesh::builder().proxied().start().await.expect("the mesh starts");
    let (two, mut seeds) = ([Duration::from_secs(2)], seeds());
    for peer in PEERS {
        assert_survived(&survive_all(&mesh, peer, &IN_EVERY_RUN, &two, &[When::InTheMiddle], &mut seeds).await);
    }
}

/// The whole matrix: `cargo test -p mesh-tests --test mesh -- --ignored --nocapture faults`.
#[tokio::test]
#[ignore = "it takes twenty minutes; the short cases above are part of every run"]
async fn a_verification_survives_every_failure_for_five_seconds_and_for_a_minute() {
    let failures = [&[Failure::Killed], &ON_THE_WAY[..]].concat();
    let how_long = [5, 60].map(Duration::from_secs);
    let whens = [When::Before, When::InTheMiddle];
    let all = [Dependency::Postgres, Dependency::Temporal, Dependency::ObjectStore];
    let each = all.into_iter().chain(PEERS).map(async |dependency| {
        let mesh = Mesh::builder().postgres(Engine::Own).object_store().proxied();
        let mesh = mesh.start().await.expect("the mesh starts");
        survive_all(&mesh, dependency, &failures, &how_long, &whens, &mut seeds()).await
    });
    let results = futures::future::join_all(each).await.into_iter().flatten().collect();
    print_matrix(&results, how_long.len() * whens.len());
    assert_survived(&results);
}

/// One line for each way to fail, with the seconds that each verification took after it.
fn print_matrix(results: &Survived, columns: usize) {
    println!("seconds from the end of the failure to the end of the verification:");
    for row in results.chunks(columns) {
        let (first, _) = &row[0];
        print!(
            "{:28} {:24}",
            format!("{:?}", first.dependency),
            format!("{:?}", first.failure)
        );
        for (case, result) in row {
            let took = result
                .as_ref()
                .map_or("FAILED".to_owned(), |took| format!("{:.1}", took.as_secs_f64()));
            print!(" | {} s, {:?}: {took:>6}", case.how_long.as_secs(), case.when);
        }
        println!();
    }
    let right = results.iter().filter(|(_, result)| result.is_ok()).count();
    println!(
        "{right} of {} ended right by themselves, without a failed method or a wrong answer",
        results.len()
    );
}
