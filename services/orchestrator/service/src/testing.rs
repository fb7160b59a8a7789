//! What the tests of this crate share: a database of its own for each, its members and their verifications.

use crate::Store;
use crate::store::{ChangeRequest, InsertOutcome, NewVerification, Profile, StoredRequest};
use mesh_runtime::{Problem, clock};
use mesh_testkit::Postgres;
use mesh_types::{MemberId, RequestId, Score, VerificationId};
use orchestrator_workflows::methods::{MethodRequest, ReputationRequest};
use sqlx::PgPool;

pub trait OrPanic<T> {
    fn or_panic(self) -> T;
}

impl<T> OrPanic<T> for Result<T, Problem> {
    fn or_panic(self) -> T {
        self.unwrap_or_else(|problem| panic!("{}", problem.message()))
    }
}

/// A store over an empty database.
pub async fn store() -> Store {
    let postgres = Postgres::shared().await.expect("PostgreSQL starts");
    let url = postgres
        .create_database("orchestrator")
        .await
        .expect("a database is made");
    let pool = PgPool::connect(&url).await.expect("it answers");
    crate::MIGRATIONS.run(&pool).await.expect("the schema is made");
    Store::new(pool)
}

/// A new member.
pub async fn member(store: &Store, number: i64) -> MemberId {
    let member_id = MemberId::try_from(number).expect("positive");
    let request = ChangeRequest {
        request_id: new_request(),
        member_id,
        fingerprint: [0; 32],
        at: clock::now(),
    };
    let profile = Profile {
        given_names: "Ida".to_owned(),
        family_name: String::new(),
        birth_date: jiff::civil::date(1980, 5, 6),
        email: None,
    };
    store.insert_member(request, profile).await.or_panic();
    member_id
}

pub fn new_request() -> RequestId {
    RequestId::from(clock::new_uuid())
}

/// A verification of a member that begins now.
pub fn new_verification(member_id: MemberId) -> NewVerification {
    NewVerification {
        verification_id: VerificationId::from(clock::new_uuid()),
        member_id,
        request: StoredRequest {
            target_score: Score::DEFAULT_TARGET,
            methods: vec![MethodRequest::Reputation(ReputationRequest {})],
            timeout_seconds: 60,
        },
        started_at: clock::now(),
    }
}

/// Inserts a verification by a request of its own.
pub async fn insert(store: &Store, new: NewVerification) -> VerificationId {
    let outcome = store.insert_verification(new_request(), &new).await.or_panic();
    assert!(
        matches!(outcome, InsertOutcome::Inserted(_)),
        "the member has another one"
    );
    new.verification_id
}
