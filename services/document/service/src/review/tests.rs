mod anew;

use super::*;
use crate::store::{DecidedReview, NewReviewDecision, Review, ReviewClaim, ReviewKey, claim_review};
use crate::testing::{ANOTHER_MEMBER, MEMBER, STAFF, World, at, member, new_verification, png, waiting};
use document_workflows::contract::ReviewEnd;
use mesh_types::{Decision, DocumentId, ReviewId, VerificationId};

const REQUESTED: i64 = 1_000;
const EXPIRES: i64 = REQUESTED + 7 * 24 * 3_600;
const FIFTEEN_MINUTES: i64 = 15 * 60;

struct Asked {
    verification_id: VerificationId,
    document_id: DocumentId,
    review_id: ReviewId,
}

fn review_request(verification_id: VerificationId, document_id: DocumentId, requested: i64) -> ReviewRequest {
    ReviewRequest {
        verification_id,
        document_id,
        internal_reason: "SINGLE_SOURCE".to_owned(),
        requested_at_seconds: requested,
        expires_at_seconds: requested + EXPIRES - REQUESTED,
    }
}

async fn asked(world: &World) -> Asked {
    let document_id = world.uploaded(&[png(1), png(2)]).await.document_id;
    let verification_id = new_verification();
    let asked = review_request(verification_id, document_id, REQUESTED);
    let decision = request(&world.vault, asked, waiting()).await.expect("asked");
    assert_eq!(decision, None);
    let waiting = list(world, REQUESTED).await;
    let review = waiting.iter().find(|review| review.document_id == document_id);
    Asked {
        verification_id,
        document_id,
        review_id: review.expect("in the list").review_id,
    }
}

async fn claimed(world: &World, review_id: ReviewId, reviewer: i64, seconds: i64) -> Result<Review, Reason> {
    let claim = ReviewClaim {
        reviewer_id: member(reviewer),
        until: at(seconds) + crate::claim_review::CLAIM_LENGTH,
    };
    let mut connection = world.pool.acquire().await.expect("a connection");
    let claimed = claim_review(&mut connection, review_id, claim, at(seconds))
        .await
        .expect("asked");
    claimed.map_err(|refusal| Problem::from(refusal).reason())
}

async fn held(world: &World, review_id: ReviewId, reviewer: i64, seconds: i64) -> Result<HeldReview, Reason> {
    let review = world.store.find_review(review_id).await.expect("asked");
    let held = review.expect("there").held_by(member(reviewer), at(seconds));
    held.map_err(|refusal| Problem::from(refusal).reason())
}

/// The reviews that wait, the oldest first.
async fn list(world: &World, seconds: i64) -> Vec<Review> {
    world.store.list_reviews(None, 100, at(seconds)).await.expect("listed")
}

fn decision(review_id: ReviewId, reviewer: i64, decision: Decision) -> NewReviewDecision {
    NewReviewDecision {
        review_id,
        reviewer_id: member(reviewer),
        decision_id: clock::new_uuid(),
        decision,
        reason_code: "PHOTO_REPLACED".to_owned(),
        member_text: "The photo was replaced.".to_owned(),
        internal_note: "Glue along the edge.".to_owned(),
        identity: Vec::new(),
        is_members_own: false,
    }
}

async fn decided(world: &World, decision: &NewReviewDecision, seconds: i64) -> Result<DecidedReview, Reason> {
    let decided = world.store.decide_review(decision, at(seconds)).await.expect("asked");
    decided.map_err(|refusal| Problem::from(refusal).reason())
}

fn closing(asked: &Asked, ended: ReviewEnd) -> ReviewClosing {
    ReviewClosing {
        verification_id: asked.verification_id,
        document_id: asked.document_id,
        ended,
        ended_at_seconds: EXPIRES,
    }
}

#[tokio::test]
async fn of_reviewers_who_claim_at_once_one_holds_it_until_the_claim_ends() {
    let world = World::new().await;
    let review = asked(&world).await.review_id;
    let claims = (1..=20).map(|reviewer| claimed(&world, review, reviewer, REQUESTED));
    let claims = futures::future::join_all(claims).await;
    let holders: Vec<ReviewClaim> = claims.iter().flatten().filter_map(|review| review.claim).collect();
    let [holder] = holders.as_slice() else {
        panic!("{holders:?}")
    };
    assert_eq!(holder.until, at(REQUESTED + FIFTEEN_MINUTES));
    let refused = claims.iter().filter_map(|claim| claim.as_ref().err());
    assert!(refused.clone().all(|reason| *reason == Reason::ReviewClaimedByAnother));

    let (own, other) = (holder.reviewer_id.get(), 99);
    let last = REQUESTED + FIFTEEN_MINUTES;
    assert_eq!(
        claimed(&world, review, other, last - 1).await.err(),
        Some(Reason::ReviewClaimedByAnother)
    );
    let extended = claimed(&world, review, own, last - 1).await.expect("the same reviewer");
    assert_eq!(
        extended.claim.map(|claim| claim.until),
        Some(at(last - 1 + FIFTEEN_MINUTES))
    );
    assert_eq!(
        claimed(&world, review, MEMBER, last - 1 + FIFTEEN_MINUTES).await.err(),
        Some(Reason::ReviewOfOneself)
    );
    let taken = claimed(&world, review, other, last - 1 + FIFTEEN_MINUTES)
        .await
        .expect("free again");
    assert_eq!(taken.claim.map(|claim| claim.reviewer_id), Some(member(other)));
}

#[tokio::test]
async fn only_the_holder_decides_and_only_once() {
    let world = World::new().await;
    let review = asked(&world).await.review_id;
    let accept = decision(review, 7, Decision::Accepted);
    assert_eq!(decided(&world, &accept, REQUESTED).await, Err(Reason::ReviewNotClaimed));
    claimed(&world, review, 7, REQUESTED).await.expect("claimed");
    let another = decision(review, 8, Decision::Accepted);
    assert_eq!(
        decided(&world, &another, REQUESTED).await,
        Err(Reason::ReviewClaimedByAnother)
    );
    let late = REQUESTED + FIFTEEN_MINUTES;
    for who in [&accept, &another] {
        assert_eq!(
            decided(&world, who, late).await,
            Err(Reason::ReviewNotClaimed),
            "the claim expired"
        );
    }

    let reject = decision(review, 7, Decision::Rejected);
    let (one, other) = tokio::join!(decided(&world, &accept, REQUESTED), decided(&world, &reject, REQUESTED));
    let (stands, refused) = match (one, other) {
        (Ok(stands), refused) => ((stands, &accept), refused),
        (refused, Ok(stands)) => ((stands, &reject), refused),
        neither => panic!("{neither:?}"),
    };
    assert_eq!(refused, Err(Reason::ReviewOver));
    assert_eq!(stands.0.decision.decision, stands.1.decision);
    // The same request again, long after the claim ended: the same answer.
    assert_eq!(decided(&world, stands.1, EXPIRES + 1).await, Ok(stands.0));
    assert_eq!(
        claimed(&world, review, 7, REQUESTED).await.err(),
        Some(Reason::ReviewOver)
    );
    let unknown = decision(clock::new_uuid().into(), 7, Decision::Accepted);
    assert_eq!(decided(&world, &unknown, REQUESTED).await, Err(Reason::ReviewNotFound));
}

#[tokio::test]
async fn asked_for_again_it_is_the_same_review_and_a_decision_is_found_at_once() {
    let world = World::new().await;
    let asked = asked(&world).await;
    let again = || review_request(asked.verification_id, asked.document_id, REQUESTED);
    let next_attempt = waiting();
    assert_eq!(
        request(&world.vault, again(), next_attempt.clone())
            .await
            .expect("asked"),
        None
    );
    claimed(&world, asked.review_id, 7, REQUESTED).await.expect("claimed");
    let rejected = decided(&world, &decision(asked.review_id, 7, Decision::Rejected), REQUESTED).await;
    let rejected = rejected.expect("decided");
    assert_eq!(
        rejected.waiting,
        Some(next_attempt),
        "the last attempt is the one that waits"
    );

    let found = request(&world.vault, again(), waiting()).await.expect("asked");
    assert_eq!(found.as_ref(), Some(&rejected.decision));
    let closed = close(&world.vault, closing(&asked, ReviewEnd::Expired))
        .await
        .expect("closed");
    assert_eq!(closed, Some(rejected.decision), "it came just before");
}

#[tokio::test]
async fn what_nobody_decides_in_time_is_over_and_a_later_request_asks_anew() {
    let world = World::new().await;
    let asked = asked(&world).await;
    let review = asked.review_id;
    claimed(&world, review, 7, EXPIRES - 1).await.expect("claimed");
    let accept = decision(review, 7, Decision::Accepted);
    assert_eq!(decided(&world, &accept, EXPIRES).await, Err(Reason::ReviewOver));
    assert_eq!(
        claimed(&world, review, 7, EXPIRES).await.err(),
        Some(Reason::ReviewOver)
    );
    let waiting_reviews = list(&world, EXPIRES).await;
    assert_eq!(waiting_reviews, []);

    for _ in 0..2 {
        let closed = close(&world.vault, closing(&asked, ReviewEnd::Expired))
            .await
            .expect("closed");
        assert_eq!(closed, None);
    }
    assert_eq!(decided(&world, &accept, EXPIRES - 1).await, Err(Reason::ReviewOver));
    let old = review_request(asked.verification_id, asked.document_id, REQUESTED);
    let over = request(&world.vault, old, waiting()).await.expect_err("an old attempt");
    assert_eq!(over.reason(), Reason::ReviewOver);

    let new = review_request(asked.verification_id, asked.document_id, EXPIRES + 10);
    assert_eq!(request(&world.vault, new, waiting()).await.expect("asked anew"), None);
    let waiting_reviews = list(&world, EXPIRES + 10).await;
    assert_eq!(
        waiting_reviews.iter().map(|review| review.claim).collect::<Vec<_>>(),
        [None]
    );
}

#[tokio::test]
async fn an_erased_document_is_neither_listed_claimed_shown_nor_decided() {
    let world = World::new().await;
    let asked = asked(&world).await;
    let review = asked.review_id;
    claimed(&world, review, 7, REQUESTED).await.expect("claimed");
    world
        .vault
        .erase(asked.document_id, &STAFF, at(REQUESTED))
        .await
        .expect("erased");
    let accept = decision(review, 7, Decision::Accepted);
    assert_eq!(decided(&world, &accept, REQUESTED).await, Err(Reason::DocumentErased));
    assert_eq!(
        claimed(&world, review, 7, REQUESTED).await.err(),
        Some(Reason::DocumentErased)
    );
    let held = held(&world, review, 7, REQUESTED).await;
    assert_eq!(held.expect_err("erased"), Reason::DocumentErased);
    let waiting_reviews = list(&world, REQUESTED).await;
    assert_eq!(waiting_reviews, []);
    let again = review_request(asked.verification_id, asked.document_id, REQUESTED);
    let refused = request(&world.vault, again, waiting()).await.expect_err("erased");
    assert_eq!(refused.reason(), Reason::DocumentErased);
}

#[tokio::test]
async fn pages_are_shown_to_the_holder_alone() {
    let world = World::new().await;
    let review = asked(&world).await.review_id;
    let find = async |reviewer, page, seconds| {
        let held = held(&world, review, reviewer, seconds).await?;
        let found = find_page(&world.store, &held, page).await;
        found.map_err(|problem| problem.reason())
    };
    assert_eq!(find(7, 1, REQUESTED).await.err(), Some(Reason::ReviewNotClaimed));
    claimed(&world, review, 7, REQUESTED).await.expect("claimed");
    let (document, page) = find(7, 2, REQUESTED).await.expect("found");
    let file = world.vault.get_file(&document, &page).await.expect("opened");
    assert_eq!((page.media_type.as_str(), file), ("image/png", png(2).into()));
    for (reviewer, page, seconds, reason) in [
        (8, 1, REQUESTED, Reason::ReviewClaimedByAnother),
        (7, 3, REQUESTED, Reason::DocumentNotFound),
        (7, 1, REQUESTED + FIFTEEN_MINUTES, Reason::ReviewNotClaimed),
        (7, 1, EXPIRES, Reason::ReviewOver),
    ] {
        assert_eq!(find(reviewer, page, seconds).await.err(), Some(reason));
    }
}

#[tokio::test]
async fn the_list_is_oldest_first_and_whole_page_by_page_while_reviews_come_and_go() {
    let world = World::new().await;
    // Two of the same second: the id tells which comes first.
    for seconds in [30, 10, 20, 20, 40] {
        let document = world.uploaded_by(MEMBER).await.document_id;
        let new = review_request(new_verification(), document, REQUESTED + seconds);
        request(&world.vault, new, waiting()).await.expect("asked");
    }
    let now = at(REQUESTED + 100);
    let list = async |after: Option<ReviewKey>, limit| {
        let listed = world.store.list_reviews(after, limit, now).await;
        listed.expect("listed")
    };
    let whole = list(None, 6).await;
    let times: Vec<i64> = whole
        .iter()
        .map(|review| review.requested_at.as_second() - REQUESTED)
        .collect();
    assert_eq!(times, [10, 20, 20, 30, 40]);

    let first = list(None, 2).await;
    let document = world.uploaded_by(ANOTHER_MEMBER).await.document_id;
    let older = review_request(new_verification(), document, REQUESTED);
    request(&world.vault, older, waiting()).await.expect("asked");
    let second = list(first.last().map(Review::key), 2).await;
    let third = list(second.last().map(Review::key), 2).await;
    let paged: Vec<ReviewId> = [first, second, third]
        .concat()
        .iter()
        .map(|review| review.review_id)
        .collect();
    assert_eq!(paged, whole.iter().map(|review| review.review_id).collect::<Vec<_>>());
}

#[tokio::test]
async fn what_the_reviewer_wrote_goes_to_the_member_when_the_decision_is_theirs() {
    let world = World::new().await;
    for (ruled, text) in [
        (Decision::Rejected, "The photo was replaced."),
        (Decision::Resubmit, "The usual sentence."),
    ] {
        let asked = asked(&world).await;
        world.submitted(asked.document_id, asked.verification_id, 1).await;
        claimed(&world, asked.review_id, 7, REQUESTED).await.expect("claimed");
        let rejected = decision(asked.review_id, 7, Decision::Rejected);
        decided(&world, &rejected, REQUESTED).await.expect("decided");
        let record = document_workflows::contract::DecisionRecord {
            verification_id: asked.verification_id,
            document_id: asked.document_id,
            decided: document_workflows::contract::DocumentDecision {
                decision: ruled,
                internal_reason: "PHOTO_REPLACED".to_owned(),
                member_reason: "The usual sentence.".to_owned(),
                proves: Vec::new(),
            },
            decided_at_seconds: REQUESTED + 5,
        };
        crate::checking::record_decision(&world.vault, record)
            .await
            .expect("recorded");
        let standing = world
            .store
            .find_document_status(asked.document_id, None)
            .await
            .expect("asked");
        let decided = standing.and_then(|standing| standing.decided).expect("decided");
        assert_eq!(decided.member_reason, text);
    }
}

#[tokio::test]
async fn what_people_wrote_is_forgotten_when_it_is_old_and_what_was_decided_stays() {
    let world = World::new().await;
    let mut asked_for = Vec::new();
    for ended in [REQUESTED, REQUESTED + 10] {
        let asked = asked(&world).await;
        claimed(&world, asked.review_id, 7, ended).await.expect("claimed");
        let decision = decision(asked.review_id, 7, Decision::Rejected);
        decided(&world, &decision, ended).await.expect("decided");
        asked_for.push(asked.review_id);
    }
    for expected in [1, 0] {
        let forgotten = world.store.forget_words(at(REQUESTED + 5), 10).await;
        assert_eq!(forgotten.expect("forgotten"), expected);
    }
    let kept = "SELECT status, internal_note IS NULL, member_text = '' FROM reviews WHERE review_id = $1";
    for (review_id, is_forgotten) in asked_for.into_iter().zip([true, false]) {
        let row = sqlx::query_as::<_, (String, bool, bool)>(kept).bind(review_id.uuid());
        let row = row.fetch_one(&world.pool).await.expect("there");
        assert_eq!(row, ("decided".to_owned(), is_forgotten, is_forgotten));
    }
}

/// Whether anything that a person wrote is left in the review of a document.
async fn has_words(world: &World, review_id: ReviewId) -> bool {
    let words = "SELECT internal_note IS NOT NULL OR coalesce(member_text, '') <> '' FROM reviews WHERE review_id = $1";
    let words = sqlx::query_scalar::<_, bool>(words)
        .bind(review_id.uuid())
        .fetch_one(&world.pool);
    words.await.expect("there")
}

#[tokio::test]
async fn what_people_wrote_goes_with_the_document_in_one_transaction() {
    let world = World::new().await;
    let asked = asked(&world).await;
    claimed(&world, asked.review_id, 7, REQUESTED).await.expect("claimed");
    let reject = decision(asked.review_id, 7, Decision::Rejected);
    decided(&world, &reject, REQUESTED).await.expect("decided");
    assert!(has_words(&world, asked.review_id).await);
    // While the words can't be deleted, nothing is erased.
    let mut holding = world.pool.begin().await.expect("a transaction");
    let hold = sqlx::query("SELECT FROM reviews FOR UPDATE");
    hold.execute(&mut *holding).await.expect("held");
    let release = async {
        // A lock of a row counts for no database, so `pg_locks` does not tell who waits for one.
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
                                     WHERE datname = current_database() AND wait_event_type = 'Lock')";
        world.until_one_waits_or(waits).await;
        let is_erased = "SELECT EXISTS (SELECT FROM documents WHERE erased_at IS NOT NULL)";
        let is_erased = sqlx::query_scalar::<_, bool>(is_erased).fetch_one(&world.pool);
        assert!(!is_erased.await.expect("a row"), "a crash here would leave the words");
        holding.rollback().await.expect("released");
    };
    let (erased, ()) = tokio::join!(world.vault.erase(asked.document_id, &STAFF, at(EXPIRES)), release);
    assert_eq!(erased.expect("erased"), Some(at(EXPIRES)));
    assert!(!has_words(&world, asked.review_id).await);
}

#[tokio::test]
async fn of_an_erasure_and_a_decision_at_once_none_fails_and_no_words_are_left() {
    let world = World::new().await;
    for _ in 0..20 {
        let asked = asked(&world).await;
        claimed(&world, asked.review_id, 7, REQUESTED).await.expect("claimed");
        let reject = decision(asked.review_id, 7, Decision::Rejected);
        let (erased, decided) = tokio::join!(
            world.vault.erase(asked.document_id, &STAFF, at(REQUESTED)),
            decided(&world, &reject, REQUESTED)
        );
        assert_eq!(erased.expect("erased"), Some(at(REQUESTED)));
        if let Err(reason) = decided {
            assert_eq!(reason, Reason::DocumentErased);
        }
        assert!(!has_words(&world, asked.review_id).await);
    }
}

#[tokio::test]
async fn a_review_that_is_withdrawn_before_it_is_asked_for_waits_for_nobody() {
    let world = World::new().await;
    let document_id = world.uploaded(&[png(1)]).await.document_id;
    let verification_id = new_verification();
    let closing = ReviewClosing {
        verification_id,
        document_id,
        ended: ReviewEnd::Withdrawn,
        ended_at_seconds: REQUESTED,
    };
    for _ in 0..2 {
        assert_eq!(close(&world.vault, closing.clone()).await.expect("closed"), None);
    }
    let late = request(
        &world.vault,
        review_request(verification_id, document_id, REQUESTED),
        waiting(),
    )
    .await;
    assert_eq!(late.map_err(|problem| problem.reason()), Err(Reason::ReviewOver));
    let waiting = list(&world, REQUESTED).await;
    assert!(waiting.iter().all(|review| review.document_id != document_id));
}
