//! Appointments over PostgreSQL: they are held, moved and ended, whoever does what at the same time.

mod calendar_client;
mod random;
mod searches;

use crate::appointment::{Appointment, Party, State, Terms};
use crate::book::Bookings;
use crate::change_appointment::apply;
use crate::find_verifiers::find_verifiers;
use crate::notify::{place_of_content, place_of_meeting_point};
use crate::store::{
    MeetingPreference, VerifierMethod, VerifierProfile, WorkflowRun, ensure_verifier_has_time,
    insert_meeting_preference, insert_verifier,
};
use crate::testing::{OrPanic, at, certified, empty_store, keyring, member, point};
use crate::{Location, Store};
use in_person_availability::{Availability, Hours, TimeOfDay, Weekly};
use in_person_workflows::contract::{
    self, AppointmentRequest, AvailableVerifier, CloseReason, CloseRequest, SearchRequest, Slot, Standing,
};
use jiff::civil::Weekday;
use mesh_keyring::{Keyring, Sealed};
use mesh_runtime::{Actor, Problem, clock};
use mesh_testkit::fixtures::reason;
use mesh_types::{AppointmentId, MeetingPreferenceId, MemberId, Reason, VerificationId};
use sqlx::{PgConnection, PgPool};
use std::collections::HashSet;
use std::sync::atomic::{AtomicI64, Ordering};

/// 2026-12-07, a Monday, 00:00 UTC.
const MONDAY: i64 = 1_796_601_600;
const MINUTE: i64 = 60;
const HOUR: i64 = 3_600;
const DAY: i64 = 24 * HOUR;
const BERLIN: (f64, f64) = (52.52, 13.405);

/// A database with verifiers, and what books them.
struct World {
    pool: PgPool,
    store: Store,
    keyring: Keyring,
    bookings: Bookings,
}

impl World {
    async fn new() -> Self {
        let (pool, store) = empty_store().await;
        let keyring = keyring();
        Self {
            pool,
            bookings: Bookings::new(store.clone(), keyring.clone(), terms()),
            store,
            keyring,
        }
    }

    /// Somebody who is free at all hours and can check everything.
    async fn verifier(&self, id: i64, location: Location) {
        let profile = VerifierProfile {
            meeting_point: Some(
                self.keyring
                    .seal_text(&place_of_meeting_point(member(id)), "The library"),
            ),
            ..always(location)
        };
        self.insert(id, &profile, MONDAY + 1_000 * DAY).await;
    }

    async fn insert(&self, id: i64, profile: &VerifierProfile, certified_until: i64) {
        let mut connection = self.pool.acquire().await.expect("a connection");
        let certification = certified(certified_until, &VerifierMethod::ALL);
        let inserted = insert_verifier(&mut connection, member(id), (profile, &certification), at(100)).await;
        inserted.or_panic();
    }

    /// A member who can come at these times, and the search for them.
    async fn search(&self, member_id: i64, free_times: &[(i64, i64)]) -> SearchRequest {
        let preference = MeetingPreference {
            meeting_preference_id: MeetingPreferenceId::from(clock::new_uuid()),
            member_id: member(member_id),
            location: point(BERLIN.0, BERLIN.1),
            free_times: free_times.iter().map(|(start, end)| span(*start, *end)).collect(),
            brings_original_document: false,
            created_at: at(MONDAY - DAY),
        };
        let mut connection = self.pool.acquire().await.expect("a connection");
        insert_meeting_preference(&mut connection, &preference).await.or_panic();
        SearchRequest {
            verification_id: new_verification(),
            member_id: member(member_id),
            meeting_preference_id: preference.meeting_preference_id,
            within_metres: 50_000,
            begun_at_seconds: MONDAY,
            from_seconds: MONDAY,
            until_seconds: MONDAY + 7 * DAY,
            excluded: Vec::new(),
        }
    }

    async fn found(&self, request: &SearchRequest, connected: &[i64]) -> Vec<(i64, Vec<i64>)> {
        let connected = async |_| Ok(connected.iter().copied().collect::<HashSet<i64>>());
        let terms = Terms::default();
        let found = find_verifiers(&self.store, connected, request, (&terms, at(MONDAY))).await;
        let found = found.or_panic().into_iter();
        let starts = |one: &AvailableVerifier| one.slots.iter().map(|slot| slot.start_seconds - MONDAY).collect();
        found.map(|one| (one.verifier_id.get(), starts(&one))).collect()
    }

    /// Books a verifier for half an hour from an instant.
    async fn book(&self, request: &AppointmentRequest) -> Option<contract::Appointment> {
        self.bookings.schedule(request, &run(), at(MONDAY)).await.or_panic()
    }

    /// Changes an appointment in a transaction of its own.
    async fn change(
        &self,
        id: AppointmentId,
        (who, now): (i64, i64),
        change: impl AsyncFnOnce(&mut PgConnection, Appointment) -> Result<Appointment, Problem>,
    ) -> Result<Appointment, Problem> {
        let mut transaction = self.pool.begin().await?;
        let by = (&Actor::Person(who), at(now));
        let changed = apply(&mut transaction, &self.keyring, id, by, change).await?;
        transaction.commit().await?;
        Ok(changed)
    }

    async fn move_to(&self, id: AppointmentId, start: i64) -> Result<Appointment, Problem> {
        let change = async |connection: &mut PgConnection, before: Appointment| {
            let moved = before.moved_to(at(start), &terms(), at(MONDAY))?;
            ensure_verifier_has_time(connection, &moved).await?;
            Ok(moved)
        };
        self.change(id, (1, MONDAY), change).await
    }

    async fn close(&self, request: &AppointmentRequest, reason: CloseReason) -> Option<Standing> {
        let close = CloseRequest {
            verification_id: request.verification_id,
            member_id: request.member_id,
            meeting_preference_id: request.meeting_preference_id,
            appointment: None,
            reason,
        };
        let closed = self.bookings.close(&close, &run(), at(MONDAY)).await.or_panic();
        closed.looked.map(|looked| looked.standing)
    }

    async fn count(&self, what: &str) -> i64 {
        let text = sqlx::AssertSqlSafe(format!("SELECT count(*) FROM {what}"));
        sqlx::query_scalar(text).fetch_one(&self.pool).await.expect("a count")
    }
}

/// Without notice, where it does not matter.
fn terms() -> Terms {
    Terms {
        notice: jiff::SignedDuration::ZERO,
        ..Terms::default()
    }
}

fn always(location: Location) -> VerifierProfile {
    let time = |text: &str| text.parse::<TimeOfDay>().expect("a time");
    let mut weekly = Weekly::default();
    for day in Weekday::Monday.cycle_forward().take(7) {
        *weekly.on_mut(day) = vec![Hours::new(time("00:00"), time("24:00")).expect("hours")];
    }
    VerifierProfile {
        location,
        time_zone: "UTC".to_owned(),
        availability: Availability::new(weekly, Vec::new()).expect("hours of a week"),
        is_paused: false,
        meeting_point: None,
    }
}

fn span(start: i64, end: i64) -> in_person_availability::Span {
    in_person_availability::Span::new(at(start), at(end)).expect("a span")
}

fn run() -> WorkflowRun {
    WorkflowRun {
        workflow_id: "none".to_owned(),
        run_id: "none".to_owned(),
    }
}

fn new_verification() -> VerificationId {
    VerificationId::from(clock::new_uuid())
}

/// A member whom no other test of this file books for.
fn new_member() -> i64 {
    static NEXT: AtomicI64 = AtomicI64::new(10_000);
    NEXT.fetch_add(1, Ordering::Relaxed)
}

fn slot(start: i64) -> Slot {
    Slot {
        start_seconds: start,
        end_seconds: start + 30 * MINUTE,
    }
}

/// The first appointment of a new verification, with these verifiers at one time each.
fn wanted(member_id: MemberId, verifiers: &[(i64, i64)]) -> AppointmentRequest {
    let verifiers = verifiers.iter().map(|(id, start)| AvailableVerifier {
        verifier_id: member(*id),
        slots: vec![slot(*start)],
    });
    AppointmentRequest {
        verification_id: new_verification(),
        member_id,
        meeting_preference_id: MeetingPreferenceId::from(clock::new_uuid()),
        number: 1,
        verifiers: verifiers.collect(),
        until_seconds: MONDAY + 1_000 * DAY,
    }
}

#[tokio::test]
async fn the_nearest_who_has_time_is_found_first_and_of_two_who_are_as_far_who_has_less_to_do() {
    let world = World::new().await;
    let near = point(52.53, 13.405);
    for (id, location) in [
        (1, near),
        (2, near),
        (3, point(BERLIN.0, BERLIN.1)),
        (4, point(52.54, 13.405)),
    ] {
        world.verifier(id, location).await;
    }
    // Nobody knows where to meet this one, and this one is far away.
    world.insert(5, &always(near), MONDAY + 1_000 * DAY).await;
    world.verifier(6, point(48.137, 11.575)).await;
    let search = world.search(new_member(), &[]).await;
    let first = [2 * HOUR, 2 * HOUR + 30 * MINUTE, 3 * HOUR].to_vec();
    let of = |ids: &[i64]| ids.iter().map(|id| (*id, first.clone())).collect::<Vec<_>>();
    assert_eq!(world.found(&search, &[]).await, of(&[3, 1, 2, 4]));
    assert_eq!(
        world.found(&search, &[3, 4]).await,
        of(&[1, 2]),
        "who is connected is not asked"
    );
    let excluded = SearchRequest {
        excluded: vec![member(1)],
        ..search.clone()
    };
    assert_eq!(world.found(&excluded, &[]).await, of(&[3, 2, 4]));
    // One who has something to do that day comes after one who has nothing, and not at that time.
    let booked = world
        .book(&wanted(member(new_member()), &[(1, MONDAY + 2 * HOUR)]))
        .await;
    assert!(booked.is_some());
    let later = [2 * HOUR + 30 * MINUTE, 3 * HOUR, 3 * HOUR + 30 * MINUTE].to_vec();
    let expected = [(3, first.clone()), (2, first.clone()), (1, later), (4, first.clone())];
    assert_eq!(world.found(&search, &[]).await, expected);
}

#[tokio::test]
async fn the_member_has_to_have_time_and_a_preference_of_their_own() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    let times = [
        (MONDAY + 30 * HOUR, MONDAY + 30 * HOUR + 45 * MINUTE),
        (MONDAY - DAY, MONDAY + 2 * HOUR + 40 * MINUTE),
    ];
    let search = world.search(new_member(), &times).await;
    // Half an hour in the first, with two hours of notice, and one in the second.
    assert_eq!(world.found(&search, &[]).await, [(1, vec![2 * HOUR, 30 * HOUR])]);
    let of_another = SearchRequest {
        member_id: member(new_member()),
        ..search.clone()
    };
    let connected = async |_| Ok(HashSet::new());
    let refused = find_verifiers(&world.store, connected, &of_another, (&Terms::default(), at(MONDAY))).await;
    assert_eq!(reason(refused), Reason::MeetingPreferenceNotFound);
    let over = SearchRequest {
        until_seconds: MONDAY + 2 * HOUR,
        ..search
    };
    assert_eq!(world.found(&over, &[]).await, []);
}

#[tokio::test]
async fn an_appointment_is_held_once_for_its_number_and_nobody_else_gets_the_time() {
    let world = World::new().await;
    for id in [1, 2] {
        world.verifier(id, point(BERLIN.0, BERLIN.1)).await;
    }
    let start = MONDAY + 10 * HOUR;
    let request = wanted(member(new_member()), &[(1, start), (2, start)]);
    let (one, again) = tokio::join!(world.book(&request), world.book(&request));
    assert_eq!((one, one.map(|held| held.verifier_id.get())), (again, Some(1)));
    let other = world
        .book(&wanted(member(new_member()), &[(1, start), (2, start)]))
        .await;
    assert_eq!(other.map(|held| held.verifier_id.get()), Some(2));
    assert_eq!(
        world
            .book(&wanted(member(new_member()), &[(1, start), (2, start)]))
            .await,
        None
    );
    // The member is nowhere else then either.
    let elsewhere = wanted(request.member_id, &[(2, start + 10 * MINUTE)]);
    assert_eq!(world.book(&elsewhere).await, None);
    assert_eq!(world.count("appointments WHERE ended_at IS NULL").await, 2);
}

#[tokio::test]
async fn what_is_closed_frees_the_time_and_is_never_held_again() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    let start = MONDAY + 10 * HOUR;
    let request = wanted(member(new_member()), &[(1, start)]);
    world.book(&request).await.expect("it is held");
    assert_eq!(
        world.close(&request, CloseReason::Withdrawn).await,
        Some(Standing::Withdrawn)
    );
    assert_eq!(
        world.close(&request, CloseReason::TimedOut).await,
        Some(Standing::Withdrawn)
    );
    // An attempt that got lost and comes late finds it closed.
    let late = AppointmentRequest {
        number: 2,
        ..request.clone()
    };
    assert_eq!(world.book(&late).await, None);
    let never_begun = wanted(member(new_member()), &[(1, start)]);
    assert_eq!(world.close(&never_begun, CloseReason::Withdrawn).await, None);
    assert_eq!(world.book(&never_begun).await, None);
    assert!(world.book(&wanted(member(new_member()), &[(1, start)])).await.is_some());
}

#[tokio::test]
async fn a_verifier_has_five_appointments_a_day_and_those_that_were_called_off_are_none() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    let mut booked = Vec::new();
    for hour in 8..13 {
        let request = wanted(member(new_member()), &[(1, MONDAY + hour * HOUR)]);
        booked.push(world.book(&request).await.expect("it is held"));
    }
    let sixth = || wanted(member(new_member()), &[(1, MONDAY + 20 * HOUR)]);
    assert_eq!(world.book(&sixth()).await, None);
    let next_day = wanted(member(new_member()), &[(1, MONDAY + DAY)]);
    let tomorrow = world.book(&next_day).await.expect("another day");
    let refused = world.move_to(tomorrow.appointment_id, MONDAY + 20 * HOUR).await;
    assert_eq!(reason(refused), Reason::SlotNotFree);
    // One of that day may move within it.
    world
        .move_to(booked[0].appointment_id, MONDAY + 21 * HOUR)
        .await
        .or_panic();
    let cancel = async |_: &mut PgConnection, before: Appointment| before.cancelled(Party::Verifier, at(MONDAY));
    world
        .change(booked[1].appointment_id, (1, MONDAY), cancel)
        .await
        .or_panic();
    assert!(world.book(&sixth()).await.is_some());
}

#[tokio::test]
async fn a_moved_appointment_frees_its_old_time_at_once_and_takes_no_other_ones() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    let start = MONDAY + 10 * HOUR;
    let one = world
        .book(&wanted(member(new_member()), &[(1, start)]))
        .await
        .expect("held");
    let moved = world.move_to(one.appointment_id, start + HOUR).await.or_panic();
    assert_eq!((moved.version, moved.reschedules, moved.state), (2, 1, State::Booked));
    let other = world
        .book(&wanted(member(new_member()), &[(1, start)]))
        .await
        .expect("the old time");
    let refused = world.move_to(one.appointment_id, start + 10 * MINUTE).await;
    assert_eq!(reason(refused), Reason::SlotNotFree);
    let refused = world.move_to(other.appointment_id, start + HOUR - 10 * MINUTE).await;
    assert_eq!(reason(refused), Reason::SlotNotFree);
    assert_eq!(world.count("appointment_changes").await, 3);
}

/// What calendars are sent, one after the other: for an independent reader.
async fn sent(world: &World, appointment_id: AppointmentId, person: i64) -> Vec<(String, String)> {
    let rows: Vec<(uuid::Uuid, String, Vec<u8>, String)> = sqlx::query_as(
        "SELECT notification_id, kind, content, content_key_id FROM notifications
          WHERE appointment_id = $1 AND member_id = $2 AND content IS NOT NULL ORDER BY version",
    )
    .bind(appointment_id.uuid())
    .bind(person)
    .fetch_all(&world.pool)
    .await
    .expect("rows");
    let open = |(id, kind, bytes, key_id): (uuid::Uuid, String, Vec<u8>, String)| {
        let text = world
            .keyring
            .open_text(&place_of_content(id), &Sealed { key_id, bytes });
        (kind, text.or_panic())
    };
    rows.into_iter().map(open).collect()
}

#[tokio::test]
async fn both_are_invited_told_of_a_new_time_reminded_and_told_when_it_is_called_off() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    let request = wanted(member(new_member()), &[(1, MONDAY + 30 * HOUR)]);
    let held = world.book(&request).await.expect("it is held");
    let id = held.appointment_id;
    let reminders = "notifications WHERE kind LIKE 'APPOINTMENT_REMINDER%'";
    assert_eq!(world.count(reminders).await, 4);
    // Less than a day away: a reminder two hours before is enough.
    world.move_to(id, MONDAY + 20 * HOUR).await.or_panic();
    assert_eq!(world.count(reminders).await, 2);
    let cancel = async |_: &mut PgConnection, before: Appointment| before.cancelled(Party::Member, at(MONDAY));
    world.change(id, (1, MONDAY), cancel).await.or_panic();
    assert_eq!(world.count(reminders).await, 0);
    for person in [request.member_id.get(), 1] {
        let sent = sent(&world, id, person).await;
        let kinds: Vec<&str> = sent.iter().map(|(kind, _)| kind.as_str()).collect();
        assert_eq!(
            kinds,
            [
                "APPOINTMENT_INVITATION",
                "APPOINTMENT_INVITATION",
                "APPOINTMENT_CANCELLATION"
            ]
        );
        for (sequence, (_, text)) in sent.iter().enumerate() {
            assert!(text.contains(&format!("UID:{id}@in-person.voluntier")), "{text}");
            assert!(text.contains(&format!("SEQUENCE:{sequence}\r\n")), "{text}");
            assert!(text.contains("LOCATION:The library"), "{text}");
        }
    }
    let in_plain = "notifications WHERE position('library' IN encode(content, 'escape')) > 0";
    assert_eq!(world.count(in_plain).await, 0);
}

/// A calendar gets the invitation, a new time at a place that is hard to write, and the cancellation.
#[tokio::test]
#[ignore = "installs icalendar from PyPI"]
async fn an_independent_reader_sees_one_event_with_a_rising_sequence() {
    let world = World::new().await;
    let words =
        "Café „Zur Brücke“, 2. Stock; links\nan der Tür: Müller \\ Söhne, und noch vieles, was lange Zeilen macht";
    let profile = VerifierProfile {
        meeting_point: Some(world.keyring.seal_text(&place_of_meeting_point(member(1)), words)),
        time_zone: "Europe/Berlin".to_owned(),
        ..always(point(BERLIN.0, BERLIN.1))
    };
    world.insert(1, &profile, MONDAY + 1_000 * DAY).await;
    let held = world
        .book(&wanted(member(new_member()), &[(1, MONDAY + 30 * HOUR)]))
        .await;
    let id = held.expect("it is held").appointment_id;
    world.move_to(id, MONDAY + 40 * HOUR).await.or_panic();
    let cancel = async |_: &mut PgConnection, before: Appointment| before.cancelled(Party::Verifier, at(MONDAY));
    world.change(id, (1, MONDAY), cancel).await.or_panic();
    let texts: Vec<String> = sent(&world, id, 1).await.into_iter().map(|(_, text)| text).collect();
    let read = calendar_client::read_invitations(&texts);
    let field = |name: &str| read.iter().map(|one| one[name].clone()).collect::<Vec<_>>();
    assert_eq!(field("sequence"), [0, 1, 2]);
    assert_eq!(field("method"), ["REQUEST", "REQUEST", "CANCEL"]);
    assert_eq!(field("status"), ["CONFIRMED", "CONFIRMED", "CANCELLED"]);
    assert_eq!(field("uid"), vec![format!("{id}@in-person.voluntier"); 3]);
    let instant = |seconds: i64| at(seconds).to_string();
    let moved = instant(MONDAY + 40 * HOUR);
    assert_eq!(field("start"), [instant(MONDAY + 30 * HOUR), moved.clone(), moved]);
    for one in &read {
        assert_eq!(
            (one["location"].as_str(), one["time_zone"].as_str()),
            (Some(words), Some("Europe/Berlin"))
        );
    }
}
