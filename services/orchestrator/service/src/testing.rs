//! What the tests of this crate share: a database of its own for each, its members and their verifications.

use crate::Store;
use crate::store::{InsertOutcome, NewVerification, Profile, StoredMethod, StoredRequest, insert_member};
use jiff::Timestamp;
use mesh_runtime::clock;
use mesh_testkit::fixtures::{OrPanic, fresh_database};
use mesh_types::{MemberId, Method, Score, ScoreBreakdown, VerificationId, VerificationStatus};
use orchestrator_workflows::contract::{MethodState, MethodStatus, VerificationOutcome};
use orchestrator_workflows::methods::{MethodRequest, ReputationRequest};

/// A store over an empty database.
pub async fn store() -> Store {
    Store::new(fresh_database("orchestrator", &crate::MIGRATIONS).await)
}

/// A new member.
pub async fn member(store: &Store, number: i64) -> MemberId {
    let member_id = MemberId::try_from(number).expect("positive");
    let profile = Profile {
        given_names: "Ida".to_owned(),
        family_name: String::new(),
        birth_date: jiff::civil::date(1980, 5, 6),
        email: None,
    };
    let mut connection = store.connection().await.or_panic();
    let inserted = insert_member(&mut connection, member_id, &profile, clock::now()).await;
    assert!(inserted.or_panic(), "the id is taken");
    member_id
}

/// A verification of a member that begins now.
pub fn new_verification(member_id: MemberId) -> NewVerification {
    NewVerification {
        verification_id: VerificationId::from(clock::new_uuid()),
        member_id,
        request: StoredRequest {
            target_score: Score::DEFAULT_TARGET,
            methods: vec![StoredMethod::Known(MethodRequest::Reputation(ReputationRequest {}))],
            timeout_seconds: 60,
        },
        started_at: clock::now(),
    }
}

/// Inserts a verification.
pub async fn insert(store: &Store, new: NewVerification) -> VerificationId {
    let outcome = store.insert_verification(&new).await.or_panic();
    assert!(
        matches!(outcome, InsertOutcome::Inserted(_)),
        "the member has another one"
    );
    new.verification_id
}

/// An instant as RFC 3339 writes it.
pub fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

/// A verification of a new member, from one instant to another.
pub async fn insert_span(
    store: &Store,
    number: i64,
    started_at: &str,
    end: Option<(&str, VerificationOutcome)>,
) -> VerificationId {
    let new = NewVerification {
        started_at: at(started_at),
        ..new_verification(member(store, number).await)
    };
    let id = insert(store, new).await;
    if let Some((ended_at, outcome)) = end {
        store
            .record_outcome(id, "the run", &outcome, at(ended_at))
            .await
            .or_panic();
    }
    id
}

/// An end with a score and the ends of its methods.
pub fn ended(status: VerificationStatus, score: i64, methods: &[(Method, MethodStatus)]) -> VerificationOutcome {
    let state = |&(method, status): &(Method, MethodStatus)| MethodState {
        method: method.into(),
        status: status.into(),
        internal_reason: None,
        member_reason: String::new(),
    };
    VerificationOutcome {
        status,
        methods: methods.iter().map(state).collect(),
        breakdown: ScoreBreakdown {
            score: Score::capped(score),
            ..ScoreBreakdown::nothing()
        },
        next_steps: Vec::new(),
    }
}

/// An end by cancellation.
pub fn cancelled() -> VerificationOutcome {
    ended(VerificationStatus::Cancelled, 0, &[])
}
