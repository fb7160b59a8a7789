//! Activities, counters and explained scores, by gRPC.

use crate::support::*;
use futures::future::join_all;
use mesh_proto::orchestrator::v1::{self as orchestrator, VerificationStatus};
use mesh_proto::reputation::v1 as proto;
use mesh_proto::reputation::v1::reputation_event::Fact;
use mesh_testkit::eventually;
use std::collections::BTreeSet;
use tonic::Code;

/// Equal requests at once.
const AT_ONCE: usize = 1_000;

pub(super) fn hours(member_id: i64, hours: i32) -> proto::RecordActivityRequest {
    let hours = proto::VolunteerHours { minutes: 60 * hours };
    proto::RecordActivityRequest {
        request_id: new_request_id(),
        member_id,
        activity: Some(proto::Activity {
            activity: Some(proto::activity::Activity::VolunteerHours(hours)),
        }),
        occurred_at: None,
    }
}

pub(super) async fn reputation(caller: &Caller, member_id: i64, target: proto::Level) -> proto::GetReputationResponse {
    let request = proto::GetReputationRequest {
        member_id,
        target_level: target.into(),
        ..Default::default()
    };
    let answer = caller.reputations.clone().get_reputation(request).await;
    answer.expect("every member has a reputation").into_inner()
}

fn score(reputation: &proto::GetReputationResponse) -> i32 {
    reputation.breakdown.as_ref().map_or(0, |breakdown| breakdown.score)
}

#[tokio::test]
async fn of_a_thousand_equal_requests_at_once_one_counts() {
    let caller = Caller::of(shared_mesh().await);
    let member_id = new_member_id();
    let request = hours(member_id, 8);
    // A caller that is told to try again does.
    let send = async || {
        let look = async || match caller.reputations.clone().record_activity(request.clone()).await {
            Ok(answer) => answer.into_inner().event,
            Err(status) if refusal(&status).retry => None,
            Err(status) => panic!("{status:?}"),
        };
        eventually(PATIENCE, "an answer", look).await.expect("it is answered")
    };
    let events = join_all((0..AT_ONCE).map(|_| send())).await;
    let ids: BTreeSet<String> = events.into_iter().map(|event| event.event_id).collect();
    assert_eq!(ids.len(), 1, "all are answered with the same event");
    assert_eq!(score(&reputation(&caller, member_id, proto::Level::Bronze).await), 8);

    let other = proto::RecordActivityRequest {
        request_id: request.request_id.clone(),
        ..hours(member_id, 7)
    };
    let reused = caller
        .reputations
        .clone()
        .record_activity(other)
        .await
        .expect_err("another activity");
    assert_eq!(
        (reused.code(), refusal(&reused).reason.as_str()),
        (Code::AlreadyExists, "REQUEST_ID_REUSED")
    );
}

#[tokio::test]
async fn a_countered_activity_counts_no_more_and_the_ledger_shows_both() {
    let caller = Caller::of(shared_mesh().await);
    let member_id = new_member_id();
    let recorded = caller.reputations.clone().record_activity(hours(member_id, 8)).await;
    let event = recorded.expect("it is recorded").into_inner().event.expect("an event");
    let counter = proto::CounterReputationEventRequest {
        request_id: new_request_id(),
        event_id: event.event_id.clone(),
        reason: proto::CounterReason::Disputed.into(),
    };
    for _ in 0..2 {
        let countered = caller
            .reputations
            .clone()
            .counter_reputation_event(counter.clone())
            .await;
        assert!(
            countered.is_ok(),
            "the same request again is answered the same: {countered:?}"
        );
    }
    assert_eq!(score(&reputation(&caller, member_id, proto::Level::Bronze).await), 0);
    let again = proto::CounterReputationEventRequest {
        request_id: new_request_id(),
        ..counter
    };
    let refused = caller
        .reputations
        .clone()
        .counter_reputation_event(again)
        .await
        .expect_err("once is enough");
    assert_eq!(refusal(&refused).reason, "EVENT_NOT_COUNTERABLE");

    let list = |page_token: String| proto::ListReputationEventsRequest {
        member_id,
        page_size: 1,
        page_token,
    };
    let first = caller
        .reputations
        .clone()
        .list_reputation_events(list(String::new()))
        .await;
    let first = first.expect("a page").into_inner();
    let second = caller
        .reputations
        .clone()
        .list_reputation_events(list(first.next_page_token))
        .await;
    let second = second.expect("a page").into_inner();
    assert_eq!(second.next_page_token, "");
    let facts: Vec<Fact> = first
        .events
        .into_iter()
        .chain(second.events)
        .filter_map(|event| event.fact)
        .collect();
    let counter = proto::CounterFact {
        event_id: event.event_id,
        reason: proto::CounterReason::Disputed.into(),
    };
    assert!(facts.contains(&Fact::Counter(counter)), "{facts:?}");
    assert!(facts.contains(&event.fact.expect("a fact")), "{facts:?}");
}

#[tokio::test]
async fn whoever_does_what_the_next_steps_say_reaches_the_level() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(61);
    let member_id = caller.register(passport.truth()).await;
    let shown = reputation(&caller, member_id, proto::Level::Silver).await;
    let step = |method: &str, points| proto::NextStep {
        method: method.to_owned(),
        points,
    };
    assert_eq!(shown.next_steps, [step("document", 30), step("reputation", 20)]);

    let document_url = caller.upload(member_id, &[picture(&passport)]).await.document_url;
    let started = caller
        .start(by_document(member_id, document_url))
        .await
        .expect("it starts");
    assert_eq!(
        caller.end_of(&started.verification_id).await.status(),
        VerificationStatus::Completed
    );
    let verified = reputation(&caller, member_id, proto::Level::Silver).await;
    assert_eq!(verified.next_steps, [step("reputation", 20)]);
    for hours_given in [8, 8, 4] {
        let recorded = caller
            .reputations
            .clone()
            .record_activity(hours(member_id, hours_given))
            .await;
        recorded.expect("it is recorded");
    }
    let reached = reputation(&caller, member_id, proto::Level::Silver).await;
    let breakdown = reached.breakdown.as_ref().expect("a breakdown");
    assert_eq!((breakdown.score, breakdown.level()), (50, proto::Level::Silver));
    let sum: i32 = breakdown.contributions.iter().map(|line| line.points).sum();
    assert_eq!(
        sum + breakdown.cap_adjustment + breakdown.decay_adjustment,
        breakdown.score
    );
    assert_eq!(reached.next_steps, []);
    assert_eq!(reached.contribution_points, i64::from(sum));
    let (mut lines, mut request) = (
        Vec::new(),
        proto::GetReputationRequest {
            member_id,
            page_size: 2,
            ..Default::default()
        },
    );
    loop {
        let answer = caller.reputations.clone().get_reputation(request.clone()).await;
        let page = answer.expect("a page").into_inner();
        let of_page = page.breakdown.expect("a breakdown");
        assert!(
            of_page.contributions.len() <= 2 && of_page.score == breakdown.score,
            "{of_page:?}"
        );
        lines.extend(of_page.contributions);
        request.page_token = page.next_page_token;
        if request.page_token.is_empty() {
            break;
        }
    }
    assert_eq!(lines, breakdown.contributions, "the pages have what one page has");

    // A year on nothing has run, and the score has decayed all the same: 50 × 0.95¹² is 27.
    let year = prost_types::Timestamp {
        seconds: mesh_runtime::clock::now().as_second() + 366 * 86_400,
        nanos: 0,
    };
    let request = proto::GetReputationRequest {
        member_id,
        as_of: Some(year),
        ..Default::default()
    };
    let later = caller
        .reputations
        .clone()
        .get_reputation(request)
        .await
        .expect("any instant")
        .into_inner();
    assert_eq!(
        (
            score(&later),
            later.breakdown.map(|breakdown| breakdown.decay_adjustment)
        ),
        (27, Some(-23))
    );
}

#[tokio::test]
async fn what_a_member_has_done_counts_as_a_method_of_a_verification() {
    let caller = Caller::of(shared_mesh().await);
    let member_id = caller.register(passport(62).truth()).await;
    for _ in 0..7 {
        let recorded = caller.reputations.clone().record_activity(hours(member_id, 8)).await;
        recorded.expect("it is recorded");
    }
    let method = orchestrator::method_request::Method::Reputation(orchestrator::ReputationMethod {});
    let request = orchestrator::StartVerificationRequest {
        request_id: new_request_id(),
        member_id,
        target_score: Some(15),
        methods: vec![orchestrator::MethodRequest { method: Some(method) }],
        timeout: None,
    };
    let started = caller.start(request).await.expect("it starts");
    let end = caller.end_of(&started.verification_id).await;
    assert_eq!(end.status(), VerificationStatus::Completed);
    let breakdown = end.breakdown.expect("a breakdown");
    let kinds: Vec<&str> = breakdown.contributions.iter().map(|line| line.kind.as_str()).collect();
    // 56 points of activity: 10 + 46 × 10 / 90.
    assert_eq!((breakdown.score, kinds), (15, vec!["activity_history"]));
    // It was made of what is in the ledger already, so the reputation is what it was.
    assert_eq!(score(&reputation(&caller, member_id, proto::Level::Gold).await), 56);
}
