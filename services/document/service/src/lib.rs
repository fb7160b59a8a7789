//! The body of the document service: gRPC API, activities, store.
//!
//! Takes documents in ([`DocumentApi`]), and reads, checks and records them for `DocumentVerificationWorkflow` ([`Activities`]).
//! Which checks make a document count is not decided here but in `document_workflows::policy`.
//!
//! Invariants:
//! - what a document shows lives in the tables of [`store`] and in the object store of [`objects`]; no answer, error,
//!   log, span or Temporal message carries any of it;
//! - objects are stored before the row that names them, so a document that is found can be read;
//! - at rest, files and readings are sealed under a key of their document ([`vault`], [`cipher`], [`keyring`]); which
//!   physical document it is stands there as a keyed hash only ([`identity`]);
//! - a page that was read is not read again, however often an activity is retried.
//!
//! Start with [`upload`] for the way in and [`extraction`] for the way through.

#![expect(missing_docs, reason = "the Temporal macros make public items without comments")]

pub mod activities;
pub mod api;
pub mod block_document;
pub mod checking;
pub mod cipher;
pub mod claim_review;
pub mod config;
mod confinement;
pub mod decide_review;
pub mod erase_document;
pub mod extraction;
pub mod get_review_page;
pub mod identity;
pub mod keyring;
pub mod objects;
pub mod profile;
pub mod record_profile_change;
pub mod release_document;
pub mod review;
pub mod store;
pub mod submit_document;
pub mod temporal;
pub mod unblock_document;
pub mod upload;
pub mod upload_document;
mod upload_limits;
pub mod vault;

#[cfg(test)]
mod testing;

pub use activities::{Activities, Extractions};
pub use api::DocumentApi;
pub use config::Config;

use confinement::{cannot_read, log_confinement};
use document_reading::{Files, Reader};
use document_workflows::DocumentVerificationWorkflow;
use document_workflows::contract::{OCR_TASK_QUEUE, TASK_QUEUE};
use extraction::Extractor;
use keyring::Keyring;
use mesh_proto::document::v1::document_service_server::DocumentServiceServer;
use mesh_runtime::{ServiceContext, ServiceParts, clock};
use objects::Objects;
use profile::Profiles;
use std::sync::Arc;
use store::Store;
use temporal::Workflows;
use tokio::sync::Semaphore;
use upload_document::Uploads;
use vault::Vault;

static MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate!();

/// The service, for [`mesh_runtime::run`].
pub struct Document;

impl mesh_runtime::Service for Document {
    const NAME: &'static str = "document";
    const GRPC_LISTEN: &'static str = "127.0.0.1:7402";
    const HEALTH_LISTEN: &'static str = "127.0.0.1:9402";
    const MIGRATIONS: &'static sqlx::migrate::Migrator = &MIGRATIONS;
    type Config = Config;

    async fn build(config: Config, context: ServiceContext) -> anyhow::Result<ServiceParts> {
        let store = Store::new(context.pool.clone());
        let used = store.list_used_keys().await?;
        let keyring = Keyring::open(config.keyring.as_deref(), &config.store_url, &used)?;
        let objects = Objects::open(config.store_url.clone())?;
        objects.ensure_has_some_of(&store.list_newest().await?).await?;
        let vault = Vault::new(store, objects, keyring);
        let files = Files::new(config.files()).map_err(cannot_read)?;
        log_confinement(files.confinement());
        let idempotency = context.idempotency.clone();
        let uploads = Uploads::new(
            vault.clone(),
            idempotency.clone(),
            files,
            config.upload_concurrency.get(),
        );
        let workflows = Workflows::new(context.temporal.clone());
        let api = DocumentApi::new(vault.clone(), idempotency, uploads, workflows);
        let api = DocumentServiceServer::new(api).max_decoding_message_size(context.max_message_bytes);
        let profiles = Profiles::new(context.channel(&config.orchestrator_url, "orchestrator")?);
        let concurrency = config.ocr_concurrency();
        let slots = Arc::new(Semaphore::new(concurrency));
        let (reading, short, cleaned) = (vault.clone(), vault.clone(), vault);
        // Readers are made where they are used, so that an instance that only serves the API needs no OCR engine.
        let extractions = move || {
            let reader = Reader::new(config.reader()).map_err(cannot_read)?;
            anyhow::Ok(Extractions::new(Extractor::new(reading.clone(), reader, slots.clone())))
        };
        Ok(ServiceParts::new(mesh_proto::FILE_DESCRIPTOR_SET)
            .grpc(api)
            .every(vault::CLEANING_INTERVAL, "deleting what nobody needs", move || {
                let vault = cleaned.clone();
                async move { vault.clean(clock::now()).await }
            })
            .worker(TASK_QUEUE, move |worker| {
                worker.register_workflow::<DocumentVerificationWorkflow>()?;
                worker.register_activities(Activities::new(short, profiles));
                Ok(())
            })
            .worker(OCR_TASK_QUEUE, move |worker| {
                // One document for each core; more would only wait inside their time limits instead of in the queue.
                worker.tuner = mesh_runtime::slots(concurrency, context.max_concurrent_workflow_tasks);
                worker.register_activities(extractions()?);
                Ok(())
            }))
    }
}
