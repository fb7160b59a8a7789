use super::*;
use crate::config::default_model_dir;
use crate::decide_review::decide_review;
use crate::extraction::NOTHING_READ;
use crate::store::{ReviewClaim, claim_review};
use crate::testing::{ANOTHER_MEMBER, MEMBER, World, member, new_request, new_verification, upload, workflows};
use document_policy::Profile;
use document_reading::{PageReading, Reader, ReaderConfig};
use document_workflows::contract::{DocumentDecision, Refusal};
use document_workflows::policy::decide;
use mesh_proto::document::v1::DecideReviewRequest;
use mesh_types::{CheckReason, Decision, DocumentId, DocumentKind, EvidenceKind, Method};
use specimen::{DocumentOptions, Passport, Truth, to_png};

/// 2026-01-01, the day that specimens are valid on.
const AS_OF: i64 = 1_767_225_600;

fn profile(truth: &Truth) -> MemberProfile {
    MemberProfile {
        profile: Profile {
            given_names: truth.given_names.clone(),
            family_name: truth.surname.clone(),
            birth_date: truth.birth_date,
        },
        version: 1,
    }
}

async fn read(world: &World, passport: &Passport) -> ValidityRequest {
    read_by(world, passport, MEMBER).await
}

async fn read_by(world: &World, passport: &Passport, member_id: i64) -> ValidityRequest {
    let picture = to_png(&passport.draw());
    let upload = upload(new_request(), member_id, std::slice::from_ref(&picture));
    let document = world.stored(upload).await;
    let reader = Reader::new(ReaderConfig::with_model_dir(default_model_dir())).expect("tesseract and its models");
    let reading = reader.read_page(&picture).await.expect("read");
    world
        .vault
        .insert_reading(document.document_id, 1, &reading, clock::now())
        .await
        .expect("kept");
    ValidityRequest {
        verification_id: new_verification(),
        document_id: document.document_id,
        member_id: member(member_id),
        document_kind: DocumentKind::Passport,
        as_of_seconds: AS_OF,
    }
}

/// Everything that a document can prove.
fn of_documents() -> Vec<EvidenceKind> {
    EvidenceKind::of_method(Method::Document).collect()
}

#[tokio::test]
async fn run_twice_the_checks_are_the_same_and_hold_no_personal_data() {
    let world = World::new().await;
    let passport = Passport::from_seed(7);
    let request = read(&world, &passport).await;
    let check = || check_document(&world.vault, &request, async { Ok(profile(passport.truth())) });
    let checks = check().await.expect("checked");
    assert_eq!(decide(&checks).decision, Decision::Accepted, "{checks:?}");
    assert_eq!(check().await.expect("checked again"), checks);

    let shown = format!("{checks:?}");
    for personal in [
        &passport.truth().surname,
        &passport.truth().given_names,
        &passport.truth().document_number,
    ] {
        assert!(!shown.contains(personal.as_str()));
    }
}

#[tokio::test]
async fn nothing_is_checked_without_every_page_the_right_member_and_a_profile() {
    let world = World::new().await;
    let passport = Passport::from_seed(7);
    let request = read(&world, &passport).await;
    let another = ValidityRequest {
        member_id: member(ANOTHER_MEMBER),
        ..request.clone()
    };
    let unknown = ValidityRequest {
        document_id: clock::new_uuid().into(),
        ..request.clone()
    };
    let unread = world.uploaded(&[to_png(&passport.draw())]).await.document_id;
    let unread = ValidityRequest {
        document_id: unread,
        ..request.clone()
    };
    for (request, reason) in [
        (&another, Reason::DocumentNotFound),
        (&unknown, Reason::DocumentNotFound),
        (&unread, Reason::ExtractionNotFound),
    ] {
        let profile = async { Ok(profile(passport.truth())) };
        let refused = check_document(&world.vault, request, profile)
            .await
            .expect_err("refused");
        assert_eq!(refused.reason(), reason);
    }
    let away = async { Err(Problem::new(Reason::PeerUnavailable, "away")) };
    let failed = check_document(&world.vault, &request, away)
        .await
        .expect_err("no profile");
    assert_eq!(
        (failed.reason(), failed.reason().class().is_retryable()),
        (Reason::PeerUnavailable, true)
    );
}

#[tokio::test]
async fn a_decision_that_proves_nothing_has_no_evidence_and_run_twice_the_ids_are_the_same() {
    let world = World::new().await;
    let document = world.uploaded(&[crate::testing::png(1)]).await.document_id;
    let record = |document_id: DocumentId, proves: &[EvidenceKind]| DecisionRecord {
        verification_id: new_verification(),
        document_id,
        decided: DocumentDecision {
            decision: if proves.is_empty() {
                Decision::Resubmit
            } else {
                Decision::Accepted
            },
            internal_reason: "MRZ_NOT_FOUND".to_owned(),
            member_reason: "Please take another picture.".to_owned(),
            proves: proves.iter().copied().map(Into::into).collect(),
        },
        decided_at_seconds: AS_OF,
    };
    let none = record_decision(&world.vault, record(document, &[]))
        .await
        .expect("recorded");
    assert_eq!(none.evidence, []);

    let accepted = record(document, &of_documents());
    let first = record_decision(&world.vault, accepted.clone()).await.expect("recorded");
    assert_eq!(
        first
            .evidence
            .iter()
            .map(|evidence| evidence.kind.clone())
            .collect::<Vec<_>>(),
        of_documents()
    );
    assert_eq!(
        record_decision(&world.vault, accepted).await.expect("recorded again"),
        first
    );

    let lost = record_decision(&world.vault, record(clock::new_uuid().into(), &[]))
        .await
        .expect_err("no document");
    assert_eq!(lost.reason(), Reason::DocumentNotFound);
}

#[tokio::test]
async fn a_document_that_another_member_was_accepted_with_or_that_is_blocked_fails_its_check_and_is_refused() {
    let world = World::new().await;
    let passport = Passport::from_seed(7);
    let first = read_by(&world, &passport, MEMBER).await;
    let second = read_by(&world, &passport, ANOTHER_MEMBER).await;
    let result = async |request: &ValidityRequest, name: CheckName| {
        let checks = check_document(&world.vault, request, async { Ok(profile(passport.truth())) }).await;
        let check = checks.expect("checked").into_iter().find(|check| check.name == name);
        check.expect("every check is there").reason
    };
    let accept = async |request: &ValidityRequest| {
        let record = DecisionRecord {
            verification_id: request.verification_id,
            document_id: request.document_id,
            decided: DocumentDecision {
                decision: Decision::Accepted,
                internal_reason: "ALL_CHECKS_PASSED".to_owned(),
                member_reason: "Accepted.".to_owned(),
                proves: vec![EvidenceKind::DocumentAccepted.into()],
            },
            decided_at_seconds: AS_OF,
        };
        record_decision(&world.vault, record).await.expect("recorded")
    };
    for request in [&first, &second] {
        assert_eq!(
            result(request, CheckName::NotInUseByAnother).await,
            CheckReason::NotInUse
        );
        assert_eq!(
            result(request, CheckName::NotBlocklisted).await,
            CheckReason::NotBlocklisted
        );
    }
    assert_eq!(accept(&first).await.evidence.len(), 1);
    assert_eq!(
        result(&first, CheckName::NotInUseByAnother).await,
        CheckReason::NotInUse
    );
    assert_eq!(
        result(&second, CheckName::NotInUseByAnother).await,
        CheckReason::InUseByAnother
    );
    let refused = accept(&second).await;
    assert_eq!(
        (refused.evidence, refused.refused),
        (Vec::new(), Some(Refusal::InUseByAnother))
    );

    let truth = passport.truth();
    let identity = Identity::new(&truth.issuing_state, DocumentKind::Passport, &truth.document_number);
    let hashes = world.vault.identity_hashes(identity.as_ref());
    world.block(&hashes, clock::now()).await;
    assert_eq!(
        result(&first, CheckName::NotBlocklisted).await,
        CheckReason::Blocklisted
    );
}

#[tokio::test]
async fn without_a_number_nothing_is_compared_with_other_members() {
    let world = World::new().await;
    let document = world.uploaded(&[crate::testing::png(1)]).await.document_id;
    let kept = world
        .vault
        .insert_reading(document, 1, &NOTHING_READ, clock::now())
        .await;
    kept.expect("kept");
    let request = ValidityRequest {
        verification_id: new_verification(),
        document_id: document,
        member_id: member(MEMBER),
        document_kind: DocumentKind::Passport,
        as_of_seconds: AS_OF,
    };
    let passport = Passport::from_seed(7);
    let checks = check_document(&world.vault, &request, async { Ok(profile(passport.truth())) }).await;
    let checks = checks.expect("checked");
    for name in [CheckName::NotInUseByAnother, CheckName::NotBlocklisted] {
        assert!(checks.contains(&Check::not_applicable(name, CheckReason::NumberUnknown)));
    }
}

/// A licence with a barcode, and the same one with print alone.
fn licences() -> [specimen::Document; 2] {
    let options = || DocumentOptions::new(specimen::DocumentKind::DrivingLicence, 4);
    [options().build(), options().without_barcode().build()]
}

async fn read_pages(licence: &specimen::Document) -> Vec<PageReading> {
    let reader = Reader::new(ReaderConfig::with_model_dir(default_model_dir())).expect("tesseract and its models");
    let mut pages = Vec::new();
    for side in licence.draw() {
        pages.push(reader.read_page(&to_png(&side)).await.expect("read"));
    }
    pages
}

/// A member's licence, read already.
async fn licence_of(world: &World, member_id: i64, pages: &[PageReading]) -> ValidityRequest {
    let pictures: Vec<_> = (1..)
        .zip(pages)
        .map(|(number, _)| crate::testing::png(number))
        .collect();
    let document = world.stored(upload(new_request(), member_id, &pictures)).await;
    for (number, page) in (1..).zip(pages) {
        let kept = world
            .vault
            .insert_reading(document.document_id, number, page, clock::now());
        kept.await.expect("kept");
    }
    ValidityRequest {
        verification_id: new_verification(),
        document_id: document.document_id,
        member_id: member(member_id),
        document_kind: DocumentKind::DriversLicense,
        as_of_seconds: AS_OF,
    }
}

#[tokio::test]
async fn a_licence_by_barcode_and_by_print_is_one_document() {
    let licences = licences();
    let truth = licences[0].truth();
    let profile = || MemberProfile {
        profile: Profile {
            given_names: truth.given_names.clone(),
            family_name: truth.surname.clone(),
            birth_date: truth.birth_date.whole().expect("it is known"),
        },
        version: 1,
    };
    let (barcode, print) = tokio::join!(read_pages(&licences[0]), read_pages(&licences[1]));
    let accept = async |world: &World, request: &ValidityRequest| {
        let record = DecisionRecord {
            verification_id: request.verification_id,
            document_id: request.document_id,
            decided: DocumentDecision {
                decision: Decision::Accepted,
                internal_reason: "ALL_CHECKS_PASSED".to_owned(),
                member_reason: "Accepted.".to_owned(),
                proves: vec![EvidenceKind::DocumentAccepted.into()],
            },
            decided_at_seconds: AS_OF,
        };
        record_decision(&world.vault, record).await.expect("recorded").refused
    };
    for (first, second, expected) in [
        (&barcode, &print, "SINGLE_SOURCE"),
        (&print, &barcode, "DOCUMENT_MAY_BE_IN_USE"),
    ] {
        let world = World::new().await;
        let looked_at = async |member_id, pages| {
            let request = licence_of(&world, member_id, pages).await;
            let checks = check_document(&world.vault, &request, async { Ok(profile()) }).await;
            (request, checks.expect("checked"))
        };
        let (one, checks) = looked_at(MEMBER, first).await;
        let free = Check::passed(CheckName::NotInUseByAnother, CheckReason::NotInUse);
        assert!(checks.contains(&free), "{checks:?}");
        assert_eq!(accept(&world, &one).await, None);

        let (other, checks) = looked_at(ANOTHER_MEMBER, second).await;
        let known = Check::failed(CheckName::NotInUseByAnother, CheckReason::MayBeInUse);
        assert!(checks.contains(&known), "{checks:?}");
        let decided = decide(&checks);
        let decided = (decided.decision, decided.internal_reason.as_str());
        assert_eq!(decided, (Decision::NeedsReview, expected));
        assert_eq!(accept(&world, &other).await, Some(Refusal::NumberKnown));
    }

    // Once blocked, it goes to a person by its print alone.
    let world = World::new().await;
    let issuer = &truth.licence.as_ref().expect("a licence").issuer;
    let identity = Identity::new(issuer, DocumentKind::DriversLicense, &truth.document_number);
    world
        .block(&world.vault.identity_hashes(identity.as_ref()), clock::now())
        .await;
    for (pages, reason) in [
        (&barcode, CheckReason::Blocklisted),
        (&print, CheckReason::MayBeBlocklisted),
    ] {
        let request = licence_of(&world, MEMBER, pages).await;
        let checks = check_document(&world.vault, &request, async { Ok(profile()) }).await;
        let known = Check::failed(CheckName::NotBlocklisted, reason);
        assert!(checks.expect("checked").contains(&known));
    }
}

#[tokio::test]
async fn whoever_accepts_a_document_of_two_numbers_types_the_right_one_and_it_alone_is_claimed() {
    let world = World::new().await;
    let passport = Passport::from_seed(7);
    let request = read(&world, &passport).await;
    let checks = [Check::failed(
        CheckName::PrintedDocumentNumber,
        CheckReason::PrintDiffers,
    )];
    let (document_id, verification_id) = (request.document_id, request.verification_id);
    let recorded = world.store.record_checks(
        document_id,
        verification_id,
        request.document_kind,
        (&checks, 1),
        clock::now(),
    );
    recorded.await.expect("kept");
    let review_id = world.in_review(document_id, verification_id).await;
    let (reviewer, now) = (7, clock::now());
    let claim = ReviewClaim {
        reviewer_id: member(reviewer),
        until: now + crate::claim_review::CLAIM_LENGTH,
    };
    let mut connection = world.pool.acquire().await.expect("a connection");
    let claimed = claim_review(&mut connection, review_id, claim, now).await;
    claimed.expect("asked").expect("it is free");
    drop(connection);

    let workflows = workflows().await;
    let decide = async |issuing_state: &str, document_number: &str| {
        let message = DecideReviewRequest {
            request_id: clock::new_uuid().to_string(),
            review_id: review_id.to_string(),
            decision: mesh_proto::document::v1::DocumentDecision::Accepted.into(),
            reason_code: "LOOKS_RIGHT".to_owned(),
            issuing_state: issuing_state.to_owned(),
            document_number: document_number.to_owned(),
            ..Default::default()
        };
        let decision = crate::api::parse::decide_review(&message, member(reviewer)).expect("a sound decision");
        let through = (&world.vault, &world.idempotency, &workflows);
        let decided = decide_review(through, &message, decision, now).await;
        decided.map_err(|problem| problem.reason())
    };
    assert_eq!(decide("", "").await.err(), Some(Reason::InvalidRequest));
    decide("UTO", "TRUE12345").await.expect("decided");
    let accepted = DecisionRecord {
        verification_id,
        document_id,
        decided: DocumentDecision {
            decision: Decision::Accepted,
            internal_reason: "LOOKS_RIGHT".to_owned(),
            member_reason: String::new(),
            proves: Vec::new(),
        },
        decided_at_seconds: now.as_second(),
    };
    let stored = record_decision(&world.vault, accepted).await.expect("recorded");
    assert_eq!(stored.refused, None);

    let typed = Identity::new("UTO", DocumentKind::Passport, "TRUE12345").expect("an identity");
    let read = identity_of(&world.vault, document_id, verification_id)
        .await
        .expect("asked");
    let read = read.filter(Identity::is_whole).expect("the zone tells it");
    for (identity, expected) in [(typed, Found::SameDocument), (read, Found::Nothing)] {
        let hashes = world.vault.identity_hashes(Some(&identity));
        let found = world.store.find_identity(&hashes, member(ANOTHER_MEMBER)).await;
        assert_eq!(found.expect("asked").in_use, expected);
    }
}
