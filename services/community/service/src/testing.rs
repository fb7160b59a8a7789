//! What the tests of this service share.

use crate::Store;
use crate::store::{NewConnection, delete_connection, set_connection};
use community_trust::Strength;
use mesh_runtime::{Actor, Problem};
use mesh_testkit::fixtures::fresh_database;
pub(crate) use mesh_testkit::fixtures::{OrPanic, at, member};
use sqlx::{PgConnection, PgPool};

/// An empty database and the store over it.
pub(crate) async fn empty_store() -> (PgPool, Store) {
    let pool = fresh_database("community", &crate::MIGRATIONS).await;
    (pool.clone(), Store::new(pool))
}

pub(crate) fn strength(hundredths: u8) -> Strength {
    Strength::try_from(hundredths).expect("at most 100")
}

pub(crate) fn new(from: i64, to: i64, hundredths: u8) -> NewConnection {
    NewConnection {
        from: member(from),
        to: member(to),
        strength: strength(hundredths),
    }
}

/// Sets a strength, 0 for none, as the member who makes the connection, at an instant in seconds.
pub(crate) async fn set(
    connection: &mut PgConnection,
    (from, to, hundredths): (i64, i64, u8),
    seconds: i64,
) -> Result<(), Problem> {
    let actor = Actor::Person(from);
    match hundredths {
        0 => delete_connection(connection, (member(from), member(to)), (&actor, at(seconds))).await,
        _ => {
            let set = set_connection(connection, new(from, to, hundredths), (&actor, at(seconds))).await;
            set.map(|_| ())
        }
    }
}

/// The same in a transaction of its own.
pub(crate) async fn set_one(pool: &PgPool, edge: (i64, i64, u8), seconds: i64) -> Result<(), Problem> {
    let mut transaction = pool.begin().await.expect("it answers");
    set(&mut transaction, edge, seconds).await?;
    transaction.commit().await.expect("it answers");
    Ok(())
}
