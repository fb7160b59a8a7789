//! The method community: the community service asks members whether they vouch.

use super::Subject;
use crate::timeouts::ChildLimits;
use community_workflows::CommunityValidationWorkflow;
use community_workflows::contract::{CommunityValidationRequest, TASK_QUEUE, ValidationRules};
use mesh_types::{IntroductionId, MethodOutcome};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use temporalio_common::WorkflowDefinition;

/// 72 hours for answers, 7 days for a review and 7 days of an outage fit in. Validators are asked once: another child would ask
/// others.
pub(super) const LIMITS: ChildLimits = ChildLimits {
    task_queue: TASK_QUEUE,
    time_limit: Duration::from_secs(18 * 24 * 3600),
    attempts: 1,
};

/// What the method needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CommunityRequest {
    /// What the member agreed to show to validators, as CreateIntroduction returned it.
    pub introduction_id: IntroductionId,
}

pub(super) fn child(
    request: CommunityRequest,
    subject: Subject,
) -> (
    impl WorkflowDefinition<Input = CommunityValidationRequest, Output = MethodOutcome> + 'static,
    CommunityValidationRequest,
) {
    let input = CommunityValidationRequest {
        verification_id: subject.verification_id,
        member_id: subject.member_id,
        introduction_id: request.introduction_id,
        rules: ValidationRules::default(),
    };
    (CommunityValidationWorkflow::run, input)
}
