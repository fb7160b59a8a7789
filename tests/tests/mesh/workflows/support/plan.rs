//! What a test asks a verification for.

use super::{Clock, document_url};
use crate::workflows::fakes::Course;
use mesh_runtime::clock;
use mesh_types::{DocumentKind, IntroductionId, MeetingPreferenceId, MemberId};
use orchestrator_workflows::contract::{DEFAULT_TIMEOUT_SECONDS, TASK_QUEUE};
use orchestrator_workflows::methods::{
    CommunityRequest, DocumentRequest, InPersonRequest, MethodRequest, ReputationRequest,
};

/// A method as a member chooses it.
pub type Choice = fn(MemberId) -> MethodRequest;

/// The method document, by an invented passport.
pub fn by_document(member_id: MemberId) -> MethodRequest {
    MethodRequest::Document(DocumentRequest {
        document_kind: DocumentKind::Passport,
        document_url: document_url(member_id),
    })
}

/// The method community, by an invented introduction.
pub fn by_community(_member_id: MemberId) -> MethodRequest {
    MethodRequest::Community(CommunityRequest {
        introduction_id: IntroductionId::from(clock::new_uuid()),
    })
}

/// The method in person, by an invented preference.
pub fn by_person(_member_id: MemberId) -> MethodRequest {
    MethodRequest::InPerson(InPersonRequest {
        meeting_preference_id: MeetingPreferenceId::from(clock::new_uuid()),
    })
}

/// The method reputation.
pub fn by_reputation(_member_id: MemberId) -> MethodRequest {
    MethodRequest::Reputation(ReputationRequest {})
}

/// What a test asks for; the rest is [`Plan::default`].
pub struct Plan {
    /// The chosen methods.
    pub methods: Vec<Choice>,
    /// The score that completes it.
    pub target_score: i64,
    /// When to give up, in seconds from the start.
    pub timeout_seconds: u64,
    /// How long ago it was asked for, in days.
    pub started_days_ago: i64,
    /// What happens.
    pub course: Course,
    /// How its time passes.
    pub clock: Clock,
    /// Whether it has search attributes.
    pub search_attributes: bool,
    /// The queue of the parent workflow.
    pub task_queue: &'static str,
}

impl Default for Plan {
    fn default() -> Self {
        Self {
            methods: vec![by_document],
            target_score: 25,
            timeout_seconds: DEFAULT_TIMEOUT_SECONDS,
            started_days_ago: 0,
            course: Course::default(),
            clock: Clock::Real,
            search_attributes: true,
            task_queue: TASK_QUEUE,
        }
    }
}
