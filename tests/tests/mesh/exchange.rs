//! Certificates and the issuer's key are exchanged while calls go on: nobody is refused for it.

use crate::support::*;
use mesh_proto::document::v1 as document;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_proto::reputation::v1 as reputation;
use mesh_testkit::{Mesh, SERVICES, TokenAlgorithm};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::task::JoinSet;
use tonic::Status;

/// Calls a second.
const RATE: u64 = 200;
/// Calls until the next caller, who connects anew, by the newest certificate and with a token of the newest key.
const CALLS_OF_A_CALLER: u64 = 20;
/// Between two exchanges: longer than a service takes to see one.
const PERIOD: Duration = Duration::from_millis(2_500);
/// What a service writes to its log when it has taken an exchange over.
const TAKEN: &str = "certificate, key and CA were exchanged";

/// Whether keys that no token names any more stop being published.
#[derive(Clone, Copy, PartialEq, Eq)]
enum FormerKeys {
    Stay,
    Go,
}

#[derive(Default)]
struct Exchanged {
    made: usize,
    took: Duration,
    failed: Vec<String>,
    /// Answers that lack what a peer would have added; it gets a second for that.
    without_peer: usize,
    exchanges: usize,
    /// For each service, the exchanges that it took over.
    taken: Vec<usize>,
}

/// Whether an answer has all that it can have, with what a peer adds.
type IsWhole = bool;

impl Exchanged {
    fn take(&mut self, answer: Result<IsWhole, Status>) {
        self.made += 1;
        match answer {
            Ok(is_whole) => self.without_peer += usize::from(!is_whole),
            Err(status) => self.failed.push(format!("{status:?}")),
        }
    }
}

/// Calls every service for some time, and exchanges all certificates and the issuer's key in each [`PERIOD`] of it.
async fn exchange_under_load(mesh: &Mesh, lasting: Duration, former: FormerKeys) -> Exchanged {
    let operator = Caller::of(mesh);
    let passport = passport(126);
    let member_id = operator.register(passport.truth()).await;
    let verification_id = operator.start_for(member_id, &[picture(&passport)]).await;
    operator.end_of(&verification_id).await;
    let objects = Arc::new((member_id, verification_id));
    let algorithms = [TokenAlgorithm::Es256, TokenAlgorithm::EdDsa];
    let taken_before = taken(mesh);
    let member = |caller: &Caller| caller.acting_as(member_id, &["member", "reviewer"]);
    // One keeps its connections all the while.
    let mut lasting_caller = member(&operator);
    let mut fresh_caller = lasting_caller.clone();
    let (begun, mut exchanges) = (Instant::now(), 0);
    let mut ticks = tokio::time::interval(Duration::from_secs(1) / u32::try_from(RATE).expect("a small number"));
    let mut calls = JoinSet::new();
    let mut exchanged = Exchanged::default();
    for number in 0..lasting.as_secs() * RATE {
        ticks.tick().await;
        if begun.elapsed() >= PERIOD * (exchanges + 1) {
            if former == FormerKeys::Go {
                mesh.issuer().retire().expect("published");
            }
            mesh.issuer()
                .rotate(algorithms[exchanges as usize % algorithms.len()])
                .expect("published");
            let names = SERVICES.iter().map(|service| service.name);
            for name in names.chain(["platform"]) {
                mesh.pki().issue(name).expect("written");
            }
            lasting_caller = member(&lasting_caller);
            exchanges += 1;
        }
        if number % CALLS_OF_A_CALLER == 0 {
            fresh_caller = member(&Caller::of(mesh));
        }
        let caller = match number % 2 {
            0 => &fresh_caller,
            _ => &lasting_caller,
        };
        calls.spawn(call(caller.clone(), objects.clone(), number));
        while let Some(ended) = calls.try_join_next() {
            exchanged.take(ended.expect("no panic"));
        }
    }
    for ended in calls.join_all().await {
        exchanged.take(ended);
    }
    let taken = taken(mesh)
        .iter()
        .zip(taken_before)
        .map(|(now, before)| now - before)
        .collect();
    Exchanged {
        took: begun.elapsed(),
        exchanges: exchanges as usize,
        taken,
        ..exchanged
    }
}

/// One call of the member's, to each service in turn, and to one that asks another.
async fn call(caller: Caller, objects: Arc<(i64, String)>, number: u64) -> Result<IsWhole, Status> {
    let (member_id, verification_id) = (objects.0, &objects.1);
    match number / 2 % 4 {
        0 => {
            let request = orchestrator::GetMemberRequest { member_id };
            caller.members.clone().get_member(request).await.map(|_| true)
        }
        1 => {
            let request = reputation::GetReputationRequest {
                member_id,
                ..Default::default()
            };
            caller.reputations.clone().get_reputation(request).await.map(|_| true)
        }
        2 => {
            let shown = caller.get(verification_id).await?;
            Ok(shown.methods[0].document.is_some())
        }
        _ => {
            let request = document::ListReviewsRequest {
                page_size: 1,
                ..Default::default()
            };
            caller.documents.clone().list_reviews(request).await.map(|_| true)
        }
    }
}

fn taken(mesh: &Mesh) -> Vec<usize> {
    let of_service = |service: &Arc<mesh_testkit::ServiceProcess>| {
        let log = std::fs::read_to_string(service.log()).expect("a log");
        log.matches(TAKEN).count()
    };
    mesh.services().iter().map(of_service).collect()
}

fn judge(lasting: Duration, exchanged: &Exchanged) {
    let Exchanged {
        made,
        took,
        failed,
        without_peer,
        exchanges,
        taken,
    } = exchanged;
    println!(
        "{made} RPCs in {:.1} s, {} failed, {without_peer} without what a peer knows; {exchanges} exchanges, taken over by the services: {taken:?}",
        took.as_secs_f64(),
        failed.len()
    );
    assert_eq!(*failed, Vec::<String>::new());
    // What was late was made up for, or the rate was not held.
    assert!(*took < lasting + Duration::from_secs(2), "{took:?}");
    assert_eq!(*made as u64, lasting.as_secs() * RATE);
    assert!(
        *exchanges >= 1 && taken.iter().all(|taken| *taken >= 1),
        "{exchanges} {taken:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_call_fails_while_certificates_and_the_issuers_key_are_exchanged() {
    let lasting = Duration::from_secs(5);
    // Other scenarios use tokens of former keys.
    let exchanged = exchange_under_load(shared_mesh().await, lasting, FormerKeys::Stay).await;
    judge(lasting, &exchanged);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "half a minute of load on a mesh of its own"]
async fn no_call_fails_in_half_a_minute_of_exchanges() {
    let mesh = Mesh::start().await.expect("a mesh");
    let lasting = Duration::from_secs(30);
    let exchanged = exchange_under_load(&mesh, lasting, FormerKeys::Go).await;
    judge(lasting, &exchanged);
    assert_eq!(exchanged.without_peer, 0, "a peer was not reached");
    mesh.stop().await.expect("it stops");
}
