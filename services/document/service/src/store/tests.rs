use super::*;
use crate::testing::{World, new_verification, png};
use mesh_types::{CheckName, Decision};

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

fn ruling(document_id: DocumentId, verification_id: VerificationId, decision: Decision) -> NewRuling {
    NewRuling {
        verification_id,
        document_id,
        decision: decision.as_str(),
        internal_reason: "ALL_CHECKS_PASSED".to_owned(),
        member_reason: "Your passport was accepted.".to_owned(),
        decided_at: at(1_767_225_600),
        evidence: EvidenceKind::ALL
            .map(|kind| (kind, mesh_runtime::clock::new_uuid().into()))
            .to_vec(),
        retention_class: "while_verification_counts",
        recorded_at: at(1_767_225_601),
    }
}

#[tokio::test]
async fn a_ruling_recorded_twice_or_at_once_has_one_set_of_evidence() {
    let world = World::new().await;
    let document = world.uploaded(&[png(1)]).await;
    let verification = new_verification();
    let record = || async {
        world
            .store
            .record_ruling(&ruling(document.document_id, verification, Decision::Accepted))
            .await
    };
    let (first, at_once) = futures::future::join(record(), record()).await;
    let (first, at_once) = (
        first.expect("recorded").expect("there"),
        at_once.expect("recorded").expect("there"),
    );
    assert_eq!(
        first.iter().map(|(kind, _)| *kind).collect::<Vec<_>>(),
        EvidenceKind::ALL
    );
    assert_eq!(first, at_once);
    assert_eq!(record().await.expect("recorded").expect("there"), first);

    let elsewhere = ruling(document.document_id, new_verification(), Decision::Accepted);
    let other = world
        .store
        .record_ruling(&elsewhere)
        .await
        .expect("recorded")
        .expect("there");
    assert!(other.iter().all(|(_, id)| first.iter().all(|(_, known)| known != id)));

    let unknown = ruling(mesh_runtime::clock::new_uuid().into(), verification, Decision::Accepted);
    assert_eq!(world.store.record_ruling(&unknown).await.expect("asked"), None);
}

#[tokio::test]
async fn a_document_stands_as_in_its_last_verification() {
    let world = World::new().await;
    let document = world.uploaded(&[png(1), png(2)]).await.document_id;
    let (first, second) = (new_verification(), new_verification());
    let fresh = world
        .store
        .find_standing(document)
        .await
        .expect("asked")
        .expect("there");
    assert_eq!(
        (fresh.page_count, fresh.pages_read, fresh.verification_id),
        (2, 0, None)
    );
    assert_eq!((fresh.checks, fresh.ruling), (Vec::new(), None));

    world.store.bind_verification(document, first).await.expect("bound");
    let reading = PageReading {
        width: 1,
        height: 1,
        mrz: None,
        visas: Vec::new(),
        printed: None,
    };
    world
        .store
        .insert_reading(document, 1, &reading, at(1))
        .await
        .expect("kept");
    world
        .store
        .insert_reading(document, 1, &reading, at(2))
        .await
        .expect("kept before");
    let checks = [Check::failed(CheckName::MrzFound, "ZONE_NOT_FOUND")];
    world
        .store
        .record_checks(document, first, &checks, at(3))
        .await
        .expect("kept");
    world
        .store
        .record_ruling(&ruling(document, first, Decision::Resubmit))
        .await
        .expect("recorded");
    let ruled = world
        .store
        .find_standing(document)
        .await
        .expect("asked")
        .expect("there");
    assert_eq!(
        (ruled.pages_read, ruled.verification_id, ruled.checks.as_slice()),
        (1, Some(first), checks.as_slice())
    );
    let stored = ruled.ruling.expect("ruled");
    assert_eq!(
        (stored.decision, stored.decided_at),
        (Decision::Resubmit, at(1_767_225_600))
    );

    world.store.bind_verification(document, second).await.expect("bound");
    let bound = world
        .store
        .find_standing(document)
        .await
        .expect("asked")
        .expect("there");
    assert_eq!(
        (bound.verification_id, bound.checks.len(), bound.ruling),
        (Some(second), 0, None)
    );

    let nothing = world
        .store
        .find_standing(mesh_runtime::clock::new_uuid().into())
        .await
        .expect("asked");
    assert_eq!(nothing, None);
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
