//! `GetReviewPage`: sends the file of a page to the reviewer who holds the review. A file takes up to 20 MiB of memory until
//! it is sent, so few are sent at once, each within two minutes.

use crate::api::render;
use crate::review;
use crate::store::HeldReview;
use crate::vault::Vault;
use futures::{Stream, StreamExt};
use mesh_proto::document::v1::GetReviewPageResponse;
use mesh_runtime::Problem;
use mesh_types::Reason;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc};
use tokio::task::JoinSet;
use tokio_stream::wrappers::ReceiverStream;
use tonic::Status;
use tracing::Instrument;

/// How many files are sent at once.
const AT_ONCE: usize = 8;
/// How long a client waits while others' files are sent.
const PLACE_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may take to receive a file.
const SEND_TIMEOUT: Duration = Duration::from_secs(120);
/// How many messages are made before the client receives them.
const MESSAGES_AHEAD: usize = 2;

/// Sends files. Clones share the bound on how many at once.
#[derive(Clone)]
pub struct ReviewPages {
    vault: Vault,
    places: Arc<Semaphore>,
    place_timeout: Duration,
    send_timeout: Duration,
}

impl ReviewPages {
    /// Of the documents of a vault, 8 at once.
    pub fn new(vault: Vault) -> Self {
        Self {
            vault,
            places: Arc::new(Semaphore::new(AT_ONCE)),
            place_timeout: PLACE_TIMEOUT,
            send_timeout: SEND_TIMEOUT,
        }
    }

    /// The messages that show a page to the reviewer who holds the review. The file leaves memory after two minutes, also when the client does not receive it.
    ///
    /// # Errors
    /// Those of [`review::find_page`] and [`Vault::get_file`]; `TOO_MANY_REVIEW_PAGES` when no place is free in time. The
    /// stream ends with `DEADLINE_EXCEEDED` when the file was not sent in time.
    pub async fn show(
        &self,
        held: &HeldReview,
        page_number: u32,
    ) -> Result<impl Stream<Item = Result<GetReviewPageResponse, Status>> + use<>, Problem> {
        let (document, page) = review::find_page(self.vault.store(), held, page_number).await?;
        let place = tokio::time::timeout(self.place_timeout, self.places.clone().acquire_owned()).await;
        let place = place.map_err(|_| too_many())?.expect("the semaphore is never closed");
        let bytes = self.vault.get_file(&document, &page).await?;
        let (review_id, reviewer_id) = (held.review().review_id, held.reviewer_id().get());
        tracing::info!(%review_id, reviewer_id, page = page_number, "a reviewer looked at a page");
        let (sender, messages) = mpsc::channel(MESSAGES_AHEAD);
        // It ends with the stream that owns it.
        let mut sending = JoinSet::new();
        let messages_of_file = render::review_page(page.media_type, bytes);
        sending.spawn(send(messages_of_file, place, sender, self.send_timeout).in_current_span());
        // What was not sent to its end must not look like a whole file.
        let end = futures::stream::once(async move { sending.join_next().await });
        let end = end.filter_map(async |sent| match sent? {
            Ok(Ok(())) => None,
            Ok(Err(problem)) => Some(Err(problem.into())),
            Err(lost) => Some(Err(Problem::internal(lost).into())),
        });
        Ok(ReceiverStream::new(messages).map(Ok).chain(end))
    }
}

/// Sends one message after the other, each when the client has room for it.
async fn send(
    messages: impl Iterator<Item = GetReviewPageResponse>,
    _place: OwnedSemaphorePermit,
    sender: mpsc::Sender<GetReviewPageResponse>,
    send_timeout: Duration,
) -> Result<(), Problem> {
    let sending = async {
        for message in messages {
            if sender.send(message).await.is_err() {
                return;
            }
        }
    };
    let sent = tokio::time::timeout(send_timeout, sending).await;
    sent.map_err(|_| {
        Problem::new(
            Reason::DeadlineExceeded,
            "the page was not received in time; ask for it again",
        )
    })
}

fn too_many() -> Problem {
    Problem::new(
        Reason::TooManyReviewPages,
        "too many pages are shown at this moment; ask for this one again",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claim_review::claim_review;
    use crate::testing::{World, member};
    use mesh_proto::document::v1::ClaimReviewRequest;
    use mesh_runtime::clock;

    const REVIEWER: i64 = 7;
    /// A page of 1,000,000 bytes: its media type, and 16 chunks.
    const MESSAGES: usize = 17;

    async fn claimed(world: &World) -> HeldReview {
        let (_, review_id) = world.reviewed(vec![7; 1_000_000]).await;
        let claim = ClaimReviewRequest {
            request_id: clock::new_uuid().to_string(),
            review_id: review_id.to_string(),
        };
        let claimed = claim_review(&world.idempotency, member(REVIEWER), &claim, clock::now()).await;
        claimed.expect("nobody else has it");
        let review = world.store.find_review(review_id).await.expect("asked").expect("there");
        review.held_by(member(REVIEWER), clock::now()).expect("it was claimed")
    }

    /// What came: nothing of each message, and the reason of an error.
    async fn received(
        shown: impl Stream<Item = Result<GetReviewPageResponse, Status>>,
    ) -> Vec<Result<(), Option<String>>> {
        let outcome = |message: Result<_, Status>| message.map(drop).map_err(|status| mesh_proto::reason(&status));
        shown.map(outcome).collect().await
    }

    #[tokio::test]
    async fn a_client_that_receives_nothing_makes_room_and_is_told_that_something_is_missing() {
        let world = World::new().await;
        let review = claimed(&world).await;
        let pages = ReviewPages {
            places: Arc::new(Semaphore::new(1)),
            send_timeout: Duration::from_millis(50),
            ..ReviewPages::new(world.vault.clone())
        };
        let unread = pages.show(&review, 1).await.expect("shown");
        let patient = ReviewPages {
            send_timeout: SEND_TIMEOUT,
            ..pages
        };
        let read = patient.show(&review, 1).await.expect("there is room after a while");
        assert_eq!(received(read).await, vec![Ok(()); MESSAGES]);
        let missing = Err(Some("DEADLINE_EXCEEDED".to_owned()));
        assert_eq!(received(unread).await, [Ok(()), Ok(()), missing]);
    }

    #[tokio::test]
    async fn who_waits_too_long_for_a_place_is_told_and_a_client_that_goes_away_makes_room() {
        let world = World::new().await;
        let review = claimed(&world).await;
        let pages = ReviewPages {
            places: Arc::new(Semaphore::new(1)),
            place_timeout: Duration::from_millis(20),
            ..ReviewPages::new(world.vault.clone())
        };
        let slow = pages.show(&review, 1).await.expect("shown");
        let refused = pages.show(&review, 1).await.err().expect("no place is free");
        assert_eq!(refused.reason(), Reason::TooManyReviewPages);
        drop(slow);
        let patient = ReviewPages {
            place_timeout: Duration::from_secs(10),
            ..pages
        };
        let shown = patient.show(&review, 1).await.expect("there is room");
        assert_eq!(received(shown).await, vec![Ok(()); MESSAGES]);
    }
}
