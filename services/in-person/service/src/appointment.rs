//! What an appointment is and may become: the rules of its life, as total functions on plain data.

use in_person_availability::Span;
use in_person_workflows::contract::Standing;
use jiff::{SignedDuration, Timestamp};
use mesh_keyring::Sealed;
use mesh_runtime::Problem;
use mesh_types::{AppointmentId, Evidence, MemberId, Reason, VerificationId};

/// How often an appointment can be moved.
pub const MOST_RESCHEDULES: i32 = 3;
/// How many wrong codes can be entered.
pub const MOST_CODE_TRIES: i32 = 5;

/// How an appointment stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum State {
    /// It is to come.
    Booked,
    /// Both are there.
    CheckedIn,
    /// They have met.
    Completed,
    /// The member called it off.
    CancelledByMember,
    /// The verifier called it off.
    CancelledByVerifier,
    /// The platform's staff called it off.
    CancelledByStaff,
    /// The member was not there.
    NoShowOfMember,
    /// The verifier was not there.
    NoShowOfVerifier,
    /// Nobody said anything of it in time.
    Unattended,
    /// The verification ended before it.
    Withdrawn,
}

impl State {
    /// All of them.
    pub const ALL: [Self; 10] = [
        Self::Booked,
        Self::CheckedIn,
        Self::Completed,
        Self::CancelledByMember,
        Self::CancelledByVerifier,
        Self::CancelledByStaff,
        Self::NoShowOfMember,
        Self::NoShowOfVerifier,
        Self::Unattended,
        Self::Withdrawn,
    ];

    /// The stable text in tables and in the details of a refusal.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Booked => "booked",
            Self::CheckedIn => "checked_in",
            Self::Completed => "completed",
            Self::CancelledByMember => "cancelled_by_member",
            Self::CancelledByVerifier => "cancelled_by_verifier",
            Self::CancelledByStaff => "cancelled_by_staff",
            Self::NoShowOfMember => "no_show_of_member",
            Self::NoShowOfVerifier => "no_show_of_verifier",
            Self::Unattended => "unattended",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// The state of a stable text.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }

    /// Whether the verifier and the slot are held.
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Booked | Self::CheckedIn)
    }

    /// Whether it is one of the verifier's appointments of the day: one that was called off is not.
    pub const fn fills_the_day(self) -> bool {
        !matches!(
            self,
            Self::CancelledByMember | Self::CancelledByVerifier | Self::CancelledByStaff | Self::Withdrawn
        )
    }
}

/// Who changes an appointment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Party {
    /// The member.
    Member,
    /// The verifier.
    Verifier,
    /// The platform's staff.
    Staff,
}

/// What was found when they met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Completion {
    /// Whether the member is who the profile says.
    pub is_confirmed: bool,
    /// Evidence for it.
    pub evidence: Vec<Evidence>,
}

/// An appointment of a member with a verifier.
#[derive(Clone, Debug)]
pub struct Appointment {
    /// Its id.
    pub appointment_id: AppointmentId,
    /// The verification that it is for.
    pub verification_id: VerificationId,
    /// The member.
    pub member_id: MemberId,
    /// The verifier.
    pub verifier_id: MemberId,
    /// When.
    pub span: Span,
    /// When it must have ended, wherever it is moved to.
    pub until: Timestamp,
    /// The verifier's zone.
    pub time_zone: String,
    /// Where they meet; forgotten some time after the end.
    pub meeting_point: Option<Sealed>,
    /// How it stands.
    pub state: State,
    /// From 1, one more with each change.
    pub version: i64,
    /// How often it was moved.
    pub reschedules: i32,
    /// The key that the code for the check-in is made with.
    pub code_key_id: String,
    /// How many wrong codes were entered.
    pub code_tries: i32,
    /// What was found, where they have met.
    pub completion: Option<Completion>,
}

/// How long things last, as the operator set it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Terms {
    /// How long an appointment is.
    pub length: SignedDuration,
    /// How long before its begin it is booked at least.
    pub notice: SignedDuration,
    /// How long before its begin the member can check in.
    pub early: SignedDuration,
    /// How long after its begin somebody who is not there has missed it.
    pub lateness: SignedDuration,
}

impl Default for Terms {
    fn default() -> Self {
        Self {
            length: SignedDuration::from_mins(30),
            notice: SignedDuration::from_hours(2),
            early: SignedDuration::from_mins(15),
            lateness: SignedDuration::from_mins(15),
        }
    }
}

impl Appointment {
    /// Refuses who has read another version.
    ///
    /// # Errors
    /// `APPOINTMENT_CHANGED`.
    pub fn ensure_version(&self, read: i64) -> Result<(), Problem> {
        match read == self.version {
            true => Ok(()),
            false => Err(self.has_changed()),
        }
    }

    /// Called off by one of the two before its begin, or by staff as long as it is open.
    ///
    /// # Errors
    /// `APPOINTMENT_CHANGED` when it is not to come; `OUTSIDE_OF_APPOINTMENT` when it has begun.
    pub fn cancelled(&self, by: Party, now: Timestamp) -> Result<Self, Problem> {
        if !(by == Party::Staff && self.state.is_open()) {
            self.ensure_booked()?;
            self.ensure_not_begun(now)?;
        }
        Ok(self.ended_as(match by {
            Party::Member => State::CancelledByMember,
            Party::Verifier => State::CancelledByVerifier,
            Party::Staff => State::CancelledByStaff,
        }))
    }

    /// Moved to another begin, which needs as much notice as a booking. Whether anybody is free then is not looked at here. The new code has all
    /// its tries.
    ///
    /// # Errors
    /// `APPOINTMENT_CHANGED` when it is not to come; `OUTSIDE_OF_APPOINTMENT` when it has begun; `TOO_MANY_RESCHEDULES`;
    /// `INVALID_REQUEST` when the new begin is too soon, or the new end is after the verification's.
    pub fn moved_to(&self, start: Timestamp, terms: &Terms, now: Timestamp) -> Result<Self, Problem> {
        self.ensure_booked()?;
        self.ensure_not_begun(now)?;
        if self.reschedules >= MOST_RESCHEDULES {
            let message = "it was moved three times already; call it off, and another one is looked for";
            return Err(Problem::new(Reason::TooManyReschedules, message));
        }
        if start < now.saturating_add(terms.notice).map_err(Problem::internal)? {
            let message = "must leave the other one time to hear of it, as long as a booking does";
            return Err(Problem::invalid_field("start", message));
        }
        let end = start.saturating_add(self.span.length()).map_err(Problem::internal)?;
        if end > self.until {
            let message = "must be so early that the appointment ends before the time for the verification does";
            return Err(Problem::invalid_field("start", message));
        }
        let span = Span::new(start, end).map_err(Problem::internal)?;
        let reschedules = self.reschedules + 1;
        Ok(Self {
            span,
            reschedules,
            code_tries: 0,
            ..self.next()
        })
    }

    /// With a code that was entered. A wrong one uses up a try and makes no new version: who has read the appointment has not missed anything.
    ///
    /// # Errors
    /// `APPOINTMENT_CHANGED` when it is not to come; `OUTSIDE_OF_APPOINTMENT` when it is too early or too late; `CHECK_IN_LOCKED`.
    pub fn checked_in(&self, is_code_right: bool, terms: &Terms, now: Timestamp) -> Result<Self, Problem> {
        self.ensure_booked()?;
        let opens = self
            .span
            .start()
            .saturating_sub(terms.early)
            .map_err(Problem::internal)?;
        if now < opens || now >= self.span.end() {
            let message = "codes are taken from some minutes before the begin until the end";
            return Err(self.outside(message));
        }
        if self.code_tries >= MOST_CODE_TRIES {
            let message = "too many wrong codes were entered; nobody can check in any more";
            return Err(Problem::new(Reason::CheckInLocked, message));
        }
        Ok(match is_code_right {
            true => Self {
                state: State::CheckedIn,
                ..self.next()
            },
            false => Self {
                code_tries: self.code_tries + 1,
                ..self.clone()
            },
        })
    }

    /// Met.
    ///
    /// # Errors
    /// `NOT_CHECKED_IN`; `APPOINTMENT_CHANGED` when it has ended.
    pub fn completed(&self, completion: Completion) -> Result<Self, Problem> {
        match self.state {
            State::CheckedIn => Ok(Self {
                completion: Some(completion),
                ..self.ended_as(State::Completed)
            }),
            State::Booked => Err(Problem::new(
                Reason::NotCheckedIn,
                "the member has to check in before, by the code that they show",
            )),
            _ => Err(self.has_changed()),
        }
    }

    /// Missed by one of the two.
    ///
    /// # Errors
    /// `APPOINTMENT_CHANGED` when it is not to come; `OUTSIDE_OF_APPOINTMENT` when it is too early to say.
    pub fn missed(&self, by: Party, terms: &Terms, now: Timestamp) -> Result<Self, Problem> {
        self.ensure_booked()?;
        let late = self
            .span
            .start()
            .saturating_add(terms.lateness)
            .map_err(Problem::internal)?;
        if now < late {
            return Err(self.outside("somebody has missed it only some minutes after the begin"));
        }
        Ok(self.ended_as(match by {
            Party::Verifier => State::NoShowOfVerifier,
            Party::Member | Party::Staff => State::NoShowOfMember,
        }))
    }

    /// Ended by the workflow, where it is open.
    pub fn closed_as(&self, state: State) -> Option<Self> {
        self.state.is_open().then(|| self.ended_as(state))
    }

    /// How it stands, for the workflow.
    pub fn standing(&self) -> Standing {
        match (self.state, &self.completion) {
            (State::Booked, _) => Standing::Booked,
            (State::CheckedIn, _) => Standing::CheckedIn,
            (State::Completed, Some(found)) => Standing::Completed {
                is_confirmed: found.is_confirmed,
                evidence: found.evidence.clone(),
            },
            (State::Completed, None) => Standing::Completed {
                is_confirmed: false,
                evidence: Vec::new(),
            },
            (State::CancelledByMember, _) => Standing::CancelledByMember,
            (State::CancelledByVerifier, _) => Standing::CancelledByVerifier,
            (State::CancelledByStaff, _) => Standing::CancelledByStaff,
            (State::NoShowOfMember, _) => Standing::NoShowOfMember,
            (State::NoShowOfVerifier, _) => Standing::NoShowOfVerifier,
            (State::Unattended, _) => Standing::Unattended,
            (State::Withdrawn, _) => Standing::Withdrawn,
        }
    }

    /// What the code for the check-in is made of: one of another time has another one.
    pub fn code_text(&self) -> Vec<u8> {
        [
            b"check-in\0".as_slice(),
            self.appointment_id.uuid().as_bytes(),
            &self.reschedules.to_be_bytes(),
        ]
        .concat()
    }

    fn next(&self) -> Self {
        Self {
            version: self.version + 1,
            ..self.clone()
        }
    }

    fn ended_as(&self, state: State) -> Self {
        Self { state, ..self.next() }
    }

    fn ensure_booked(&self) -> Result<(), Problem> {
        match self.state {
            State::Booked => Ok(()),
            _ => Err(self.has_changed()),
        }
    }

    fn ensure_not_begun(&self, now: Timestamp) -> Result<(), Problem> {
        match now < self.span.start() {
            true => Ok(()),
            false => Err(self.outside("it has begun")),
        }
    }

    fn has_changed(&self) -> Problem {
        let message = "the appointment has moved on; read it and decide anew";
        self.with_state(Problem::new(Reason::AppointmentChanged, message))
    }

    fn outside(&self, message: &str) -> Problem {
        self.with_state(Problem::new(Reason::OutsideOfAppointment, message))
    }

    fn with_state(&self, problem: Problem) -> Problem {
        problem
            .with_metadata("state", self.state.as_str())
            .with_metadata("version", self.version.to_string())
    }
}

#[cfg(test)]
mod tests;
