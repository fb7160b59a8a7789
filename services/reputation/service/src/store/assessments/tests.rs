use super::*;
use crate::testing::{OrPanic, at, empty_ledger, member};
use futures::future::join_all;
use mesh_runtime::clock;
use sqlx::PgPool;

fn some_id<I: From<uuid::Uuid>>() -> I {
    I::from(clock::new_uuid())
}

fn found(network: NetworkPoints) -> Assessed {
    Assessed {
        activity: Score::capped(56),
        activity_evidence_id: some_id(),
        network: Some((some_id(), network)),
    }
}

#[tokio::test]
async fn what_was_found_is_kept_whether_or_not_it_counts() {
    let (_, store) = empty_ledger().await;
    let all = [
        NetworkPoints::Given(Score::capped(1)),
        NetworkPoints::Given(Score::capped(15)),
        NetworkPoints::Withheld(Withheld::DoesNotPassGate),
        NetworkPoints::Withheld(Withheld::BelowMinimum),
        NetworkPoints::Withheld(Withheld::Otherwise),
    ];
    for network in all {
        let (id, new) = (some_id(), found(network));
        assert_eq!(store.find_assessment(id).await.or_panic(), None);
        let inserted = store.insert_assessment((id, member(1)), new, at(1)).await;
        assert_eq!(inserted.or_panic(), new);
        assert_eq!(store.find_assessment(id).await.or_panic(), Some(new));
    }
}

#[tokio::test]
async fn of_many_at_once_one_is_kept_and_all_are_told_that_one() {
    let (_, store) = empty_ledger().await;
    let id: VerificationId = some_id();
    let insert = |points| {
        let new = found(NetworkPoints::Given(Score::capped(points)));
        store.insert_assessment((id, member(1)), new, at(1))
    };
    let told = join_all((5..15).map(insert)).await;
    let told: Vec<Assessed> = told.into_iter().map(OrPanic::or_panic).collect();
    assert!(told.iter().all(|one| *one == told[0]), "{told:?}");
}

/// As the version before writes a row, and reads it.
#[tokio::test]
async fn an_older_version_writes_and_reads_rows_beside_this_one() {
    let (pool, store) = empty_ledger().await;
    let (id, evidence_id): (VerificationId, EvidenceId) = (some_id(), some_id());
    old_insert(&pool, id, (evidence_id, 20)).await;
    let of_old = Assessed {
        activity: Score::capped(20),
        activity_evidence_id: evidence_id,
        network: None,
    };
    assert_eq!(store.find_assessment(id).await.or_panic(), Some(of_old));
    let late = found(NetworkPoints::Given(Score::capped(9)));
    let told = store.insert_assessment((id, member(1)), late, at(2)).await;
    assert_eq!(told.or_panic(), of_old, "the first answer stands");

    let (id, new) = (some_id(), found(NetworkPoints::Given(Score::capped(9))));
    store.insert_assessment((id, member(1)), new, at(1)).await.or_panic();
    old_insert(&pool, id, (some_id(), 20)).await;
    let read: (uuid::Uuid, i16) =
        sqlx::query_as("SELECT evidence_id, activity FROM assessments WHERE verification_id = $1")
            .bind(id.uuid())
            .fetch_one(&pool)
            .await
            .expect("a row");
    assert_eq!(read, (new.activity_evidence_id.uuid(), 56));
}

async fn old_insert(pool: &PgPool, id: VerificationId, (evidence_id, activity): (EvidenceId, i16)) {
    let insert = sqlx::query(
        "INSERT INTO assessments (verification_id, member_id, evidence_id, activity, assessed_at)
         VALUES ($1, 1, $2, $3, now()) ON CONFLICT ON CONSTRAINT assessments_once DO NOTHING",
    );
    let insert = insert.bind(id.uuid()).bind(evidence_id.uuid()).bind(activity);
    insert.execute(pool).await.expect("it is taken");
}
