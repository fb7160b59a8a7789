//! From typed values to messages.

use crate::store::{Member, MethodCount, Reminder, ReminderPlace, Verification, VerificationReport};
use jiff::Timestamp;
use mesh_proto::document::v1::{DocumentDecision, DocumentVerification};
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::reputation::v1::Level;
use mesh_types::{Method, ScoreBreakdown, VerificationStatus};
use orchestrator_workflows::contract::{MethodRequest, MethodState, MethodStatus, VerificationState};

pub fn timestamp(at: Timestamp) -> prost_types::Timestamp {
    prost_types::Timestamp {
        seconds: at.as_second(),
        nanos: at.subsec_nanosecond(),
    }
}

pub fn member(member: Member) -> proto::Member {
    proto::Member {
        member_id: member.member_id.get(),
        profile: Some(proto::MemberProfile {
            given_names: member.profile.given_names,
            family_name: member.profile.family_name,
            birth_date: member.profile.birth_date.to_string(),
            email: member.profile.email.unwrap_or_default(),
        }),
        registered_at: Some(timestamp(member.registered_at)),
    }
}

/// How a verification stands before its workflow has said a word.
pub fn initial_state(verification: &Verification) -> VerificationState {
    let in_progress = |chosen: &MethodRequest| MethodState {
        method: chosen.method(),
        status: MethodStatus::InProgress,
        internal_reason: String::new(),
        member_reason: String::new(),
    };
    VerificationState {
        verification_id: verification.request.verification_id,
        status: verification.status,
        methods: verification.request.methods.iter().map(in_progress).collect(),
        breakdown: ScoreBreakdown::of(Vec::new()),
        next_steps: Vec::new(),
    }
}

/// A verification as `state` says it stands; the document's check stands beside its method.
pub fn verification(
    row: &Verification,
    state: VerificationState,
    mut document: Option<DocumentVerification>,
) -> proto::Verification {
    let methods = state.methods.into_iter().map(|method| match method.method {
        Method::Document => document_method(method, document.take()),
        Method::Reputation => method_state(method, proto::Method::Reputation),
    });
    proto::Verification {
        verification_id: row.request.verification_id.to_string(),
        member_id: row.request.member_id.get(),
        status: verification_status(row.status).into(),
        target_score: i32::from(row.request.target_score.get()),
        methods: methods.collect(),
        breakdown: Some(state.breakdown.into()),
        next_steps: state.next_steps.into_iter().map(Into::into).collect(),
        started_at: Some(timestamp(row.started_at)),
        ended_at: row.ended_at.map(timestamp),
    }
}

fn method_state(state: MethodState, method: proto::Method) -> proto::MethodState {
    proto::MethodState {
        method: method.into(),
        status: method_status(state.status).into(),
        member_reason: state.member_reason,
        internal_reason: state.internal_reason,
        document: None,
    }
}

/// The method document: while it runs the document service knows whether another document or a person is waited for, and
/// at its end what a reviewer wrote to the member.
fn document_method(state: MethodState, document: Option<DocumentVerification>) -> proto::MethodState {
    let mut shown = method_state(state, proto::Method::Document);
    if let Some(document) = &document {
        let status = match document.decision() {
            DocumentDecision::Accepted => proto::MethodStatus::Accepted,
            DocumentDecision::Rejected => proto::MethodStatus::Rejected,
            DocumentDecision::Resubmit => proto::MethodStatus::Resubmit,
            DocumentDecision::NeedsReview => proto::MethodStatus::NeedsReview,
            DocumentDecision::Unspecified => proto::MethodStatus::InProgress,
        };
        let is_waiting = matches!(status, proto::MethodStatus::Resubmit | proto::MethodStatus::NeedsReview);
        if shown.status() == proto::MethodStatus::InProgress && is_waiting {
            shown.set_status(status);
            shown.internal_reason.clone_from(&document.internal_reason);
        }
        if shown.status() == status && !document.member_reason.is_empty() {
            shown.member_reason.clone_from(&document.member_reason);
        }
    }
    proto::MethodState { document, ..shown }
}

fn method_status(status: MethodStatus) -> proto::MethodStatus {
    match status {
        MethodStatus::InProgress => proto::MethodStatus::InProgress,
        MethodStatus::Accepted => proto::MethodStatus::Accepted,
        MethodStatus::Rejected => proto::MethodStatus::Rejected,
        MethodStatus::Resubmit => proto::MethodStatus::Resubmit,
        MethodStatus::Failed => proto::MethodStatus::Failed,
        MethodStatus::Cancelled => proto::MethodStatus::Cancelled,
    }
}

fn verification_status(status: VerificationStatus) -> proto::VerificationStatus {
    match status {
        VerificationStatus::InProgress => proto::VerificationStatus::InProgress,
        VerificationStatus::Completed => proto::VerificationStatus::Completed,
        VerificationStatus::Failed => proto::VerificationStatus::Failed,
        VerificationStatus::Cancelled => proto::VerificationStatus::Cancelled,
        VerificationStatus::Timeout => proto::VerificationStatus::Timeout,
    }
}

pub fn report(report: VerificationReport) -> proto::VerificationReport {
    use VerificationStatus::{Cancelled, Completed, Failed, InProgress, Timeout};
    let statuses = [
        (InProgress, report.in_progress),
        (Completed, report.completed),
        (Failed, report.failed),
        (Cancelled, report.cancelled),
        (Timeout, report.timed_out),
    ];
    let status_count = |(status, count)| proto::VerificationStatusCount {
        status: verification_status(status).into(),
        count,
    };
    let level_count = |(level, count)| proto::VerificationLevelCount {
        level: Level::from(level).into(),
        count,
    };
    proto::VerificationReport {
        month: report.month.to_string(),
        statuses: statuses.map(status_count).into(),
        methods: report.methods.into_iter().map(method_count).collect(),
        levels: report.levels.map(level_count).into(),
        median_time_to_complete: report
            .median_seconds
            .map(|seconds| prost_types::Duration { seconds, nanos: 0 }),
        computed_at: Some(timestamp(report.computed_at)),
    }
}

fn method_count(count: MethodCount) -> proto::VerificationMethodCount {
    let method = match count.method {
        Method::Document => proto::Method::Document,
        Method::Reputation => proto::Method::Reputation,
    };
    proto::VerificationMethodCount {
        method: method.into(),
        accepted: count.accepted,
        not_accepted: count.not_accepted,
    }
}

pub fn reminder(reminder: &Reminder) -> proto::VerificationReminder {
    proto::VerificationReminder {
        verification_id: reminder.verification_id.to_string(),
        member_id: reminder.member_id.get(),
        week: reminder.week.monday().to_string(),
        reminded_at: Some(timestamp(reminder.reminded_at)),
    }
}

/// The token of a place in the list of reminders.
pub fn reminder_token(place: ReminderPlace) -> String {
    let verification_id = place.verification_id.uuid().simple();
    format!("{}.{verification_id}", place.week.monday())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(status: MethodStatus) -> MethodState {
        let ended = status != MethodStatus::InProgress;
        let text = |text: &str| if ended { text.to_owned() } else { String::new() };
        MethodState {
            method: Method::Document,
            status,
            internal_reason: text("OF_THE_WORKFLOW"),
            member_reason: text("The workflow's sentence."),
        }
    }

    fn document(decision: DocumentDecision, member_reason: &str) -> DocumentVerification {
        DocumentVerification {
            decision: decision.into(),
            member_reason: member_reason.to_owned(),
            internal_reason: "OF_THE_DOCUMENT".to_owned(),
            ..Default::default()
        }
    }

    #[test]
    fn a_document_that_waits_is_shown_and_the_workflow_says_the_end() {
        use DocumentDecision as D;
        use MethodStatus as W;
        use proto::MethodStatus as M;
        let (of_document, of_workflow) = ("OF_THE_DOCUMENT", "OF_THE_WORKFLOW");
        let table = [
            (W::InProgress, D::Unspecified, "", M::InProgress, "", ""),
            (
                W::InProgress,
                D::Resubmit,
                "Sharper.",
                M::Resubmit,
                of_document,
                "Sharper.",
            ),
            (
                W::InProgress,
                D::NeedsReview,
                "Wait.",
                M::NeedsReview,
                of_document,
                "Wait.",
            ),
            // It is decided, but not scored: the workflow says when it has ended.
            (W::InProgress, D::Accepted, "Fine.", M::InProgress, "", ""),
            (
                W::Rejected,
                D::Rejected,
                "Of the reviewer.",
                M::Rejected,
                of_workflow,
                "Of the reviewer.",
            ),
            (
                W::Rejected,
                D::Rejected,
                "",
                M::Rejected,
                of_workflow,
                "The workflow's sentence.",
            ),
            (
                W::Cancelled,
                D::NeedsReview,
                "Wait.",
                M::Cancelled,
                of_workflow,
                "The workflow's sentence.",
            ),
            (
                W::Failed,
                D::Resubmit,
                "Sharper.",
                M::Failed,
                of_workflow,
                "The workflow's sentence.",
            ),
        ];
        for (status, decision, text, shown_status, reason, member_reason) in table {
            let shown = document_method(state(status), Some(document(decision, text)));
            let what = (
                shown.status(),
                shown.internal_reason.as_str(),
                shown.member_reason.as_str(),
            );
            assert_eq!(
                what,
                (shown_status, reason, member_reason),
                "{status:?} and {decision:?}"
            );
        }
        assert_eq!(document_method(state(W::InProgress), None).status(), M::InProgress);
    }
}
