//! Work in Temporal that a repeated request does not do twice.

use crate::Store;
use crate::store::Claim;
use mesh_runtime::{Problem, clock};
use mesh_types::{Reason, RequestId};
use sha2::{Digest, Sha256};
use std::future::Future;

/// A request to do something in Temporal.
pub(super) struct Request {
    request_id: RequestId,
    fingerprint: [u8; 32],
}

/// Whether work may have been done by an earlier try of the same request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Tried {
    /// It was not.
    Never,
    /// Perhaps it was: a try began, and nobody knows how it ended.
    Perhaps,
}

impl Request {
    /// A request by its id and all that it says: the RPC and its message.
    pub(super) fn new(request_id: RequestId, rpc: &str, message: &impl prost::Message) -> Self {
        let content = [rpc.as_bytes(), b"/", &message.encode_to_vec()].concat();
        Self {
            request_id,
            fingerprint: Sha256::digest(content).into(),
        }
    }

    /// Its id.
    pub(super) fn id(&self) -> RequestId {
        self.request_id
    }
}

/// Does the work of a request unless it was done before; returns the first answer. What is begun is written down first,
/// so that a try whose end got lost is known as one.
pub(super) async fn once<F: Future<Output = Result<String, Problem>>>(
    store: &Store,
    request: &Request,
    work: impl FnOnce(Tried) -> F,
) -> Result<String, Problem> {
    let (id, now) = (request.request_id, clock::now());
    let tried = match store.claim_request(id, request.fingerprint, now).await? {
        Claim::Done(answer) => return Ok(answer),
        Claim::Reused => return Err(request_id_reused()),
        Claim::InProgress => {
            let message = "the same request is being worked on; ask again for its answer";
            return Err(Problem::new(Reason::RequestInProgress, message));
        }
        Claim::New => Tried::Never,
        Claim::Begun => Tried::Perhaps,
    };
    match work(tried).await {
        Ok(answer) => {
            store.settle_request(id, &answer).await?;
            Ok(answer)
        }
        Err(refused) if tried == Tried::Never && !refused.reason().class().is_retryable() => {
            store.release_request(id, now).await?;
            Err(refused)
        }
        Err(problem) => Err(problem),
    }
}

/// The refusal of a request id that was used for something else.
pub(super) fn request_id_reused() -> Problem {
    let message = "this request_id was used for something else; choose a new one";
    Problem::new(Reason::RequestIdReused, message)
}
