//! How many uploads are held in memory at once, in all and of one member, and how long a client may be silent.
//!
//! An upload takes a place when it has brought some data, not before: who only opens a stream keeps nobody out. A member has
//! one place, so that nobody takes all; a member's next upload waits for the one before.

use mesh_runtime::Problem;
use mesh_runtime::keyed_mutex::{KeyedGuard, KeyedMutex};
use mesh_types::{MemberId, Reason};
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How long an upload waits for a place among all.
const PLACE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a member's upload waits for the member's other ones: some of the largest documents.
const MEMBER_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a client may be silent in the middle of an upload.
const IDLE_TIMEOUT: Duration = Duration::from_secs(10);

/// The limits. Clones share the places.
#[derive(Clone)]
pub struct UploadLimits {
    all: Arc<Semaphore>,
    members: KeyedMutex<MemberId>,
    /// How long an upload waits for a place among all.
    pub place_timeout: Duration,
    /// How long a member's upload waits for the member's other ones.
    pub member_timeout: Duration,
    /// How long a client may be silent in the middle of an upload.
    pub idle_timeout: Duration,
}

/// A place of an upload; it is free again when this is dropped.
pub struct UploadPlace {
    _of_all: OwnedSemaphorePermit,
    _of_the_member: KeyedGuard<MemberId, ()>,
}

impl fmt::Debug for UploadPlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadPlace").finish_non_exhaustive()
    }
}

impl UploadLimits {
    /// So many places in all, 10 s to wait for one, 60 s to wait for one's own uploads, and 10 s to be silent.
    pub fn new(places: usize) -> Self {
        Self {
            all: Arc::new(Semaphore::new(places)),
            members: KeyedMutex::default(),
            place_timeout: PLACE_TIMEOUT,
            member_timeout: MEMBER_TIMEOUT,
            idle_timeout: IDLE_TIMEOUT,
        }
    }

    /// Takes a place for an upload of a member.
    ///
    /// # Errors
    /// `TOO_MANY_UPLOADS` when none is free in time.
    pub async fn take(&self, member_id: MemberId) -> Result<UploadPlace, Problem> {
        let of_the_member = self.members.lock(member_id, self.member_timeout).await;
        let of_the_member = of_the_member
            .ok_or_else(|| too_many("the member sends other documents at this moment; send this one again later"))?;
        let of_all = tokio::time::timeout(self.place_timeout, self.all.clone().acquire_owned()).await;
        let of_all = of_all.map_err(|_| too_many("too many documents are sent at this moment; send this one again"))?;
        Ok(UploadPlace {
            _of_all: of_all.expect("the semaphore is never closed"),
            _of_the_member: of_the_member,
        })
    }
}

fn too_many(message: &str) -> Problem {
    Problem::new(Reason::TooManyUploads, message)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::member;

    #[tokio::test]
    async fn a_member_has_one_place_and_who_waits_too_long_is_told() {
        let places = UploadLimits {
            place_timeout: Duration::from_millis(20),
            member_timeout: Duration::from_millis(20),
            ..UploadLimits::new(2)
        };
        let refused = async |number| {
            let taken = places.take(member(number)).await;
            taken.expect_err("no place is free").reason()
        };
        let first = places.take(member(1)).await.expect("free");
        assert_eq!(refused(1).await, Reason::TooManyUploads, "the member's own is taken");
        let second = places.take(member(2)).await.expect("another member's is free");
        assert_eq!(refused(3).await, Reason::TooManyUploads, "all are taken");
        drop(first);
        places.take(member(1)).await.expect("free again");
        drop(second);
    }
}
