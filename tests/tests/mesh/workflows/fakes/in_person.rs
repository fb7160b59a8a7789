//! The in-person service's activities, without a database.

use super::{Script, Scripts, lock, permanent};
use in_person_workflows::contract::definitions as in_person;
use in_person_workflows::contract::{
    Appointment, AppointmentChange, AppointmentRequest, AvailableVerifier, AvailableVerifiers, CloseReason,
    CloseRequest, Closed, LookRequest, Looked, Scheduled, SearchRequest, Slot, Standing,
};
use mesh_runtime::clock;
use mesh_testkit::eventually;
use mesh_types::{AppointmentId, Evidence, EvidenceId, EvidenceKind, MemberId};
use std::sync::Arc;
use std::time::Duration;
use temporalio_common::ActivityError;
use temporalio_macros::activities;
use temporalio_sdk::activities::ActivityContext;

/// No other member of these tests has an id from here on.
const VERIFIERS_FROM: i64 = 900_000;
const HOUR: i64 = 3600;
/// When the slots begin, in seconds after the search.
const SLOTS_AFTER: [i64; 2] = [3 * HOUR, 4 * HOUR];
/// How long a slot is, in seconds.
const SLOT: i64 = HOUR / 2;

/// They have met, and the member is not who the profile says.
pub const NOT_CONFIRMED: Standing = Standing::Completed {
    is_confirmed: false,
    evidence: Vec::new(),
};

/// They have met, and the member is who the profile says, by a piece of evidence of each kind.
pub fn confirmed(proves: &[EvidenceKind]) -> Standing {
    let evidence = proves
        .iter()
        .map(|kind| Evidence::new(EvidenceId::from(clock::new_uuid()), *kind));
    Standing::Completed {
        is_confirmed: true,
        evidence: evidence.collect(),
    }
}

/// The verifiers in the order in which they are found, counted from 1.
pub fn verifier(number: i64) -> MemberId {
    MemberId::try_from(VERIFIERS_FROM + number).expect("a number from 1")
}

/// What becomes of the meetings of a verification; by default each appointment is to come until the test says otherwise.
pub struct MeetingScript {
    /// Verifiers who are available; each of them always is.
    pub verifiers: usize,
    /// How many searches find nobody, before one finds somebody.
    pub searches_in_vain: usize,
    /// How a verifier is held.
    pub holds: HoldScript,
    /// How each appointment stands as soon as it is booked, in their order; those that are not named are to come.
    pub standings: Vec<Standing>,
}

impl Default for MeetingScript {
    fn default() -> Self {
        Self {
            verifiers: 5,
            searches_in_vain: 0,
            holds: HoldScript::HoldsTheBest,
            standings: Vec::new(),
        }
    }
}

/// How a verifier is held.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum HoldScript {
    /// The best of those who were found has time.
    HoldsTheBest,
    /// At the first attempt, all who were found have been booked by others meanwhile.
    FindsAllTakenAtFirst,
    /// An ordinary activity holds, after the answer of a local one got lost, and answers when the test lets it.
    AnswersWhenItMay,
}

/// What the activities were asked for, in order.
#[derive(Clone, Default)]
pub struct SeenInPerson {
    /// Searches for verifiers.
    pub searches: Vec<SearchRequest>,
    /// Attempts to hold one.
    pub holds: Vec<AppointmentRequest>,
    /// Looks at an appointment.
    pub looks: Vec<LookRequest>,
    /// Requests to end what is open.
    pub closings: Vec<CloseRequest>,
}

impl SeenInPerson {
    /// Which appointments were to be ended, and why.
    pub fn closed(&self) -> Vec<(Option<AppointmentId>, CloseReason)> {
        let closings = self.closings.iter();
        closings
            .map(|closing| (closing.appointment.map(|known| known.appointment_id), closing.reason))
            .collect()
    }
}

/// An appointment as the service's table has it.
#[derive(Clone, Debug)]
pub struct Booked {
    /// Which of the verification it is, from 1.
    pub number: u32,
    /// With whom, and when.
    pub appointment: Appointment,
    /// How it stands.
    pub standing: Standing,
    /// How often it has changed.
    pub version: i64,
}

/// The appointments of a verification.
#[derive(Default)]
pub(super) struct Diary {
    booked: Vec<Booked>,
    is_over: bool,
    hold_may_answer: bool,
}

/// The activities; who is available is in the script.
pub struct InPersonFakes(pub Arc<Scripts>);

#[activities]
impl InPersonFakes {
    #[activity(definition = in_person::FindAvailableVerifiers)]
    pub async fn find_available_verifiers(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: SearchRequest,
    ) -> Result<AvailableVerifiers, ActivityError> {
        let script = self.0.of(request.verification_id)?;
        Ok(AvailableVerifiers {
            verifiers: script.search(request),
        })
    }

    #[activity(definition = in_person::ScheduleVerificationAppointment)]
    pub async fn schedule_verification_appointment(
        self: Arc<Self>,
        ctx: ActivityContext,
        request: AppointmentRequest,
    ) -> Result<Scheduled, ActivityError> {
        let script = self.0.of(request.verification_id)?;
        let appointment = script.hold(request);
        if script.course.meetings.holds == HoldScript::AnswersWhenItMay {
            // No workflow hears anything while a local activity runs.
            if ctx.info().is_local {
                return Err(permanent("DATABASE_UNAVAILABLE"));
            }
            let may_answer = async || lock(&script.diary).hold_may_answer.then_some(());
            eventually(Duration::from_secs(10), "the answer to be wanted", may_answer).await?;
        }
        Ok(Scheduled { appointment })
    }

    #[activity(definition = in_person::LookAtVerificationAppointment)]
    pub async fn look_at_verification_appointment(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: LookRequest,
    ) -> Result<Looked, ActivityError> {
        let script = self.0.find(|script| script.has_booked(request.appointment_id))?;
        let looked = script.look(request);
        looked.ok_or_else(|| permanent("APPOINTMENT_NOT_FOUND"))
    }

    #[activity(definition = in_person::CloseVerificationAppointment)]
    pub async fn close_verification_appointment(
        self: Arc<Self>,
        _ctx: ActivityContext,
        request: CloseRequest,
    ) -> Result<Closed, ActivityError> {
        let script = self.0.of(request.verification_id)?;
        Ok(Closed {
            looked: script.close(request),
        })
    }
}

impl Script {
    /// The appointments, in the order in which they were booked.
    pub fn appointments(&self) -> Vec<Booked> {
        lock(&self.diary).booked.clone()
    }

    /// Changes the appointment that was booked last; what there is to tell of that.
    pub fn change_appointment(&self, change: impl FnOnce(&mut Booked)) -> AppointmentChange {
        let mut diary = lock(&self.diary);
        let last = diary.booked.last_mut().expect("an appointment was booked");
        change(last);
        last.version += 1;
        AppointmentChange {
            appointment_id: last.appointment.appointment_id,
            version: last.version,
        }
    }

    /// Lets a hold answer that waits for it.
    pub fn let_hold_answer(&self) {
        lock(&self.diary).hold_may_answer = true;
    }

    /// Whoever was not asked before, where a slot ends in time.
    fn search(&self, request: SearchRequest) -> Vec<AvailableVerifier> {
        let of_search = SLOTS_AFTER.map(|after| Slot {
            start_seconds: request.from_seconds + after,
            end_seconds: request.from_seconds + after + SLOT,
        });
        let in_time = of_search
            .iter()
            .filter(|slot| slot.end_seconds <= request.until_seconds);
        let slots: Vec<Slot> = in_time.copied().collect();
        let all = (1..).map(verifier).take(self.course.meetings.verifiers);
        let mut found: Vec<AvailableVerifier> = all
            .filter(|verifier_id| !slots.is_empty() && !request.excluded.contains(verifier_id))
            .map(|verifier_id| AvailableVerifier {
                verifier_id,
                slots: slots.clone(),
            })
            .collect();
        let searches = &mut lock(&self.seen).in_person.searches;
        searches.push(request);
        if searches.len() <= self.course.meetings.searches_in_vain {
            found.clear();
        }
        found
    }

    /// The same number again is the same appointment, and after the end there is none.
    fn hold(&self, request: AppointmentRequest) -> Option<Appointment> {
        let is_first = {
            let holds = &mut lock(&self.seen).in_person.holds;
            holds.push(request.clone());
            holds.len() == 1
        };
        let mut diary = lock(&self.diary);
        if let Some(held) = diary.booked.iter().find(|booked| booked.number == request.number) {
            return Some(held.appointment);
        }
        if diary.is_over || (is_first && self.course.meetings.holds == HoldScript::FindsAllTakenAtFirst) {
            return None;
        }
        let best = request.verifiers.first()?;
        let appointment = Appointment {
            appointment_id: AppointmentId::from(clock::new_uuid()),
            verifier_id: best.verifier_id,
            slot: *best.slots.first()?,
        };
        let planned = self.course.meetings.standings.get(diary.booked.len());
        let standing = planned.cloned().unwrap_or(Standing::Booked);
        diary.booked.push(Booked {
            number: request.number,
            appointment,
            standing,
            version: 1,
        });
        Some(appointment)
    }

    fn has_booked(&self, appointment_id: AppointmentId) -> bool {
        let diary = lock(&self.diary);
        let mut ids = diary.booked.iter().map(|booked| booked.appointment.appointment_id);
        ids.any(|id| id == appointment_id)
    }

    fn look(&self, request: LookRequest) -> Option<Looked> {
        lock(&self.seen).in_person.looks.push(request);
        let diary = lock(&self.diary);
        let wanted = |booked: &&Booked| booked.appointment.appointment_id == request.appointment_id;
        let found = diary.booked.iter().find(wanted)?;
        Some(Looked {
            appointment: found.appointment,
            standing: found.standing.clone(),
        })
    }

    /// Ends what is open; how it stands then, or has stood before. One that was moved is not given up by its old time.
    fn close(&self, request: CloseRequest) -> Option<Looked> {
        lock(&self.seen).in_person.closings.push(request);
        let mut diary = lock(&self.diary);
        diary.is_over |= request.reason != CloseReason::Unattended;
        let is_meant = |booked: &&mut Booked| {
            let id = booked.appointment.appointment_id;
            request.appointment.is_none_or(|wanted| wanted.appointment_id == id)
        };
        let found = diary.booked.iter_mut().rev().find(is_meant)?;
        let is_moved = request
            .appointment
            .is_some_and(|known| known.slot != found.appointment.slot);
        let is_left = is_moved && request.reason == CloseReason::Unattended;
        if matches!(found.standing, Standing::Booked | Standing::CheckedIn) && !is_left {
            found.standing = match request.reason {
                CloseReason::Unattended => Standing::Unattended,
                CloseReason::TimedOut | CloseReason::Withdrawn => Standing::Withdrawn,
            };
            found.version += 1;
        }
        Some(Looked {
            appointment: found.appointment,
            standing: found.standing.clone(),
        })
    }
}
