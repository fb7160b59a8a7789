//! What a method is to its verification: a request, and a child workflow with its limits. One file for each method; this
//! file is the only one that knows all of them.

mod child;
mod community;
mod document;
mod in_person;
mod reputation;

pub(crate) use child::ChildFailure;
pub use community::CommunityRequest;
pub use document::DocumentRequest;
pub use in_person::InPersonRequest;
pub use reputation::ReputationRequest;

use crate::timeouts::ChildLimits;
use mesh_types::{MemberId, Method, MethodOutcome, VerificationId};
use serde::{Deserialize, Serialize};
use temporalio_workflow::{WorkflowCancellationToken, WorkflowContext};

/// A chosen method and what it needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "method", rename_all = "snake_case")]
pub enum MethodRequest {
    /// An identity document.
    Document(DocumentRequest),
    /// Members of the community who vouch.
    Community(CommunityRequest),
    /// A verifier who meets the member.
    InPerson(InPersonRequest),
    /// What the member has earned.
    Reputation(ReputationRequest),
}

impl MethodRequest {
    /// The method.
    pub fn method(&self) -> Method {
        match self {
            Self::Document(_) => Method::Document,
            Self::Community(_) => Method::Community,
            Self::InPerson(_) => Method::InPerson,
            Self::Reputation(_) => Method::Reputation,
        }
    }

    /// The limits of the method's child.
    pub(crate) fn limits(&self) -> ChildLimits {
        match self {
            Self::Document(_) => document::LIMITS,
            Self::Community(_) => community::LIMITS,
            Self::InPerson(_) => in_person::LIMITS,
            Self::Reputation(_) => reputation::LIMITS,
        }
    }

    /// Runs the method's child to its end.
    pub(crate) async fn run<P>(
        self,
        ctx: &WorkflowContext<P>,
        subject: Subject,
        workflow_id: String,
        cancellation: WorkflowCancellationToken,
    ) -> Result<MethodOutcome, ChildFailure> {
        let options = crate::timeouts::method(self.limits(), workflow_id, cancellation.clone());
        match self {
            Self::Document(request) => {
                let (workflow, input) = document::child(request, subject);
                child::run(ctx, workflow, input, options, cancellation).await
            }
            Self::Community(request) => {
                let (workflow, input) = community::child(request, subject);
                child::run(ctx, workflow, input, options, cancellation).await
            }
            Self::InPerson(request) => {
                let (workflow, input) = in_person::child(request, subject);
                child::run(ctx, workflow, input, options, cancellation).await
            }
            Self::Reputation(request) => {
                let (workflow, input) = reputation::child(request, subject);
                child::run(ctx, workflow, input, options, cancellation).await
            }
        }
    }
}

/// Whom a child works for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Subject {
    pub verification_id: VerificationId,
    pub member_id: MemberId,
}
