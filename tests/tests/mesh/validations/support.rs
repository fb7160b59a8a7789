//! What scenarios about vouches share: a member with neighbours who may vouch for them, and these neighbours' answers.

use crate::community::{connect, trusted};
use crate::support::*;
use futures::future::join_all;
use mesh_proto::community::v1 as proto;
use mesh_proto::community::v1::community_service_client::CommunityServiceClient;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_testkit::{ActingChannel, eventually};
use std::error::Error;
use tonic::{Code, Status};

/// A validation that waits for answers.
#[derive(Clone)]
pub struct Validation {
    pub member_id: i64,
    pub verification_id: String,
    /// Who was asked.
    pub validators: Vec<i64>,
}

impl Validation {
    /// Waits until all validators were asked.
    pub async fn is_asked(&self, caller: &Caller) {
        for validator in &self.validators {
            let own = caller.acting_as(*validator, &["member"]).communities;
            let asked = async || {
                let open = own.clone().list_validation_requests(open_requests(*validator)).await;
                let open = open.ok()?.into_inner().requests;
                open.into_iter()
                    .find(|open| open.verification_id == self.verification_id)
            };
            let asked = eventually(PATIENCE, "a validator to be asked", asked).await;
            let asked = asked.unwrap_or_else(|error| panic!("{error:#}"));
            assert_eq!(
                (asked.display_name.as_str(), asked.relationship.is_empty()),
                ("Ida", false)
            );
        }
    }

    /// The answer of a member, with a reason where it needs one.
    pub fn response(&self, validator_id: i64, answer: proto::ValidationAnswer) -> proto::SubmitValidationRequest {
        let reject_reason = match answer {
            proto::ValidationAnswer::Reject => proto::RejectReason::Conduct,
            _ => proto::RejectReason::Unspecified,
        };
        proto::SubmitValidationRequest {
            request_id: new_request_id(),
            verification_id: self.verification_id.clone(),
            validator_id,
            answer: answer.into(),
            reject_reason: reject_reason.into(),
        }
    }

    /// The approval of one of those who were asked.
    pub fn approval(&self, at: usize) -> proto::SubmitValidationRequest {
        self.response(self.validators[at], proto::ValidationAnswer::Approve)
    }

    /// Sends an answer as who gives it, until there is a definite word.
    pub async fn submit(&self, caller: &Caller, request: proto::SubmitValidationRequest) -> Result<(), Status> {
        let own = caller.acting_as(request.validator_id, &["member"]).communities;
        let send = async || match own.clone().submit_validation(request.clone()).await {
            // A connection that broke says nothing of what became of the request.
            Err(status) if status.code() == Code::Unavailable || status.source().is_some() => None,
            answer => Some(answer.map(|_| ())),
        };
        let told = eventually(PATIENCE, "a definite word", send).await;
        told.unwrap_or_else(|error| panic!("{error:#}"))
    }
}

pub fn introduction(member_id: i64) -> proto::CreateIntroductionRequest {
    proto::CreateIntroductionRequest {
        request_id: new_request_id(),
        member_id,
        display_name: "Ida".to_owned(),
        relationship: "We live in the same house.".to_owned(),
    }
}

pub fn open_requests(validator_id: i64) -> proto::ListValidationRequestsRequest {
    proto::ListValidationRequestsRequest {
        validator_id,
        page_size: 0,
        page_token: String::new(),
    }
}

/// A new member, whoever they are.
pub async fn registered(caller: &Caller) -> i64 {
    caller.register(passport(9_000).truth()).await
}

/// Somebody with this score whom trust reaches, and whom the member is connected to.
pub async fn neighbour(caller: &Caller, member_id: i64, score: i32) -> i64 {
    let neighbour = trusted(caller, TRUST_SEED, score).await;
    connect(caller, member_id, neighbour, 100).await;
    neighbour
}

/// One for each score.
pub async fn neighbours(caller: &Caller, member_id: i64, scores: &[i32]) -> Vec<i64> {
    join_all(scores.iter().map(|score| neighbour(caller, member_id, *score))).await
}

/// The method community, with an introduction of the member's own.
pub async fn by_community(caller: &Caller, member_id: i64) -> orchestrator::MethodRequest {
    let own = caller.acting_as(member_id, &["member"]).communities;
    let request = introduction(member_id);
    let create = async || own.clone().create_introduction(request.clone()).await;
    let created = until_answered("the introduction", create).await;
    let introduction_id = created.expect("it is kept").into_inner().introduction_id;
    let method = orchestrator::method_request::Method::Community(orchestrator::CommunityMethod { introduction_id });
    orchestrator::MethodRequest { method: Some(method) }
}

/// Starts a verification of which the community is a part, and waits until all of these were asked.
pub async fn started(
    caller: &Caller,
    request: orchestrator::StartVerificationRequest,
    validators: Vec<i64>,
) -> Validation {
    let member_id = request.member_id;
    let answer = until_answered("the start", async || caller.start(request.clone()).await).await;
    let verification_id = answer.expect("it starts").verification_id;
    let validation = Validation {
        member_id,
        verification_id,
        validators,
    };
    validation.is_asked(caller).await;
    validation
}

/// Starts a verification by the community alone, with a target that three vouches reach.
pub async fn start(caller: &Caller, member_id: i64, validators: Vec<i64>) -> Validation {
    let request = orchestrator::StartVerificationRequest {
        request_id: new_request_id(),
        member_id,
        target_score: Some(50),
        methods: vec![by_community(caller, member_id).await],
        timeout: None,
    };
    started(caller, request, validators).await
}

/// A new member for whom neighbours with these scores were asked.
pub async fn begin(caller: &Caller, scores: &[i32]) -> Validation {
    let member_id = registered(caller).await;
    let validators = neighbours(caller, member_id, scores).await;
    start(caller, member_id, validators).await
}

/// A validation whose three vouchers vouched for many others today, so that a person has to decide.
pub async fn in_review_with(caller: &Caller) -> Validation {
    let mesh = shared_mesh().await;
    let validation = begin(caller, &[80, 80, 80]).await;
    let vouches = validation
        .validators
        .iter()
        .flat_map(|validator| (0..4).map(|_| *validator));
    let statements: Vec<String> = vouches
        .flat_map(|validator| vote_of_the_past(validator, new_member_id()))
        .collect();
    let database = mesh.databases.of("community").expect("it has one");
    mesh.postgres
        .sql_at(database, &statements)
        .await
        .expect("the rows are written");
    for at in 0..3 {
        validation
            .submit(caller, validation.approval(at))
            .await
            .expect("it counts");
    }
    let reviewer = caller.acting_as(new_member_id(), &["reviewer"]).communities;
    review_of(&reviewer, &validation.verification_id).await;
    validation
}

/// The same by its id.
pub async fn in_review(caller: &Caller) -> String {
    in_review_with(caller).await.verification_id
}

/// The review of a verification, once it waits for a person.
pub async fn review_of(
    reviewer: &CommunityServiceClient<ActingChannel>,
    verification_id: &str,
) -> proto::ValidationReview {
    let find = async || {
        let mut request = proto::ListValidationReviewsRequest {
            page_size: 200,
            page_token: String::new(),
        };
        loop {
            let page = reviewer
                .clone()
                .list_validation_reviews(request.clone())
                .await
                .ok()?
                .into_inner();
            let of = |review: &proto::ValidationReview| review.progress.as_ref().map(|one| one.verification_id.clone());
            if let Some(review) = page
                .reviews
                .iter()
                .find(|one| of(one).as_deref() == Some(verification_id))
            {
                return Some(review.clone());
            }
            if page.next_page_token.is_empty() {
                return None;
            }
            request.page_token = page.next_page_token;
        }
    };
    let found = eventually(PATIENCE, "the validation to wait for a person", find).await;
    found.unwrap_or_else(|error| panic!("{error:#}"))
}

fn validation_of_the_past(member_id: i64) -> (String, String) {
    let verification_id = new_request_id();
    let statement = format!(
        "INSERT INTO validations (verification_id, member_id, introduction_id, workflow_id, run_id, approvals_needed,
             requested_at, deadline)
         VALUES ('{verification_id}', {member_id}, '{verification_id}', 'none', 'none', 3, now(), now() + interval '1 day')"
    );
    (verification_id, statement)
}

fn request(verification_id: &str, validator_id: i64, closed: bool) -> String {
    let (closed_at, closed_as) = match closed {
        true => ("now()", "'ANSWERED'"),
        false => ("NULL", "NULL"),
    };
    format!(
        "INSERT INTO validation_requests (verification_id, validator_id, batch, invited_at, deadline, closed_at, closed_as)
         VALUES ('{verification_id}', {validator_id}, 1, now(), now() + interval '1 day', {closed_at}, {closed_as})"
    )
}

/// The rows of a vouch of an hour ago.
pub fn vote_of_the_past(validator_id: i64, member_id: i64) -> [String; 3] {
    let (verification_id, validation) = validation_of_the_past(member_id);
    let vote = format!(
        "INSERT INTO validation_votes (verification_id, validator_id, member_id, answer, reputation, evidence_id, voted_at)
         VALUES ('{verification_id}', {validator_id}, {member_id}, 'approve', 80, '{}', now() - interval '1 hour')",
        new_request_id()
    );
    [validation, request(&verification_id, validator_id, true), vote]
}

/// The rows of a request that waits for a validator.
pub fn request_of_another(validator_id: i64) -> [String; 2] {
    let (verification_id, validation) = validation_of_the_past(new_member_id());
    [validation, request(&verification_id, validator_id, false)]
}
