//! A review that was decided and is asked for again.

use super::*;
use crate::identity::Identity;
use mesh_types::DocumentKind;

/// What stands in a review's row of a decision of before.
async fn what_was_decided(world: &World, review_id: ReviewId) -> (i32, bool, i64) {
    let row = "SELECT num_nonnulls(decision, reason_code, member_text, internal_note, decided_by), is_members_own,
                      (SELECT count(*) FROM review_identities identity WHERE identity.review_id = reviews.review_id)
               FROM reviews WHERE review_id = $1";
    let row = sqlx::query_as::<_, (i32, bool, i64)>(row)
        .bind(review_id.uuid())
        .fetch_one(&world.pool);
    row.await.expect("there")
}

#[tokio::test]
async fn a_later_request_asks_anew_whatever_was_decided_before() {
    let world = World::new().await;
    let asked = asked(&world).await;
    let review_id = asked.review_id;
    claimed(&world, review_id, 7, REQUESTED).await.expect("claimed");
    let passport = Identity::new("UTO", DocumentKind::Passport, "L898902C3");
    let accept = NewReviewDecision {
        identity: world.vault.identity_hashes(passport.as_ref()),
        is_members_own: true,
        ..decision(review_id, 7, Decision::Accepted)
    };
    let first = decided(&world, &accept, REQUESTED).await.expect("decided");
    let (whole, is_members_own, hashes) = what_was_decided(&world, review_id).await;
    assert!((whole, is_members_own) == (5, true) && hashes > 0);

    // The member sends the same upload again, first within the same second.
    let mut before = vec![(accept, first)];
    let next = |activity_id: &str| WaitingActivity {
        activity_id: activity_id.to_owned(),
        ..waiting()
    };
    for (seconds, activity_id) in [(REQUESTED, "2"), (REQUESTED + 1, "3")] {
        let again = review_request(asked.verification_id, asked.document_id, seconds);
        let answer = request(&world.vault, again, next(activity_id)).await.expect("asked");
        assert_eq!(answer, None, "nobody has looked at it at {seconds}");
        assert_eq!(what_was_decided(&world, review_id).await, (0, false, 0));
        // Late repeats of all decisions of before are answered as the first time and decide nothing, though their reviewer holds
        // the review again.
        claimed(&world, review_id, 7, seconds).await.expect("free again");
        for (decision, first) in &before {
            let former = DecidedReview {
                waiting: None,
                ..first.clone()
            };
            assert_eq!(decided(&world, decision, seconds + 60).await, Ok(former));
        }
        assert_eq!(what_was_decided(&world, review_id).await, (0, false, 0));
        let anew = decision(review_id, 7, Decision::Resubmit);
        let first = decided(&world, &anew, seconds).await.expect("decided anew");
        before.push((anew, first));
        assert_eq!(what_was_decided(&world, review_id).await, (5, false, 0));
    }
    let former = "SELECT string_agg(concat_ws(' ', decision, reason_code, decided_by), ', ' ORDER BY decision)
                  FROM former_review_decisions WHERE review_id = $1";
    let former = sqlx::query_scalar::<_, String>(former).bind(review_id.uuid());
    let former = former
        .fetch_one(&world.pool)
        .await
        .expect("the last one is none of them");
    assert_eq!(former, "accepted PHOTO_REPLACED 7, resubmit PHOTO_REPLACED 7");
}
