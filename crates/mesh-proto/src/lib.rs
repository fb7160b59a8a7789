//! The mesh's contract in Rust: generated messages, clients and servers of `proto/`, and its descriptors for reflection.
//!
//! Another internal service calls the mesh with this crate alone:
//!
//! ```no_run
//! use mesh_proto::reputation::v1::{GetReputationRequest, reputation_service_client::ReputationServiceClient};
//!
//! # async fn example(channel: tonic::transport::Channel, token: &str) -> Result<(), Box<dyn std::error::Error>> {
//! // The channel is TLS with the caller's certificate; the README shows how it is made.
//! let mut reputation = ReputationServiceClient::new(channel);
//! let mut request = tonic::Request::new(GetReputationRequest { member_id: 42, ..Default::default() });
//! request.metadata_mut().insert("authorization", format!("Bearer {token}").parse()?); // the person who acts
//! request.set_timeout(std::time::Duration::from_secs(2)); // bounds the work on every hop below
//! match reputation.get_reputation(request).await {
//!     Ok(answer) => println!("score {}", answer.into_inner().breakdown.map_or(0, |sum| sum.score)),
//!     Err(status) => println!("{:?}: {}", mesh_proto::reason(&status), status.message()),
//! }
//! # Ok(()) }
//! ```
//!
//! Who may call an RPC stands beside it as the option [`common::v1::AccessPolicy`]; this crate is not built while one has none.
//!
//! The words are explained in the `.proto` files; each package is a module, such as [`reputation::v1`]. Written by hand are
//! only [`reason`], the conversions of ids and times ([`fields`]), those of scores and revocations, which several services answer
//! with, and what a member reads of a document's check.

mod document_verification;
pub mod fields;
mod revocation;
mod score;

/// One module for each package of `proto/`, as prost and tonic generate them.
#[expect(
    missing_docs,
    clippy::allow_attributes,
    clippy::allow_attributes_without_reason,
    reason = "as prost and tonic generate it; the .proto files are documented"
)]
mod generated {
    include!(concat!(env!("OUT_DIR"), "/mesh.rs"));
}

pub use generated::voluntier::*;

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
