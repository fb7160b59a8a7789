//! What crosses the wire to and from the in-person service's workers: each name stands here and nowhere else.
//!
//! No message says where anybody is: places stay in the service's database.

use mesh_types::{AppointmentId, Evidence, MeetingPreferenceId, MemberId, VerificationId};
use serde::{Deserialize, Serialize};
use temporalio_common::ActivityError;
use temporalio_macros::activity_definitions;

/// The task queue of workflows and activities.
pub const TASK_QUEUE: &str = "in-person";
/// Workflow: has a member meet a verifier.
pub const IN_PERSON_VERIFICATION_WORKFLOW: &str = "InPersonVerificationWorkflow";
/// Activity: finds verifiers near the member who are free when the member is.
pub const FIND_AVAILABLE_VERIFIERS: &str = "find_available_verifiers";
/// Activity: holds a verifier and a slot for the member.
pub const SCHEDULE_VERIFICATION_APPOINTMENT: &str = "schedule_verification_appointment";
/// Activity: says how an appointment stands.
pub const LOOK_AT_VERIFICATION_APPOINTMENT: &str = "look_at_verification_appointment";
/// Activity: ends an appointment that is open, so that its slot is free.
pub const CLOSE_VERIFICATION_APPOINTMENT: &str = "close_verification_appointment";
/// Update: an appointment has changed.
pub const REPORT_APPOINTMENT: &str = "report_appointment";
/// Signal: an appointment has changed. What it holds is not read.
pub const APPOINTMENT_CHANGED: &str = "appointment_changed";
/// Query: how the verification stands.
pub use mesh_workflows::contract::PROGRESS;
/// Query: the present appointment.
pub const APPOINTMENT: &str = "appointment";

/// Input of [`crate::InPersonVerificationWorkflow`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InPersonVerificationRequest {
    /// The verification that asks.
    pub verification_id: VerificationId,
    /// Whom to meet.
    pub member_id: MemberId,
    /// Where and when the member can meet somebody.
    pub meeting_preference_id: MeetingPreferenceId,
    /// How far, how long and how often.
    #[serde(default)]
    pub rules: MeetingRules,
}

/// How far away a verifier may be, how long everything lasts, and how often it is tried. How long an appointment is, and how long before it
/// is booked, is the service's to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct MeetingRules {
    /// The time for all of it, in seconds from the start.
    pub total_seconds: u64,
    /// How long before that an appointment has to end, so that there is time to say what came of it, in seconds.
    pub closing_seconds: u64,
    /// How far away a verifier may be, in metres.
    pub within_metres: u32,
    /// The pause between two searches where nobody was free, in seconds.
    pub search_pause_seconds: u64,
    /// How long after its end an appointment is given up of which nobody has said anything, in seconds.
    pub unattended_seconds: u64,
    /// With so many no-shows of the member it is over.
    pub member_no_shows: u32,
    /// With so many cancellations by the member it is over.
    pub member_cancellations: u32,
    /// Appointments that are booked at most, whatever became of them: far more than the time allows where people keep to what they say.
    pub appointments: u32,
}

impl Default for MeetingRules {
    fn default() -> Self {
        const HOUR: u64 = 3600;
        Self {
            total_seconds: 7 * 24 * HOUR,
            closing_seconds: HOUR,
            within_metres: 50_000,
            search_pause_seconds: HOUR,
            unattended_seconds: 24 * HOUR,
            member_no_shows: 2,
            member_cancellations: 5,
            appointments: 100,
        }
    }
}

/// A time for an appointment, in seconds since 1970-01-01 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slot {
    /// Its begin.
    pub start_seconds: i64,
    /// Its end.
    pub end_seconds: i64,
}

/// Input of `find_available_verifiers`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SearchRequest {
    /// The verification that asks.
    pub verification_id: VerificationId,
    /// Whom to meet.
    pub member_id: MemberId,
    /// Where and when the member can.
    pub meeting_preference_id: MeetingPreferenceId,
    /// How far away a verifier may be, in metres.
    pub within_metres: u32,
    /// When the verification in person began, in seconds since 1970-01-01 UTC.
    pub begun_at_seconds: i64,
    /// The time of the search, in seconds since 1970-01-01 UTC.
    pub from_seconds: i64,
    /// When it must have ended, in seconds since 1970-01-01 UTC.
    pub until_seconds: i64,
    /// Verifiers who are not asked again.
    pub excluded: Vec<MemberId>,
}

/// Verifiers who are free, the best first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AvailableVerifiers {
    /// None when nobody is.
    pub verifiers: Vec<AvailableVerifier>,
}

/// A verifier who is free.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AvailableVerifier {
    /// Who.
    pub verifier_id: MemberId,
    /// Their first slots, in order.
    pub slots: Vec<Slot>,
}

/// Input of `schedule_verification_appointment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentRequest {
    /// The verification that asks.
    pub verification_id: VerificationId,
    /// Whom to meet.
    pub member_id: MemberId,
    /// Where and when the member can.
    pub meeting_preference_id: MeetingPreferenceId,
    /// Which appointment of the verification it is, from 1; the same again returns the same.
    pub number: u32,
    /// Whom to try, the best first.
    pub verifiers: Vec<AvailableVerifier>,
    /// When an appointment must have ended, in seconds since 1970-01-01 UTC.
    pub until_seconds: i64,
}

/// What was booked; none when everybody has been booked by others meanwhile.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Scheduled {
    /// The appointment.
    pub appointment: Option<Appointment>,
}

/// An appointment, as the workflow knows it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Appointment {
    /// Its id.
    pub appointment_id: AppointmentId,
    /// With whom.
    pub verifier_id: MemberId,
    /// When.
    pub slot: Slot,
}

/// Input of `look_at_verification_appointment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookRequest {
    /// The appointment.
    pub appointment_id: AppointmentId,
}

/// Input of `close_verification_appointment`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CloseRequest {
    /// The verification whose appointment it is.
    pub verification_id: VerificationId,
    /// Whom to meet.
    pub member_id: MemberId,
    /// Where and when the member could.
    pub meeting_preference_id: MeetingPreferenceId,
    /// The appointment as the workflow knows it; none for whichever is open. One that has another time by now is not given up as
    /// unattended.
    pub appointment: Option<Appointment>,
    /// Why.
    pub reason: CloseReason,
}

/// Why an appointment is closed that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum CloseReason {
    /// Its time is long over, and nobody has said anything. Another one may be booked.
    Unattended,
    /// The time for the whole verification is over. No other one is booked.
    TimedOut,
    /// The verification was cancelled, or the workflow failed. No other one is booked.
    Withdrawn,
}

/// Answer of `look_at_verification_appointment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Looked {
    /// The appointment as it is now.
    pub appointment: Appointment,
    /// How it stands.
    pub standing: Standing,
}

/// Answer of `close_verification_appointment`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Closed {
    /// The appointment as it is now, and how it stands, which may have ended in another way before; none when there was none.
    pub looked: Option<Looked>,
}

/// How an appointment stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "snake_case")]
pub enum Standing {
    /// It is to come.
    Booked,
    /// The member is there.
    CheckedIn,
    /// They have met.
    Completed {
        /// Whether the member is who the profile says.
        is_confirmed: bool,
        /// Evidence for it, one piece for each thing that was checked; none where it is not confirmed.
        evidence: Vec<Evidence>,
    },
    /// The member called it off.
    CancelledByMember,
    /// The verifier called it off, or declined it.
    CancelledByVerifier,
    /// The platform's staff called it off.
    CancelledByStaff,
    /// The member was not there.
    NoShowOfMember,
    /// The verifier was not there.
    NoShowOfVerifier,
    /// Nobody has said anything of it.
    Unattended,
    /// The verification ended before it.
    Withdrawn,
    /// As only a newer version knows.
    #[serde(other)]
    Other,
}

/// Payload of the update `report_appointment`: which appointment has changed, and its version then. What it has become is looked up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AppointmentChange {
    /// The appointment.
    pub appointment_id: AppointmentId,
    /// Its version after the change.
    pub version: i64,
}

/// Where the verification is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// A verifier is looked for.
    Searching,
    /// An appointment is to come.
    Booked,
    /// The member is there.
    CheckedIn,
    /// It has ended.
    Ended,
}

/// Answer of the query `progress`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// Where it is.
    pub phase: Phase,
    /// Appointments that were booked so far.
    pub appointments: u32,
    /// How often the member was not there.
    pub member_no_shows: u32,
}

/// The activities that the service's worker runs.
pub struct InPersonActivities;

#[activity_definitions]
impl InPersonActivities {
    /// Finds verifiers near the member who are certified, free when the member is, and not connected to the member.
    #[activity(name = FIND_AVAILABLE_VERIFIERS)]
    pub fn find_available_verifiers(request: SearchRequest) -> Result<AvailableVerifiers, ActivityError> {
        unimplemented!()
    }

    /// Holds the first verifier and slot that are still free, in one transaction; again returns the same.
    #[activity(name = SCHEDULE_VERIFICATION_APPOINTMENT)]
    pub fn schedule_verification_appointment(request: AppointmentRequest) -> Result<Scheduled, ActivityError> {
        unimplemented!()
    }

    /// Says how an appointment stands.
    #[activity(name = LOOK_AT_VERIFICATION_APPOINTMENT)]
    pub fn look_at_verification_appointment(request: LookRequest) -> Result<Looked, ActivityError> {
        unimplemented!()
    }

    /// Ends an appointment that is open; one that has ended already stays as it is.
    #[activity(name = CLOSE_VERIFICATION_APPOINTMENT)]
    pub fn close_verification_appointment(request: CloseRequest) -> Result<Closed, ActivityError> {
        unimplemented!()
    }
}

/// The markers that an implementation names in `#[activity(definition = …)]`.
pub mod definitions {
    pub use super::in_person_activities::{
        CloseVerificationAppointment, FindAvailableVerifiers, LookAtVerificationAppointment,
        ScheduleVerificationAppointment,
    };
}
