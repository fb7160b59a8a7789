//! The method in person over the mesh: a verifier is found and booked, and what becomes of the appointment.

mod kills;
pub mod support;

use crate::support::*;
use mesh_proto::fields::timestamp_of_seconds;
use mesh_proto::in_person::v1 as proto;
use mesh_proto::in_person::v1::{AbsentParty, AppointmentState, MeetingResult};
use mesh_proto::orchestrator::v1::{MethodStatus, VerificationStatus};
use mesh_runtime::clock;
use support::{Meeting, Place, by_person, code_of, let_time_pass, preference, set_back};
use tonic::Status;

/// The reason of a refusal, and how it says that the appointment stands.
fn refused<T>(answer: Result<T, Status>) -> (String, String) {
    use tonic_types::StatusExt;
    let status = answer.err().expect("it is refused");
    let details = status.get_details_error_info().expect("a reason");
    let state = details.metadata.get("state").cloned();
    (details.reason, state.unwrap_or_default())
}

/// From so many hours from now until so many.
fn in_hours(from: i64, until: i64) -> proto::FreeTime {
    let instant = |hours: i64| timestamp_of_seconds(clock::now().as_second() + hours * 3_600);
    proto::FreeTime {
        start: Some(instant(from)),
        end: Some(instant(until)),
    }
}

#[tokio::test]
async fn a_member_and_a_verifier_meet_and_what_was_seen_counts() {
    let caller = Caller::of(shared_mesh().await);
    let place = Place::new();
    let [near, _far] = [place.verifier(&caller, 1).await, place.verifier(&caller, 9).await];
    let meeting = Meeting::begin(&caller, &place, 40).await;
    let of_member = meeting.appointment().await;
    assert_eq!(of_member.verifier_id, near, "the nearest");
    assert_eq!(of_member.meeting_point, "The reading room of the library");
    let of_verifier = meeting.seen_by(near, "verifier").await.expect("it is theirs");
    assert_eq!(
        (of_verifier.meeting_point, of_verifier.check_in_code.as_str()),
        (of_member.meeting_point.clone(), "")
    );
    let shown = caller.get(&meeting.verification_id).await.expect("it is known");
    let in_person = shown.methods[0].in_person.clone().expect("an appointment");
    assert_eq!(in_person.appointment_id, of_member.appointment_id);
    assert_eq!(
        (in_person.meeting_point.as_str(), in_person.check_in_code.as_str()),
        ("", "")
    );
    let stranger = meeting.seen_by(new_member_id(), "member").await;
    assert_eq!(refused(stranger).0, "APPOINTMENT_NOT_FOUND");

    assert_eq!(refused(meeting.complete(true).await).0, "NOT_CHECKED_IN");
    // Who is to be verified can't do it, whatever they are besides.
    let by_oneself = meeting.check_in_by(meeting.member_id, &of_member.check_in_code).await;
    assert_eq!(refused(by_oneself).0, "APPOINTMENT_NOT_FOUND");
    let code = of_member.check_in_code.clone();
    assert_eq!(code.len(), 6);
    let checked_in = meeting.check_in(&code).await.expect("it is taken");
    assert!(checked_in.is_code_right);
    let completed = meeting.complete(true).await.expect("they have met");
    assert_eq!(completed.state(), AppointmentState::Completed);
    let end = caller.end_of(&meeting.verification_id).await;
    assert_eq!(end.status(), VerificationStatus::Completed);
    let lines = end.breakdown.expect("a breakdown").contributions;
    let lines: Vec<_> = lines.iter().map(|line| (line.kind.as_str(), line.points)).collect();
    assert_eq!(lines, [("in_person_met", 30), ("in_person_original_document", 10)]);
    let late = meeting.cancel(meeting.member_id, "member", 3).await;
    assert_eq!(
        refused(late),
        ("APPOINTMENT_CHANGED".to_owned(), "completed".to_owned())
    );
    support::assert_no_answer_is_kept_that_says("reading room").await;
    support::assert_no_answer_is_kept_that_says(&code).await;
}

#[tokio::test]
async fn the_right_code_is_refused_after_five_wrong_ones() {
    let caller = Caller::of(shared_mesh().await);
    let place = Place::new();
    place.verifier(&caller, 1).await;
    let meeting = Meeting::begin(&caller, &place, 30).await;
    let code = meeting.appointment().await.check_in_code;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for left in (0..5).rev() {
        let answer = meeting.check_in(wrong).await.expect("a try");
        assert!(!answer.is_code_right);
        assert_eq!(answer.appointment.map(|it| it.check_in_tries_left), Some(left));
    }
    for code in [code.as_str(), wrong] {
        assert_eq!(refused(meeting.check_in(code).await).0, "CHECK_IN_LOCKED");
    }
    meeting.cancel_verification().await;
}

#[tokio::test]
async fn a_code_counts_in_its_time_only() {
    let caller = Caller::of(shared_mesh().await);
    let place = Place::new();
    place.verifier(&caller, 1).await;
    // Free from tomorrow on.
    let meeting = Meeting::begin_when(&caller, &place, 30, vec![in_hours(24, 72)]).await;
    let appointment = meeting.appointment().await;
    let early = meeting.check_in(&appointment.check_in_code).await;
    assert_eq!(
        refused(early),
        ("OUTSIDE_OF_APPOINTMENT".to_owned(), "booked".to_owned())
    );
    let missed = meeting.report(meeting.member_id, "member", AbsentParty::Verifier).await;
    assert_eq!(
        refused(missed),
        ("OUTSIDE_OF_APPOINTMENT".to_owned(), "booked".to_owned())
    );
    set_back(&meeting.appointment_id().await, "2 days").await;
    let late = meeting.check_in(&code_of(&meeting).await).await;
    assert_eq!(
        refused(late),
        ("OUTSIDE_OF_APPOINTMENT".to_owned(), "booked".to_owned())
    );
    meeting.cancel_verification().await;
}

#[tokio::test]
async fn an_appointment_is_moved_three_times_by_who_has_read_it() {
    let caller = Caller::of(shared_mesh().await);
    let place = Place::new();
    let verifier = place.verifier(&caller, 1).await;
    let meeting = Meeting::begin(&caller, &place, 30).await;
    let first = meeting.appointment().await;
    let start = |hours: i64| in_hours(hours, hours + 1).start.expect("a begin");
    for (version, (who, role)) in (1..).zip([
        (meeting.member_id, "member"),
        (verifier, "verifier"),
        (OPERATOR, "operator"),
    ]) {
        let moved = meeting.move_to((who, role), version, start(20 + version)).await;
        let moved = moved.expect("it is moved");
        assert_eq!((moved.version, i64::from(moved.reschedules)), (version + 1, version));
        let stale = meeting.move_to((who, role), version, start(30)).await;
        assert_eq!(refused(stale), ("APPOINTMENT_CHANGED".to_owned(), "booked".to_owned()));
    }
    let fourth = meeting.move_to((verifier, "verifier"), 4, start(40)).await;
    assert_eq!(refused(fourth).0, "TOO_MANY_RESCHEDULES");
    let now = meeting.appointment().await;
    assert_ne!(now.check_in_code, first.check_in_code, "another time has another code");

    // Somebody else can have the first time, and not the present one.
    let other = Meeting::begin(&caller, &place, 30).await;
    let others = other.appointment().await;
    let onto = other
        .move_to((other.member_id, "member"), others.version, now.start.expect("a begin"))
        .await;
    assert_eq!(refused(onto).0, "SLOT_NOT_FREE");
    other.cancel_verification().await;
    meeting.cancel_verification().await;
}

#[tokio::test]
async fn whoever_is_called_off_or_does_not_come_is_followed_by_another() {
    let caller = Caller::of(shared_mesh().await);
    let place = Place::new();
    let mut verifiers = Vec::new();
    for distance in 1..=5 {
        verifiers.push(place.verifier(&caller, distance).await);
    }
    let meeting = Meeting::begin(&caller, &place, 30).await;
    let mut booked = Vec::new();
    let mut next = async || {
        let appointment = meeting.another_than(&booked).await;
        booked.push(appointment.verifier_id);
        appointment
    };
    let first = next().await;
    let cancelled = meeting
        .cancel(first.verifier_id, "verifier", first.version)
        .await
        .expect("it is called off");
    assert_eq!(cancelled.state(), AppointmentState::CancelledByVerifier);
    let second = next().await;
    meeting
        .cancel(meeting.member_id, "member", second.version)
        .await
        .expect("it is called off");
    // A no-show of the verifier never counts against the member.
    let third = next().await;
    set_back(&third.appointment_id, "20 minutes").await;
    let of_oneself = meeting.report(meeting.member_id, "member", AbsentParty::Member).await;
    assert_eq!(refused(of_oneself).0, "INVALID_REQUEST");
    let missed = meeting.report(meeting.member_id, "member", AbsentParty::Verifier).await;
    assert_eq!(missed.expect("it is noted").state(), AppointmentState::NoShowOfVerifier);
    // The first no-show of the member is let pass, the second ends it.
    for _ in 0..2 {
        let appointment = next().await;
        set_back(&appointment.appointment_id, "20 minutes").await;
        let missed = meeting
            .report(appointment.verifier_id, "verifier", AbsentParty::Member)
            .await;
        assert_eq!(missed.expect("it is noted").state(), AppointmentState::NoShowOfMember);
    }
    assert_eq!(booked, verifiers, "the nearest first, and nobody twice");
    let end = caller.end_of(&meeting.verification_id).await;
    assert_eq!(end.status(), VerificationStatus::Failed);
    let shown = &end.methods[0];
    assert_eq!(
        (shown.status(), shown.internal_reason.as_str()),
        (MethodStatus::Rejected, "MEMBER_DID_NOT_COME")
    );
    support::assert_nothing_is_held(&meeting.verification_id).await;
}

#[tokio::test]
async fn after_seven_days_it_is_over_and_nothing_stays_held() {
    let caller = Caller::of(shared_mesh().await);
    let place = Place::new();
    place.verifier(&caller, 1).await;
    // Only at the end of the seven days, so that the appointment is open when the time is over.
    let late = in_hours(6 * 24 + 12, 8 * 24);
    let meeting = Meeting::begin_when(&caller, &place, 30, vec![late]).await;
    let appointment = meeting.appointment().await;
    let_time_pass(&format!("verification-{}-in_person-1", meeting.verification_id)).await;
    let end = caller.end_of(&meeting.verification_id).await;
    let shown = &end.methods[0];
    assert_eq!(
        (shown.status(), shown.internal_reason.as_str()),
        (MethodStatus::Rejected, "MEETING_TIMED_OUT")
    );
    let now = meeting
        .seen_by(appointment.verifier_id, "verifier")
        .await
        .expect("it is theirs");
    assert_eq!(now.state(), AppointmentState::Withdrawn);
    support::assert_nothing_is_held(&meeting.verification_id).await;
}

#[tokio::test]
async fn a_verifier_who_is_connected_to_the_member_is_not_booked() {
    let caller = Caller::of(shared_mesh().await);
    let place = Place::new();
    let [near, far] = [place.verifier(&caller, 1).await, place.verifier(&caller, 5).await];
    let member_id = caller.register(passport(66).truth()).await;
    crate::community::connect(&caller, near, member_id, 50).await;
    let meeting = Meeting::begin_for(&caller, &place, 30, (member_id, Vec::new())).await;
    assert_eq!(meeting.appointment().await.verifier_id, far);
    meeting.cancel_verification().await;
}

#[tokio::test]
async fn a_meeting_that_does_not_confirm_is_no_evidence_and_another_members_preference_none_at_all() {
    let caller = Caller::of(shared_mesh().await);
    let place = Place::new();
    place.verifier(&caller, 1).await;
    let meeting = Meeting::begin(&caller, &place, 30).await;
    let code = meeting.appointment().await.check_in_code;
    meeting.check_in(&code).await.expect("it is taken");
    meeting
        .finish(MeetingResult::NotConfirmed, false)
        .await
        .expect("it is noted");
    let end = caller.end_of(&meeting.verification_id).await;
    assert_eq!(end.methods[0].internal_reason, "IDENTITY_NOT_CONFIRMED");
    assert_eq!(end.breakdown.map(|breakdown| breakdown.score), Some(0));

    let of_another = preference(&caller, &place, new_member_id(), Vec::new()).await;
    let member_id = caller.register(passport(67).truth()).await;
    let started = caller
        .start(by_person(member_id, &of_another, 30))
        .await
        .expect("it starts");
    let end = caller.end_of(&started.verification_id).await;
    assert_eq!(
        (end.methods[0].status(), end.methods[0].internal_reason.as_str()),
        (MethodStatus::Failed, "MEETING_PREFERENCE_NOT_FOUND")
    );
}

#[tokio::test]
async fn a_verifier_moves_an_appointment_to_a_time_that_the_member_named() {
    let caller = Caller::of(shared_mesh().await);
    let place = Place::new();
    let verifier = place.verifier(&caller, 1).await;
    let free = in_hours(24, 30);
    let from = free.start.map_or(0, |start| start.seconds);
    let meeting = Meeting::begin_when(&caller, &place, 30, vec![free]).await;
    let booked = meeting.appointment().await;
    let outside = timestamp_of_seconds(from + 7 * 3_600);
    let refusal = meeting.move_to((verifier, "verifier"), booked.version, outside).await;
    assert_eq!(refused(refusal).0, "SLOT_NOT_FREE");
    let within = timestamp_of_seconds(from + 3 * 3_600);
    let moved = meeting.move_to((verifier, "verifier"), booked.version, within).await;
    let moved = moved.expect("the member has time");
    let by_member = meeting
        .move_to((meeting.member_id, "member"), moved.version, outside)
        .await;
    by_member.expect("the member may say so");
    meeting.cancel_verification().await;
}

#[tokio::test]
async fn a_verifier_reports_only_what_they_are_certified_for() {
    let caller = Caller::of(shared_mesh().await);
    let place = Place::new();
    let verifier = place.verifier_for(&caller, 1, &[proto::VerifierMethod::Identity]).await;
    let member_id = caller.register(passport(68).truth()).await;
    let meeting = Meeting::begin_for(&caller, &place, 30, (member_id, Vec::new())).await;
    let code = meeting.appointment().await.check_in_code;
    meeting.check_in(&code).await.expect("it is taken");
    assert_eq!(refused(meeting.complete(true).await).0, "NOT_CERTIFIED");
    meeting.complete(false).await.expect("they have met");
    let end = caller.end_of(&meeting.verification_id).await;
    assert_eq!(end.status(), VerificationStatus::Completed);
    // Who asks for an original document is not sent to them.
    let request = proto::SearchVerifiersRequest {
        methods: vec![proto::VerifierMethod::OriginalDocument.into()],
        ..place.search()
    };
    let found = caller
        .verifiers
        .clone()
        .search_verifiers(request)
        .await
        .expect("a page")
        .into_inner();
    assert!(found.verifiers.iter().all(|one| one.verifier_id != verifier));
}
