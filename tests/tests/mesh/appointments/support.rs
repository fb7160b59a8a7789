//! Places, verifiers and meetings of the scenarios about appointments.

use crate::support::*;
use crate::verifiers::registration;
use mesh_proto::in_person::v1 as proto;
use mesh_proto::in_person::v1::{AbsentParty, AppointmentState, MeetingResult, VerifierMethod};
use mesh_proto::orchestrator::v1 as orchestrator;
use mesh_testkit::eventually;
use std::sync::atomic::{AtomicI32, Ordering};
use tonic::Status;

/// A place of its own, thousands of kilometres from those of other scenarios.
pub struct Place(proto::Location);

impl Place {
    pub fn new() -> Self {
        static NEXT: AtomicI32 = AtomicI32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        // Two degrees apart, which is 200 km and more.
        Self(proto::Location {
            latitude_microdegrees: 40_000_000 + (number % 10) * 2_000_000,
            longitude_microdegrees: -60_000_000 + (number / 10) * 4_000_000,
        })
    }

    /// A verifier so many kilometres to the north, who can check everything.
    pub async fn verifier(&self, caller: &Caller, kilometres: i32) -> i64 {
        let methods = [VerifierMethod::Identity, VerifierMethod::OriginalDocument];
        self.verifier_for(caller, kilometres, &methods).await
    }

    pub async fn verifier_for(&self, caller: &Caller, kilometres: i32, methods: &[VerifierMethod]) -> i64 {
        self.register(caller, new_member_id(), kilometres, methods).await
    }

    /// The same of a certain person.
    pub async fn verifier_who(&self, caller: &Caller, verifier_id: i64, kilometres: i32) -> i64 {
        self.register(caller, verifier_id, kilometres, &[VerifierMethod::Identity])
            .await
    }

    async fn register(&self, caller: &Caller, id: i64, kilometres: i32, methods: &[VerifierMethod]) -> i64 {
        let mut request = registration(id);
        let profile = request.profile.as_mut().expect("a profile");
        profile.location = Some(proto::Location {
            latitude_microdegrees: self.0.latitude_microdegrees + kilometres * 9_000,
            ..self.0
        });
        request.methods = methods.iter().map(|method| i32::from(*method)).collect();
        let register = async || caller.verifiers.clone().register_verifier(request.clone()).await;
        let registered = until_answered("a verifier's registration", register).await;
        registered.expect("they become a verifier");
        request.verifier_id
    }

    pub fn search(&self) -> proto::SearchVerifiersRequest {
        proto::SearchVerifiersRequest {
            location: Some(self.0),
            ..Default::default()
        }
    }
}

/// Where and when a member can meet somebody.
pub async fn preference(caller: &Caller, place: &Place, member_id: i64, free_times: Vec<proto::FreeTime>) -> String {
    let request = proto::CreateMeetingPreferenceRequest {
        request_id: new_request_id(),
        member_id,
        location: Some(place.0),
        free_times,
        brings_original_document: false,
    };
    let own = caller.acting_as(member_id, &["member"]).verifiers;
    let create = async || own.clone().create_meeting_preference(request.clone()).await;
    let created = until_answered("a meeting preference", create).await;
    created.expect("it is kept").into_inner().meeting_preference_id
}

/// A verification in person alone.
pub fn by_person(member_id: i64, meeting_preference_id: &str, target: i32) -> orchestrator::StartVerificationRequest {
    let method = orchestrator::method_request::Method::InPerson(orchestrator::InPersonMethod {
        meeting_preference_id: meeting_preference_id.to_owned(),
    });
    orchestrator::StartVerificationRequest {
        request_id: new_request_id(),
        member_id,
        target_score: Some(target),
        methods: vec![orchestrator::MethodRequest { method: Some(method) }],
        timeout: None,
    }
}

/// A verification in person that has begun.
pub struct Meeting {
    pub member_id: i64,
    pub verification_id: String,
    caller: Caller,
}

impl Meeting {
    /// Of a new member who can come at any time.
    pub async fn begin(caller: &Caller, place: &Place, target: i32) -> Self {
        Self::begin_when(caller, place, target, Vec::new()).await
    }

    /// Of a new member who can come then.
    pub async fn begin_when(caller: &Caller, place: &Place, target: i32, free: Vec<proto::FreeTime>) -> Self {
        let member_id = caller.register(passport(65).truth()).await;
        Self::begin_for(caller, place, target, (member_id, free)).await
    }

    pub async fn begin_for(
        caller: &Caller,
        place: &Place,
        target: i32,
        (member_id, free): (i64, Vec<proto::FreeTime>),
    ) -> Self {
        let preference = preference(caller, place, member_id, free).await;
        let request = by_person(member_id, &preference, target);
        let started = until_answered("the start", async || caller.start(request.clone()).await).await;
        Self {
            member_id,
            verification_id: started.expect("it starts").verification_id,
            caller: caller.clone(),
        }
    }

    /// Its latest appointment, as somebody sees it.
    pub async fn seen_by(&self, person: i64, role: &str) -> Result<proto::Appointment, Status> {
        let request = proto::GetAppointmentRequest {
            verification_id: self.verification_id.clone(),
            ..Default::default()
        };
        let verifiers = self.caller.acting_as(person, &[role]).verifiers;
        let get = async || verifiers.clone().get_appointment(request.clone()).await;
        let answer = until_answered("an appointment", get).await?;
        Ok(answer
            .into_inner()
            .appointment
            .expect("an answer holds what was asked for"))
    }

    /// The appointment that is to come, as the member sees it.
    pub async fn appointment(&self) -> proto::Appointment {
        self.another_than(&[]).await
    }

    /// One that is to come with somebody else.
    pub async fn another_than(&self, verifiers: &[i64]) -> proto::Appointment {
        let look = async || {
            let seen = self.seen_by(self.member_id, "member").await.ok()?;
            (seen.state() == AppointmentState::Booked && !verifiers.contains(&seen.verifier_id)).then_some(seen)
        };
        let booked = eventually(PATIENCE, "an appointment to be booked", look).await;
        booked.unwrap_or_else(|error| panic!("{error:#}"))
    }

    pub async fn appointment_id(&self) -> String {
        self.appointment().await.appointment_id
    }

    /// By the verifier.
    pub async fn check_in(&self, code: &str) -> Result<proto::CheckInResponse, Status> {
        let verifier_id = self.seen_by(self.member_id, "member").await?.verifier_id;
        self.check_in_by(verifier_id, code).await
    }

    /// By somebody who is a verifier.
    pub async fn check_in_by(&self, person: i64, code: &str) -> Result<proto::CheckInResponse, Status> {
        let appointment = self.seen_by(self.member_id, "member").await?;
        let request = proto::CheckInRequest {
            request_id: new_request_id(),
            appointment_id: appointment.appointment_id,
            code: code.to_owned(),
        };
        let verifiers = self.caller.acting_as(person, &["verifier"]).verifiers;
        let check_in = async || verifiers.clone().check_in(request.clone()).await;
        Ok(until_answered("a check-in", check_in).await?.into_inner())
    }

    /// Confirms who the member is.
    pub async fn complete(&self, original_document_seen: bool) -> Result<proto::Appointment, Status> {
        self.finish(MeetingResult::Confirmed, original_document_seen).await
    }

    pub async fn finish(&self, result: MeetingResult, seen: bool) -> Result<proto::Appointment, Status> {
        let appointment = self.seen_by(self.member_id, "member").await?;
        let request = proto::CompleteAppointmentRequest {
            request_id: new_request_id(),
            appointment_id: appointment.appointment_id,
            result: result.into(),
            original_document_seen: seen,
        };
        let verifiers = self.caller.acting_as(appointment.verifier_id, &["verifier"]).verifiers;
        let complete = async || verifiers.clone().complete_appointment(request.clone()).await;
        let answer = until_answered("a completion", complete).await?;
        Ok(answer.into_inner().appointment.expect("an answer holds it"))
    }

    pub async fn cancel(&self, person: i64, role: &str, version: i64) -> Result<proto::Appointment, Status> {
        let request = proto::CancelAppointmentRequest {
            request_id: new_request_id(),
            appointment_id: self.seen_by(self.member_id, "member").await?.appointment_id,
            version,
        };
        let verifiers = self.caller.acting_as(person, &[role]).verifiers;
        let cancel = async || verifiers.clone().cancel_appointment(request.clone()).await;
        let answer = until_answered("a cancellation", cancel).await?;
        Ok(answer.into_inner().appointment.expect("an answer holds it"))
    }

    pub async fn move_to(
        &self,
        (person, role): (i64, &str),
        version: i64,
        start: prost_types::Timestamp,
    ) -> Result<proto::Appointment, Status> {
        let request = proto::RescheduleAppointmentRequest {
            request_id: new_request_id(),
            appointment_id: self.seen_by(self.member_id, "member").await?.appointment_id,
            version,
            start: Some(start),
        };
        let verifiers = self.caller.acting_as(person, &[role]).verifiers;
        let reschedule = async || verifiers.clone().reschedule_appointment(request.clone()).await;
        let answer = until_answered("a new time", reschedule).await?;
        Ok(answer.into_inner().appointment.expect("an answer holds it"))
    }

    pub async fn report(&self, person: i64, role: &str, absent: AbsentParty) -> Result<proto::Appointment, Status> {
        let request = proto::ReportNoShowRequest {
            request_id: new_request_id(),
            appointment_id: self.seen_by(self.member_id, "member").await?.appointment_id,
            absent: absent.into(),
        };
        let verifiers = self.caller.acting_as(person, &[role]).verifiers;
        let report = async || verifiers.clone().report_no_show(request.clone()).await;
        let answer = until_answered("a no-show", report).await?;
        Ok(answer.into_inner().appointment.expect("an answer holds it"))
    }

    /// Cancels the verification, and looks whether nothing of it stays held.
    pub async fn cancel_verification(&self) {
        let request = orchestrator::CancelVerificationRequest {
            request_id: new_request_id(),
            verification_id: self.verification_id.clone(),
        };
        let cancel = async || {
            self.caller
                .verifications
                .clone()
                .cancel_verification(request.clone())
                .await
        };
        until_answered("a cancellation", cancel).await.expect("it is cancelled");
        self.caller.end_of(&self.verification_id).await;
        assert_nothing_is_held(&self.verification_id).await;
    }
}

/// The code that the member has now.
pub async fn code_of(meeting: &Meeting) -> String {
    meeting.appointment().await.check_in_code
}

/// Lets an appointment be as if it had begun so long ago.
pub async fn set_back(appointment_id: &str, interval: &str) {
    let statement = format!(
        "UPDATE appointments SET starts_at = now() - interval '{interval}', ends_at = now() - interval '{interval}' + interval '5 minutes'
          WHERE appointment_id = '{appointment_id}'"
    );
    let mesh = shared_mesh().await;
    let database = mesh.databases.of("in-person").expect("it has one");
    mesh.postgres
        .sql_at(database, &[statement])
        .await
        .expect("the row is changed");
}

/// Waits until nothing is held for a verification that has ended: its parent does not wait for the end of a method that it cancels.
pub async fn assert_nothing_is_held(verification_id: &str) {
    let mesh = shared_mesh().await;
    let database = mesh.databases.of("in-person").expect("it has one");
    let open =
        format!("SELECT count(*) FROM appointments WHERE verification_id = '{verification_id}' AND ended_at IS NULL");
    let look = async || {
        let count = mesh.postgres.sql_at(database, std::slice::from_ref(&open)).await.ok()?;
        (count.trim() == "0").then_some(())
    };
    let freed = eventually(PATIENCE, "the slot to be free", look).await;
    freed.unwrap_or_else(|error| panic!("{error:#}"));
}

/// Lets the time of a workflow pass that only waits.
pub async fn let_time_pass(workflow_id: &str) {
    let mesh = shared_mesh().await;
    let client = crate::workflows::time::client_of(&mesh.temporal).await;
    let client = client.unwrap_or_else(|error| panic!("{error:#}"));
    let passes = crate::workflows::time::let_time_pass(&client, workflow_id.to_owned()).await;
    passes.unwrap_or_else(|error| panic!("{error:#}"));
}

/// Looks through the answers that are kept for repeated requests: they are not encrypted.
pub async fn assert_no_answer_is_kept_that_says(text: &str) {
    let mesh = shared_mesh().await;
    let database = mesh.databases.of("in-person").expect("it has one");
    let count = format!(
        "SELECT count(*) || ' of ' || (SELECT count(*) FROM mesh_idempotency_records) FROM mesh_idempotency_records
          WHERE position(convert_to('{text}', 'UTF8') IN answer) > 0"
    );
    let counted = mesh.postgres.sql_at(database, &[count]).await.expect("it answers");
    let (found, all) = counted.trim().split_once(" of ").expect("two numbers");
    assert!(found == "0" && all != "0", "{counted}");
}
