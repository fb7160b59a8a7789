//! The body of the document service: gRPC API, activities, store.
//!
//! Takes documents in ([`Api`]), and reads, checks and records them for `DocumentVerificationWorkflow` ([`Activities`]).
//! Which checks make a document count is not decided here but in `document_workflows::policy`.
//!
//! Invariants:
//! - what a document shows lives in the tables of [`store`] and in the object store of [`objects`]; no answer, error,
//!   log, span or Temporal message carries any of it;
//! - objects are stored before the row that names them, so a document that is found can be read;
//! - a page that was read is not read again, however often an activity is retried.
//!
//! Start with [`upload`] for the way in and [`extraction`] for the way through.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

pub mod activities;
pub mod api;
pub mod checking;
pub mod config;
pub mod extraction;
pub mod intake;
pub mod objects;
pub mod profile;
pub mod store;
pub mod upload;

#[cfg(test)]
mod testing;

pub use activities::Activities;
pub use api::Api;
pub use config::Config;

use document_reading::{InForce, Reader, ReaderError, SandboxError};
use document_workflows::DocumentVerificationWorkflow;
use document_workflows::contract::TASK_QUEUE;
use extraction::Extractor;
use intake::Intake;
use mesh_proto::document::v1::document_service_server::DocumentServiceServer;
use mesh_runtime::{Base, Wiring};
use objects::Objects;
use profile::Profiles;
use store::Store;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// Documents that are under way at once for each page that is read at once. More would only wait inside their time limits
/// instead of in the task queue.
const EXTRACTIONS_PER_READER: usize = 3;

/// The service, for [`mesh_runtime::run`].
pub struct Document;

impl mesh_runtime::Service for Document {
    const NAME: &'static str = "document";
    const GRPC_LISTEN: &'static str = "127.0.0.1:7402";
    const HEALTH_LISTEN: &'static str = "127.0.0.1:9402";
    const MIGRATIONS: &'static sqlx::migrate::Migrator = &MIGRATIONS;
    type Config = Config;

    async fn wire(config: Config, base: Base) -> anyhow::Result<Wiring> {
        let store = Store::new(base.pool.clone());
        let objects = Objects::open(config.store_url.clone())?;
        let profiles = Profiles::new(base.channel(&config.orchestrator_url)?);
        let intake = Intake::new(store.clone(), objects.clone(), config.upload_concurrency.get());
        let api = DocumentServiceServer::new(Api::new(store.clone(), intake))
            .max_decoding_message_size(base.max_message_bytes);
        Ok(Wiring::new(mesh_proto::FILE_DESCRIPTOR_SET)
            .grpc(api)
            .worker(TASK_QUEUE, move |worker| {
                // Made here, so that an instance that only serves the API needs no OCR engine.
                let reader = Reader::new(config.reader()).map_err(cannot_read)?;
                log_confinement(reader.confinement());
                let concurrency = config.ocr_concurrency();
                let extractor = Extractor::new(store.clone(), objects, reader, concurrency);
                let extractions = (concurrency * EXTRACTIONS_PER_READER).min(base.max_concurrent_activities);
                worker.tuner = mesh_runtime::slots(extractions, base.max_concurrent_workflow_tasks);
                worker.register_workflow::<DocumentVerificationWorkflow>()?;
                worker.register_activities(Activities::new(extractor, store, profiles));
                Ok(())
            }))
    }
}

/// Says which flag starts without what the kernel lacks.
fn cannot_read(error: ReaderError) -> anyhow::Error {
    let is_unconfined = matches!(
        &error,
        ReaderError::Sandbox {
            source: SandboxError::Unconfined { .. }
        }
    );
    let error = anyhow::Error::new(error).context("pages can't be read");
    if is_unconfined {
        error.context("on this kernel the service starts only with --ocr-unconfined")
    } else {
        error
    }
}

fn log_confinement(in_force: InForce) {
    if in_force.is_whole() {
        tracing::info!(confinement = %in_force, "tesseract and poppler are fenced in");
    } else {
        tracing::warn!(
            confinement = %in_force,
            lacking = in_force.lacking().join(" and "),
            "tesseract and poppler run UNCONFINED, as --ocr-unconfined allows: a hostile document that takes one over can \
             do what this user can"
        );
    }
}
