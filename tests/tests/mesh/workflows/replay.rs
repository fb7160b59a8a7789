//! What has begun under older code goes on under this one: every recorded history replays, and an edit that would break
//! one is caught.

use super::support::histories;
use anyhow::{Context, bail, ensure};
use community_workflows::CommunityValidationWorkflow;
use document_workflows::DocumentVerificationWorkflow;
use document_workflows::contract::{
    DOCUMENT_VERIFICATION_WORKFLOW, DocumentActivities, DocumentOutcome, DocumentVerificationRequest,
    ExtractionRequest, ValidityRequest,
};
use document_workflows::policy;
use in_person_workflows::InPersonVerificationWorkflow;
use mesh_types::{Check, CheckName, CheckReason, Decision, DocumentId};
use orchestrator_workflows::{VerificationReminderWorkflow, VerificationReportWorkflow, VerificationWorkflow};
use prost::Message;
use reputation_workflows::{ReputationBatchUpdateWorkflow, ReputationDecayWorkflow, ReputationVerificationWorkflow};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;
use temporalio_common::protos::temporal::api::history::v1::History;
use temporalio_common::protos::temporal::api::history::v1::history_event::Attributes;
use temporalio_macros::{workflow, workflow_methods};
use temporalio_sdk::workflow_replayer::{
    WorkflowReplayError, WorkflowReplayFailure, WorkflowReplayer, WorkflowReplayerOptions,
};
use temporalio_workflow::{ActivityOptions, WorkflowContext, WorkflowContextView, WorkflowResult};

#[tokio::test]
async fn every_recorded_history_replays() -> anyhow::Result<()> {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<VerificationWorkflow>()?
        .register_workflow::<VerificationReminderWorkflow>()?
        .register_workflow::<VerificationReportWorkflow>()?
        .register_workflow::<DocumentVerificationWorkflow>()?
        .register_workflow::<CommunityValidationWorkflow>()?
        .register_workflow::<InPersonVerificationWorkflow>()?
        .register_workflow::<ReputationVerificationWorkflow>()?
        .register_workflow::<ReputationDecayWorkflow>()?
        .register_workflow::<ReputationBatchUpdateWorkflow>()?
        .build();
    let replayer = WorkflowReplayer::new(options)?;
    let mut broken = Vec::new();
    for service in ["orchestrator", "document", "community", "in-person", "reputation"] {
        for file in files(&histories(service))? {
            let replayed = replayer.replay_workflow(read(&file)?.into()).await;
            if let Err(error) = replayed {
                broken.push(format!("{}: {error}", file.display()));
            }
        }
    }
    ensure!(broken.is_empty(), "these do not replay:\n{}", broken.join("\n"));
    Ok(())
}

/// The rules may change while a verification waits for a person, so its replay must not depend on what they say of the checks.
#[tokio::test]
async fn a_verification_that_waits_replays_whatever_its_checks_amount_to_by_now() -> anyhow::Result<()> {
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<DocumentVerificationWorkflow>()?
        .build();
    let replayer = WorkflowReplayer::new(options)?;
    let recorded = read(&histories("document").join("accepted-by-a-person.binpb"))?;
    let mut amount_to = BTreeSet::new();
    for seed in 0..200 {
        let checks = invented_checks(seed);
        amount_to.insert(policy::decide(&checks).decision.as_str());
        let history = with_checks(recorded.clone(), &checks)?;
        let replayed = replayer.replay_workflow(history.into()).await;
        replayed.with_context(|| format!("with {checks:?}"))?;
    }
    ensure!(amount_to.len() > 1, "all checks amount to the same: {amount_to:?}");
    Ok(())
}

/// Every check with a result by chance, most of them passed.
fn invented_checks(seed: u64) -> Vec<Check> {
    let mut number = seed;
    let mut chance = || {
        // Knuth's linear congruential generator (MMIX).
        number = number
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        number >> 59
    };
    let check = |name| match chance() {
        0 => Check::failed(name, CheckReason::ZoneNotFound),
        1 => Check::not_applicable(name, CheckReason::NoZone),
        _ => Check::passed(name, CheckReason::PrintAgrees),
    };
    CheckName::ALL.map(check).to_vec()
}

/// The history, as if the checks of the document had come out so.
fn with_checks(mut history: History, checks: &[Check]) -> anyhow::Result<History> {
    let results = history
        .events
        .iter_mut()
        .filter_map(|event| match &mut event.attributes {
            Some(Attributes::ActivityTaskCompletedEventAttributes(completed)) => completed.result.as_mut(),
            _ => None,
        });
    let mut changed = 0;
    for payload in results.flat_map(|result| &mut result.payloads) {
        let mut value: serde_json::Value = serde_json::from_slice(&payload.data)?;
        if value.get("checks").is_some() {
            value["checks"] = serde_json::to_value(checks)?;
            payload.data = serde_json::to_vec(&value)?;
            changed += 1;
        }
    }
    ensure!(changed == 1, "{changed} results hold checks");
    Ok(history)
}

#[tokio::test]
async fn a_nondeterministic_edit_is_caught() -> anyhow::Result<()> {
    let history = read(&histories("document").join("accepted.binpb"))?;
    let options = WorkflowReplayerOptions::new()
        .register_workflow::<ChecksBeforeItExtracts>()?
        .build();
    match WorkflowReplayer::new(options)?.replay_workflow(history.into()).await {
        Err(WorkflowReplayError::Replay(WorkflowReplayFailure::Nondeterminism { .. })) => Ok(()),
        other => bail!("activities in another order replayed as {other:?}"),
    }
}

/// The seeded edit: the real workflow's first two activities, the other way round.
#[workflow]
struct ChecksBeforeItExtracts {
    request: DocumentVerificationRequest,
}

#[workflow_methods]
impl ChecksBeforeItExtracts {
    #[init]
    fn new(_ctx: &WorkflowContextView, request: DocumentVerificationRequest) -> Self {
        Self { request }
    }

    #[run(name = DOCUMENT_VERIFICATION_WORKFLOW)]
    async fn run(ctx: &mut WorkflowContext<Self>) -> WorkflowResult<DocumentOutcome> {
        let request = ctx.state(|state| state.request.clone());
        let options = || ActivityOptions::with_start_to_close_timeout(Duration::from_secs(300)).build();
        let validity = ValidityRequest {
            verification_id: request.verification_id,
            document_id: DocumentId::from(request.verification_id.uuid()),
            member_id: request.member_id,
            document_kind: request.document_kind,
            as_of_seconds: 0,
        };
        ctx.execute_activity(DocumentActivities::check_document_validity, validity, options())
            .await?;
        let extraction = ExtractionRequest {
            verification_id: request.verification_id,
            member_id: request.member_id,
            document_url: request.document_url,
            submission: 1,
        };
        ctx.execute_activity(DocumentActivities::extract_document_data, extraction, options())
            .await?;
        Ok(DocumentOutcome {
            decision: Decision::Resubmit,
            member_reason: String::new(),
            internal_reason: String::new(),
            evidence: Vec::new(),
        })
    }
}

/// The histories in a folder, in the order of their names.
fn files(folder: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let entries = std::fs::read_dir(folder).with_context(|| format!("no folder {}", folder.display()))?;
    let paths: Result<Vec<_>, _> = entries.map(|entry| entry.map(|entry| entry.path())).collect();
    let mut paths = paths?;
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "binpb"));
    paths.sort();
    ensure!(!paths.is_empty(), "no histories in {}", folder.display());
    Ok(paths)
}

fn read(file: &Path) -> anyhow::Result<History> {
    let bytes = std::fs::read(file).with_context(|| format!("cannot read {}", file.display()))?;
    let history = History::decode(bytes.as_slice()).with_context(|| format!("{} is no history", file.display()))?;
    ensure!(!history.events.is_empty(), "{} is empty", file.display());
    Ok(history)
}
