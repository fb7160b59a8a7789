//! From typed values to messages.

use crate::methods;
use crate::read_model::Snapshot;
use crate::store::{Member, MethodCount, Reminder, VerificationReport};
use mesh_proto::common::v1::RevocationReason;
use mesh_proto::document::v1::DocumentVerification;
use mesh_proto::fields::timestamp;
use mesh_proto::orchestrator::v1 as proto;
use mesh_proto::reputation::v1::Level;
use mesh_runtime::Access;
use mesh_types::VerificationStatus;

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
        profile_version: member.profile_version,
    }
}

/// A verification as it stands.
pub fn verification(snapshot: Snapshot) -> proto::Verification {
    let Snapshot {
        verification: row,
        state,
        is_progress_unknown,
        mut progress,
    } = snapshot;
    let methods = state.methods.iter();
    let score = (!is_progress_unknown).then_some((state.breakdown, state.next_steps));
    let (breakdown, next_steps) = score.unzip();
    let revoked = row.revoked.map(|revoked| (revoked.reason.into(), revoked.at));
    let (revoked_reason, revoked_at): (Option<RevocationReason>, _) = revoked.unzip();
    proto::Verification {
        verification_id: row.verification_id.to_string(),
        member_id: row.member_id.get(),
        status: row
            .status
            .known()
            .map_or(proto::VerificationStatus::Unspecified, verification_status)
            .into(),
        target_score: i32::from(row.request.target_score.get()),
        methods: methods
            .map(|method| progress.add_to(&method.method, methods::state(method)))
            .collect(),
        breakdown: breakdown.map(Into::into),
        next_steps: next_steps.into_iter().flatten().map(Into::into).collect(),
        started_at: Some(timestamp(row.started_at)),
        ended_at: row.ended_at.map(timestamp),
        progress_unknown: is_progress_unknown,
        revoked_reason: revoked_reason.unwrap_or_default().into(),
        revoked_at: revoked_at.map(timestamp),
    }
}

/// What the caller may read of it.
pub fn for_caller(access: &Access, verification: proto::Verification) -> proto::Verification {
    match access.may_be_anybodys() {
        true => verification,
        false => for_its_member(verification),
    }
}

/// The same for the member who is verified: internal reasons, and what is known of others, are not theirs to read.
fn for_its_member(mut verification: proto::Verification) -> proto::Verification {
    for method in &mut verification.methods {
        method.internal_reason.clear();
        method.document = method.document.take().map(DocumentVerification::for_its_member);
        if let Some(community) = &mut method.community {
            community.internal_reason.clear();
        }
    }
    verification
}

fn verification_status(status: VerificationStatus) -> proto::VerificationStatus {
    match status {
        VerificationStatus::InProgress => proto::VerificationStatus::InProgress,
        VerificationStatus::Completed => proto::VerificationStatus::Completed,
        VerificationStatus::Failed => proto::VerificationStatus::Failed,
        VerificationStatus::Cancelled => proto::VerificationStatus::Cancelled,
        VerificationStatus::Timeout => proto::VerificationStatus::Timeout,
        VerificationStatus::Revoked => proto::VerificationStatus::Revoked,
    }
}

pub fn report(report: VerificationReport) -> proto::VerificationReport {
    use VerificationStatus::{Cancelled, Completed, Failed, InProgress, Revoked, Timeout};
    let statuses = [
        (InProgress, report.in_progress),
        (Completed, report.completed),
        (Failed, report.failed),
        (Cancelled, report.cancelled),
        (Timeout, report.timed_out),
        (Revoked, report.revoked),
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
        trust_network: report.trust_network.map(|figures| proto::TrustNetworkFigures {
            member_count: count(figures.member_count),
            passing_member_count: count(figures.passing_member_count),
            connection_count: count(figures.connection_count),
            connections_made: count(figures.connections_made),
            connections_removed: count(figures.connections_removed),
        }),
    }
}

fn count(figure: u64) -> i64 {
    i64::try_from(figure).unwrap_or(i64::MAX)
}

fn method_count(count: MethodCount) -> proto::VerificationMethodCount {
    proto::VerificationMethodCount {
        method: methods::open_to_proto(&count.method).into(),
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

#[cfg(test)]
mod tests {
    use super::*;
    use mesh_proto::community::v1::ValidationProgress;
    use mesh_proto::document::v1::DocumentCheck;

    #[test]
    fn a_member_reads_sentences_and_no_internal_reason_of_any_method() {
        let check = |name: &str| DocumentCheck {
            name: name.to_owned(),
            ..Default::default()
        };
        let document = DocumentVerification {
            internal_reason: "DOCUMENT_BLOCKLISTED".to_owned(),
            member_reason: "We can't accept this document.".to_owned(),
            checks: vec![check("not_expired"), check("not_blocklisted")],
            ..Default::default()
        };
        let method = |reason: &str, document| proto::MethodState {
            internal_reason: reason.to_owned(),
            member_reason: "A sentence.".to_owned(),
            document,
            ..Default::default()
        };
        let community = |reason: &str, of_validation: &str| proto::MethodState {
            community: Some(ValidationProgress {
                internal_reason: of_validation.to_owned(),
                member_reason: "Somebody from our team looks at it.".to_owned(),
                approvals: 3,
                ..Default::default()
            }),
            ..method(reason, None)
        };
        let whole = proto::Verification {
            verification_id: "one".to_owned(),
            methods: vec![
                method("DOCUMENT_BLOCKLISTED", Some(document.clone())),
                method("NO_REPUTATION", None),
                community("VOUCHES_FORM_A_RING", "VOUCHES_FORM_A_RING"),
            ],
            ..Default::default()
        };
        let document = DocumentVerification {
            internal_reason: String::new(),
            checks: vec![check("not_expired")],
            ..document
        };
        let expected = proto::Verification {
            methods: vec![method("", Some(document)), method("", None), community("", "")],
            ..whole.clone()
        };
        assert_eq!(for_its_member(whole), expected);
    }
}
