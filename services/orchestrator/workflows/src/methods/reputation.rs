//! The method reputation: the reputation service looks at what the member has earned and how far others trust them.

use super::Subject;
use crate::timeouts::ChildLimits;
use mesh_types::MethodOutcome;
use reputation_workflows::ReputationVerificationWorkflow;
use reputation_workflows::contract::{ReputationVerificationRequest, TASK_QUEUE};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use temporalio_common::WorkflowDefinition;

/// The look itself takes seconds; 7 days outlast an outage of the service or of the community service.
pub(super) const LIMITS: ChildLimits = ChildLimits {
    task_queue: TASK_QUEUE,
    time_limit: Duration::from_secs(7 * 24 * 3600),
    attempts: 1,
};

/// What the method needs: nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReputationRequest {}

pub(super) fn child(
    ReputationRequest {}: ReputationRequest,
    subject: Subject,
) -> (
    impl WorkflowDefinition<Input = ReputationVerificationRequest, Output = MethodOutcome> + 'static,
    ReputationVerificationRequest,
) {
    let input = ReputationVerificationRequest {
        verification_id: subject.verification_id,
        member_id: subject.member_id,
    };
    (ReputationVerificationWorkflow::run, input)
}
