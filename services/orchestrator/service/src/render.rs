//! From typed values to messages.

use crate::store::{Member, Verification};
use jiff::Timestamp;
use mesh_proto::document::v1::DocumentVerification;
use mesh_proto::orchestrator::v1 as proto;
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
    let methods = state.methods.into_iter().map(|method| proto::MethodState {
        method: match method.method {
            Method::Document => proto::Method::Document.into(),
            Method::Reputation => proto::Method::Reputation.into(),
        },
        document: if method.method == Method::Document {
            document.take()
        } else {
            None
        },
        status: method_status(method.status).into(),
        member_reason: method.member_reason,
        internal_reason: method.internal_reason,
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
