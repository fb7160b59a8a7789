//! What is blocked, erased or countered after the end of a verification reaches it, and the member's level with it; so does
//! another name.

use crate::document::support::{Reviewer, with_covered_print};
use crate::support::*;
use mesh_proto::common::v1::RevocationReason;
use mesh_proto::document::v1::{
    BlockDocumentRequest, CheckResult, DocumentDecision, DocumentType, EraseDocumentRequest,
    RecordProfileChangeRequest, ReleaseDocumentRequest,
};
use mesh_proto::orchestrator::v1::{
    ListVerificationsRequest, MemberProfile, MethodRequest, MethodStatus, ReputationMethod, StartVerificationRequest,
    UpdateMemberRequest, Verification, VerificationStatus, method_request,
};
use mesh_proto::reputation::v1::reputation_event::Fact;
use mesh_proto::reputation::v1::{
    CounterReason, CounterReputationEventRequest, GetReputationRequest, Level, ListReputationEventsRequest,
    ReputationEvent,
};
use mesh_testkit::{Mesh, eventually};
use specimen::Passport;

fn block(passport: &Passport) -> BlockDocumentRequest {
    let truth = passport.truth();
    BlockDocumentRequest {
        request_id: new_request_id(),
        document_type: DocumentType::Passport.into(),
        issuing_state: truth.issuing_state.clone(),
        document_number: truth.document_number.clone(),
        reason_code: "REPORTED_STOLEN".to_owned(),
    }
}

impl Caller {
    async fn block(&self, passport: &Passport) {
        let blocked = self.documents.clone().block_document(block(passport)).await;
        blocked.expect("the document is blocked");
    }

    /// A completed verification by a passport: member, document and verification.
    async fn completed(&self, passport: &Passport) -> (i64, String, String) {
        let member_id = self.register(passport.truth()).await;
        let uploaded = self.upload(member_id, &[picture(passport)]).await;
        let started = self.start(by_document(member_id, uploaded.document_url)).await;
        let verification_id = started.expect("the verification starts").verification_id;
        let end = self.end_of(&verification_id).await;
        assert_eq!((end.status(), end.revoked_at), (VerificationStatus::Completed, None));
        assert_eq!(self.level(member_id).await, (30, Level::Bronze));
        (member_id, uploaded.document_id, verification_id)
    }

    /// Gives a member another family name; returns the version of the profile.
    async fn rename(&self, member_id: i64, passport: &Passport) -> i64 {
        let truth = passport.truth();
        let request = UpdateMemberRequest {
            request_id: new_request_id(),
            member_id,
            profile: Some(MemberProfile {
                given_names: truth.given_names.clone(),
                family_name: "Quite Another".to_owned(),
                birth_date: truth.birth_date.to_string(),
                email: String::new(),
            }),
        };
        let updated = self.members.clone().update_member(request).await;
        let member = updated.expect("the profile changes").into_inner().member;
        member.expect("an answer holds the member").profile_version
    }

    async fn level(&self, member_id: i64) -> (i32, Level) {
        let request = GetReputationRequest {
            member_id,
            ..Default::default()
        };
        let answer = self.reputations.clone().get_reputation(request).await;
        let breakdown = answer
            .expect("every member has one")
            .into_inner()
            .breakdown
            .unwrap_or_default();
        (breakdown.score, breakdown.level())
    }

    async fn events(&self, member_id: i64) -> Vec<ReputationEvent> {
        let request = ListReputationEventsRequest {
            member_id,
            ..Default::default()
        };
        let answer = self.reputations.clone().list_reputation_events(request).await;
        answer.expect("the events are listed").into_inner().events
    }

    async fn revoked(&self, verification_id: &str) -> Verification {
        let look = async || {
            let shown = self.get(verification_id).await.ok()?;
            (shown.status() == VerificationStatus::Revoked).then_some(shown)
        };
        eventually(PATIENCE, "the verification to be revoked", look)
            .await
            .unwrap_or_else(|error| panic!("{error}"))
    }

    /// Waits until the ledger gives a member nothing.
    async fn falls_to_nothing(&self, member_id: i64) {
        let look = async || (self.level(member_id).await == (0, Level::None)).then_some(());
        eventually(PATIENCE, "the member's level to fall", look)
            .await
            .unwrap_or_else(|error| panic!("{error}"));
    }
}

/// A revoked verification of a member who has nothing else, as everybody sees it.
async fn is_revoked(caller: &Caller, (member_id, verification_id): (i64, &str), reason: RevocationReason) {
    let shown = caller.revoked(verification_id).await;
    assert_eq!(shown.revoked_reason(), reason);
    let seconds = |at: Option<prost_types::Timestamp>| at.map(|at| (at.seconds, at.nanos));
    assert!(seconds(shown.revoked_at) > seconds(shown.ended_at), "{shown:?}");
    let breakdown = shown.breakdown.as_ref().expect("its progress is known");
    assert_eq!((breakdown.score, breakdown.level()), (0, Level::None));
    assert_eq!(caller.end_of(verification_id).await, shown, "watched");
    let list = ListVerificationsRequest {
        member_id,
        status: VerificationStatus::Revoked.into(),
        ..Default::default()
    };
    let listed = caller.verifications.clone().list_verifications(list).await;
    let listed = listed.expect("a list").into_inner().verifications;
    let listed: Vec<_> = listed
        .iter()
        .map(|one| (one.verification_id.as_str(), one.revoked_reason()))
        .collect();
    assert_eq!(listed, [(verification_id, reason)]);

    caller.falls_to_nothing(member_id).await;
    let events = caller.events(member_id).await;
    let fallen = events
        .iter()
        .filter(|event| matches!(event.fact, Some(Fact::LevelFall(_))))
        .count();
    assert_eq!(fallen, 1, "{events:?}");

    // The member is not locked out.
    let method = method_request::Method::Reputation(ReputationMethod {});
    let again = StartVerificationRequest {
        methods: vec![MethodRequest { method: Some(method) }],
        ..by_document(member_id, String::new())
    };
    let again = caller.start(again).await.expect("another verification starts");
    assert_eq!(
        caller.end_of(&again.verification_id).await.status(),
        VerificationStatus::Failed
    );
}

#[tokio::test]
async fn a_blocked_document_revokes_the_verification_that_rests_on_it() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(4_001);
    let (member_id, _, verification_id) = caller.completed(&passport).await;
    caller.block(&passport).await;
    is_revoked(
        &caller,
        (member_id, &verification_id),
        RevocationReason::DocumentBlocked,
    )
    .await;
}

#[tokio::test]
async fn an_erased_document_revokes_the_verification_that_rests_on_it() {
    let caller = Caller::of(shared_mesh().await);
    let (member_id, document_id, verification_id) = caller.completed(&passport(4_002)).await;
    let erase = EraseDocumentRequest {
        request_id: new_request_id(),
        document_id,
    };
    let erased = caller.documents.clone().erase_document(erase).await;
    erased.expect("the document is erased");
    is_revoked(&caller, (member_id, &verification_id), RevocationReason::DocumentErased).await;
}

#[tokio::test]
async fn countered_evidence_revokes_the_verification_that_rests_on_it() {
    let caller = Caller::of(shared_mesh().await);
    let (member_id, _, verification_id) = caller.completed(&passport(4_003)).await;
    let mut events = caller.events(member_id).await.into_iter();
    let event = events.find(|event| matches!(event.fact, Some(Fact::Verification(_))));
    let counter = CounterReputationEventRequest {
        request_id: new_request_id(),
        event_id: event.expect("the verification is in the ledger").event_id,
        reason: CounterReason::Fraud.into(),
    };
    let countered = caller.reputations.clone().counter_reputation_event(counter).await;
    countered.expect("the event is countered");
    is_revoked(
        &caller,
        (member_id, &verification_id),
        RevocationReason::EvidenceCountered,
    )
    .await;
}

/// The document is accepted and blocked while the points wait for the reputation service.
#[tokio::test]
async fn a_revocation_that_comes_before_the_end_counts() {
    let mesh = Mesh::builder()
        .setting("orchestrator", "FOLLOW_INTERVAL_SECONDS", "1")
        .start()
        .await
        .expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let passport = passport(4_004);
    mesh.reputation.sigkill().await;
    let (member_id, verification_id) = caller.start_with(passport.truth(), &[picture(&passport)]).await;
    caller.decided(&verification_id, DocumentDecision::Accepted).await;
    caller.block(&passport).await;
    let look = async || {
        let shown = caller.get(&verification_id).await.ok()?;
        shown.revoked_at.map(|_| shown.status())
    };
    let noted = eventually(PATIENCE, "the revocation to be followed", look).await;
    assert_eq!(noted.expect("it is"), VerificationStatus::InProgress);

    mesh.reputation.restart().await.expect("it starts again");
    let end = caller.end_of(&verification_id).await;
    assert_eq!(
        (end.status(), end.revoked_reason()),
        (VerificationStatus::Revoked, RevocationReason::DocumentBlocked)
    );
    // The points came after the block, and are countered all the same.
    let looks = async || {
        let mut events = caller.events(member_id).await.into_iter();
        events
            .any(|event| matches!(event.fact, Some(Fact::Counter(_))))
            .then_some(())
    };
    let countered = eventually(PATIENCE, "the points to be countered", looks).await;
    countered.unwrap_or_else(|error| panic!("{error}"));
    assert_eq!(caller.level(member_id).await, (0, Level::None));
}

#[tokio::test]
async fn a_revocation_reaches_an_orchestrator_that_was_away_and_a_ledger_that_was() {
    let mesh = Mesh::builder()
        .setting("orchestrator", "FOLLOW_INTERVAL_SECONDS", "1")
        .start()
        .await
        .expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let passport = passport(4_005);
    let (member_id, _, verification_id) = caller.completed(&passport).await;
    mesh.orchestrator.sigkill().await;
    mesh.reputation.sigkill().await;
    caller.block(&passport).await;
    mesh.orchestrator.restart().await.expect("it starts again");
    caller.revoked(&verification_id).await;
    mesh.reputation.restart().await.expect("it starts again");
    caller.falls_to_nothing(member_id).await;
}

#[tokio::test]
async fn a_changed_name_revokes_what_was_verified_under_the_old_one() {
    let caller = Caller::of(shared_mesh().await);
    let passport = passport(4_006);
    let (member_id, _, verification_id) = caller.completed(&passport).await;
    caller.rename(member_id, &passport).await;
    is_revoked(&caller, (member_id, &verification_id), RevocationReason::ProfileChanged).await;
    // Nor does the member keep the document from its owner.
    caller.completed(&passport).await;
}

#[tokio::test]
async fn a_review_that_is_decided_after_the_name_changed_asks_again() {
    let caller = Caller::of(shared_mesh().await);
    let (passport, reviewer) = (passport(4_007), Reviewer::new(&caller));
    let member_id = caller.register(passport.truth()).await;
    let uploaded = caller.upload(member_id, &[with_covered_print(&passport)]).await;
    let started = caller
        .start(by_document(member_id, uploaded.document_url.clone()))
        .await;
    let verification_id = started.expect("the verification starts").verification_id;
    let review = reviewer.review_of(&verification_id).await;
    let profile_version = caller.rename(member_id, &passport).await;
    // The orchestrator tells the same within seconds.
    let request = RecordProfileChangeRequest {
        request_id: new_request_id(),
        member_id,
        profile_version,
    };
    let told = Caller::of_service(shared_mesh().await, "orchestrator")
        .documents
        .record_profile_change(request)
        .await;
    told.expect("it is taken note of");
    reviewer.settle(&review.review_id, DocumentDecision::Accepted).await;
    let asked = caller.comes_to(&verification_id, MethodStatus::Resubmit).await;
    assert_eq!(asked.methods[0].internal_reason, "PROFILE_CHANGED");

    // What was accepted under the old name is no acceptance of the same upload under the new one.
    let submitted = caller.submit(&verification_id, uploaded.document_url).await;
    submitted.expect("it is waited for");
    let again = reviewer.review_of(&verification_id).await;
    let mut failed = again
        .checks
        .iter()
        .filter(|check| check.result() == CheckResult::Failed);
    assert!(failed.any(|check| check.name == "name_matches_profile"), "{again:?}");
    reviewer.settle(&again.review_id, DocumentDecision::Rejected).await;
    let end = caller.end_of(&verification_id).await;
    assert_eq!(
        (end.status(), end.methods[0].status()),
        (VerificationStatus::Failed, MethodStatus::Rejected)
    );
}

#[tokio::test]
async fn an_owner_gets_back_what_a_thief_claimed() {
    let caller = Caller::of(shared_mesh().await);
    let (passport, reviewer) = (passport(4_008), Reviewer::new(&caller));
    let (thief, document_id, stolen) = caller.completed(&passport).await;
    // Under the owner's name, so that nothing speaks against it but that the other came first.
    let (owner, refused) = caller.start_with(passport.truth(), &[picture(&passport)]).await;
    let end = caller.end_of(&refused).await;
    assert_eq!(end.methods[0].internal_reason, "DOCUMENT_IN_USE");

    let release = |document_id: &str, verification_id: &str| ReleaseDocumentRequest {
        request_id: new_request_id(),
        document_id: document_id.to_owned(),
        verification_id: verification_id.to_owned(),
        reason_code: "STOLEN_FROM_OWNER".to_owned(),
    };
    let released = caller.documents.clone().release_document(release("", &stolen)).await;
    let released = released.expect("the document is released").into_inner();
    assert_eq!(released.verification_ids, [stolen.as_str()]);
    is_revoked(&caller, (thief, &stolen), RevocationReason::DocumentReleased).await;

    let again = caller.upload(owner, &[picture(&passport)]).await;
    let again = caller.start(by_document(owner, again.document_url)).await;
    let again = again.expect("another verification starts").verification_id;
    assert_eq!(caller.end_of(&again).await.status(), VerificationStatus::Completed);
    // What is the owner's now, the release of before does not take again.
    let repeated = caller
        .documents
        .clone()
        .release_document(release(&document_id, ""))
        .await;
    assert_eq!(
        repeated.expect("it changes nothing").into_inner().verification_ids,
        [""; 0]
    );
    assert_eq!(caller.level(owner).await, (30, Level::Bronze));

    // The thief comes again, while the owner has it: rejected. And once it is nobody's: a person decides.
    let comes_again = async || {
        let uploaded = caller.upload(thief, &[picture(&passport)]).await;
        let started = caller.start(by_document(thief, uploaded.document_url)).await;
        started.expect("another verification starts").verification_id
    };
    let end = caller.end_of(&comes_again().await).await;
    assert_eq!(end.methods[0].internal_reason, "DOCUMENT_IN_USE");
    let released = caller.documents.clone().release_document(release("", &again)).await;
    released.expect("the document is released");
    let review = reviewer.review_of(&comes_again().await).await;
    assert_eq!(review.internal_reason, "DOCUMENT_MAY_BE_IN_USE");
    reviewer.settle(&review.review_id, DocumentDecision::Rejected).await;

    for (request, expected) in [
        (release(&new_request_id(), ""), "DOCUMENT_NOT_FOUND"),
        (release("", &new_request_id()), "VERIFICATION_NOT_FOUND"),
        (release(&document_id, &stolen), "INVALID_REQUEST"),
    ] {
        let answer = caller.documents.clone().release_document(request).await;
        assert_eq!(refusal(&answer.expect_err("must be refused")).reason, expected);
    }
}
