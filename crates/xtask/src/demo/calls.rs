//! How the demo calls the mesh: as the platform's backend, for a person, in one trace.

use mesh_testkit::{Acting, ActingChannel, Mesh, new_uuid};
use tonic::Request;

/// An operator of the platform, who records what members did.
const OPERATOR_ID: i64 = 1_000;

/// The mesh, called within one trace.
pub struct Calls<'a> {
    /// The mesh.
    pub mesh: &'a Mesh,
    /// The trace (W3C trace context), so that one trace shows the whole conversation.
    pub trace_id: String,
}

impl<'a> Calls<'a> {
    /// Calls within a new trace.
    pub fn of(mesh: &'a Mesh) -> Self {
        Self {
            mesh,
            trace_id: new_uuid().simple().to_string(),
        }
    }

    /// A service, for a member.
    ///
    /// # Errors
    /// When there is no such service.
    pub fn as_member(&self, member_id: i64, service: &str) -> anyhow::Result<ActingChannel> {
        self.as_person(member_id, "member", service)
    }

    /// A service, for an operator.
    ///
    /// # Errors
    /// When there is no such service.
    pub fn as_operator(&self, service: &str) -> anyhow::Result<ActingChannel> {
        self.as_person(OPERATOR_ID, "operator", service)
    }

    /// A service, for a verifier.
    ///
    /// # Errors
    /// When there is no such service.
    pub fn as_verifier(&self, verifier_id: i64, service: &str) -> anyhow::Result<ActingChannel> {
        self.as_person(verifier_id, "verifier", service)
    }

    fn as_person(&self, person: i64, role: &str, service: &str) -> anyhow::Result<ActingChannel> {
        let token = self.mesh.issuer().token(person, &[role]);
        Ok(Acting::platform(&token).by(self.mesh.channel(service)?))
    }

    /// A request of the trace.
    ///
    /// # Errors
    /// None with a trace that [`Calls::of`] made.
    pub fn traced<T>(&self, message: T) -> anyhow::Result<Request<T>> {
        let (trace_id, span_id) = (&self.trace_id, &new_uuid().simple().to_string()[..16]);
        let mut request = Request::new(message);
        request
            .metadata_mut()
            .insert("traceparent", format!("00-{trace_id}-{span_id}-01").parse()?);
        Ok(request)
    }
}
