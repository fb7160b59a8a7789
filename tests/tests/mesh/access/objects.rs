//! What the calls of the matrix are about, and the messages that name it.

use crate::appointments::support::{Meeting, Place};
use crate::support::*;
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_testkit::Mesh;
use prost::Message;
use prost_reflect::{DynamicMessage, FieldDescriptor, Kind, MessageDescriptor, MethodDescriptor, Value};

/// What the object of a call is to the person.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relation {
    /// Theirs: it belongs to them, and the review is theirs to work on.
    Own,
    /// Another person's.
    Anothers,
    /// There is no such object.
    Missing,
}

/// The objects of one relation.
#[derive(Clone, Debug)]
pub struct ObjectIds {
    pub member_id: i64,
    pub verification_id: String,
    /// Was submitted to the verification, and a person is to look at it.
    pub document_url: String,
    /// Another one, which may be erased.
    pub document_id: String,
    /// Is held by whom the objects are of; the document is of neither person.
    pub held_review_id: String,
    /// Was decided by them.
    pub decided_review_id: String,
    /// An appointment of theirs, which was called off.
    pub as_member: String,
    /// One in which they were the verifier, called off as well.
    pub as_verifier: String,
}

/// The objects of all calls.
pub struct Objects {
    /// Who acts.
    pub person: i64,
    own: ObjectIds,
    anothers: ObjectIds,
    missing: ObjectIds,
}

impl Objects {
    /// Puts them into a mesh. Nothing that a call of the matrix does to them changes what another one is to find.
    pub async fn of(mesh: &Mesh) -> Self {
        let caller = Caller::of(mesh);
        let (own, anothers) = tokio::join!(objects_of_a_person(mesh, &caller), objects_of_a_person(mesh, &caller));
        let missing = ObjectIds {
            member_id: new_member_id(),
            verification_id: new_request_id(),
            document_id: new_request_id(),
            held_review_id: new_request_id(),
            decided_review_id: new_request_id(),
            as_member: new_request_id(),
            as_verifier: new_request_id(),
            document_url: own.document_url.clone(),
        };
        Self {
            person: own.member_id,
            own,
            anothers,
            missing,
        }
    }

    pub fn of_relation(&self, relation: Relation) -> &ObjectIds {
        match relation {
            Relation::Own => &self.own,
            Relation::Anothers => &self.anothers,
            Relation::Missing => &self.missing,
        }
    }
}

/// A member with a verification that has ended, two documents, and two reviews that are theirs to work on.
async fn objects_of_a_person(mesh: &Mesh, caller: &Caller) -> ObjectIds {
    let passport = passport(9_000);
    let member_id = caller.register(passport.truth()).await;
    let method = orchestrator::method_request::Method::Reputation(orchestrator::ReputationMethod::default());
    let start = orchestrator::StartVerificationRequest {
        request_id: new_request_id(),
        member_id,
        target_score: Some(50),
        methods: vec![orchestrator::MethodRequest { method: Some(method) }],
        timeout: None,
    };
    let verification_id = caller.start(start).await.expect("it starts").verification_id;
    caller.end_of(&verification_id).await;
    let submitted = caller.upload(member_id, &[picture(&passport)]).await;
    let erasable = caller.upload(member_id, &[picture(&passport)]).await;
    let strangers = caller.upload(new_member_id(), &[picture(&passport)]).await.document_id;
    let [held_review_id, decided_review_id] = [(); 2].map(|()| new_request_id());
    let review = |review_id: &str, columns: &str, values: &str| {
        format!(
            "INSERT INTO reviews (review_id, verification_id, document_id, internal_reason, requested_at, expires_at,
                 workflow_id, run_id, activity_id, claimed_by, claimed_until, {columns})
             VALUES ('{review_id}', '{}', '{strangers}', 'SINGLE_SOURCE', now(), now() + interval '1 day',
                 'none', 'none', '1', {member_id}, now() + interval '1 day', {values})",
            new_request_id()
        )
    };
    let statements = [
        format!(
            "INSERT INTO submissions (verification_id, submission, document_id, workflow_id, run_id, submitted_at)
             VALUES ('{verification_id}', 1, '{}', 'none', '{}', now())",
            submitted.document_id,
            new_request_id()
        ),
        review(&held_review_id, "status", "'waiting'"),
        review(
            &decided_review_id,
            "status, ended_at, decision, reason_code, member_text, decided_by, decision_id",
            &format!(
                "'decided', now(), 'rejected', 'SEEN', 'No.', {member_id}, '{}'",
                new_request_id()
            ),
        ),
    ];
    let written = mesh.postgres.sql_at(&mesh.databases.document, &statements).await;
    written.expect("the rows are written");
    let validation = format!(
        "INSERT INTO validations (verification_id, member_id, introduction_id, workflow_id, run_id, approvals_needed,
             requested_at, deadline)
         VALUES ('{verification_id}', {member_id}, '{}', 'none', 'none', 3, now(), now())",
        new_request_id()
    );
    let written = mesh
        .postgres
        .sql_at(mesh.databases.of("community").expect("it has one"), &[validation])
        .await;
    written.expect("the row is written");
    let (as_member, as_verifier) = tokio::join!(appointment_of(caller, member_id), appointment_with(caller, member_id));
    ObjectIds {
        member_id,
        verification_id,
        document_url: submitted.document_url,
        document_id: erasable.document_id,
        held_review_id,
        decided_review_id,
        as_member,
        as_verifier,
    }
}

/// An appointment of a member with somebody.
async fn appointment_of(caller: &Caller, member_id: i64) -> String {
    let place = Place::new();
    place.verifier(caller, 1).await;
    let meeting = Meeting::begin_for(caller, &place, 30, (member_id, Vec::new())).await;
    called_off(&meeting).await
}

/// An appointment of somebody with this verifier.
async fn appointment_with(caller: &Caller, verifier_id: i64) -> String {
    let place = Place::new();
    place.verifier_who(caller, verifier_id, 1).await;
    let meeting = Meeting::begin(caller, &place, 30).await;
    called_off(&meeting).await
}

async fn called_off(meeting: &Meeting) -> String {
    let appointment_id = meeting.appointment_id().await;
    meeting.cancel_verification().await;
    appointment_id
}

/// A message of an RPC about these objects. Where it is about an object it keeps the field rules and says something that is
/// refused only after access is decided, or changes nothing that matters; where not, its request has no valid id, which is looked
/// at after all else that decides on access.
pub fn request(method: &MethodDescriptor, is_about_an_object: bool, ids: &ObjectIds) -> Vec<u8> {
    let ids = &ObjectIds {
        held_review_id: match method.name() {
            "DecideReview" => ids.decided_review_id.clone(),
            _ => ids.held_review_id.clone(),
        },
        as_member: match method.name() {
            "CheckIn" | "CompleteAppointment" => ids.as_verifier.clone(),
            _ => ids.as_member.clone(),
        },
        ..ids.clone()
    };
    filled(&method.input(), is_about_an_object, ids).encode_to_vec()
}

fn filled(descriptor: &MessageDescriptor, is_valid: bool, ids: &ObjectIds) -> DynamicMessage {
    let mut message = DynamicMessage::new(descriptor.clone());
    for field in descriptor.fields() {
        if let Some(value) = value(&field, is_valid, ids) {
            message.set_field(&field, value);
        }
    }
    message
}

/// What a field says, by its name; fields that are not named here stay empty.
fn value(field: &FieldDescriptor, is_valid: bool, ids: &ObjectIds) -> Option<Value> {
    let text = |text: &str| Some(Value::String(text.to_owned()));
    let has = |name: &str| field.parent_message().get_field_by_name(name).is_some();
    let one_of_two = has("document_id") || has("appointment_id");
    match field.name() {
        "request_id" if !is_valid => None,
        "request_id" => text(&new_request_id()),
        "member_id" | "validator_id" | "verifier_id" => Some(Value::I64(ids.member_id)),
        // Nobody is connected to themselves, so that no connection changes.
        "to_member_id" => Some(Value::I64(ids.member_id)),
        "strength_hundredths" => Some(Value::I32(50)),
        "display_name" | "relationship" => text("Ida"),
        // A rejection without a reason, so that nobody's vote is taken.
        "answer" => Some(Value::EnumNumber(2)),
        "verification_id" if one_of_two => None,
        "verification_id" => text(&ids.verification_id),
        "document_id" => text(&ids.document_id),
        "document_type" => Some(Value::EnumNumber(1)),
        // The start of a verification names none that can be, so that none starts.
        "document_url" if field.parent_message().name() == "DocumentMethod" => text("file:///nothing"),
        "document_url" => text(&ids.document_url),
        "review_id" => text(&ids.held_review_id),
        "appointment_id" => text(&ids.as_member),
        "code" => text("000000"),
        "result" | "absent" => Some(Value::EnumNumber(2)),
        "page_number" => Some(Value::I32(1)),
        "decision" => Some(Value::EnumNumber(2)),
        "reason_code" => text("SEEN_BY_A_PERSON"),
        "member_text" => text("No."),
        "given_names" => text("Ida"),
        // Nobody is born so late, so that no profile changes.
        "birth_date" => text("2999-01-01"),
        // Nobody lives there, so that no verifier changes.
        "time_zone" => text("Nowhere/At_All"),
        "version" => Some(Value::I64(1)),
        "header" | "profile" | "document" | "location" | "certified_until" | "start" => match field.kind() {
            Kind::Message(descriptor) => Some(Value::Message(filled(&descriptor, is_valid, ids))),
            _ => None,
        },
        "methods" => match field.kind() {
            Kind::Message(descriptor) => Some(Value::List(vec![Value::Message(filled(&descriptor, is_valid, ids))])),
            Kind::Enum(_) => Some(Value::List(vec![Value::EnumNumber(1)])),
            _ => None,
        },
        _ => None,
    }
}
