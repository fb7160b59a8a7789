//! The document service's activities.

use super::{ExtractionScript, ReviewScript, Script, Scripts, Shows, decided, lock, permanent, transient};
use document_workflows::contract::definitions as document;
use document_workflows::contract::{
    DecisionRecord, Extraction, ExtractionProgress, ExtractionRequest, ReviewClosing, ReviewDecision, ReviewRequest,
    StoredEvidence, Validity, ValidityRequest,
};
use document_workflows::policy;
use mesh_runtime::clock;
use mesh_types::{Check, CheckName, CheckReason, Decision, DocumentId, Evidence, EvidenceId, EvidenceKind, Open};
use std::sync::Arc;
use std::time::Duration;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

const MINUTE: Duration = Duration::from_secs(60);

/// The document service's activities.
pub struct DocumentFakes(pub Arc<Scripts>);

#[activities]
impl DocumentFakes {
    #[activity(definition = document::ExtractDocumentData)]
    pub async fn extract_document_data(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: ExtractionRequest,
    ) -> Result<Extraction, ActivityError> {
        let script = self.0.of(request.verification_id)?;
        let attempt = {
            let mut seen = lock(&script.seen);
            seen.extractions.push(request);
            seen.extractions.len()
        };
        match script.course.extraction {
            ExtractionScript::BreaksAtFirst if is_first_child(&ctx) => {
                Err(transient("OCR_FAILED", Duration::from_millis(10)))
            }
            ExtractionScript::IsAway => Err(transient("DATABASE_UNAVAILABLE", Duration::from_millis(10))),
            ExtractionScript::MeetsAnOutage if attempt <= 5 => Err(transient(
                ["DATABASE_UNAVAILABLE", "OBJECT_STORE_UNAVAILABLE"][attempt % 2],
                Duration::from_millis(10),
            )),
            ExtractionScript::MeetsAnOutage if attempt <= 7 => Err(transient("OCR_FAILED", Duration::from_millis(10))),
            ExtractionScript::FirstWasErased if attempt == 1 => Err(permanent("DOCUMENT_ERASED")),
            ExtractionScript::Reads
            | ExtractionScript::FirstWasErased
            | ExtractionScript::BreaksAtFirst
            | ExtractionScript::MeetsAnOutage => {
                let document_id = DocumentId::from(clock::new_uuid());
                lock(&script.seen).documents.push(document_id);
                Ok(Extraction {
                    document_id,
                    page_count: 1,
                    mrz_pages: 1,
                })
            }
            ExtractionScript::FindsNoDocument => Err(permanent("DOCUMENT_NOT_FOUND")),
            ExtractionScript::RunsUntilCancelled => {
                let mut heartbeats = tokio::time::interval(Duration::from_millis(50));
                loop {
                    tokio::select! {
                        () = ctx.cancelled() => break,
                        _ = heartbeats.tick() => ctx.record_heartbeat(ExtractionProgress::default()).await?,
                    }
                }
                lock(&script.seen).cancelled_extractions += 1;
                Err(ActivityError::cancelled())
            }
        }
    }

    #[activity(definition = document::CheckDocumentValidity)]
    pub async fn check_document_validity(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: ValidityRequest,
    ) -> Result<Validity, ActivityError> {
        let script = self.0.of(request.verification_id)?;
        let shows = script.shows(request.document_id);
        let check = |name| match (shows, name) {
            (Shows::NoZone, CheckName::MrzFound) => Check::failed(name, CheckReason::ZoneNotFound),
            (Shows::OneSource, CheckName::TwoSources) => Check::failed(name, CheckReason::SingleSource),
            (_, CheckName::VisaAgrees) => Check::not_applicable(name, CheckReason::NoVisa),
            _ => Check::passed(name, CheckReason::PrintAgrees),
        };
        let checks = CheckName::ALL.map(check).to_vec();
        Ok(Validity {
            decided: script.course.ruling.clone().unwrap_or_else(|| policy::decide(&checks)),
            rule_version: policy::RULE_VERSION,
            checks,
        })
    }

    #[activity(definition = document::StoreVerificationEvidence)]
    pub async fn store_verification_evidence(
        self: Arc<Self>,
        ctx: ActivityContext,
        record: DecisionRecord,
    ) -> Result<StoredEvidence, ActivityError> {
        let script = self.0.of(record.verification_id)?;
        if script.course.local_records_fail && ctx.info().is_local {
            return Err(permanent("DATABASE_UNAVAILABLE"));
        }
        if record.decided.decision == Decision::Accepted && script.course.refusal.is_some() {
            return Ok(StoredEvidence {
                refused: script.course.refusal,
                ..StoredEvidence::default()
            });
        }
        let stored = |kind: &Open<EvidenceKind>| Evidence {
            evidence_id: EvidenceId::from(clock::new_uuid()),
            kind: kind.clone(),
            basis: None,
        };
        let evidence = record.decided.proves.iter().map(stored).collect();
        lock(&script.seen).decisions.push(record);
        Ok(StoredEvidence {
            evidence,
            refused: None,
            stands: script.course.stands.clone(),
        })
    }

    #[activity(definition = document::RequestDocumentReview)]
    pub async fn request_document_review(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: ReviewRequest,
    ) -> Result<ReviewDecision, ActivityError> {
        let script = self.0.of(request.verification_id)?;
        let time_for_review = request.expires_at_seconds - request.requested_at_seconds;
        lock(&script.seen).reviews.push(request);
        match script.course.review {
            ReviewScript::FailsToItsEnd if ctx.info().attempt == 1 => {
                let until_the_last_minute = Duration::from_secs(time_for_review.unsigned_abs()) - MINUTE;
                Err(transient("DATABASE_UNAVAILABLE", until_the_last_minute))
            }
            ReviewScript::FailsToItsEnd => Err(transient("DATABASE_UNAVAILABLE", MINUTE)),
            ReviewScript::WaitsForAPerson => {
                let mut review = lock(&script.review);
                if let Some(decision) = review.decision.clone() {
                    return Ok(decision);
                }
                review.waiting = Some(ctx.info().task_token.clone());
                Err(ActivityError::WillCompleteAsync)
            }
        }
    }

    #[activity(definition = document::CloseDocumentReview)]
    pub async fn close_document_review(
        self: Arc<Self>,
        _ctx: ActivityContext,
        closing: ReviewClosing,
    ) -> Result<Option<ReviewDecision>, ActivityError> {
        let script = self.0.of(closing.verification_id)?;
        lock(&script.seen).closings.push(closing);
        Ok(script.course.decided_before_closing.map(decided))
    }
}

fn is_first_child(ctx: &ActivityContext) -> bool {
    let id = ctx.info().workflow_id.as_deref();
    id.is_some_and(|id| id.ends_with("-document-1"))
}

impl Script {
    fn shows(&self, document_id: DocumentId) -> Shows {
        let read = lock(&self.seen).documents.iter().position(|read| *read == document_id);
        let planned = read.and_then(|at| self.course.documents.get(at).copied());
        planned.unwrap_or(Shows::Everything)
    }
}
