//! Whose a review is to work on, as it is claimed, decided and asked for anew.

use super::{Client, reason, served};
use crate::store::{NewReview, Requested, WaitingActivity};
use crate::testing::{MEMBER, World, at, new_verification, waiting};
use mesh_proto::document::v1::{ClaimReviewRequest, DecideReviewRequest, DocumentDecision, GetReviewPageRequest};
use mesh_runtime::clock;
use mesh_testkit::fixtures::OrPanic;
use mesh_types::ReviewId;

/// A review of a member's document, and what asks for it anew.
struct Asked {
    review: NewReview,
}

impl Asked {
    async fn of(world: &World) -> Self {
        let (document_id, verification_id) = (world.uploaded_by(MEMBER).await.document_id, new_verification());
        let asked = Self {
            review: NewReview {
                review_id: clock::new_uuid().into(),
                verification_id,
                document_id,
                internal_reason: "SINGLE_SOURCE".to_owned(),
                requested_at: at(1),
                expires_at: at(4_102_444_800),
                waiting: waiting(),
            },
        };
        asked.anew(world, 1).await;
        asked
    }

    /// As when the member sends the same upload again.
    async fn anew(&self, world: &World, seconds: i64) {
        let review = NewReview {
            requested_at: at(seconds),
            waiting: WaitingActivity {
                activity_id: seconds.to_string(),
                ..waiting()
            },
            ..self.review.clone()
        };
        let requested = world.store.request_review(&review).await.or_panic();
        assert_eq!(requested, Requested::Waiting);
    }
}

fn claim(review_id: ReviewId) -> ClaimReviewRequest {
    ClaimReviewRequest {
        request_id: clock::new_uuid().to_string(),
        review_id: review_id.to_string(),
    }
}

fn rejection(review_id: ReviewId) -> DecideReviewRequest {
    DecideReviewRequest {
        request_id: clock::new_uuid().to_string(),
        review_id: review_id.to_string(),
        decision: DocumentDecision::Rejected.into(),
        reason_code: "PHOTO_REPLACED".to_owned(),
        member_text: "The photo was replaced.".to_owned(),
        ..Default::default()
    }
}

fn page(review_id: ReviewId) -> GetReviewPageRequest {
    GetReviewPageRequest {
        review_id: review_id.to_string(),
        page_number: 1,
    }
}

/// What each reviewer is told who asks for a page and who decides; an empty text where they see the page. Whoever may see it is
/// not tried out on deciding, which would be the end of the review.
async fn told(review_id: ReviewId, reviewers: [&mut Client; 2]) -> [String; 2] {
    let mut answers = Vec::new();
    for reviewer in reviewers {
        let Err(refused) = reviewer.get_review_page(page(review_id)).await else {
            answers.push(String::new());
            continue;
        };
        let of_page = reason::<()>(Err(refused)).expect("a reason");
        let of_decision = reason(reviewer.decide_review(rejection(review_id)).await);
        assert_eq!(of_decision.as_ref(), Some(&of_page), "one rule for both");
        answers.push(of_page);
    }
    answers.try_into().expect("two reviewers")
}

#[tokio::test]
async fn at_each_step_only_who_holds_a_review_sees_its_pages_and_may_decide_it() {
    const SEES: &str = "";
    let world = World::new().await;
    let (server, _) = served(&world).await;
    let mut first = Client::new(server.channel_as(7, &["reviewer"]));
    let mut second = Client::new(server.channel_as(8, &["reviewer"]));
    let asked = Asked::of(&world).await;
    let review_id = asked.review.review_id;
    let told = async |first: &mut Client, second: &mut Client| told(review_id, [first, second]).await;

    let nobodys = ["REVIEW_NOT_CLAIMED"; 2];
    assert_eq!(told(&mut first, &mut second).await, nobodys, "before any claim");
    first.claim_review(claim(review_id)).await.expect("it is free");
    let of_the_first = [SEES, "REVIEW_CLAIMED_BY_ANOTHER"];
    assert_eq!(told(&mut first, &mut second).await, of_the_first);
    let run_out = "UPDATE reviews SET claimed_until = now()";
    sqlx::query(run_out).execute(&world.pool).await.expect("it runs out");
    assert_eq!(told(&mut first, &mut second).await, nobodys, "the claim ran out");
    second.claim_review(claim(review_id)).await.expect("it is free again");
    let of_the_second = ["REVIEW_CLAIMED_BY_ANOTHER", SEES];
    assert_eq!(told(&mut first, &mut second).await, of_the_second);
    second
        .decide_review(rejection(review_id))
        .await
        .expect("the holder decides");
    assert_eq!(
        told(&mut first, &mut second).await,
        ["REVIEW_OVER"; 2],
        "also for who decided"
    );
    asked.anew(&world, 2).await;
    assert_eq!(
        told(&mut first, &mut second).await,
        nobodys,
        "also for who decided before"
    );
    first
        .claim_review(claim(review_id))
        .await
        .expect("it waits for somebody");
    assert_eq!(told(&mut first, &mut second).await, of_the_first);
}

#[tokio::test]
async fn whoever_decided_a_review_gets_the_first_answer_also_when_it_was_asked_for_anew() {
    let world = World::new().await;
    let (server, _) = served(&world).await;
    let mut first = Client::new(server.channel_as(7, &["reviewer"]));
    let mut second = Client::new(server.channel_as(8, &["reviewer"]));
    let asked = Asked::of(&world).await;
    let review_id = asked.review.review_id;
    first.claim_review(claim(review_id)).await.expect("it is free");
    let decision = rejection(review_id);
    let decided = first.decide_review(decision.clone()).await.expect("decided");
    let decided = decided.into_inner();

    asked.anew(&world, 2).await;
    let again = first.decide_review(decision.clone()).await.expect("answered");
    assert_eq!(again.into_inner(), decided);
    // Nothing is decided by it, and what is new needs a claim.
    let refused = reason(first.decide_review(rejection(review_id)).await);
    assert_eq!(refused.as_deref(), Some("REVIEW_NOT_CLAIMED"));
    second
        .claim_review(claim(review_id))
        .await
        .expect("it waits for somebody");
    let refused = reason(first.decide_review(rejection(review_id)).await);
    assert_eq!(refused.as_deref(), Some("REVIEW_CLAIMED_BY_ANOTHER"));
    // The first answer is not another's, who holds the review now.
    let refused = reason(second.decide_review(decision.clone()).await);
    assert_eq!(refused.as_deref(), Some("REQUEST_ID_REUSED"));

    // Also when it was decided and the answer could not be kept, and somebody else has decided since.
    second.decide_review(rejection(review_id)).await.expect("decided anew");
    let lost = "UPDATE mesh_idempotency_records SET answer = NULL, answered_at = NULL, leased_until = claimed_at";
    sqlx::query(lost).execute(&world.pool).await.expect("lost");
    let again = first.decide_review(decision).await.expect("answered");
    assert_eq!(again.into_inner(), decided);
}
