//! The refusals that the kit gives to an RPC by itself.

use crate::Problem;
use mesh_types::Reason;
use std::any::Any;
use tonic::Status;

pub(crate) fn expired(method: &str) -> Status {
    tracing::warn!(method, "the deadline passed; its work was dropped");
    Problem::new(
        Reason::DeadlineExceeded,
        "the deadline passed before the answer was ready",
    )
    .into()
}

pub(crate) fn stream_too_old(_method: &str) -> Status {
    Problem::new(
        Reason::StreamTooOld,
        "the stream was open for as long as one may be; open it again",
    )
    .into()
}

pub(crate) fn token_ended(_method: &str) -> Status {
    Problem::new(
        Reason::TokenExpired,
        "the token that the stream was opened with has expired; open it again with a new one",
    )
    .into()
}

pub(crate) fn too_many_streams() -> Status {
    Problem::new(
        Reason::TooManyStreams,
        "as many streams are open as there may be; open this one again later",
    )
    .into()
}

pub(crate) fn shutting_down() -> Status {
    Problem::new(
        Reason::ShuttingDown,
        "this instance is shutting down; another one will answer",
    )
    .into()
}

/// The panic hook has logged where it happened; the panic's own text may hold anything, so it goes nowhere.
pub(crate) fn panic_status(panic: Box<dyn Any + Send>) -> Status {
    drop(panic);
    Problem::new(Reason::Internal, "panic").into_logged_status()
}
