//! The gRPC services: parse, call, render.

mod member_service;
pub(crate) mod parse;
pub(crate) mod render;
mod report_service;
mod verification_service;

pub use member_service::MemberApi;
pub use report_service::ReportApi;
pub use verification_service::VerificationApi;
