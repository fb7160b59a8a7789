use super::*;
use crate::testing::{OrPanic, at, empty_store, member};
use community_workflows::contract::{
    Aggregate, AggregationRequest, Answer, InvitationRequest, RejectReason, ReviewDecision, ValidationEnd,
    ValidatorResponse, VoteRecorded, VoteRequest,
};
use community_workflows::policy::{self, Standing};
use jiff::Timestamp;
use mesh_runtime::clock;
use mesh_testkit::fixtures::reason;
use mesh_types::{Decision, IntroductionId, RequestId, Score, VerificationId};

const DAY: i64 = 24 * 3600;
/// When the first validation of a test begins.
const START: i64 = 1_000 * DAY;

struct Case {
    pool: PgPool,
    store: Store,
}

impl Case {
    async fn new() -> Self {
        let (pool, store) = empty_store().await;
        Self { pool, store }
    }

    async fn introduction(&self, of: i64) -> IntroductionId {
        let new = NewIntroduction {
            introduction_id: clock::new_uuid().into(),
            member_id: member(of),
            display_name: "Ida".to_owned(),
            relationship: "neighbours".to_owned(),
        };
        let mut connection = self.pool.acquire().await.expect("it answers");
        insert_introduction(&mut connection, &new, at(START)).await.or_panic();
        new.introduction_id
    }

    /// A validation of a member that has invited these.
    async fn validation(&self, of: i64, validators: &[i64], seconds: i64) -> InvitationRequest {
        let request = InvitationRequest {
            verification_id: clock::new_uuid().into(),
            member_id: member(of),
            introduction_id: self.introduction(of).await,
            batch: 1,
            count: 10,
            approvals_needed: 3,
            invited_at_seconds: seconds,
            deadline_seconds: seconds + 3 * DAY,
        };
        self.invite(&request, validators, seconds).await;
        request
    }

    async fn invite(&self, request: &InvitationRequest, validators: &[i64], seconds: i64) -> Vec<i64> {
        let begun = self.store.begin_batch(request, &run(), at(seconds)).await.or_panic();
        let ids = |members: Vec<MemberId>| members.into_iter().map(MemberId::get).collect();
        let batch = match begun {
            Ok(batch) => batch,
            Err(made) => return ids(made),
        };
        let considered: Vec<_> = validators.iter().map(|validator| chosen(*validator)).collect();
        ids(batch.finish(request, &considered).await.or_panic())
    }

    async fn known_of(&self, request: &InvitationRequest, who: i64, seconds: i64) -> KnownOf {
        let begun = self.store.begin_batch(request, &run(), at(seconds)).await.or_panic();
        let mut batch = begun.unwrap_or_else(|made| panic!("it is made: {made:?}"));
        let known = batch.known_of(request, &[member(who)]).await.or_panic();
        known[&member(who)]
    }

    async fn vote(&self, of: &InvitationRequest, validator: i64, answer: Answer, seconds: i64) -> VoteRecorded {
        let voting = Voting {
            reputation: Score::capped(60),
            refused: None,
            evidence_id: clock::new_uuid().into(),
        };
        let vote = vote(of, validator, answer, seconds);
        self.store.insert_vote(&vote, voting).await.or_panic()
    }

    async fn end(&self, of: &InvitationRequest, end: ValidationEnd, suspicion: Option<&str>) -> Option<Decision> {
        let votes = self.store.list_votes(of.verification_id).await.or_panic();
        let tallies: Vec<_> = votes.iter().map(|vote| vote.tally()).collect();
        let aggregate = Aggregate {
            outcome: policy::aggregate(&end, &tallies, suspicion),
            confidence_ten_thousandths: policy::confidence(&tallies),
            rule_version: policy::RULE_VERSION,
        };
        let request = AggregationRequest {
            verification_id: of.verification_id,
            end,
            ended_at_seconds: START + DAY,
            review_until_seconds: START + 8 * DAY,
        };
        let outcome = self.store.record_end(&request, &aggregate).await.or_panic();
        outcome.map(|outcome| outcome.decision)
    }

    async fn open(&self, validator: i64, seconds: i64) -> Vec<VerificationId> {
        let open = self
            .store
            .list_open_requests(member(validator), None, (at(seconds), 10))
            .await;
        open.or_panic()
            .into_iter()
            .map(|request| request.verification_id)
            .collect()
    }

    async fn count(&self, table: &str) -> i64 {
        let count = sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {table}")));
        count.fetch_one(&self.pool).await.expect("it answers")
    }
}

fn run() -> WorkflowRun {
    WorkflowRun {
        workflow_id: "none".to_owned(),
        run_id: "none".to_owned(),
    }
}

fn chosen(validator: i64) -> Considered {
    Considered {
        member_id: member(validator),
        distance: 1,
        reputation: Some(Score::capped(60)),
        standing: Standing::Chosen {
            connections_to_chosen: 0,
        },
    }
}

fn vote(of: &InvitationRequest, validator: i64, answer: Answer, seconds: i64) -> VoteRequest {
    VoteRequest {
        verification_id: of.verification_id,
        member_id: of.member_id,
        response: ValidatorResponse {
            validator_id: member(validator),
            answer,
            reject_reason: (answer == Answer::Reject).then_some(RejectReason::Conduct),
            request_id: Some(RequestId::from(clock::new_uuid())),
        },
        voted_at_seconds: seconds,
    }
}

fn is_counted(recorded: &VoteRecorded) -> bool {
    matches!(recorded, VoteRecorded::Recorded { .. })
}

fn refused(reason: &str) -> VoteRecorded {
    VoteRecorded::Refused {
        reason: reason.to_owned(),
    }
}

#[tokio::test]
async fn a_batch_is_made_once_and_shows_who_was_chosen_or_left_out_and_why() {
    let case = Case::new().await;
    let request = case.validation(1, &[2, 3], START).await;
    let again = InvitationRequest {
        batch: 1,
        ..request.clone()
    };
    assert_eq!(
        case.invite(&again, &[7, 8], START).await,
        [2, 3],
        "a repeat returns the first"
    );
    let found = case.store.find_batch(request.verification_id, 1).await.or_panic();
    assert_eq!(found.map(|made| made.len()), Some(2));
    assert_eq!(case.store.find_batch(request.verification_id, 2).await.or_panic(), None);
    let second = InvitationRequest {
        batch: 2,
        ..request.clone()
    };
    assert!(case.known_of(&second, 2, START).await.is_invited);
    let begun = case.store.begin_batch(&second, &run(), at(START)).await.or_panic();
    let left_out = |id, standing| Considered { standing, ..chosen(id) };
    let considered = [
        left_out(4, Standing::LeftOut(Reason::ValidatorScoreTooLow)),
        left_out(5, Standing::InReserve),
    ];
    let nobody = begun
        .unwrap_or_else(|made| panic!("it is made: {made:?}"))
        .finish(&second, &considered)
        .await
        .or_panic();
    assert_eq!(nobody, []);
    assert_eq!(
        case.store.find_batch(request.verification_id, 2).await.or_panic(),
        Some(vec![])
    );
    for (id, standing) in [(2, "CHOSEN"), (4, "VALIDATOR_SCORE_TOO_LOW"), (5, "IN_RESERVE")] {
        let found = case
            .store
            .find_standing(request.verification_id, member(id))
            .await
            .or_panic();
        assert_eq!(found.as_deref(), Some(standing), "{id}");
    }
    assert_eq!(case.count("notifications WHERE kind = 'VALIDATION_REQUESTED'").await, 2);
}

#[tokio::test]
async fn an_introduction_is_needed_and_is_the_members_own() {
    let case = Case::new().await;
    let of_another = case.introduction(2).await;
    let request = InvitationRequest {
        introduction_id: of_another,
        verification_id: clock::new_uuid().into(),
        member_id: member(1),
        batch: 1,
        count: 10,
        approvals_needed: 3,
        invited_at_seconds: START,
        deadline_seconds: START + DAY,
    };
    let begun = case.store.begin_batch(&request, &run(), at(START)).await;
    assert_eq!(reason(begun.map(|_| ())), Reason::IntroductionNotFound);
    assert_eq!(case.count("validations").await, 0);
}

#[tokio::test]
async fn open_requests_and_vouches_of_90_days_are_known_of_a_candidate() {
    let case = Case::new().await;
    for of in [11, 12, 13] {
        case.validation(of, &[2], START).await;
    }
    let vouched = case.validation(2, &[1], START).await;
    assert!(is_counted(&case.vote(&vouched, 1, Answer::Approve, START).await));
    let request = case.validation(1, &[], START).await;
    let next = InvitationRequest { batch: 2, ..request };
    let known = case.known_of(&next, 2, START + DAY).await;
    assert_eq!(
        (known.open_requests, known.was_vouched_for, known.is_invited),
        (3, true, false)
    );
    let later = case.known_of(&next, 2, START + 90 * DAY).await;
    assert_eq!(
        (later.open_requests, later.was_vouched_for),
        (0, false),
        "after the deadlines, and 90 days"
    );
}

#[tokio::test]
async fn a_validators_first_vote_stands_and_who_was_not_invited_has_none() {
    let case = Case::new().await;
    let request = case.validation(1, &[2], START).await;
    assert_eq!(
        case.vote(&request, 3, Answer::Approve, START).await,
        refused("VALIDATOR_NOT_INVITED")
    );
    let first = case.vote(&request, 2, Answer::Reject, START + 5).await;
    assert!(is_counted(&first));
    assert_eq!(case.vote(&request, 2, Answer::Approve, START + 6).await, first);
    assert_eq!(
        case.store
            .find_vote(request.verification_id, member(2))
            .await
            .or_panic(),
        Some(first)
    );
    let votes = case.store.list_votes(request.verification_id).await.or_panic();
    assert_eq!(votes.len(), 1);
    assert_eq!(
        (votes[0].reject_reason.as_deref(), votes[0].voted_at),
        (Some("conduct"), at(START + 5))
    );
    let changed = sqlx::query("UPDATE validation_votes SET answer = 'approve'")
        .execute(&case.pool)
        .await;
    assert!(changed.is_err(), "votes are never changed");
    assert_eq!(case.open(2, START + 7).await, []);
}

#[tokio::test]
async fn of_two_who_vouch_for_each_other_at_once_one_is_refused() {
    let case = Case::new().await;
    for round in 0..10 {
        let (one, other) = (100 + 2 * round, 101 + 2 * round);
        let of_one = case.validation(one, &[other], START).await;
        let of_other = case.validation(other, &[one], START).await;
        let (first, second) = tokio::join!(
            case.vote(&of_one, other, Answer::Approve, START),
            case.vote(&of_other, one, Answer::Approve, START)
        );
        let refusals = [first, second]
            .into_iter()
            .filter(|vote| *vote == refused("VOUCH_IS_RECIPROCAL"));
        assert_eq!(refusals.count(), 1);
    }
    assert_eq!(case.count("validation_votes").await, 10);
}

#[tokio::test]
async fn an_end_closes_what_is_open_and_what_was_shown_goes_with_it() {
    let case = Case::new().await;
    let request = case.validation(1, &[2, 3, 4, 5], START).await;
    for validator in [2, 3, 4] {
        case.vote(&request, validator, Answer::Approve, START).await;
    }
    assert_eq!(case.open(5, START).await, [request.verification_id]);
    assert_eq!(
        case.end(&request, ValidationEnd::Quorum, None).await,
        Some(Decision::Accepted)
    );
    assert_eq!(case.open(5, START).await, []);
    assert_eq!(
        case.vote(&request, 5, Answer::Approve, START).await,
        refused("VALIDATION_OVER")
    );
    assert_eq!(case.count("introductions").await, 0);
    let again = case.end(&request, ValidationEnd::Withdrawn, None).await;
    assert_eq!(again, Some(Decision::Accepted), "what was decided stays");
    let found = case
        .store
        .find_validation(request.verification_id)
        .await
        .or_panic()
        .expect("it is there");
    let counted = found.counted.expect("it is counted");
    assert_eq!((found.invited, found.approvals, counted.confidence), (4, 3, 8_500));
    assert_eq!(counted.outcome.evidence.len(), 3);
}

#[tokio::test]
async fn a_person_decides_once_where_the_vouches_look_made_up() {
    let case = Case::new().await;
    let request = case.validation(1, &[2, 3, 4], START).await;
    for validator in [2, 3, 4] {
        case.vote(&request, validator, Answer::Approve, START).await;
    }
    let review = case.end(&request, ValidationEnd::Quorum, Some("RING")).await;
    assert_eq!(review, Some(Decision::NeedsReview));
    assert_eq!(case.count("introductions").await, 1, "who decides may have to ask");
    let waiting = case.store.list_reviews(None, 10).await.or_panic();
    assert_eq!(
        waiting.iter().map(|one| one.verification_id).collect::<Vec<_>>(),
        [request.verification_id]
    );
    assert_eq!(waiting[0].review_until, at(START + 8 * DAY));
    let after = Some((waiting[0].review_until, waiting[0].verification_id));
    assert_eq!(case.store.list_reviews(after, 10).await.or_panic(), []);
    let decided = ValidationEnd::Reviewed(ReviewDecision {
        is_accepted: true,
        decided_by: "person:9".to_owned(),
    });
    assert_eq!(case.end(&request, decided, None).await, Some(Decision::Accepted));
    assert_eq!(case.store.list_reviews(None, 10).await.or_panic(), []);
    assert_eq!(
        case.end(&request, ValidationEnd::ReviewExpired, None).await,
        Some(Decision::Accepted)
    );
    assert_eq!(case.count("validations WHERE decided_by = 'person:9'").await, 1);
    let never = VerificationId::from(clock::new_uuid());
    let nobody = InvitationRequest {
        verification_id: never,
        ..request
    };
    assert_eq!(case.end(&nobody, ValidationEnd::Withdrawn, None).await, None);
}

#[tokio::test]
async fn reminders_go_to_the_silent_once() {
    let case = Case::new().await;
    let request = case.validation(1, &[2, 3, 4], START).await;
    case.vote(&request, 2, Answer::Abstain, START).await;
    for reminder in [1, 1, 2] {
        let reminded = case.store.remind(request.verification_id, reminder, at(START + DAY));
        reminded.await.or_panic();
    }
    assert_eq!(
        case.count("notifications WHERE kind = 'VALIDATION_REMINDER_1'").await,
        2
    );
    assert_eq!(
        case.count("notifications WHERE kind LIKE 'VALIDATION_REMINDER%' AND member_id = 2")
            .await,
        0
    );
    assert_eq!(case.count("notifications WHERE delivered_at IS NULL").await, 3 + 4);
}

#[tokio::test]
async fn a_validators_requests_are_listed_by_deadline_and_page_by_page() {
    let case = Case::new().await;
    let late = case.validation(1, &[9], START + DAY).await;
    let early = case.validation(2, &[9], START).await;
    assert_eq!(case.open(9, START).await, [early.verification_id, late.verification_id]);
    let after = Some((at(early.deadline_seconds), early.verification_id));
    let rest = case
        .store
        .list_open_requests(member(9), after, (at(START), 10))
        .await
        .or_panic();
    assert_eq!(rest.len(), 1);
    assert_eq!(
        (rest[0].display_name.as_str(), rest[0].relationship.as_str()),
        ("Ida", "neighbours")
    );
    assert_eq!(
        case.open(9, early.deadline_seconds).await,
        [late.verification_id],
        "one that is over is not listed"
    );
}

#[tokio::test]
async fn introductions_that_nobody_uses_are_forgotten() {
    let case = Case::new().await;
    case.introduction(1).await;
    case.validation(2, &[3], START).await;
    let forget = async |before: Timestamp| case.store.forget_introductions(before, 100).await.or_panic();
    assert_eq!(forget(at(START)).await, 0);
    assert_eq!(forget(at(START + 1)).await, 1, "but for the one that is shown");
    assert_eq!(case.count("introductions").await, 1);
}
