//! Acts 3 and 4: a verifier nearby is found, booked and met, the neighbours vouch, and the member is at gold; once with a document
//! and once without any.

use super::calls::Calls;
use super::material::{Material, Profile};
use super::member::Member;
use super::neighbours::{self, Neighbours};
use super::verifiers;
use super::watching::Watching;
use crate::screen::row;
use anyhow::Context;
use mesh_proto::in_person::v1::{Location, VerifierMethod};
use mesh_proto::orchestrator::v1::method_request::Method;
use mesh_proto::orchestrator::v1::{Verification, VerificationStatus};
use mesh_proto::reputation::v1::Level;
use mesh_testkit::Mesh;
use std::time::Duration;

/// Gold. The neighbours give 50 points, and a meeting 30, or 40 with an original document: enough together, whatever comes of a
/// picture of a document, which gives 30 at most.
const TARGET_SCORE: i32 = 75;
/// The longest that an act lasts.
const PATIENCE: Duration = Duration::from_secs(120);

/// Plays both acts. No document of them is the one of this seed.
///
/// # Errors
/// When a call fails, an act does not come to its end, or its member is not at gold then.
pub async fn run(mesh: &Mesh, seed: u64) -> anyhow::Result<()> {
    verifiers::register(&Calls::of(mesh)).await?;
    for act in acts(seed) {
        println!("\n==> {}\n", act.title);
        let played = tokio::time::timeout(PATIENCE, act.play(mesh)).await;
        let seconds = PATIENCE.as_secs();
        played.with_context(|| format!("not over after {seconds} s: {}", act.title))??;
    }
    Ok(())
}

/// A member who is verified by a meeting, by neighbours, and by a document if there is one.
struct Act {
    title: &'static str,
    member_id: i64,
    profile: Profile,
    document: Option<Material>,
    home: Location,
}

fn acts(seed: u64) -> [Act; 2] {
    let passport = Material::passport(seed.wrapping_add(1));
    let with_a_document = Act {
        title: "act 3: a verifier nearby is found, booked and met",
        member_id: 2,
        profile: passport.profile.clone(),
        document: Some(passport),
        home: verifiers::place(0),
    };
    let without_any = Act {
        title: "act 4: the same without any document",
        member_id: 3,
        profile: Profile {
            given_names: "Tomma".to_owned(),
            family_name: "Wendel".to_owned(),
            birth_date: "1991-05-17".to_owned(),
        },
        document: None,
        home: verifiers::place(66),
    };
    [with_a_document, without_any]
}

impl Act {
    async fn play(&self, mesh: &Mesh) -> anyhow::Result<()> {
        let calls = &Calls::of(mesh);
        let member = &Member {
            calls,
            id: self.member_id,
        };
        member.register(&self.profile).await?;
        Neighbours::befriend(calls, self.member_id).await?;
        let others = "whoever was verified before has a score by now, and is asked as well";
        println!("{}", row("", others));
        let nearest = verifiers::search(calls, self.home, self.checks()).await?;
        let methods = self.methods(member).await?;
        let verification_id = member.start(methods, TARGET_SCORE).await?;
        let end = self.watch(member, &verification_id, nearest).await?;
        println!("\n{}", row("trace", &calls.trace_id));
        ensure_gold(&end)
    }

    /// What the verifier is to check.
    fn checks(&self) -> &'static [VerifierMethod] {
        match self.document {
            Some(_) => &[VerifierMethod::Identity, VerifierMethod::OriginalDocument],
            None => &[VerifierMethod::Identity],
        }
    }

    async fn methods(&self, member: &Member<'_>) -> anyhow::Result<Vec<Method>> {
        let mut methods = Vec::new();
        if let Some(document) = &self.document {
            methods.push(member.upload(document).await?);
        }
        methods.push(neighbours::introduce(member.calls, member.id, &self.profile.shown_name()).await?);
        methods.push(verifiers::prefer(member, self.home, self.checks()).await?);
        Ok(methods)
    }

    /// Shows the verification until it ends; how it ended. The mesh runs all methods side by side, the people take turns: the two
    /// meet when the document was looked at. The neighbours vouch last, because their points may be enough, and then what is still
    /// open is called off.
    async fn watch(&self, member: &Member<'_>, verification_id: &str, nearest: i64) -> anyhow::Result<Verification> {
        let mut changes = member.watch(verification_id).await?;
        let (mut watching, mut neighbours) = (Watching::default(), Neighbours::default());
        let (mut appointment, mut have_met) = (None, false);
        while let Some(verification) = changes.next().await? {
            watching.show(&verification);
            if verification.status() != VerificationStatus::InProgress {
                return Ok(verification);
            }
            if appointment.is_none() && watching.is_booked() {
                appointment = Some(verifiers::read_appointment(member, verification_id, nearest).await?);
            }
            let can_meet = self.document.is_none() || watching.document_was_looked_at();
            if let Some(appointment) = &appointment
                && can_meet
                && !have_met
            {
                verifiers::meet(member, appointment, self.checks()).await?;
                have_met = true;
            }
            if watching.meeting_was_looked_at() {
                neighbours
                    .go_on(member.calls, verification_id, watching.approvals())
                    .await?;
            }
        }
        anyhow::bail!("the watch ended before the verification did")
    }
}

fn ensure_gold(end: &Verification) -> anyhow::Result<()> {
    let breakdown = end.breakdown.clone().unwrap_or_default();
    let is_gold = breakdown.level() == Level::Gold && breakdown.score >= TARGET_SCORE;
    anyhow::ensure!(
        is_gold && end.status() == VerificationStatus::Completed,
        "the act ended at {} points, and not at gold",
        breakdown.score
    );
    Ok(())
}
