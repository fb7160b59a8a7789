//! For each RPC with a `request_id`, a request that can be done, and another one under the same id: one table a service.

mod in_person;

use crate::document::support::{Reviewer, letter, with_covered_print};
use crate::support::*;
use crate::validations::support as validations;
use mesh_proto::community::v1 as community;
use mesh_proto::document::v1 as document;
use mesh_proto::document::v1::DocumentDecision;
use mesh_proto::document::v1::upload_document_request::Part;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_proto::reputation::v1 as reputation;
use mesh_testkit::Acting;
use prost::Message;
use std::sync::atomic::{AtomicU64, Ordering};

/// The messages of a request, and those of another one with the same `request_id`.
pub struct Sent {
    /// Who may send them.
    pub acting: Acting,
    pub first: Vec<Vec<u8>>,
    pub other: Vec<Vec<u8>>,
}

pub const START_VERIFICATION: &str = "voluntier.orchestrator.v1.VerificationService/StartVerification";
pub const RECORD_ACTIVITY: &str = "voluntier.reputation.v1.ReputationService/RecordActivity";
pub const ERASE_DOCUMENT: &str = "voluntier.document.v1.DocumentService/EraseDocument";

const SCHEDULE: &str = "daily-reputation-update";

/// The case of an RPC; none when it has none yet.
pub async fn sent(caller: &Caller, rpc: &str) -> Option<Sent> {
    let (package, method) = rpc.rsplit_once('/')?;
    if package.starts_with("voluntier.orchestrator.") {
        of_orchestrator(caller, method).await
    } else if package.starts_with("voluntier.document.") {
        of_document(caller, method).await
    } else if package.starts_with("voluntier.community.") {
        of_community(caller, method).await
    } else if package.starts_with("voluntier.in_person.") {
        in_person::cases(caller, method).await
    } else if package.starts_with("voluntier.reputation.") {
        of_reputation(caller, method).await
    } else {
        None
    }
}

/// One message, changed for the other request.
fn changed<M: Message + Clone>(caller: &Caller, first: M, change: impl FnOnce(&mut M)) -> Sent {
    let mut other = first.clone();
    change(&mut other);
    Sent {
        acting: caller.acting.clone(),
        first: vec![first.encode_to_vec()],
        other: vec![other.encode_to_vec()],
    }
}

fn profile(family_name: &str) -> Option<orchestrator::MemberProfile> {
    Some(orchestrator::MemberProfile {
        given_names: "Ida".to_owned(),
        family_name: family_name.to_owned(),
        birth_date: "1980-05-06".to_owned(),
        email: String::new(),
    })
}

async fn registered(caller: &Caller, member_id: i64) -> i64 {
    let request = orchestrator::RegisterMemberRequest {
        request_id: new_request_id(),
        member_id,
        profile: profile("Tabor"),
    };
    let answer = until_answered("what comes before", async || {
        caller.members.clone().register_member(request.clone()).await
    })
    .await;
    answer.expect("the member is registered");
    member_id
}

async fn of_orchestrator(caller: &Caller, method: &str) -> Option<Sent> {
    let sent = match method {
        "RegisterMember" => {
            let request = orchestrator::RegisterMemberRequest {
                request_id: new_request_id(),
                member_id: new_member_id(),
                profile: profile("Tabor"),
            };
            changed(caller, request, |other| other.profile = profile("Lin"))
        }
        "UpdateMember" => {
            let request = orchestrator::UpdateMemberRequest {
                request_id: new_request_id(),
                member_id: registered(caller, new_member_id()).await,
                profile: profile("Tabor-Lin"),
            };
            changed(caller, request, |other| other.profile = profile("Lin"))
        }
        "StartVerification" => start_verification(caller, new_member_id()).await,
        "CancelVerification" => {
            let (verification_id, _) = in_review(caller).await;
            let (another, _) = in_review(caller).await;
            let request = orchestrator::CancelVerificationRequest {
                request_id: new_request_id(),
                verification_id,
            };
            changed(caller, request, |other| other.verification_id = another)
        }
        _ => return None,
    };
    Some(sent)
}

/// The start of a verification of a new member that ends by itself.
pub async fn start_verification(caller: &Caller, member_id: i64) -> Sent {
    let method = orchestrator::method_request::Method::Reputation(orchestrator::ReputationMethod::default());
    let request = orchestrator::StartVerificationRequest {
        request_id: new_request_id(),
        member_id: registered(caller, member_id).await,
        target_score: Some(50),
        methods: vec![orchestrator::MethodRequest { method: Some(method) }],
        timeout: None,
    };
    changed(caller, request, |other| other.target_score = Some(51))
}

/// A specimen that no other case has.
fn new_passport() -> specimen::Passport {
    static NEXT: AtomicU64 = AtomicU64::new(7_000);
    passport(NEXT.fetch_add(1, Ordering::Relaxed))
}

/// A verification whose document waits for a person; also the review.
async fn in_review(caller: &Caller) -> (String, document::Review) {
    let passport = new_passport();
    let pages = [with_covered_print(&passport)];
    let (_, verification_id) = caller.start_with(passport.truth(), &pages).await;
    let review = Reviewer::new(caller).review_of(&verification_id).await;
    (verification_id, review)
}

async fn of_document(caller: &Caller, method: &str) -> Option<Sent> {
    let sent = match method {
        "UploadDocument" => upload_document(caller),
        "SubmitDocument" => submit_document(caller).await,
        "ClaimReview" => {
            let (_, review) = in_review(caller).await;
            let (_, another) = in_review(caller).await;
            let request = document::ClaimReviewRequest {
                request_id: new_request_id(),
                review_id: review.review_id,
            };
            let reviewer = Reviewer::new(caller);
            changed(&reviewer.caller, request, |other| other.review_id = another.review_id)
        }
        "DecideReview" => {
            let (reviewer, (_, review)) = (Reviewer::new(caller), in_review(caller).await);
            reviewer.claim(&review.review_id).await.expect("the review is free");
            let request = reviewer.decision(&review.review_id, DocumentDecision::Rejected);
            changed(&reviewer.caller, request, |other| {
                other.member_text = "Something else.".to_owned();
            })
        }
        "BlockDocument" => {
            let request = document::BlockDocumentRequest {
                request_id: new_request_id(),
                document_type: document::DocumentType::Passport.into(),
                issuing_state: "UTO".to_owned(),
                document_number: new_number(),
                reason_code: "REPORTED_STOLEN".to_owned(),
            };
            changed(caller, request, |other| other.document_number = new_number())
        }
        "UnblockDocument" => unblock_document(caller).await,
        "ReleaseDocument" => {
            let uploaded = caller.upload(new_member_id(), &[picture(&new_passport())]).await;
            let another = caller.upload(new_member_id(), &[picture(&new_passport())]).await;
            let request = document::ReleaseDocumentRequest {
                request_id: new_request_id(),
                document_id: uploaded.document_id,
                verification_id: String::new(),
                reason_code: "STOLEN_FROM_OWNER".to_owned(),
            };
            changed(caller, request, |other| other.document_id = another.document_id)
        }
        "EraseDocument" => erase_document(caller).await,
        "RecordProfileChange" => {
            let request = document::RecordProfileChangeRequest {
                request_id: new_request_id(),
                member_id: new_member_id(),
                profile_version: 2,
            };
            let orchestrator = Caller::of_service(shared_mesh().await, "orchestrator");
            changed(&orchestrator, request, |other| other.profile_version = 3)
        }
        _ => return None,
    };
    Some(sent)
}

/// A document number that no other case has.
fn new_number() -> String {
    format!("I{:08}", new_member_id())
}

fn upload_document(caller: &Caller) -> Sent {
    let messages = |parts: Vec<Part>| {
        let messages = parts
            .into_iter()
            .map(|part| document::UploadDocumentRequest { part: Some(part) });
        messages.map(|message| message.encode_to_vec()).collect()
    };
    let first = upload_parts(new_member_id(), &[picture(&new_passport())]);
    let mut other = upload_parts(1, &[picture(&new_passport())]);
    // The header holds the request id.
    other[0] = first[0].clone();
    Sent {
        acting: caller.acting.clone(),
        first: messages(first),
        other: messages(other),
    }
}

/// The next document of a verification that could not read the first one.
async fn submit_document(caller: &Caller) -> Sent {
    let passport = new_passport();
    let (member_id, verification_id) = caller.start_with(passport.truth(), &[letter(7)]).await;
    caller
        .comes_to(&verification_id, orchestrator::MethodStatus::Resubmit)
        .await;
    let better = caller.upload(member_id, &[picture(&passport)]).await.document_url;
    let another = caller.upload(member_id, &[letter(8)]).await.document_url;
    let request = document::SubmitDocumentRequest {
        request_id: new_request_id(),
        verification_id,
        document_url: better,
        document_type: document::DocumentType::Passport.into(),
    };
    changed(caller, request, |other| other.document_url = another)
}

async fn unblock_document(caller: &Caller) -> Sent {
    let (document_type, issuing_state) = (document::DocumentType::Passport.into(), "UTO".to_owned());
    let document_number = new_number();
    let block = document::BlockDocumentRequest {
        request_id: new_request_id(),
        document_type,
        issuing_state: issuing_state.clone(),
        document_number: document_number.clone(),
        reason_code: "REPORTED_STOLEN".to_owned(),
    };
    let blocked = until_answered("what comes before", async || {
        caller.documents.clone().block_document(block.clone()).await
    })
    .await;
    blocked.expect("the document is blocked");
    let request = document::UnblockDocumentRequest {
        request_id: new_request_id(),
        document_type,
        issuing_state,
        document_number,
    };
    changed(caller, request, |other| other.document_number = new_number())
}

/// The erasure of a document that was uploaded and never used.
pub async fn erase_document(caller: &Caller) -> Sent {
    let uploaded = caller.upload(new_member_id(), &[picture(&new_passport())]).await;
    let another = caller.upload(new_member_id(), &[picture(&new_passport())]).await;
    let request = document::EraseDocumentRequest {
        request_id: new_request_id(),
        document_id: uploaded.document_id,
    };
    changed(caller, request, |other| other.document_id = another.document_id)
}

async fn of_community(caller: &Caller, method: &str) -> Option<Sent> {
    let [member_id, to_member_id] = [(); 2].map(|()| new_member_id());
    let add = community::AddConnectionRequest {
        request_id: new_request_id(),
        member_id,
        to_member_id,
        strength_hundredths: 50,
    };
    let sent = match method {
        "AddConnection" => changed(caller, add, |other| other.strength_hundredths = 51),
        "RemoveConnection" => {
            let added = until_answered("what comes before", async || {
                caller.communities.clone().add_connection(add.clone()).await
            })
            .await;
            added.expect("the connection is made");
            let request = community::RemoveConnectionRequest {
                request_id: new_request_id(),
                member_id,
                to_member_id,
            };
            changed(caller, request, |other| other.to_member_id = new_member_id())
        }
        "CreateIntroduction" => {
            let request = validations::introduction(member_id);
            let own = caller.acting_as(member_id, &["member"]);
            changed(&own, request, |other| other.display_name = "Ada".to_owned())
        }
        "SubmitValidation" => {
            let validation = validations::begin(caller, &[60, 60, 60]).await;
            let first = validation.approval(0);
            let validator = caller.acting_as(first.validator_id, &["member"]);
            changed(&validator, first, |other| {
                other.set_answer(community::ValidationAnswer::Abstain)
            })
        }
        "DecideValidation" => {
            let verification_id = validations::in_review(caller).await;
            let request = community::DecideValidationRequest {
                request_id: new_request_id(),
                verification_id,
                decision: community::ValidationDecision::Accept.into(),
            };
            let reviewer = caller.acting_as(new_member_id(), &["reviewer"]);
            changed(&reviewer, request, |other| {
                other.set_decision(community::ValidationDecision::Reject)
            })
        }
        _ => return None,
    };
    Some(sent)
}

async fn of_reputation(caller: &Caller, method: &str) -> Option<Sent> {
    let (request_id, schedule_id) = (new_request_id(), SCHEDULE.to_owned());
    let sent = match method {
        "RecordActivity" => record_activity(caller, new_member_id()),
        "CounterReputationEvent" => {
            let request = reputation::CounterReputationEventRequest {
                request_id,
                event_id: recorded(caller).await,
                reason: reputation::CounterReason::Disputed.into(),
            };
            changed(caller, request, |other| {
                other.reason = reputation::CounterReason::Fraud.into()
            })
        }
        "CounterVerification" => {
            let request = reputation::CounterVerificationRequest {
                request_id,
                verification_id: new_request_id(),
                method: "document".to_owned(),
            };
            changed(caller, request, |other| other.verification_id = new_request_id())
        }
        "StartDecay" => {
            let member_id = new_member_id();
            let request = reputation::StartDecayRequest { request_id, member_id };
            changed(caller, request, |other| other.member_id = new_member_id())
        }
        "CancelDecay" => {
            let member_id = new_member_id();
            let start = reputation::StartDecayRequest {
                request_id: new_request_id(),
                member_id,
            };
            let started = until_answered("what comes before", async || {
                caller.reputations.clone().start_decay(start.clone()).await
            })
            .await;
            started.expect("the clock starts");
            let request = reputation::CancelDecayRequest { request_id, member_id };
            changed(caller, request, |other| other.member_id = new_member_id())
        }
        "PauseSchedule" => {
            let note = "the database moves".to_owned();
            let request = reputation::PauseScheduleRequest {
                request_id,
                schedule_id,
                note,
            };
            changed(caller, request, |other| other.note = "something else".to_owned())
        }
        "ResumeSchedule" => {
            let note = "the database has moved".to_owned();
            let request = reputation::ResumeScheduleRequest {
                request_id,
                schedule_id,
                note,
            };
            changed(caller, request, |other| other.note = "something else".to_owned())
        }
        "TriggerSchedule" => {
            let request = reputation::TriggerScheduleRequest {
                request_id,
                schedule_id,
            };
            changed(caller, request, |other| {
                other.schedule_id = "weekly-verification-reminders".to_owned();
            })
        }
        "BackfillSchedule" => {
            let instant = |hour: i64| {
                let seconds = 1_767_225_600 + hour * 3600;
                Some(prost_types::Timestamp { seconds, nanos: 0 })
            };
            let request = reputation::BackfillScheduleRequest {
                request_id,
                schedule_id,
                start_time: instant(0),
                end_time: instant(24),
            };
            changed(caller, request, |other| other.end_time = instant(25))
        }
        _ => return None,
    };
    Some(sent)
}

fn hours(minutes: i32) -> Option<reputation::Activity> {
    let hours = reputation::activity::Activity::VolunteerHours(reputation::VolunteerHours { minutes });
    Some(reputation::Activity { activity: Some(hours) })
}

/// Hours that a member gave.
pub fn record_activity(caller: &Caller, member_id: i64) -> Sent {
    let request = reputation::RecordActivityRequest {
        request_id: new_request_id(),
        member_id,
        activity: hours(60),
        occurred_at: None,
    };
    changed(caller, request, |other| other.activity = hours(30))
}

/// The id of an event that can be countered.
async fn recorded(caller: &Caller) -> String {
    let request = reputation::RecordActivityRequest {
        request_id: new_request_id(),
        member_id: new_member_id(),
        activity: hours(60),
        occurred_at: None,
    };
    let answer = until_answered("what comes before", async || {
        caller.reputations.clone().record_activity(request.clone()).await
    })
    .await;
    let event = answer.expect("it is recorded").into_inner().event;
    event.expect("an answer holds the event").event_id
}
