//! Who is found for whom, and what belongs to whom.

use super::*;
use crate::search_verifiers::{Search, Window, search_verifiers};
use crate::store::{Near, ensure_member_has_time};

impl World {
    /// The slots after a Monday's begin that are found for a member by a search of the platform's staff.
    async fn first_slots(&self) -> Vec<(i64, i64)> {
        let search = Search {
            near: Near {
                location: point(BERLIN.0, BERLIN.1),
                within_metres: 50_000.0,
                certified_after: at(MONDAY),
                methods: Vec::new(),
            },
            window: Some(Window {
                span: span(MONDAY + 10 * HOUR, MONDAY + 12 * HOUR),
                slot: terms().length,
            }),
        };
        let found = search_verifiers(&self.store, &search, None, 10).await.or_panic();
        let of = |one: crate::search_verifiers::Match| {
            let slot = one.first_slot.expect("a search with a window names one");
            (one.found.verifier_id.get(), slot.start().as_second() - MONDAY)
        };
        found.matches.into_iter().map(of).collect()
    }

    async fn has_preference(&self, search: &SearchRequest) -> bool {
        let found = self.store.find_meeting_preference(search.meeting_preference_id).await;
        found.or_panic().is_some()
    }
}

/// The booking of a search's first find.
async fn book_first(world: &World, search: &SearchRequest) -> (AppointmentRequest, contract::Appointment) {
    let connected = async |_| Ok(HashSet::new());
    let found = find_verifiers(&world.store, connected, search, (&terms(), at(MONDAY)))
        .await
        .or_panic();
    let request = AppointmentRequest {
        verification_id: search.verification_id,
        member_id: search.member_id,
        meeting_preference_id: search.meeting_preference_id,
        number: 1,
        verifiers: found,
        until_seconds: search.until_seconds,
    };
    let held = world.book(&request).await.expect("it is held");
    (request, held)
}

#[tokio::test]
async fn what_is_held_is_found_again_where_nobody_heard_of_it_though_nobody_else_has_time() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    let only = (MONDAY + 10 * HOUR, MONDAY + 10 * HOUR + 30 * MINUTE);
    let search = world.search(new_member(), &[only]).await;
    let (_, held) = book_first(&world, &search).await;
    assert_eq!(
        world.found(&search, &[]).await,
        [(1, vec![10 * HOUR])],
        "it is found again"
    );
    let (_, again) = book_first(&world, &search).await;
    assert_eq!(held, again);
    // Somebody else does not get it.
    let other = world.search(new_member(), &[only]).await;
    assert_eq!(world.found(&other, &[]).await, []);
}

#[tokio::test]
async fn a_verification_ends_no_preference_but_its_members_own() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    let own = world.search(new_member(), &[]).await;
    let of_a_stranger = AppointmentRequest {
        meeting_preference_id: own.meeting_preference_id,
        ..wanted(member(new_member()), &[])
    };
    world.close(&of_a_stranger, CloseReason::Withdrawn).await;
    assert!(world.has_preference(&own).await);
    let (request, _) = book_first(&world, &own).await;
    world.close(&request, CloseReason::TimedOut).await;
    assert!(!world.has_preference(&own).await);
}

#[tokio::test]
async fn times_that_overlap_are_one_and_an_old_preference_is_none() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    // Taken on the fourth day, which is in the first of two times only.
    let taken = world
        .book(&wanted(member(new_member()), &[(1, MONDAY + 3 * DAY)]))
        .await;
    assert!(taken.is_some());
    let times = [
        (MONDAY + 3 * DAY, MONDAY + 3 * DAY + HOUR),
        (MONDAY + 3 * DAY + 10 * MINUTE, MONDAY + 3 * DAY + 20 * MINUTE),
    ];
    let search = world.search(new_member(), &times).await;
    assert_eq!(world.found(&search, &[]).await, [(1, vec![3 * DAY + 30 * MINUTE])]);
    // Two that touch are one as well, also for a move.
    let touching = [
        (MONDAY + 5 * DAY, MONDAY + 5 * DAY + 40 * MINUTE),
        (MONDAY + 5 * DAY + 40 * MINUTE, MONDAY + 5 * DAY + 2 * HOUR),
    ];
    let other = world.search(new_member(), &touching).await;
    let (_, held) = book_first(&world, &other).await;
    let move_over = async |connection: &mut PgConnection, before: Appointment| {
        let moved = before.moved_to(at(MONDAY + 5 * DAY + 30 * MINUTE), &terms(), at(MONDAY))?;
        ensure_member_has_time(connection, &moved).await?;
        Ok(moved)
    };
    world
        .change(held.appointment_id, (1, MONDAY), move_over)
        .await
        .or_panic();
    let late = SearchRequest {
        begun_at_seconds: MONDAY + 29 * DAY + 1,
        ..search
    };
    let connected = async |_| Ok(HashSet::new());
    let refused = find_verifiers(&world.store, connected, &late, (&terms(), at(MONDAY))).await;
    assert_eq!(reason(refused), Reason::MeetingPreferenceNotFound);
}

#[tokio::test]
async fn a_search_by_staff_shows_nobody_who_is_booked_then() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    assert_eq!(world.first_slots().await, [(1, 10 * HOUR)]);
    world
        .book(&wanted(member(new_member()), &[(1, MONDAY + 10 * HOUR)]))
        .await
        .expect("held");
    assert_eq!(world.first_slots().await, [(1, 10 * HOUR + 30 * MINUTE)]);
    for hour in 13..17 {
        world
            .book(&wanted(member(new_member()), &[(1, MONDAY + hour * HOUR)]))
            .await
            .expect("held");
    }
    assert_eq!(world.first_slots().await, [], "five on that day");
}

#[tokio::test]
async fn an_appointment_that_was_moved_is_not_given_up_by_its_old_time() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    let request = wanted(member(new_member()), &[(1, MONDAY + 10 * HOUR)]);
    let known = world.book(&request).await.expect("it is held");
    world.move_to(known.appointment_id, MONDAY + 40 * HOUR).await.or_panic();
    let close = |appointment| CloseRequest {
        verification_id: request.verification_id,
        member_id: request.member_id,
        meeting_preference_id: request.meeting_preference_id,
        appointment: Some(appointment),
        reason: CloseReason::Unattended,
    };
    let closed = world.bookings.close(&close(known), &run(), at(MONDAY)).await.or_panic();
    let looked = closed.looked.expect("there is one");
    assert_eq!(
        (looked.standing, looked.appointment.slot),
        (Standing::Booked, slot(MONDAY + 40 * HOUR))
    );
    let closed = world
        .bookings
        .close(&close(looked.appointment), &run(), at(MONDAY))
        .await
        .or_panic();
    assert_eq!(closed.looked.map(|looked| looked.standing), Some(Standing::Unattended));
}

#[tokio::test]
async fn an_appointment_that_its_workflow_left_behind_is_ended_and_places_are_forgotten() {
    let world = World::new().await;
    world.verifier(1, point(BERLIN.0, BERLIN.1)).await;
    let request = AppointmentRequest {
        until_seconds: MONDAY + DAY,
        ..wanted(member(new_member()), &[(1, MONDAY + 10 * HOUR)])
    };
    let held = world.book(&request).await.expect("it is held");
    let open = "appointments WHERE ended_at IS NULL";
    world
        .bookings
        .end_left_behind(at(MONDAY + DAY), 10, at(MONDAY + DAY))
        .await
        .or_panic();
    assert_eq!(world.count(open).await, 1);
    world
        .bookings
        .end_left_behind(at(MONDAY + DAY + 1), 10, at(MONDAY + 2 * DAY))
        .await
        .or_panic();
    assert_eq!(world.count(open).await, 0);
    let stands = world
        .store
        .find_appointment(held.appointment_id)
        .await
        .or_panic()
        .expect("there is one");
    assert_eq!(stands.state, State::Withdrawn);
    let (places, told) = ("appointments WHERE meeting_point IS NOT NULL", "notifications");
    world.store.forget_places(at(MONDAY + 2 * DAY), 10).await.or_panic();
    assert_eq!((world.count(places).await, world.count(told).await > 0), (1, true));
    world.store.forget_places(at(MONDAY + 2 * DAY + 1), 10).await.or_panic();
    assert_eq!((world.count(places).await, world.count(told).await), (0, 0));
}
