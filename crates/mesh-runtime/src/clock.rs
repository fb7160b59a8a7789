//! The one place where this process asks for the time of day and for new ids.
//!
//! Stores and policies take both as arguments; only an edge (an RPC, an activity) asks here. Workflows must not: they ask
//! their context.

use uuid::Uuid;

/// The present instant, UTC, to the microsecond: what PostgreSQL keeps, so that an answer given before an instant is
/// stored is equal to one given afterwards.
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn now() -> jiff::Timestamp {
    let now = jiff::Timestamp::now();
    jiff::Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now)
}

/// A new id whose order is the order of its making (UUID version 7, RFC 9562).
#[expect(clippy::disallowed_methods, reason = "this is the one place")]
pub fn new_uuid() -> Uuid {
    Uuid::now_v7()
}
