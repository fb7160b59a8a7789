//! The mesh's contract in Rust: generated messages, clients and servers of `proto/`, and its descriptors for reflection.
//!
//! Another internal service calls the mesh with this crate alone:
//!
//! ```no_run
//! use mesh_proto::reputation::v1::{GetReputationRequest, reputation_service_client::ReputationServiceClient};
//!
//! # async fn example() -> Result<(), Box<dyn std::error::Error>> {
//! let mut reputation = ReputationServiceClient::connect("http://127.0.0.1:7405").await?;
//! let mut request = tonic::Request::new(GetReputationRequest { member_id: 42, ..Default::default() });
//! request.set_timeout(std::time::Duration::from_secs(2)); // bounds the work on every hop below
//! match reputation.get_reputation(request).await {
//!     Ok(answer) => println!("score {}", answer.into_inner().breakdown.map_or(0, |sum| sum.score)),
//!     Err(status) => println!("{:?}: {}", mesh_proto::reason(&status), status.message()),
//! }
//! # Ok(()) }
//! ```
//!
//! The words are explained in the `.proto` files. Written by hand are only [`reason`] and the conversions of scores, which
//! two services answer with.

mod score;

/// Documents: `voluntier.document`.
pub mod document {
    /// `voluntier.document.v1`.
    #[expect(
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "as tonic generates it"
    )]
    pub mod v1 {
        tonic::include_proto!("voluntier.document.v1");
    }
}

/// Scores: `voluntier.reputation`.
pub mod reputation {
    /// `voluntier.reputation.v1`.
    #[expect(
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "as tonic generates it"
    )]
    pub mod v1 {
        tonic::include_proto!("voluntier.reputation.v1");
    }
}

/// Members and verifications: `voluntier.orchestrator`.
pub mod orchestrator {
    /// `voluntier.orchestrator.v1`.
    #[expect(
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "as tonic generates it"
    )]
    pub mod v1 {
        tonic::include_proto!("voluntier.orchestrator.v1");
    }
}

/// The encoded `FileDescriptorSet` of all packages, for gRPC reflection.
pub const FILE_DESCRIPTOR_SET: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/descriptors.bin"));

/// The stable reason of an error, e.g. `MEMBER_NOT_FOUND`: the `google.rpc.ErrorInfo` of the domain `voluntier`.
pub fn reason(status: &tonic::Status) -> Option<String> {
    use tonic_types::StatusExt;
    status
        .get_details_error_info()
        .filter(|info| info.domain == "voluntier")
        .map(|info| info.reason)
}
