//! The method reputation.

use mesh_proto::orchestrator::v1 as proto;
use orchestrator_workflows::methods::ReputationRequest;

pub(super) fn parse(proto::ReputationMethod {}: proto::ReputationMethod) -> ReputationRequest {
    ReputationRequest {}
}
