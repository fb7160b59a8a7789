//! What the workflow asks for, bound to the contract's names.

use crate::checking;
use crate::extraction::Extractor;
use crate::profile::Profiles;
use crate::store::Store;
use document_workflows::contract::{
    Extraction, ExtractionProgress, ExtractionRequest, RulingRecord, StoredEvidence, Validity, ValidityRequest,
    definitions,
};
use mesh_runtime::Problem;
use std::sync::Arc;
use std::time::Duration;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;
use tokio::sync::watch;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

/// How often an extraction says that it lives, between its pages too: while it waits for its turn or reads a large page.
/// A cancellation comes with the answer.
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(1);

/// The service's activities. Each may come twice, and the second time changes nothing.
pub struct Activities {
    extractor: Extractor,
    store: Store,
    profiles: Profiles,
}

impl Activities {
    /// Over the reader, the tables, and the orchestrator's profiles.
    pub fn new(extractor: Extractor, store: Store, profiles: Profiles) -> Self {
        Self {
            extractor,
            store,
            profiles,
        }
    }
}

#[activities]
impl Activities {
    /// Reads every page that was not read yet, with a heartbeat for each and at least one a second.
    #[activity(definition = definitions::ExtractDocumentData)]
    pub async fn extract_document_data(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: ExtractionRequest,
    ) -> Result<Extraction, ActivityError> {
        let (progress, mut reached) = watch::channel(ExtractionProgress::default());
        let mut extraction = Box::pin(self.extractor.extract(&request, &progress));
        let mut heartbeat = interval_at(Instant::now() + HEARTBEAT_INTERVAL, HEARTBEAT_INTERVAL);
        heartbeat.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            // What is dropped with the loop takes its OCR process with it.
            tokio::select! {
                () = ctx.cancelled() => return Err(ActivityError::cancelled()),
                extracted = &mut extraction => return Ok(extracted?),
                Ok(()) = reached.changed() => {}
                _ = heartbeat.tick() => {}
            }
            let reached = *reached.borrow_and_update();
            ctx.record_heartbeat(reached).await.map_err(Problem::internal)?;
        }
    }

    /// Checks what was read, also against the member's profile at the orchestrator.
    #[activity(definition = definitions::CheckDocumentValidity)]
    pub async fn check_document_validity(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ValidityRequest,
    ) -> Result<Validity, ActivityError> {
        let profile = self.profiles.get(request.member_id);
        Ok(Validity {
            checks: checking::check_document(&self.store, &request, profile).await?,
        })
    }

    /// Records the ruling and its evidence in one transaction.
    #[activity(definition = definitions::StoreVerificationEvidence)]
    pub async fn store_verification_evidence(
        self: Arc<Self>,
        _ctx: ActivityContext,
        record: RulingRecord,
    ) -> Result<StoredEvidence, ActivityError> {
        Ok(StoredEvidence {
            evidence: checking::record_ruling(&self.store, record).await?,
        })
    }
}
