//! The streams of answers that are open at once: a bound on their number, and on the age of each.
//!
//! A stream whose client does not read is not polled, so it cannot end itself. Whoever wants to open one drops those that are
//! past their age first; what they held is free then, and their client is told when it reads on.

use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::collections::BTreeMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::Instant;
use tonic::Status;
use tonic::body::Body;

/// The streams of this process. Clones share them.
#[derive(Clone)]
pub(crate) struct Streams {
    most: usize,
    pub(crate) longest: Duration,
    open: Arc<Mutex<Open>>,
}

#[derive(Default)]
struct Open {
    last: u64,
    /// By when each has to end, then in the order of their beginning. A body is absent until its RPC answered.
    bodies: BTreeMap<(Instant, u64), Arc<Mutex<Option<Body>>>>,
}

/// A place among the streams, free again when it is dropped.
pub(crate) struct Place {
    streams: Streams,
    key: (Instant, u64),
}

impl Streams {
    /// At most so many at once, each for so long.
    pub(crate) fn new(most: usize, longest: Duration) -> Self {
        Self {
            most,
            longest,
            open: Arc::default(),
        }
    }

    /// A place for a stream that has to end by an instant; `None` when all are taken.
    pub(crate) fn enter(&self, until: Instant) -> Option<Place> {
        let now = Instant::now();
        let mut open = lock(&self.open);
        while let Some(oldest) = open.bodies.first_entry().filter(|oldest| oldest.key().0 <= now) {
            let body = oldest.remove();
            lock(&body).take();
        }
        if open.bodies.len() >= self.most {
            return None;
        }
        open.last += 1;
        let key = (until, open.last);
        open.bodies.insert(key, Arc::default());
        Some(Place {
            streams: self.clone(),
            key,
        })
    }
}

impl Place {
    /// Lets a body hold the place until it ends. Where its time was over before it began, it is dropped at once.
    pub(crate) fn hold(self, body: Body) -> Body {
        let place = lock(&self.streams.open).bodies.get(&self.key).cloned();
        let shared = place.map_or_else(Arc::default, |shared| {
            *lock(&shared) = Some(body);
            shared
        });
        Body::new(PlacedBody {
            body: shared,
            _place: self,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        lock(&self.streams.open).bodies.remove(&self.key);
    }
}

/// A body that is gone once its time is over.
struct PlacedBody {
    body: Arc<Mutex<Option<Body>>>,
    _place: Place,
}

impl HttpBody for PlacedBody {
    type Data = Bytes;
    type Error = Status;

    fn poll_frame(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
        match lock(&self.body).as_mut() {
            Some(body) => Pin::new(body).poll_frame(context),
            // Its time is over, which the one who watches it says by the clock.
            None => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        lock(&self.body).as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        lock(&self.body).as_ref().map(HttpBody::size_hint).unwrap_or_default()
    }
}

/// A panic while a body was polled is answered by who watches it, and leaves the map whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicBool, Ordering};

    /// A body that has nothing to say, and says when it is dropped.
    struct Silent(Arc<AtomicBool>);

    impl Drop for Silent {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Relaxed);
        }
    }

    impl HttpBody for Silent {
        type Data = Bytes;
        type Error = Status;

        fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Status>>> {
            Poll::Pending
        }
    }

    #[test]
    fn a_stream_that_nobody_reads_loses_its_place_and_what_it_holds_when_its_time_is_over() {
        let streams = Streams::new(1, Duration::from_secs(3600));
        let is_dropped = Arc::new(AtomicBool::new(false));
        let over = Instant::now();
        let place = streams.enter(over).expect("the first");
        let unread = place.hold(Body::new(Silent(is_dropped.clone())));
        let second = streams.enter(over + Duration::from_secs(3600));
        assert!(second.is_some() && is_dropped.load(Ordering::Relaxed));
        assert!(streams.enter(over + Duration::from_secs(3600)).is_none(), "one at once");
        drop(unread);
        assert!(
            streams.enter(over + Duration::from_secs(3600)).is_none(),
            "its place is the second's"
        );
        drop(second);
        assert!(streams.enter(over).is_some());
    }
}
