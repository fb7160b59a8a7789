//! The edge of the service. `greeter_service.rs` answers its gRPC service: it parses, calls, and renders.

mod greeter_service;
pub mod parse;
pub mod render;

pub use greeter_service::Api;
