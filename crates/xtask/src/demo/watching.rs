//! A verification on the screen: each new fact once, as `WatchVerification` brings it.

use crate::screen::row;
use console::style;
use mesh_proto::community::v1::ValidationProgress;
use mesh_proto::document::v1::{CheckResult, DocumentVerification};
use mesh_proto::orchestrator::v1::{Method, MethodState, MethodStatus, Verification, VerificationStatus};
use mesh_proto::reputation::v1::{Level, ScoreBreakdown};
use mesh_testkit::Mesh;

/// What was shown so far.
#[derive(Default)]
pub struct Watching {
    pages_read: Option<i32>,
    checks: usize,
    methods_shown: Vec<(i32, i32)>,
    /// Validators who were asked, and those who approve.
    answers: (i32, i32),
    /// The score so far.
    score: i32,
    document: MethodStatus,
    community: MethodStatus,
    in_person: MethodStatus,
    is_booked: bool,
    /// Whether the points of a meeting were shown.
    meeting_is_scored: bool,
}

/// Whom a verification waits for.
#[derive(PartialEq, Eq)]
pub enum Waiting {
    /// The member, with another document.
    Member {
        /// How many documents there may still be.
        submissions_left: i32,
        /// How to take a better picture.
        hints: Vec<String>,
    },
    /// A person who looks at the document.
    Reviewer,
    /// A person who looks at the vouches.
    ReviewerOfVouches,
}

impl Waiting {
    /// Whom a verification in progress waits for; nobody while it works.
    pub fn of(verification: &Verification) -> Option<Self> {
        if verification.status() != VerificationStatus::InProgress {
            return None;
        }
        verification.methods.iter().find_map(|method| match method.status() {
            MethodStatus::Resubmit => {
                let document = method.document.clone().unwrap_or_default();
                Some(Waiting::Member {
                    submissions_left: document.submissions_left,
                    hints: document.hints,
                })
            }
            MethodStatus::NeedsReview if method.method() == Method::Community => Some(Waiting::ReviewerOfVouches),
            MethodStatus::NeedsReview => Some(Waiting::Reviewer),
            _ => None,
        })
    }

    /// Prints what they can do.
    pub fn explain(&self, verification_id: &str, mesh: &Mesh) {
        let document_service = mesh.document.grpc_url();
        match self {
            Waiting::Member {
                submissions_left,
                hints,
            } => {
                for hint in hints {
                    println!("{}", row("hint", hint));
                }
                let next = format!(
                    "{submissions_left} more document(s) may be submitted: UploadDocument, then SubmitDocument with \
                     verification_id {verification_id} and the new document_url, at {document_service}"
                );
                println!("{}", row("next", next));
            }
            Waiting::ReviewerOfVouches => {
                let next = "a person decides within 7 days: ListValidationReviews and DecideValidation";
                println!("{}", row("next", next));
            }
            Waiting::Reviewer => {
                let next = format!(
                    "a person decides within 7 days: ListReviews, ClaimReview, GetReviewPage and DecideReview at \
                     {document_service}"
                );
                println!("{}", row("next", next));
            }
        }
    }
}

impl Watching {
    /// Prints what is new.
    pub fn show(&mut self, verification: &Verification) {
        for method in &verification.methods {
            if let Some(document) = &method.document {
                self.show_document(document);
            }
            if let Some(progress) = &method.community {
                self.show_answers(progress);
            }
            self.show_method(method);
            match method.method() {
                Method::Document => self.document = method.status(),
                Method::Community => self.community = method.status(),
                Method::InPerson => {
                    self.in_person = method.status();
                    self.is_booked |= method.in_person.is_some();
                }
                Method::Reputation | Method::Unspecified => {}
            }
        }
        match verification.status() {
            VerificationStatus::InProgress => self.show_growth(verification.breakdown.as_ref()),
            _ => show_end(verification),
        }
        let mut lines = verification.breakdown.iter().flat_map(|sum| &sum.contributions);
        self.meeting_is_scored |= lines.any(|line| line.method == "in_person");
    }

    /// Whether the document was accepted.
    pub fn document_was_accepted(&self) -> bool {
        self.document == MethodStatus::Accepted
    }

    /// Whether something came of the document and was shown: its points, that it gives none, or that somebody is waited for.
    pub fn document_was_looked_at(&self) -> bool {
        match self.document {
            MethodStatus::Unspecified | MethodStatus::InProgress => false,
            MethodStatus::Accepted => self.score > 0,
            _ => true,
        }
    }

    /// Whether an appointment was made.
    pub fn is_booked(&self) -> bool {
        self.is_booked
    }

    /// Whether something came of the meeting and was shown: its points, or that it gives none.
    pub fn meeting_was_looked_at(&self) -> bool {
        match self.in_person {
            MethodStatus::Unspecified | MethodStatus::InProgress => false,
            MethodStatus::Accepted => self.meeting_is_scored,
            _ => true,
        }
    }

    /// How many vouch.
    pub fn approvals(&self) -> usize {
        usize::try_from(self.answers.1).unwrap_or(0)
    }

    /// Whether the community came to something that adds no points, or not yet.
    pub fn community_was_in_vain(&self) -> bool {
        use MethodStatus::{Accepted, InProgress, Unspecified};
        !matches!(self.community, Unspecified | InProgress | Accepted)
    }

    fn show_answers(&mut self, progress: &ValidationProgress) {
        let answers = (progress.invited, progress.approvals);
        if self.answers != answers {
            self.answers = answers;
            let (invited, approvals, needed) = (progress.invited, progress.approvals, progress.approvals_needed);
            let text = format!("{approvals} of {needed} vouch, {invited} asked");
            println!("{}", row("community", text));
        }
    }

    fn show_growth(&mut self, breakdown: Option<&ScoreBreakdown>) {
        if let Some(breakdown) = breakdown.filter(|breakdown| breakdown.score > self.score) {
            self.score = breakdown.score;
            let text = format!("{:>3}  so far, level {}", breakdown.score, level_name(breakdown));
            println!("{}", row("score", text));
        }
    }

    fn show_document(&mut self, document: &DocumentVerification) {
        if self.pages_read != Some(document.pages_read) {
            let (page, pages) = (document.pages_read, document.page_count);
            println!("{}", row("reading", format!("page {page} of {pages}")));
            self.pages_read = Some(document.pages_read);
        }
        for check in document.checks.iter().skip(self.checks) {
            let mark = match check.result() {
                CheckResult::Passed => style("passed").green(),
                CheckResult::Failed => style("FAILED").red(),
                CheckResult::NotApplicable | CheckResult::Unspecified => style("not applicable").dim(),
            };
            let (name, reason) = (&check.name, &check.reason);
            println!("{}", row("check", format!("{name:<28} {mark:<15} {reason}")));
        }
        self.checks = self.checks.max(document.checks.len());
    }

    fn show_method(&mut self, method: &MethodState) {
        let now = (method.method, method.status);
        if method.status() == MethodStatus::InProgress || self.methods_shown.contains(&now) {
            return;
        }
        self.methods_shown.push(now);
        let name = method
            .method()
            .as_str_name()
            .trim_start_matches("METHOD_")
            .to_lowercase();
        let status = method
            .status()
            .as_str_name()
            .trim_start_matches("METHOD_STATUS_")
            .to_lowercase();
        println!("{}", row(&name, status));
        println!("{}", row("", &method.member_reason));
    }
}

fn show_end(verification: &Verification) {
    let status = verification
        .status()
        .as_str_name()
        .trim_start_matches("VERIFICATION_STATUS_")
        .to_lowercase();
    println!("{}", row("verification", status));
    if let Some(breakdown) = &verification.breakdown {
        show_score(breakdown, verification.target_score);
    }
    for step in &verification.next_steps {
        let (method, points) = (&step.method, step.points);
        println!("{}", row("next step", format!("{method}: up to {points} points more")));
    }
}

fn show_score(breakdown: &ScoreBreakdown, target: i32) {
    for line in &breakdown.contributions {
        let (points, kind, method, version) = (line.points, &line.kind, &line.method, line.rule_version);
        let text = format!("{points:>3}  {kind} ({method}, rules version {version})");
        println!("{}", row("points", text));
    }
    for cap in &breakdown.caps {
        let (points, method) = (cap.points, &cap.method);
        let text = match method.as_str() {
            "" => format!("{points:>3}  the cap of 100"),
            method => format!("{points:>3}  the cap of {method}"),
        };
        println!("{}", row("points", text));
    }
    let (score, level) = (breakdown.score, level_name(breakdown));
    println!(
        "{}",
        row("score", format!("{score:>3}  target {target}, level {level}"))
    );
}

fn level_name(breakdown: &ScoreBreakdown) -> String {
    let level = Level::try_from(breakdown.level).unwrap_or_default();
    level.as_str_name().trim_start_matches("LEVEL_").to_lowercase()
}
