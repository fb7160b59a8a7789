//! What a method is on the wire, and what its service knows of it while it runs. One file for each method; this file is
//! the only one that knows all of them.

mod community;
mod document;
mod in_person;
mod reputation;

pub use community::Client as CommunityClient;
pub use document::Client as DocumentClient;
pub use in_person::Client as InPersonClient;

use crate::store::Verification;
use mesh_proto::community::v1::ValidationProgress;
use mesh_proto::document::v1::DocumentVerification;
use mesh_proto::in_person::v1::Appointment;
use mesh_proto::orchestrator::v1 as proto;
use mesh_runtime::Problem;
use mesh_types::{MemberId, Method, Open};
use orchestrator_workflows::contract::MethodState;
use orchestrator_workflows::methods::MethodRequest;

/// The method on the wire.
pub fn to_proto(method: Method) -> proto::Method {
    match method {
        Method::Document => proto::Method::Document,
        Method::Community => proto::Method::Community,
        Method::InPerson => proto::Method::InPerson,
        Method::Reputation => proto::Method::Reputation,
    }
}

/// Reads a request for a method; `path` is where it stands in the message.
pub fn parse(
    path: &str,
    request: &proto::method_request::Method,
    member_id: MemberId,
) -> Result<MethodRequest, Problem> {
    use proto::method_request::Method as Wire;
    Ok(match request {
        Wire::Document(request) => MethodRequest::Document(document::parse(path, request, member_id)?),
        Wire::Community(request) => MethodRequest::Community(community::parse(path, request)?),
        Wire::InPerson(request) => MethodRequest::InPerson(in_person::parse(path, request)?),
        Wire::Reputation(request) => MethodRequest::Reputation(reputation::parse(*request)),
    })
}

/// The services that know more about a method than its workflow says.
#[derive(Clone)]
pub struct Peers {
    /// The document service.
    pub documents: DocumentClient,
    /// The community service.
    pub communities: CommunityClient,
    /// The in-person service.
    pub in_person: InPersonClient,
}

/// What those services know of a verification's methods.
#[derive(Default)]
pub struct Progress {
    document: Option<DocumentVerification>,
    community: Option<ValidationProgress>,
    in_person: Option<Appointment>,
}

impl Progress {
    /// Asks the services, all at once. A service that is away leaves its part out, since all else is known.
    pub async fn of(peers: &Peers, verification: &Verification) -> Self {
        let id = verification.verification_id;
        let document = document::look_up(&peers.documents, id);
        let community = community::look_up(&peers.communities, id);
        let in_person = in_person::look_up(&peers.in_person, id);
        let (document, community, in_person) = futures::join!(
            where_chosen(verification, Method::Document, document),
            where_chosen(verification, Method::Community, community),
            where_chosen(verification, Method::InPerson, in_person),
        );
        Self {
            document,
            community,
            in_person,
        }
    }

    /// Adds what is known to a method that is shown.
    pub fn add_to(&mut self, method: &Open<Method>, shown: proto::MethodState) -> proto::MethodState {
        match method.known() {
            Some(Method::Document) => document::show(shown, self.document.take()),
            Some(Method::Community) => community::show(shown, self.community.take()),
            Some(Method::InPerson) => in_person::show(shown, self.in_person.take()),
            Some(Method::Reputation) | None => shown,
        }
    }
}

/// Looks up what a service knows where the verification has its method.
async fn where_chosen<T>(
    verification: &Verification,
    method: Method,
    look_up: impl Future<Output = Option<T>>,
) -> Option<T> {
    let methods = &verification.request.methods;
    match methods.iter().any(|chosen| chosen.method() == method) {
        true => look_up.await,
        false => None,
    }
}

/// A method in a message; unspecified for one of a newer version.
pub fn open_to_proto(method: &Open<Method>) -> proto::Method {
    method.known().map_or(proto::Method::Unspecified, to_proto)
}

/// A method as its workflow says it stands.
pub fn state(state: &MethodState) -> proto::MethodState {
    let internal_reason = state.internal_reason.as_ref();
    proto::MethodState {
        method: open_to_proto(&state.method).into(),
        status: status(state).into(),
        member_reason: state.member_reason.clone(),
        internal_reason: internal_reason.map(ToString::to_string).unwrap_or_default(),
        document: None,
        community: None,
        in_person: None,
    }
}

fn status(state: &MethodState) -> proto::MethodStatus {
    use orchestrator_workflows::contract::MethodStatus;
    match state.status.known() {
        // A newer version's, which only it can name.
        None => proto::MethodStatus::Unspecified,
        Some(MethodStatus::InProgress) => proto::MethodStatus::InProgress,
        Some(MethodStatus::Accepted) => proto::MethodStatus::Accepted,
        Some(MethodStatus::Rejected) => proto::MethodStatus::Rejected,
        Some(MethodStatus::Resubmit) => proto::MethodStatus::Resubmit,
        Some(MethodStatus::Failed) => proto::MethodStatus::Failed,
        Some(MethodStatus::Cancelled) => proto::MethodStatus::Cancelled,
    }
}
