//! What a verification costs in Temporal (at most 47 history events and 7 workflow tasks).

use crate::support::*;
use mesh_testkit::Mesh;

const MAX_EVENTS: usize = 47;
const MAX_WORKFLOW_TASKS: usize = 7;

/// The types of a workflow's history events.
async fn events(mesh: &Mesh, workflow_id: &str) -> Vec<String> {
    let shown = mesh
        .temporal
        .command(&["workflow", "show", "--workflow-id", workflow_id, "--output", "json"])
        .await;
    let shown = shown.unwrap_or_else(|error| panic!("{error:#}"));
    let history: serde_json::Value = serde_json::from_str(&shown).expect("a history is JSON");
    let events = history["events"].as_array().expect("a history has events");
    events
        .iter()
        .map(|event| event["eventType"].as_str().unwrap_or_default().to_owned())
        .collect()
}

#[tokio::test]
async fn a_document_only_verification_stays_within_its_budget() {
    let mesh = shared_mesh().await;
    let caller = Caller::of(mesh);
    let passport = passport(60);
    let (_, verification_id) = caller.start_with(passport.truth(), &[picture(&passport)]).await;
    let mut all = Vec::new();
    for workflow_id in [
        format!("verification-{verification_id}"),
        format!("verification-{verification_id}-document-1"),
    ] {
        // Temporal alone is asked: a GetVerification that comes while the end is recorded costs one more workflow task.
        let look = async || {
            Some(events(mesh, &workflow_id).await)
                .filter(|events| events.last().is_some_and(|last| last.ends_with("EXECUTION_COMPLETED")))
        };
        let history = mesh_testkit::eventually(PATIENCE, "the workflow to close", look).await;
        all.extend(history.unwrap_or_else(|error| panic!("{error}")));
    }
    let tasks = all
        .iter()
        .filter(|event| event.ends_with("WORKFLOW_TASK_COMPLETED"))
        .count();
    println!(
        "document-only verification: {} history events, {tasks} workflow tasks",
        all.len()
    );
    assert!(all.len() <= MAX_EVENTS && tasks <= MAX_WORKFLOW_TASKS, "{all:#?}");
}
