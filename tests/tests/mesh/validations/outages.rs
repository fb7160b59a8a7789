//! Answers while something is away that they need: each is told the truth, waits, and counts once.

use super::support::*;
use crate::support::*;
use anyhow::Context;
use mesh_proto::orchestrator::v1::VerificationStatus;
use mesh_testkit::{Fault, Mesh};
use std::time::{Duration, Instant};

const AWAY: Duration = Duration::from_secs(4);

/// What a vote needs.
#[derive(Clone, Copy, Debug)]
enum Dependency {
    Postgres,
    Temporal,
    Reputation,
}

fn set(mesh: &Mesh, dependency: Dependency, fault: Fault) -> anyhow::Result<()> {
    let proxies = mesh.proxies.as_ref().context("it has no proxies")?;
    let proxy = match dependency {
        Dependency::Postgres => &proxies.postgres,
        Dependency::Temporal => &proxies.temporal,
        Dependency::Reputation => &proxies.services["reputation"],
    };
    proxy.set(fault);
    Ok(())
}

/// One of three answers before the outage, one in it, one after it.
pub(super) async fn each_answer_counts_once(mesh: &Mesh) {
    let caller = Caller::of(mesh);
    let outages = [
        (Dependency::Postgres, Fault::HoldAnswers),
        (Dependency::Temporal, Fault::Cut),
        (Dependency::Reputation, Fault::HoldAnswers),
    ];
    for (dependency, fault) in outages {
        let validation = begin(&caller, &[70; 4]).await;
        let voted = validation.submit(&caller, validation.approval(0)).await;
        voted.expect("it counts");
        set(mesh, dependency, fault).expect("the mesh has proxies");
        let begun = Instant::now();
        // Sent again and again until there is a definite word; one request is one vote.
        let told = async {
            let told = validation.submit(&caller, validation.approval(1)).await;
            (told, begun.elapsed())
        };
        let ((during, told_after), ()) = tokio::join!(told, async {
            let over = mesh_testkit::eventually(2 * AWAY, "the outage to end", async || {
                (begun.elapsed() >= AWAY).then_some(())
            });
            over.await.expect("time passes");
            set(mesh, dependency, Fault::None).expect("the mesh has proxies");
        });
        during.expect("it counts");
        assert!(told_after >= AWAY, "{dependency:?} was not needed: {told_after:?}");
        let after = validation.submit(&caller, validation.approval(2)).await;
        after.expect("it counts");
        let ended = caller.end_of(&validation.verification_id).await;
        let progress = ended.methods[0].community.clone().expect("the progress");
        assert_eq!(
            (ended.status(), progress.approvals, progress.rejections),
            (VerificationStatus::Completed, 3, 0),
            "{dependency:?}, {fault:?}"
        );
        println!("vote without {dependency:?}, {fault:?}: told after {told_after:.1?}");
    }
}
