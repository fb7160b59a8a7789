//! The SQL of the service. `verifiers.rs` keeps verifiers and `nearest.rs` finds them; `meetings.rs` has what members ask for,
//! `bookings.rs` holds, moves and ends what is held, `appointments.rs` reads and writes appointments, `notifications.rs` what people
//! are to be told.

mod appointments;
mod bookings;
mod meetings;
mod nearest;
mod notifications;
#[cfg(test)]
mod tests;
mod verifiers;

use mesh_keyring::UsedKeys;
use mesh_runtime::Problem;
use mesh_runtime::keyed_mutex::{KeyedGuard, KeyedMutex};
use mesh_types::{MemberId, Reason};
use sqlx::PgPool;
use std::time::Duration;

pub(crate) use appointments::no_appointment;
pub use appointments::{Untold, WorkflowRun, change_appointment, lock_appointment, note_wrong_code};
pub use bookings::{Ending, Held, Hold, certified_for, ensure_verifier_has_time};
pub use meetings::{Meeting, MeetingPreference, close_meeting, ensure_member_has_time, insert_meeting_preference};
pub use nearest::{Found, Key, Near};
pub use notifications::{Notification, delete_reminders, insert_notification};
pub use verifiers::{
    Certification, Recertification, Verifier, VerifierMethod, VerifierProfile, insert_verifier, update_verifier,
};

/// How long a change of a verifier's appointments waits for those of the same verifier before it.
const TURN_TIMEOUT: Duration = Duration::from_secs(3);

/// The SQL of the service. Clones share everything.
#[derive(Clone)]
pub struct Store {
    pool: PgPool,
    turns: KeyedMutex<MemberId>,
}

/// Nobody else of this process changes the verifier's appointments while it is held.
pub type Turn = KeyedGuard<MemberId, ()>;

impl Store {
    /// A store over a database whose schema is up to date.
    pub fn new(pool: PgPool) -> Self {
        Self {
            pool,
            turns: KeyedMutex::default(),
        }
    }

    /// The ids of the keys that something lies under.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
    #[tracing::instrument(name = "SELECT appointments", skip_all, fields(otel.kind = "client",
        db.system.name = "postgresql", db.operation.name = "SELECT", db.collection.name = "appointments"))]
    pub async fn list_used_keys(&self) -> Result<UsedKeys, Problem> {
        let encryption = sqlx::query_scalar!(
            r#"SELECT DISTINCT meeting_point_key_id AS "id!" FROM verifiers WHERE meeting_point_key_id IS NOT NULL
               UNION SELECT meeting_point_key_id FROM appointments WHERE meeting_point_key_id IS NOT NULL
               UNION SELECT content_key_id FROM notifications WHERE content_key_id IS NOT NULL"#
        );
        let identity = sqlx::query_scalar!("SELECT DISTINCT code_key_id FROM appointments WHERE ended_at IS NULL");
        Ok(UsedKeys {
            encryption: encryption.fetch_all(&self.pool).await?,
            identity: identity.fetch_all(&self.pool).await?,
        })
    }

    /// Waits until nobody else of this process changes a verifier's appointments. Take it before a connection to the database: of those who
    /// wait for one verifier's lock, one then holds a connection, and the rest of the pool serves others.
    ///
    /// # Errors
    /// `DATABASE_UNAVAILABLE` when the turn does not come within 3 s.
    pub async fn turn(&self, verifier_id: MemberId) -> Result<Turn, Problem> {
        let turn = self.turns.lock(verifier_id, TURN_TIMEOUT).await;
        turn.ok_or_else(|| {
            let message = "another change of this verifier's appointments takes too long";
            Problem::new(Reason::DatabaseUnavailable, message)
        })
    }
}

/// What only a newer version can read.
pub(crate) fn newer(what: &str) -> Problem {
    Problem::new(Reason::NewerVersionNeeded, format!("a newer version wrote {what}"))
}
