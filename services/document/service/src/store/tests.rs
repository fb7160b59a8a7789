use super::*;
use crate::extraction::NOTHING_READ;
use crate::identity::Identity;
use crate::keyring::Keyring;
use crate::keyring::tests::keyring;
use crate::testing::{ANOTHER_MEMBER, MEMBER, STAFF, World, at, member, new_verification, png};
use document_workflows::contract::Refusal;
use mesh_types::{
    Check, CheckName, CheckReason, Decision, DocumentId, DocumentKind, EvidenceKind, Method, Open, VerificationId,
};

fn new_decision(document_id: DocumentId, verification_id: VerificationId, decision: Decision) -> NewDecision {
    NewDecision {
        verification_id,
        document_id,
        decision,
        internal_reason: "ALL_CHECKS_PASSED".to_owned(),
        member_reason: "Your passport was accepted.".to_owned(),
        decided_at: at(1_767_225_600),
        identity: Vec::new(),
        evidence: match decision {
            Decision::Accepted => of_documents()
                .into_iter()
                .map(|kind| (kind.into(), mesh_runtime::clock::new_uuid().into()))
                .collect(),
            _ => Vec::new(),
        },
        retention_class: "while_verification_counts",
        recorded_at: at(1_767_225_601),
    }
}

fn evidence(written: Written) -> Vec<(Open<EvidenceKind>, mesh_types::EvidenceId)> {
    match written {
        Written::Stands { evidence, .. } => evidence,
        other => panic!("{other:?}"),
    }
}

async fn standing(world: &World, document_id: DocumentId) -> DocumentStatus {
    let standing = world
        .store
        .find_document_status(document_id, None)
        .await
        .expect("asked");
    standing.expect("there")
}

/// Everything that a document can prove.
fn of_documents() -> Vec<EvidenceKind> {
    EvidenceKind::of_method(Method::Document).collect()
}

#[tokio::test]
async fn a_decision_recorded_twice_or_at_once_has_one_set_of_evidence() {
    let world = World::new().await;
    let document = world.uploaded(&[png(1)]).await;
    let verification = new_verification();
    let record = || async {
        let decided = new_decision(document.document_id, verification, Decision::Accepted);
        evidence(world.store.record_decision(&decided).await.expect("recorded"))
    };
    let (first, at_once) = futures::future::join(record(), record()).await;
    let kinds: Vec<_> = first.iter().map(|(kind, _)| kind.clone()).collect();
    assert_eq!(kinds, of_documents());
    assert_eq!(first, at_once);
    assert_eq!(record().await, first);

    let elsewhere = new_decision(document.document_id, new_verification(), Decision::Accepted);
    let other = evidence(world.store.record_decision(&elsewhere).await.expect("recorded"));
    assert!(other.iter().all(|(_, id)| first.iter().all(|(_, known)| known != id)));

    let unknown = new_decision(mesh_runtime::clock::new_uuid().into(), verification, Decision::Accepted);
    assert_eq!(
        world.store.record_decision(&unknown).await.expect("asked"),
        Written::NoDocument
    );
}

#[tokio::test]
async fn a_final_decision_stays_and_any_other_gives_way_to_a_later_one() {
    use Decision::{Accepted, NeedsReview, Rejected, Resubmit};
    let world = World::new().await;
    // Decision and second of the first and of the next, and which of them stands then.
    for ((first, first_at), (next, next_at), stands) in [
        ((NeedsReview, 10), (Accepted, 10), Accepted),
        ((NeedsReview, 10), (Rejected, 20), Rejected),
        ((Rejected, 10), (Accepted, 20), Rejected),
        ((Accepted, 10), (Rejected, 20), Accepted),
        ((Accepted, 10), (NeedsReview, 20), Accepted),
        ((Resubmit, 10), (NeedsReview, 5), Resubmit),
        ((Resubmit, 10), (Accepted, 10), Accepted),
        ((Resubmit, 10), (Accepted, 20), Accepted),
    ] {
        let document = world.uploaded(&[png(1)]).await.document_id;
        let verification = new_verification();
        world.submitted(document, verification, 1).await;
        for (decision, seconds) in [(first, first_at), (next, next_at)] {
            let decided = NewDecision {
                decided_at: at(seconds),
                ..new_decision(document, verification, decision)
            };
            world.store.record_decision(&decided).await.expect("recorded");
        }
        let stored = standing(&world, document).await.decided.expect("decided");
        assert_eq!(
            stored.decision, stands,
            "{first:?} at {first_at}, {next:?} at {next_at}"
        );
    }
}

#[tokio::test]
async fn a_document_stands_as_in_its_last_verification_or_in_the_one_that_is_meant() {
    let world = World::new().await;
    let document = world.uploaded(&[png(1), png(2)]).await.document_id;
    let (first, second) = (new_verification(), new_verification());
    let fresh = standing(&world, document).await;
    assert_eq!((fresh.page_count, fresh.pages_read), (2, 0));
    assert_eq!((fresh.verification_id, fresh.submission), (None, None));
    assert_eq!((fresh.checks, fresh.decided), (Vec::new(), None));

    world.submitted(document, first, 2).await;
    for second in [1, 2] {
        let kept = world.vault.insert_reading(document, 1, &NOTHING_READ, at(second)).await;
        kept.expect("kept");
    }
    let checks = [Check::failed(CheckName::MrzFound, CheckReason::ZoneNotFound)];
    let kept = world
        .store
        .record_checks(document, first, DocumentKind::NationalId, (&checks, 1), at(3))
        .await;
    kept.expect("kept");
    let recorded = world
        .store
        .record_decision(&new_decision(document, first, Decision::Resubmit))
        .await;
    recorded.expect("recorded");
    let ruled = standing(&world, document).await;
    assert_eq!(
        (ruled.pages_read, ruled.verification_id, ruled.submission),
        (1, Some(first), Some(2))
    );
    assert_eq!(ruled.checks, checks);
    let stored = ruled.decided.clone().expect("decided");
    assert_eq!(
        (stored.decision, stored.decided_at),
        (Decision::Resubmit, at(1_767_225_600))
    );

    world.submitted(document, second, 1).await;
    let bound = standing(&world, document).await;
    assert_eq!(
        (bound.verification_id, bound.checks.len(), &bound.decided),
        (Some(second), 0, &None)
    );
    let meant = world
        .store
        .find_document_status(document, Some(first))
        .await
        .expect("asked");
    assert_eq!(meant, Some(ruled));
    let latest = world
        .store
        .find_latest_submission(first)
        .await
        .expect("asked")
        .expect("there");
    assert_eq!(
        (latest.submission, latest.document_id, latest.member_id.get()),
        (2, document, MEMBER)
    );

    let unknown = mesh_runtime::clock::new_uuid();
    assert_eq!(
        world
            .store
            .find_document_status(unknown.into(), None)
            .await
            .expect("asked"),
        None
    );
    assert_eq!(
        world.store.find_latest_submission(unknown.into()).await.expect("asked"),
        None
    );
}

#[tokio::test]
async fn of_two_members_with_the_same_document_at_the_same_moment_one_is_accepted_each_time() {
    let world = World::new().await;
    let (one, other) = (world.uploaded_by(MEMBER).await, world.uploaded_by(ANOTHER_MEMBER).await);
    let mut won = [0, 0];
    for number in 0..100 {
        let identity = Identity::new("UTO", DocumentKind::Passport, &number.to_string());
        let claim = |document_id| NewDecision {
            identity: world.vault.identity_hashes(identity.as_ref()),
            ..new_decision(document_id, new_verification(), Decision::Accepted)
        };
        // The first to begin mostly wins, so each begins half of the time.
        let mut claims = [claim(one.document_id), claim(other.document_id)];
        let is_swapped = number % 2 == 1;
        if is_swapped {
            claims.swap(0, 1);
        }
        let (first, second) = tokio::join!(
            world.store.record_decision(&claims[0]),
            world.store.record_decision(&claims[1])
        );
        let refused = Written::Refused(Refusal::InUseByAnother);
        let lost = [
            first.expect("recorded") == refused,
            second.expect("recorded") == refused,
        ];
        assert_ne!(lost[0], lost[1], "try {number}: {lost:?}");
        won[usize::from(lost[0] != is_swapped)] += 1;
    }
    assert!(won[0] > 0 && won[1] > 0, "one member won every time: {won:?}");
    let claims = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM document_identities WHERE NOT is_weak")
        .fetch_one(&world.pool);
    assert_eq!(claims.await.expect("counted"), 100);
    let decisions = sqlx::query_scalar::<_, i64>("SELECT count(*) FROM document_decisions").fetch_one(&world.pool);
    assert_eq!(decisions.await.expect("counted"), 100, "who was refused left a trace");
}

#[tokio::test]
async fn two_instances_of_which_one_lacks_the_new_key_accept_one_member() {
    let world = World::new().await;
    let (one, other) = (world.uploaded_by(MEMBER).await, world.uploaded_by(ANOTHER_MEMBER).await);
    let identity = Identity::new("UTO", DocumentKind::Passport, "L898902C3").expect("an identity");
    let (old, new) = (keyring(&["one"]), keyring(&["one", "two"]));
    for (number, [first, second]) in [[&new, &old], [&old, &new]].into_iter().enumerate() {
        sqlx::query("DELETE FROM document_identities")
            .execute(&world.pool)
            .await
            .expect("deleted");
        let claim = |document_id, keyring: &Keyring| NewDecision {
            identity: keyring.identity_hashes(&identity),
            ..new_decision(document_id, new_verification(), Decision::Accepted)
        };
        let accepted = world.store.record_decision(&claim(one.document_id, first)).await;
        evidence(accepted.expect("recorded"));
        let refused = world.store.record_decision(&claim(other.document_id, second)).await;
        assert_eq!(
            refused.expect("asked"),
            Written::Refused(Refusal::InUseByAnother),
            "{number}"
        );
    }
    let both = new.identity_hashes(&identity);
    world.block(&both, at(1)).await;
    let mut connection = world.pool.acquire().await.expect("a connection");
    unblock(&mut connection, &old.identity_hashes(&identity), &STAFF, at(50))
        .await
        .expect("unblocked by one that has the old key alone");
    let record = world.store.find_identity(&both, member(MEMBER)).await.expect("asked");
    assert_eq!(record.blocked, Found::Nothing, "it is free under every key");
    drop(connection);
    let used = world.store.list_used_keys().await.expect("listed");
    let hash_keys = used.identity.iter().map(String::as_str).collect::<Vec<_>>();
    assert_eq!((used.encryption.len(), hash_keys), (1, vec!["one"]));
}

#[tokio::test]
async fn an_acceptance_is_refused_while_the_document_is_blocked_and_for_ever_once_it_is_erased() {
    let world = World::new().await;
    let document = world.uploaded_by(MEMBER).await.document_id;
    let identity = Identity::new("UTO", DocumentKind::Passport, "L898902C3");
    let hashes = world.vault.identity_hashes(identity.as_ref());
    let accept = || async {
        let decided = NewDecision {
            identity: hashes.clone(),
            ..new_decision(document, new_verification(), Decision::Accepted)
        };
        world.store.record_decision(&decided).await.expect("asked")
    };
    for _ in 0..2 {
        world.block(&hashes, at(1)).await;
    }
    assert_eq!(accept().await, Written::Refused(Refusal::Blocklisted));
    let entry = world.store.find_identity(&hashes, member(MEMBER)).await.expect("asked");
    assert_eq!((entry.blocked, entry.in_use), (Found::SameDocument, Found::Nothing));

    unblock(
        &mut world.pool.acquire().await.expect("a connection"),
        &hashes,
        &STAFF,
        at(50),
    )
    .await
    .expect("unblocked");
    unblock(
        &mut world.pool.acquire().await.expect("a connection"),
        &hashes,
        &STAFF,
        at(50),
    )
    .await
    .expect("unblocked twice");
    assert_eq!(evidence(accept().await).len(), of_documents().len());
    assert_eq!(
        evidence(accept().await).len(),
        of_documents().len(),
        "the same member again"
    );
    let entry = world
        .store
        .find_identity(&hashes, member(ANOTHER_MEMBER))
        .await
        .expect("asked");
    assert_eq!((entry.blocked, entry.in_use), (Found::Nothing, Found::SameDocument));

    world.vault.erase(document, &STAFF, at(5)).await.expect("erased");
    assert_eq!(accept().await, Written::Refused(Refusal::Erased));
    let rejected = new_decision(document, new_verification(), Decision::Rejected);
    let recorded = world.store.record_decision(&rejected).await.expect("recorded");
    let stands = Written::Stands {
        earlier: None,
        evidence: Vec::new(),
    };
    assert_eq!(recorded, stands);
}

#[tokio::test]
async fn after_a_reset_the_standing_decision_is_the_answer() {
    let world = World::new().await;
    let (document, verification) = (world.uploaded_by(MEMBER).await.document_id, new_verification());
    let record = async |decision| {
        let decided = new_decision(document, verification, decision);
        world.store.record_decision(&decided).await.expect("recorded")
    };
    let accepted = evidence(record(Decision::Accepted).await);
    for (decision, stands) in [
        (Decision::Rejected, Some(Decision::Accepted)),
        (Decision::Accepted, None),
    ] {
        let Written::Stands { earlier, evidence } = record(decision).await else {
            panic!("an acceptance of before stands");
        };
        assert_eq!(earlier.map(|earlier| earlier.decision), stands);
        assert_eq!(evidence, accepted);
    }
}

#[tokio::test]
async fn evidence_is_listed_oldest_first_with_its_submission_and_page_by_page() {
    let world = World::new().await;
    let verification = new_verification();
    for submission in 1..=2 {
        let document = world.uploaded(&[png(submission)]).await.document_id;
        world.submitted(document, verification, submission.into()).await;
        let decided = NewDecision {
            recorded_at: at(submission.into()),
            ..new_decision(document, verification, Decision::Accepted)
        };
        world.store.record_decision(&decided).await.expect("recorded");
    }
    let whole = world
        .store
        .list_evidence(verification, None, 100)
        .await
        .expect("listed");
    let submissions: Vec<u32> = whole.iter().map(|item| item.submission).collect();
    assert_eq!(submissions, [1, 1, 1, 1, 2, 2, 2, 2]);

    let mut paged = Vec::new();
    loop {
        let after = paged.last().map(StoredEvidenceItem::key);
        let page = world.store.list_evidence(verification, after, 3).await.expect("listed");
        if page.is_empty() {
            break;
        }
        paged.extend(page);
    }
    assert_eq!(paged, whole);
}

#[tokio::test]
async fn a_database_that_is_gone_is_away_and_not_a_fault_of_ours() {
    let world = World::new().await;
    world.pool.close().await;
    let problem = world
        .store
        .find_document(mesh_runtime::clock::new_uuid().into())
        .await
        .expect_err("closed");
    assert_eq!(problem.reason(), mesh_types::Reason::DatabaseUnavailable);
}
