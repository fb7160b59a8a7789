//! Why a verification does not count any more, converted once for the services that say so and the one that follows them.

use crate::common::v1 as proto;
use mesh_types::RevocationReason;

impl From<RevocationReason> for proto::RevocationReason {
    fn from(reason: RevocationReason) -> Self {
        match reason {
            RevocationReason::DocumentBlocked => Self::DocumentBlocked,
            RevocationReason::DocumentErased => Self::DocumentErased,
            RevocationReason::DocumentReleased => Self::DocumentReleased,
            RevocationReason::EvidenceCountered => Self::EvidenceCountered,
            RevocationReason::ProfileChanged => Self::ProfileChanged,
            RevocationReason::Other => Self::Unspecified,
        }
    }
}

impl From<proto::RevocationReason> for RevocationReason {
    fn from(reason: proto::RevocationReason) -> Self {
        match reason {
            proto::RevocationReason::DocumentBlocked => Self::DocumentBlocked,
            proto::RevocationReason::DocumentErased => Self::DocumentErased,
            proto::RevocationReason::DocumentReleased => Self::DocumentReleased,
            proto::RevocationReason::EvidenceCountered => Self::EvidenceCountered,
            proto::RevocationReason::ProfileChanged => Self::ProfileChanged,
            proto::RevocationReason::Unspecified => Self::Other,
        }
    }
}
