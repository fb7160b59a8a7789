use super::*;
use crate::access::{Access, Actor, Relation};
use sqlx::postgres::PgPoolOptions;

/// A store whose database is away, so that whatever reaches for it is told so.
fn store() -> IdempotencyStore {
    let pool = PgPoolOptions::new().acquire_timeout(Duration::from_millis(200));
    IdempotencyStore {
        pool: pool.connect_lazy("postgres://127.0.0.1:1/none").expect("a URL"),
        key: Arc::new([7; 32]),
        flights: SingleFlight::default(),
    }
}

#[tokio::test]
async fn nothing_is_looked_up_or_done_before_the_handler_has_said_whose_the_object_is() {
    let (store, rpc, now) = (store(), "test.Parcel/Send", Timestamp::UNIX_EPOCH);
    let access = Access::new(Actor::Person(7), vec![Relation::Own]);
    let ask = async |asked: &str| {
        let request_id = crate::clock::new_uuid().to_string().parse().expect("a UUID");
        let message = String::from("a parcel");
        let answer: Result<Option<String>, Problem> = match asked {
            "find" => store.find_answer(rpc, request_id, &message).await,
            "transaction" => {
                let work = async |_: &mut PgConnection, _| panic!("it must not begin");
                let done = store.in_transaction(rpc, request_id, &message, now, work).await;
                done.map(Some)
            }
            _ => {
                let work = async |_| panic!("it must not begin");
                store.under_lease(rpc, request_id, &message, now, work).await.map(Some)
            }
        };
        answer.expect_err("it can't succeed").reason()
    };
    for asked in ["find", "transaction", "lease"] {
        let reason = access::scope(Some(access.clone()), ask(asked)).await;
        assert_eq!(reason, Reason::Internal, "{asked}");
    }
    assert!(access.admits_owner(7));
    for asked in ["find", "transaction", "lease"] {
        let reason = access::scope(Some(access.clone()), ask(asked)).await;
        assert_eq!(reason, Reason::DatabaseUnavailable, "{asked}");
    }
}
