//! What the tests of this service share.

use crate::store::{Certification, VerifierMethod, VerifierProfile};
use crate::{Location, Store};
use in_person_availability::{Availability, Hours, TimeOfDay, Weekly};
use jiff::civil::Weekday;
use mesh_keyring::Keyring;
use mesh_testkit::fixtures::fresh_database;
pub(crate) use mesh_testkit::fixtures::{OrPanic, at, member};
use sqlx::PgPool;

/// An empty database and the store over it.
pub(crate) async fn empty_store() -> (PgPool, Store) {
    let pool = fresh_database("in_person", &crate::MIGRATIONS).await;
    (pool.clone(), Store::new(pool))
}

/// A keyring with one key of each kind.
pub(crate) fn keyring() -> Keyring {
    const KEYS: &str = r#"{
        "encryption": { "current": "one", "keys": { "one": "dGVzdC1lbmNyeXB0aW9uLWtleS1vZi0zMi1ieXRlcyE=" } },
        "identity": { "current": "one", "keys": { "one": "dGVzdC1pZGVudGl0eS1rZXktb2YtMzItYnl0ZXMtISE=" } }
    }"#;
    Keyring::parse(KEYS.to_owned().into()).expect("a keyring")
}

/// A point by degrees.
pub(crate) fn point(latitude: f64, longitude: f64) -> Location {
    let micro = |degrees: f64| (degrees * 1e6).round() as i32;
    Location::new(micro(latitude), micro(longitude)).expect("a point")
}

/// Somebody at a place who is free from 09:00 to 12:00 UTC on Mondays.
pub(crate) fn on_mondays(location: Location) -> VerifierProfile {
    let time = |text: &str| text.parse::<TimeOfDay>().expect("a time");
    let mut weekly = Weekly::default();
    *weekly.on_mut(Weekday::Monday) = vec![Hours::new(time("09:00"), time("12:00")).expect("hours")];
    VerifierProfile {
        location,
        time_zone: "UTC".to_owned(),
        availability: Availability::new(weekly, Vec::new()).expect("hours of a week"),
        is_paused: false,
        meeting_point: None,
    }
}

/// For these checks, until an instant in seconds.
pub(crate) fn certified(until: i64, methods: &[VerifierMethod]) -> Certification {
    Certification {
        until: at(until),
        methods: methods.to_vec(),
    }
}
