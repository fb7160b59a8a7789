//! Acts 1 and 2: a document is read and checked, and neighbours vouch.

use super::Arguments;
use super::calls::Calls;
use super::material::Material;
use super::member::Member;
use super::neighbours::{self, Neighbours};
use super::watching::{Waiting, Watching};
use crate::screen::row;
use mesh_proto::orchestrator::v1::VerificationStatus;
use mesh_testkit::Mesh;

const MEMBER_ID: i64 = 1;
/// Silver: more than a document reaches alone.
const TARGET_SCORE: i32 = 50;

/// Carries one verification through, as far as it goes without another document and a reviewer, and prints each step. Whether
/// the document was accepted.
///
/// # Errors
/// When a call fails.
pub async fn run(mesh: &Mesh, arguments: &Arguments) -> anyhow::Result<bool> {
    let material = Material::of(arguments)?;
    println!("\n==> acts 1 and 2: a document is read, and neighbours vouch\n");
    let calls = &Calls::of(mesh);
    let member = &Member { calls, id: MEMBER_ID };
    member.register(&material.profile).await?;
    Neighbours::move_in(calls).await?;
    Neighbours::befriend(calls, MEMBER_ID).await?;
    let document = member.upload(&material).await?;
    let community = neighbours::introduce(calls, MEMBER_ID, &material.profile.shown_name()).await?;
    let verification_id = member.start(vec![document, community], TARGET_SCORE).await?;
    let accepted = watch(member, &verification_id, arguments.keep).await?;
    println!("\n{}", row("trace", &calls.trace_id));
    Ok(accepted)
}

/// Shows the verification until it ends, or, if it is kept, until it waits for somebody; the neighbours vouch once the document was
/// looked at. Whether the document was accepted.
async fn watch(member: &Member<'_>, verification_id: &str, keep: bool) -> anyhow::Result<bool> {
    let mut changes = member.watch(verification_id).await?;
    let (mut watching, mut neighbours) = (Watching::default(), Neighbours::default());
    let (mut told, mut cancelled) = (None, false);
    while let Some(verification) = changes.next().await? {
        watching.show(&verification);
        let waiting = Waiting::of(&verification);
        if waiting.is_some() && waiting != told {
            waiting
                .iter()
                .for_each(|waiting| waiting.explain(verification_id, member.calls.mesh));
            told = waiting;
            if keep {
                break;
            }
        }
        if verification.status() != VerificationStatus::InProgress || !watching.document_was_looked_at() {
            continue;
        }
        if watching.community_was_in_vain() {
            if told.is_some() && !cancelled {
                let why = "nobody answers in a demo, so the verification is cancelled (with --keep it goes on waiting)";
                println!("\n{why}");
                member.cancel(verification_id).await?;
                cancelled = true;
            }
            continue;
        }
        neighbours
            .go_on(member.calls, verification_id, watching.approvals())
            .await?;
    }
    Ok(watching.document_was_accepted())
}
