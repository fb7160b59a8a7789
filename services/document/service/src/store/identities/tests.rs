use super::*;
use crate::identity::Identity;
use crate::store::{
    NewDecision, NewReview, NewReviewDecision, Requested, ReviewClaim, ReviewRefusal, Written, claim_review,
};
use crate::testing::{ANOTHER_MEMBER, MEMBER, STAFF, World, at, member, new_verification, waiting};
use document_workflows::contract::Refusal;
use mesh_testkit::fixtures::OrPanic;
use mesh_types::{Decision, DocumentKind, ReviewId};

const NUMBER: &str = "D12345678";
const REVIEWER: i64 = 7;

/// The hashes of a licence of this number; by two issuers they share the weak one.
fn hashes(world: &World, issuer: &str) -> Vec<IdentityHash> {
    let identity = Identity::new(issuer, DocumentKind::DriversLicense, NUMBER).expect("letters and digits");
    world.vault.identity_hashes(Some(&identity))
}

/// A member's new document in a new verification, to be accepted.
async fn acceptance(world: &World, member_id: i64, identity: Vec<IdentityHash>) -> NewDecision {
    NewDecision {
        verification_id: new_verification(),
        document_id: world.uploaded_by(member_id).await.document_id,
        decision: Decision::Accepted,
        internal_reason: "ALL_CHECKS_PASSED".to_owned(),
        member_reason: String::new(),
        decided_at: at(10),
        identity,
        evidence: Vec::new(),
        retention_class: "while_verification_counts",
        recorded_at: at(11),
    }
}

async fn recorded(world: &World, decision: &NewDecision) -> Written {
    world.store.record_decision(decision).await.or_panic()
}

async fn accepted(world: &World, member_id: i64, identity: Vec<IdentityHash>) -> NewDecision {
    let decision = acceptance(world, member_id, identity).await;
    let written = recorded(world, &decision).await;
    assert!(matches!(written, Written::Stands { .. }), "{written:?}");
    decision
}

async fn found(world: &World, member_id: i64, identity: &[IdentityHash]) -> (Found, Found) {
    let record = world.store.find_identity(identity, member(member_id)).await.or_panic();
    (record.in_use, record.blocked)
}

/// Asks a person about a document, who holds the review.
async fn in_review(world: &World, decision: &NewDecision) -> ReviewId {
    let review = asked(world, decision, 1).await;
    held(world, review).await;
    review
}

/// Asks a person about a document; the review must wait then.
async fn asked(world: &World, decision: &NewDecision, seconds: i64) -> ReviewId {
    let review = NewReview {
        review_id: clock::new_uuid().into(),
        verification_id: decision.verification_id,
        document_id: decision.document_id,
        internal_reason: "SINGLE_SOURCE".to_owned(),
        requested_at: at(seconds),
        expires_at: at(1_000),
        waiting: waiting(),
    };
    let requested = world.store.request_review(&review).await.or_panic();
    assert_eq!(requested, Requested::Waiting);
    review.review_id
}

async fn held(world: &World, review_id: ReviewId) {
    let claim = ReviewClaim {
        reviewer_id: member(REVIEWER),
        until: at(900),
    };
    let mut connection = world.pool.acquire().await.expect("a connection");
    let claimed = claim_review(&mut connection, review_id, claim, at(2)).await;
    claimed.or_panic().expect("it is free");
}

/// Has the person accept it, as the member's own or without a word about it.
async fn reviewed(
    world: &World,
    review_id: ReviewId,
    identity: &[IdentityHash],
    is_members_own: bool,
) -> Result<(), ReviewRefusal> {
    let decision = NewReviewDecision {
        review_id,
        reviewer_id: member(REVIEWER),
        decision_id: clock::new_uuid(),
        decision: Decision::Accepted,
        reason_code: "LOOKS_RIGHT".to_owned(),
        member_text: String::new(),
        internal_note: String::new(),
        identity: identity.to_vec(),
        is_members_own,
    };
    let decided = world.store.decide_review(&decision, at(30)).await.or_panic();
    decided.map(|_| ())
}

#[tokio::test]
async fn a_number_that_another_member_was_accepted_with_is_the_members_own_when_a_person_says_so() {
    let world = World::new().await;
    let (one, other) = (hashes(&world, "636026"), hashes(&world, "USA"));
    accepted(&world, MEMBER, one.clone()).await;
    assert_eq!(
        found(&world, ANOTHER_MEMBER, &other).await,
        (Found::SameNumber, Found::Nothing)
    );
    let decision = acceptance(&world, ANOTHER_MEMBER, other.clone()).await;
    assert_eq!(
        recorded(&world, &decision).await,
        Written::Refused(Refusal::NumberKnown)
    );

    let review_id = in_review(&world, &decision).await;
    let unaware = reviewed(&world, review_id, &other, false).await;
    assert_eq!(unaware, Err(ReviewRefusal::NumberKnown));
    reviewed(&world, review_id, &other, true).await.expect("they say so");
    assert!(matches!(recorded(&world, &decision).await, Written::Stands { .. }));

    // Both were judged: neither is asked again for the other.
    for (member_id, own) in [(MEMBER, &one), (ANOTHER_MEMBER, &other)] {
        assert_eq!(found(&world, member_id, own).await, (Found::Nothing, Found::Nothing));
    }
    let third = found(&world, 99, &one).await;
    assert_eq!(third, (Found::SameDocument, Found::Nothing));
}

#[tokio::test]
async fn what_becomes_known_after_a_person_accepted_is_no_acceptance() {
    let world = World::new().await;
    let (one, other) = (hashes(&world, "636026"), hashes(&world, "USA"));
    let decision = acceptance(&world, ANOTHER_MEMBER, other.clone()).await;
    let review_id = in_review(&world, &decision).await;
    reviewed(&world, review_id, &other, false)
        .await
        .expect("nothing is known");
    accepted(&world, MEMBER, one).await;
    assert_eq!(
        recorded(&world, &decision).await,
        Written::Refused(Refusal::NumberKnown)
    );

    // Sent again, it is a person's to judge again, who can say now that it is the member's own.
    asked(&world, &decision, 20).await;
    held(&world, review_id).await;
    let unaware = reviewed(&world, review_id, &other, false).await;
    assert_eq!(unaware, Err(ReviewRefusal::NumberKnown));
    reviewed(&world, review_id, &other, true).await.expect("they say so");
    assert!(matches!(recorded(&world, &decision).await, Written::Stands { .. }));
}

#[tokio::test]
async fn of_two_documents_with_one_number_at_the_same_moment_the_second_waits_for_the_first() {
    let world = World::new().await;
    let (one, other) = (hashes(&world, "636026"), hashes(&world, "USA"));
    let first = acceptance(&world, MEMBER, one).await;
    let second = acceptance(&world, ANOTHER_MEMBER, other).await;
    let mut accepting = world.pool.begin().await.expect("a transaction");
    let claim = NewClaim {
        hashes: &first.identity,
        member_id: member(MEMBER),
        document_id: first.document_id,
        verification_id: first.verification_id,
        claimed_at: at(11),
    };
    lock(&mut accepting, &bytes(claim.hashes)).await.or_panic();
    insert_claim(&mut accepting, &claim).await.or_panic();
    let commit = async {
        let is_recorded = "SELECT EXISTS (SELECT FROM document_decisions)";
        world.until_one_waits_or(is_recorded).await;
        accepting.commit().await.expect("committed");
    };
    let (written, ()) = tokio::join!(recorded(&world, &second), commit);
    assert_eq!(written, Written::Refused(Refusal::NumberKnown));
}

#[tokio::test]
async fn a_block_is_of_one_document_and_the_others_of_its_number_go_to_a_person() {
    let world = World::new().await;
    let (one, other) = (hashes(&world, "636026"), hashes(&world, "USA"));
    let decision = accepted(&world, MEMBER, other.clone()).await;
    world.block(&one, at(20)).await;
    let listed = world.store.list_revocations(None, 10).await.or_panic();
    assert_eq!(listed, [], "the verification rests on another document");
    assert_eq!(found(&world, MEMBER, &one).await, (Found::Nothing, Found::SameDocument));
    assert_eq!(found(&world, MEMBER, &other).await, (Found::Nothing, Found::SameNumber));

    world.block(&other, at(21)).await;
    let listed = world.store.list_revocations(None, 10).await.or_panic();
    let revoked: Vec<_> = listed.iter().map(|entry| entry.verification_id).collect();
    assert_eq!(revoked, [decision.verification_id]);
    let mut connection = world.pool.acquire().await.expect("a connection");
    unblock(&mut connection, &other, &STAFF, at(22)).await.or_panic();
    assert_eq!(found(&world, MEMBER, &one).await, (Found::Nothing, Found::SameDocument));
    assert_eq!(found(&world, MEMBER, &other).await, (Found::Nothing, Found::SameNumber));
    unblock(&mut connection, &one, &STAFF, at(23)).await.or_panic();
    assert_eq!(found(&world, MEMBER, &other).await, (Found::Nothing, Found::Nothing));
}

async fn released(world: &World, document_id: DocumentId, seconds: i64) -> Vec<VerificationId> {
    let mut transaction = world.pool.begin().await.expect("a transaction");
    let of = (Some(document_id), None);
    let released = release(&mut transaction, of, (&STAFF, "STOLEN_FROM_OWNER"), at(seconds)).await;
    transaction.commit().await.expect("committed");
    released.or_panic().expect("it is there")
}

#[tokio::test]
async fn a_release_takes_a_document_with_its_renewals_from_one_member_and_from_nobody_else() {
    let world = World::new().await;
    let identity = hashes(&world, "636026");
    let thief = accepted(&world, MEMBER, identity.clone()).await;
    // The renewal is of another upload, and by print: a person typed the issuer otherwise.
    let renewal = acceptance(&world, MEMBER, hashes(&world, "USA")).await;
    let review_id = in_review(&world, &renewal).await;
    reviewed(&world, review_id, &renewal.identity, true)
        .await
        .expect("accepted");
    assert!(matches!(recorded(&world, &renewal).await, Written::Stands { .. }));
    let passport = Identity::new("UTO", DocumentKind::Passport, "L898902C3").expect("letters and digits");
    let _another_of_the_thief = accepted(&world, MEMBER, world.vault.identity_hashes([&passport])).await;

    let mut expected = vec![thief.verification_id, renewal.verification_id];
    expected.sort();
    assert_eq!(released(&world, thief.document_id, 20).await, expected);
    let owner = accepted(&world, ANOTHER_MEMBER, identity.clone()).await;
    assert_eq!(
        released(&world, thief.document_id, 30).await,
        [],
        "nothing is left to take"
    );
    assert_eq!(
        found(&world, 99, &identity).await.0,
        Found::SameDocument,
        "the owner holds it"
    );

    let listed = world.store.list_revocations(None, 10).await.or_panic();
    let mut revoked: Vec<_> = listed.iter().map(|one| one.verification_id).collect();
    revoked.sort();
    assert_eq!(revoked, expected);
    assert!(
        listed
            .iter()
            .all(|one| one.reason == RevocationReason::DocumentReleased)
    );
    assert!(listed.iter().all(|one| one.verification_id != owner.verification_id));

    let mut connection = world.pool.acquire().await.expect("a connection");
    let unknown = (Some(clock::new_uuid().into()), None);
    let unknown = release(&mut connection, unknown, (&STAFF, "STOLEN_FROM_OWNER"), at(40)).await;
    assert_eq!(unknown.or_panic(), None);
}

#[tokio::test]
async fn a_document_that_was_taken_from_a_member_is_theirs_again_when_a_person_says_so() {
    let world = World::new().await;
    let identity = hashes(&world, "636026");
    let first = accepted(&world, MEMBER, identity.clone()).await;
    released(&world, first.document_id, 20).await;
    assert_eq!(found(&world, MEMBER, &identity).await.0, Found::SameNumber);
    let again = acceptance(&world, MEMBER, identity.clone()).await;
    assert_eq!(recorded(&world, &again).await, Written::Refused(Refusal::NumberKnown));
    let review_id = in_review(&world, &again).await;
    reviewed(&world, review_id, &identity, true).await.expect("accepted");
    assert!(matches!(recorded(&world, &again).await, Written::Stands { .. }));
    assert_eq!(found(&world, MEMBER, &identity).await.0, Found::Nothing);
}

#[tokio::test]
async fn what_a_person_said_before_a_release_counts_no_more() {
    let world = World::new().await;
    let identity = hashes(&world, "636026");
    let first = accepted(&world, MEMBER, identity.clone()).await;
    let renewal = acceptance(&world, MEMBER, identity.clone()).await;
    let review_id = in_review(&world, &renewal).await;
    reviewed(&world, review_id, &identity, true).await.expect("accepted");
    released(&world, first.document_id, 40).await;
    assert_eq!(recorded(&world, &renewal).await, Written::Refused(Refusal::NumberKnown));
}

#[tokio::test]
async fn a_renewal_waits_for_a_release_that_is_under_way_and_is_refused() {
    let world = World::new().await;
    let identity = hashes(&world, "636026");
    let first = accepted(&world, MEMBER, identity.clone()).await;
    let renewal = acceptance(&world, MEMBER, identity).await;
    let mut releasing = world.pool.begin().await.expect("a transaction");
    let of = (None, Some(first.verification_id));
    world.submitted(first.document_id, first.verification_id, 1).await;
    let released = release(&mut releasing, of, (&STAFF, "STOLEN_FROM_OWNER"), at(20)).await;
    assert_eq!(released.or_panic(), Some(vec![first.verification_id]));
    let commit = async {
        let is_recorded = "SELECT count(*) > 1 FROM document_decisions";
        world.until_one_waits_or(is_recorded).await;
        releasing.commit().await.expect("committed");
    };
    let (written, ()) = tokio::join!(recorded(&world, &renewal), commit);
    assert_eq!(written, Written::Refused(Refusal::NumberKnown));
}
