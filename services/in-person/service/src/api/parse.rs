//! From messages to typed values. What the field rules of the contract say is checked before a handler runs; here is what
//! needs another field, the calendar or the zones.

use crate::Location;
use crate::appointment::Party;
use crate::location::LocationError;
use crate::notify::place_of_meeting_point;
use crate::search_verifiers::{Search, Window};
use crate::store::{Certification, Near, Recertification, VerifierMethod, VerifierProfile};
use in_person_availability::{Availability, AvailabilityError, Day, Hours, Span, TimeOfDay, Weekly};
use jiff::civil::{Date, Weekday};
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};
use mesh_keyring::Keyring;
use mesh_proto::fields;
use mesh_proto::in_person::v1 as proto;
use mesh_runtime::Problem;
use mesh_runtime::paging::PageRequest;
use mesh_types::{AppointmentId, MemberId, RequestId, VerificationId};

const DEFAULT_WITHIN_METRES: i32 = 50_000;
const DEFAULT_SLOT_MINUTES: i32 = 30;
const LEAST_SLOT_MINUTES: i32 = 5;
const LONGEST_WINDOW: SignedDuration = SignedDuration::from_hours(31 * 24);

pub(crate) fn register_verifier(
    keyring: &Keyring,
    request: &proto::RegisterVerifierRequest,
) -> Result<(RequestId, MemberId, VerifierProfile, Certification), Problem> {
    let request_id = fields::id("request_id", &request.request_id)?;
    let verifier_id = fields::member_id("verifier_id", request.verifier_id)?;
    let until = fields::required("certified_until", request.certified_until)?;
    let methods = methods("methods", &request.methods)?;
    if methods.is_empty() {
        return Err(Problem::invalid_field("methods", "must name at least one"));
    }
    let certification = Certification {
        until: fields::instant("certified_until", until)?,
        methods,
    };
    Ok((
        request_id,
        verifier_id,
        profile(keyring, verifier_id, request.profile.as_ref())?,
        certification,
    ))
}

/// Which verifier becomes what.
pub(crate) struct Update {
    pub request_id: RequestId,
    pub verifier_id: MemberId,
    /// The version that the caller read.
    pub version: i64,
    pub profile: VerifierProfile,
    pub recertification: Recertification,
    /// Whether nothing is said of where they meet members, so that it stays as it is.
    pub keeps_meeting_point: bool,
}

pub(crate) fn update_verifier(keyring: &Keyring, request: &proto::UpdateVerifierRequest) -> Result<Update, Problem> {
    let verifier_id = fields::member_id("verifier_id", request.verifier_id)?;
    let until = request.certified_until;
    let until = until.map(|until| fields::instant("certified_until", until));
    let methods = methods("methods", &request.methods)?;
    let says_meeting_point = request
        .profile
        .as_ref()
        .is_some_and(|profile| profile.meeting_point.is_some());
    Ok(Update {
        keeps_meeting_point: !says_meeting_point,
        request_id: fields::id("request_id", &request.request_id)?,
        verifier_id,
        version: request.version,
        profile: profile(keyring, verifier_id, request.profile.as_ref())?,
        recertification: Recertification {
            until: until.transpose()?,
            methods: (!methods.is_empty()).then_some(methods),
        },
    })
}

pub(super) fn get_verifier(request: &proto::GetVerifierRequest) -> Result<MemberId, Problem> {
    Ok(fields::member_id("verifier_id", request.verifier_id)?)
}

/// The last row of a page: the bits of its distance in metres, and its verifier.
pub(super) type PageKey = (u64, i64);

pub(super) fn search_verifiers(
    request: &proto::SearchVerifiersRequest,
    now: Timestamp,
) -> Result<(Search, PageRequest<PageKey>), Problem> {
    let location = location("location", request.location.as_ref())?;
    let methods = methods("methods", &request.methods)?;
    let asked = window(request)?;
    let filter = (
        "SearchVerifiers",
        (location.latitude_microdegrees(), location.longitude_microdegrees()),
        request.within_metres,
        asked.map(|window| (window.span.start(), window.span.end(), window.slot)),
        &request.methods,
    );
    let page = PageRequest::parse(request.page_size, &request.page_token, &filter)?;
    let within_metres = match request.within_metres {
        0 => DEFAULT_WITHIN_METRES,
        metres => metres,
    };
    let window = asked.map(|window| left_of(window, now)).transpose()?;
    let search = Search {
        near: Near {
            location,
            within_metres: within_metres.into(),
            certified_after: window.map_or(now, |window| window.span.start()),
            methods,
        },
        window,
    };
    Ok((search, page))
}

fn window(request: &proto::SearchVerifiersRequest) -> Result<Option<Window>, Problem> {
    let minutes = match request.slot_minutes {
        0 => DEFAULT_SLOT_MINUTES,
        minutes if minutes < LEAST_SLOT_MINUTES => {
            return Err(Problem::invalid_field(
                "slot_minutes",
                "must be from 5 to 480, or 0 for 30",
            ));
        }
        minutes => minutes,
    };
    let (from, until) = match (request.free_from, request.free_until) {
        (None, None) => return Ok(None),
        (Some(from), Some(until)) => (
            fields::instant("free_from", from)?,
            fields::instant("free_until", until)?,
        ),
        (None, Some(_)) => return Err(Problem::invalid_field("free_from", "must be set where free_until is")),
        (Some(_), None) => return Err(Problem::invalid_field("free_until", "must be set where free_from is")),
    };
    let after = |_| Problem::invalid_field("free_until", "must be after free_from");
    let span = Span::new(from, until).map_err(after)?;
    if span.length() > LONGEST_WINDOW {
        return Err(Problem::invalid_field(
            "free_until",
            "must be at most 31 days after free_from",
        ));
    }
    let slot = SignedDuration::from_mins(minutes.into());
    Ok(Some(Window { span, slot }))
}

/// Where and when a member can meet somebody.
pub(crate) struct Wanted {
    pub request_id: RequestId,
    pub member_id: MemberId,
    pub location: Location,
    pub free_times: Vec<Span>,
}

pub(crate) fn create_meeting_preference(
    request: &proto::CreateMeetingPreferenceRequest,
    now: Timestamp,
) -> Result<Wanted, Problem> {
    let read = |(index, time): (usize, &proto::FreeTime)| {
        let path = |field: &str| format!("free_times[{index}].{field}");
        let start = fields::required(&path("start"), time.start)?;
        let start = fields::instant(&path("start"), start)?;
        let end = fields::required(&path("end"), time.end)?;
        let end = fields::instant(&path("end"), end)?;
        for (field, instant) in [("start", start), ("end", end)] {
            whole_second(&path(field), instant)?;
        }
        let span = Span::new(start, end).map_err(|_| Problem::invalid_field(path("end"), "must be after its start"))?;
        match end > now {
            true => Ok(span),
            false => Err(Problem::invalid_field(path("end"), "must not be over yet")),
        }
    };
    let free_times = request.free_times.iter().enumerate().map(read);
    Ok(Wanted {
        request_id: fields::id("request_id", &request.request_id)?,
        member_id: fields::member_id("member_id", request.member_id)?,
        location: location("location", request.location.as_ref())?.coarse(),
        free_times: free_times.collect::<Result<_, _>>()?,
    })
}

/// What a request names an appointment by.
pub(super) enum Meant {
    Appointment(AppointmentId),
    LatestOf(VerificationId),
}

/// Exactly one of two fields is set.
pub(super) fn get_appointment(request: &proto::GetAppointmentRequest) -> Result<Meant, Problem> {
    match (request.appointment_id.as_str(), request.verification_id.as_str()) {
        (id, "") => Ok(Meant::Appointment(fields::id("appointment_id", id)?)),
        ("", id) => Ok(Meant::LatestOf(fields::id("verification_id", id)?)),
        _ => Err(Problem::invalid_field(
            "verification_id",
            "must be empty if appointment_id is set",
        )),
    }
}

/// The ids of a request that changes an appointment.
pub(crate) fn appointment(request_id: &str, appointment_id: &str) -> Result<(RequestId, AppointmentId), Problem> {
    Ok((
        fields::id("request_id", request_id)?,
        fields::id("appointment_id", appointment_id)?,
    ))
}

pub(crate) fn reschedule_appointment(
    request: &proto::RescheduleAppointmentRequest,
) -> Result<(RequestId, AppointmentId, Timestamp), Problem> {
    let (request_id, appointment_id) = appointment(&request.request_id, &request.appointment_id)?;
    let start = fields::instant("start", fields::required("start", request.start)?)?;
    whole_second("start", start)?;
    Ok((request_id, appointment_id, start))
}

fn whole_second(path: &str, instant: Timestamp) -> Result<(), Problem> {
    match instant.subsec_nanosecond() {
        0 => Ok(()),
        _ => Err(Problem::invalid_field(path, "must be a whole second")),
    }
}

pub(crate) fn complete_appointment(
    request: &proto::CompleteAppointmentRequest,
) -> Result<(RequestId, AppointmentId, bool), Problem> {
    let (request_id, appointment_id) = appointment(&request.request_id, &request.appointment_id)?;
    let is_confirmed = match request.result() {
        proto::MeetingResult::Confirmed => true,
        proto::MeetingResult::NotConfirmed => false,
        proto::MeetingResult::Unspecified => {
            return Err(Problem::invalid_field("result", "must be one of the named values"));
        }
    };
    if request.original_document_seen && !is_confirmed {
        let message = "must not be set where the result is not MEETING_RESULT_CONFIRMED";
        return Err(Problem::invalid_field("original_document_seen", message));
    }
    Ok((request_id, appointment_id, is_confirmed))
}

pub(crate) fn report_no_show(
    request: &proto::ReportNoShowRequest,
) -> Result<(RequestId, AppointmentId, Party), Problem> {
    let (request_id, appointment_id) = appointment(&request.request_id, &request.appointment_id)?;
    let absent = match request.absent() {
        proto::AbsentParty::Member => Party::Member,
        proto::AbsentParty::Verifier => Party::Verifier,
        proto::AbsentParty::Unspecified => {
            return Err(Problem::invalid_field("absent", "must be one of the named values"));
        }
    };
    Ok((request_id, appointment_id, absent))
}

/// What is left of a window.
fn left_of(window: Window, now: Timestamp) -> Result<Window, Problem> {
    let span = Span::new(window.span.start().max(now), window.span.end());
    let over = |_| Problem::invalid_field("free_until", "must not be over yet");
    Ok(Window {
        span: span.map_err(over)?,
        ..window
    })
}

fn profile(
    keyring: &Keyring,
    verifier_id: MemberId,
    profile: Option<&proto::VerifierProfile>,
) -> Result<VerifierProfile, Problem> {
    let profile = fields::required("profile", profile)?;
    let zone = TimeZone::get(&profile.time_zone).ok().filter(|zone| !zone.is_unknown());
    // As the database writes it, whatever the case in which it was asked for.
    let time_zone = zone.as_ref().and_then(TimeZone::iana_name).ok_or_else(|| {
        let message = "must be a zone's IANA name, such as Europe/Berlin";
        Problem::invalid_field("profile.time_zone", message)
    })?;
    Ok(VerifierProfile {
        location: location("profile.location", profile.location.as_ref())?.coarse(),
        time_zone: time_zone.to_owned(),
        availability: availability(profile)?,
        is_paused: profile.is_paused,
        meeting_point: match profile.meeting_point.as_deref().map(str::trim) {
            None | Some("") => None,
            Some(words) => Some(keyring.seal_text(&place_of_meeting_point(verifier_id), words)),
        },
    })
}

fn location(path: &str, location: Option<&proto::Location>) -> Result<Location, Problem> {
    let location = fields::required(path, location)?;
    let point = Location::new(location.latitude_microdegrees, location.longitude_microdegrees);
    point.map_err(|error| {
        let (field, most) = match error {
            LocationError::Latitude => ("latitude_microdegrees", "90,000,000"),
            LocationError::Longitude => ("longitude_microdegrees", "180,000,000"),
        };
        Problem::invalid_field(format!("{path}.{field}"), format!("must be from -{most} to {most}"))
    })
}

/// Each once, whatever the order in which they are named.
fn methods(path: &str, numbers: &[i32]) -> Result<Vec<VerifierMethod>, Problem> {
    let read = |(index, number): (usize, &i32)| match proto::VerifierMethod::try_from(*number) {
        Ok(proto::VerifierMethod::Identity) => Ok(VerifierMethod::Identity),
        Ok(proto::VerifierMethod::OriginalDocument) => Ok(VerifierMethod::OriginalDocument),
        Ok(proto::VerifierMethod::Unspecified) | Err(_) => Err(Problem::invalid_field(
            format!("{path}[{index}]"),
            "must be one of the named values",
        )),
    };
    let mut methods = numbers.iter().enumerate().map(read).collect::<Result<Vec<_>, _>>()?;
    methods.sort_unstable();
    methods.dedup();
    Ok(methods)
}

fn availability(profile: &proto::VerifierProfile) -> Result<Availability, Problem> {
    let mut weekly = Weekly::default();
    let mut listed = Vec::new();
    for (index, day) in profile.weekly_hours.iter().enumerate() {
        let path = format!("profile.weekly_hours[{index}]");
        let weekday = weekday(&path, day.weekday)?;
        if listed.contains(&weekday) {
            let message = "must be another day than those before";
            return Err(Problem::invalid_field(format!("{path}.weekday"), message));
        }
        listed.push(weekday);
        *weekly.on_mut(weekday) = hours(&path, &day.hours)?;
    }
    let mut exceptions = Vec::new();
    for (index, day) in profile.exceptions.iter().enumerate() {
        let path = format!("profile.exceptions[{index}]");
        let wrong = |_| Problem::invalid_field(format!("{path}.date"), "must be a day as YYYY-MM-DD");
        let date: Date = day.date.parse().map_err(wrong)?;
        exceptions.push((date, hours(&path, &day.hours)?));
    }
    // When somebody is free is personal, so the library's own words, which say it, are left out.
    Availability::new(weekly, exceptions).map_err(|error| {
        let (day, message) = match error {
            AvailabilityError::Overlap { day, .. } => (day, "has hours that overlap"),
            AvailabilityError::TooManyHours { day, .. } => (day, "has more than 24 hours"),
            AvailabilityError::ExceptionTwice { date } => (Day::Date(date), "is a day that stands there already"),
            AvailabilityError::TooManyExceptions { .. } => {
                return Problem::invalid_field("profile.exceptions", "must be at most 366");
            }
        };
        Problem::invalid_field(path_of_day(profile, &listed, day), message)
    })
}

/// Where the request says something of a day; of a date that it names twice, where it does so for the last time.
fn path_of_day(profile: &proto::VerifierProfile, listed: &[Weekday], day: Day) -> String {
    let found = match day {
        Day::Weekday(weekday) => listed
            .iter()
            .position(|one| *one == weekday)
            .map(|at| ("weekly_hours", at)),
        Day::Date(date) => {
            let text = date.to_string();
            let at = profile.exceptions.iter().rposition(|one| one.date == text);
            at.map(|at| ("exceptions", at))
        }
    };
    found.map_or("profile".to_owned(), |(list, at)| format!("profile.{list}[{at}]"))
}

fn weekday(path: &str, number: i32) -> Result<Weekday, Problem> {
    use proto::Weekday as Wire;
    Ok(match Wire::try_from(number) {
        Ok(Wire::Monday) => Weekday::Monday,
        Ok(Wire::Tuesday) => Weekday::Tuesday,
        Ok(Wire::Wednesday) => Weekday::Wednesday,
        Ok(Wire::Thursday) => Weekday::Thursday,
        Ok(Wire::Friday) => Weekday::Friday,
        Ok(Wire::Saturday) => Weekday::Saturday,
        Ok(Wire::Sunday) => Weekday::Sunday,
        Ok(Wire::Unspecified) | Err(_) => {
            return Err(Problem::invalid_field(
                format!("{path}.weekday"),
                "must be a day of the week",
            ));
        }
    })
}

fn hours(path: &str, hours: &[proto::Hours]) -> Result<Vec<Hours>, Problem> {
    let time = |path: String, text: &str| {
        let time: Result<TimeOfDay, _> = text.parse();
        time.map_err(|_| Problem::invalid_field(path, "must be a time of the day as HH:MM"))
    };
    let read = |(index, one): (usize, &proto::Hours)| {
        let path = format!("{path}.hours[{index}]");
        let from = time(format!("{path}.from"), &one.from)?;
        let until = time(format!("{path}.until"), &one.until)?;
        Hours::new(from, until).map_err(|_| Problem::invalid_field(format!("{path}.until"), "must be after the begin"))
    };
    hours.iter().enumerate().map(read).collect()
}
