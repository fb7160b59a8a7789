//! The method in person: the in-person service finds a verifier, who meets the member.

use super::Subject;
use crate::timeouts::ChildLimits;
use in_person_workflows::InPersonVerificationWorkflow;
use in_person_workflows::contract::{InPersonVerificationRequest, MeetingRules, TASK_QUEUE};
use mesh_types::{MeetingPreferenceId, MethodOutcome};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use temporalio_common::WorkflowDefinition;

/// The 7 days for search and meeting, 7 days of an outage and a day to come to an end fit in. There is one child: another one
/// would begin the 7 days anew, and send the member to another appointment.
pub(super) const LIMITS: ChildLimits = ChildLimits {
    task_queue: TASK_QUEUE,
    time_limit: Duration::from_secs(15 * 24 * 3600),
    attempts: 1,
};

/// What the method needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InPersonRequest {
    /// Where and when the member can meet a verifier, as CreateMeetingPreference returned it.
    pub meeting_preference_id: MeetingPreferenceId,
}

pub(super) fn child(
    request: InPersonRequest,
    subject: Subject,
) -> (
    impl WorkflowDefinition<Input = InPersonVerificationRequest, Output = MethodOutcome> + 'static,
    InPersonVerificationRequest,
) {
    let input = InPersonVerificationRequest {
        verification_id: subject.verification_id,
        member_id: subject.member_id,
        meeting_preference_id: request.meeting_preference_id,
        rules: MeetingRules::default(),
    };
    (InPersonVerificationWorkflow::run, input)
}
