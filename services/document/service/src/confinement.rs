//! How the programs that open documents are fenced in, as an operator is told.

use document_reading::{InForce, ReaderError, SandboxError};

/// Says which flag starts without what the kernel lacks.
pub(crate) fn cannot_read(error: ReaderError) -> anyhow::Error {
    let is_unconfined = matches!(
        &error,
        ReaderError::Sandbox {
            source: SandboxError::Unconfined { .. }
        }
    );
    let error = anyhow::Error::new(error).context("documents can't be read");
    if is_unconfined {
        error.context("on this kernel the service starts only with --ocr-unconfined")
    } else {
        error
    }
}

/// Says at the start how the programs that open documents are fenced in.
pub(crate) fn log_confinement(in_force: InForce) {
    if in_force.is_whole() {
        tracing::info!(confinement = %in_force, "the programs that open documents are fenced in");
    } else {
        tracing::warn!(
            confinement = %in_force,
            lacking = in_force.lacking().join(" and "),
            "the programs that open documents run UNCONFINED, as --ocr-unconfined allows: a hostile document that takes one \
             over can do what this user can"
        );
    }
}
