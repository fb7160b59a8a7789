//! `WatchVerification`: shows a verification whenever it changed, until it has ended. One look serves all who watch the same
//! verification, and looks become rarer while nothing changes.

use crate::api::render;
use crate::read_model::ReadModel;
use futures::Stream;
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::{Access, Problem};
use mesh_types::VerificationId;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::interval;
use tonic::Status;
use tracing::Instrument;

/// The longest pause between two looks at a verification that does not change, unless a longer one is configured: many are
/// watched while a person decides.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

type Shown = Result<proto::Verification, Status>;

/// The verifications that are watched in this process. Clones share them.
#[derive(Clone)]
pub struct Watches {
    read_model: ReadModel,
    interval: Duration,
    open: Arc<Mutex<BTreeMap<VerificationId, Weak<Watched>>>>,
}

/// A verification that somebody watches. It is looked at until the last watcher is gone.
struct Watched {
    shown: watch::Receiver<Shown>,
    _looking: JoinSet<()>,
}

impl Watches {
    /// Over a read model that is looked at so often.
    pub fn new(read_model: ReadModel, interval: Duration) -> Self {
        Self {
            read_model,
            interval,
            open: Arc::default(),
        }
    }

    /// A verification as it stands, and then again whenever it changed, as far as the caller may read it.
    ///
    /// # Errors
    /// Those of [`ReadModel::get`], of the first look; a later one ends the stream with them.
    pub async fn watch(
        &self,
        id: VerificationId,
        access: Access,
    ) -> Result<impl Stream<Item = Result<proto::WatchVerificationResponse, Status>> + use<>, Problem> {
        let watched = match self.find(id) {
            Some(watched) => watched,
            None => {
                let first = render::verification(self.read_model.get(id).await?);
                self.find_or_begin(id, first)
            }
        };
        let watcher = Watcher {
            changes: watched.shown.clone(),
            _watched: watched,
            access,
            last: None,
            has_ended: false,
        };
        Ok(futures::stream::unfold(watcher, Watcher::next))
    }

    fn find(&self, id: VerificationId) -> Option<Arc<Watched>> {
        find(&self.open.lock().unwrap_or_else(PoisonError::into_inner), id)
    }

    fn find_or_begin(&self, id: VerificationId, first: proto::Verification) -> Arc<Watched> {
        let mut open = self.open.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(watched) = find(&open, id) {
            return watched;
        }
        let (sender, shown) = watch::channel(Ok(first));
        let mut looking = JoinSet::new();
        let span = tracing::info_span!(parent: None, "watch verification", verification_id = %id);
        looking.spawn(look(self.read_model.clone(), id, self.interval, sender).instrument(span));
        let watched = Arc::new(Watched {
            shown,
            _looking: looking,
        });
        open.retain(|_, watched| watched.strong_count() > 0);
        open.insert(id, Arc::downgrade(&watched));
        watched
    }
}

/// One that is still looked at. What has ended may be revoked since, so its end is looked up anew.
fn find(open: &BTreeMap<VerificationId, Weak<Watched>>, id: VerificationId) -> Option<Arc<Watched>> {
    let watched = open.get(&id)?.upgrade()?;
    let is_looked_at = watched.shown.borrow().as_ref().is_ok_and(is_in_progress);
    is_looked_at.then_some(watched)
}

/// Looks again and again, until the verification has ended or can't be read.
async fn look(read_model: ReadModel, id: VerificationId, every: Duration, shown: watch::Sender<Shown>) {
    let mut ticks = interval(every);
    let mut pause = every;
    while shown.borrow().as_ref().is_ok_and(is_in_progress) {
        ticks.reset_after(pause);
        ticks.tick().await;
        pause = (2 * pause).min(LONGEST_PAUSE.max(every));
        let now = match read_model.get(id).await.map(render::verification) {
            // The workflow does not answer at this moment; what was shown is newer.
            Ok(verification) if verification.progress_unknown => continue,
            now => now.map_err(Status::from),
        };
        let is_new = |before: &mut Shown| {
            let is_same = matches!((&*before, &now), (Ok(before), Ok(now)) if before == now);
            if !is_same {
                *before = now;
            }
            !is_same
        };
        if shown.send_if_modified(is_new) {
            pause = every;
        }
    }
}

fn is_in_progress(verification: &proto::Verification) -> bool {
    verification.status() == proto::VerificationStatus::InProgress
}

/// One who watches.
struct Watcher {
    changes: watch::Receiver<Shown>,
    _watched: Arc<Watched>,
    access: Access,
    /// What the caller was shown last: a change of what they may not read is none.
    last: Option<proto::Verification>,
    has_ended: bool,
}

impl Watcher {
    async fn next(mut self) -> Option<(Result<proto::WatchVerificationResponse, Status>, Self)> {
        while !self.has_ended {
            let now = self.changes.borrow_and_update().clone();
            match now.map(|verification| render::for_caller(&self.access, verification)) {
                Err(status) => {
                    self.has_ended = true;
                    return Some((Err(status), self));
                }
                Ok(verification) if self.last.as_ref() == Some(&verification) => {
                    if self.changes.changed().await.is_err() {
                        self.has_ended = true;
                        return Some((Err(Problem::internal("nobody looks any more").into()), self));
                    }
                }
                Ok(verification) => {
                    self.has_ended = !is_in_progress(&verification);
                    self.last = Some(verification.clone());
                    let verification = Some(verification);
                    return Some((Ok(proto::WatchVerificationResponse { verification }), self));
                }
            }
        }
        None
    }
}
