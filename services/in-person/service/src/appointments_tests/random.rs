//! Many clients do whatever comes to their minds to the appointments of a few verifiers. What they were told has to be what one client after
//! the other would have been told, in an order in which nobody is told of the future.
//!
//! The order is that of `appointment_changes`: whoever writes there has the verifier's row locked. So the test follows the rows of each
//! verifier in a model of their time, and looks whether each answer fits between what was known before it was asked for and what was
//! done after it had come.

use super::*;
use futures::future::join_all;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::atomic::AtomicU64;

const VERIFIERS: i64 = 20;
const CLIENTS: u64 = 50;
/// So many operations are done to each day, so that many meet what others did.
const OPERATIONS_A_DAY: u64 = 250;

/// What a client did to a verifier's time, and when: by a clock that only counts.
#[derive(Clone, Copy, Debug)]
struct Done {
    verifier: i64,
    asked: u64,
    answered: u64,
    /// The time that was asked for, where it was refused because somebody had no time.
    refused: Option<(i64, AppointmentId)>,
    /// The appointment and its version, where it was changed.
    changed: Option<(AppointmentId, i64)>,
}

#[derive(Default)]
struct Log {
    clock: AtomicU64,
    done: Mutex<Vec<Done>>,
    /// Days from the first one on that appointments are booked for.
    days: i64,
    /// Appointments that were open when somebody last looked, with their verifiers.
    open: Mutex<Vec<(AppointmentId, i64)>>,
}

impl Log {
    fn tick(&self) -> u64 {
        self.clock.fetch_add(1, Ordering::SeqCst)
    }

    fn any(&self, random: &mut impl Rng) -> Option<(AppointmentId, i64)> {
        let open = self.open.lock().expect("nobody panics with it");
        (!open.is_empty()).then(|| open[random.random_range(0..open.len())])
    }
}

fn some_start(log: &Log, random: &mut impl Rng) -> i64 {
    // Every five minutes, so that times overlap in part.
    MONDAY + random.random_range(0..log.days) * DAY + random.random_range(96..240) * 5 * MINUTE
}

async fn client(world: &World, log: &Log, mut random: ChaCha8Rng, operations: u64) {
    for _ in 0..operations {
        let choice = random.random_range(0..100);
        match (choice, log.any(&mut random)) {
            (0..40, _) | (_, None) => book(world, log, &mut random).await,
            (40..60, Some((id, verifier))) => {
                let start = some_start(log, &mut random);
                let asked = log.tick();
                let moved = world.move_to(id, start).await;
                note(
                    log,
                    verifier,
                    asked,
                    (Some((start, id)), Some(id)),
                    moved.map(|it| it.version),
                );
            }
            (60..75, Some((id, verifier))) => {
                let by = [Party::Member, Party::Verifier, Party::Staff][random.random_range(0..3)];
                let cancel = async |_: &mut PgConnection, before: Appointment| before.cancelled(by, at(MONDAY));
                let asked = log.tick();
                let cancelled = world.change(id, (1, MONDAY), cancel).await;
                note(log, verifier, asked, (None, Some(id)), cancelled.map(|it| it.version));
            }
            (75..90, Some((id, verifier))) => complete(world, log, id, verifier).await,
            (_, Some((id, verifier))) => {
                let by = [Party::Member, Party::Verifier][random.random_range(0..2)];
                let miss = async |_: &mut PgConnection, before: Appointment| {
                    let end = before.span.end();
                    before.missed(by, &Terms::default(), end)
                };
                let asked = log.tick();
                let missed = world.change(id, (1, MONDAY), miss).await;
                note(log, verifier, asked, (None, Some(id)), missed.map(|it| it.version));
            }
        }
    }
}

async fn book(world: &World, log: &Log, random: &mut ChaCha8Rng) {
    let (verifier, start) = (random.random_range(1..=VERIFIERS), some_start(log, random));
    let request = wanted(member(new_member()), &[(verifier, start)]);
    let asked = log.tick();
    // As an instance of its own, so that nothing but the database keeps two apart.
    let instance = Bookings::new(Store::new(world.pool.clone()), world.keyring.clone(), terms());
    let held = instance.schedule(&request, &run(), at(MONDAY)).await.or_panic();
    match held {
        Some(held) => {
            note(log, verifier, asked, (None, Some(held.appointment_id)), Ok(1));
            let mut open = log.open.lock().expect("nobody panics with it");
            open.push((held.appointment_id, verifier));
            // Old ones are forgotten by chance, so that most of what is done is done to what is open.
            if open.len() > 400 {
                let at = random.random_range(0..open.len());
                open.swap_remove(at);
            }
        }
        None => {
            let refused = Err(Problem::new(Reason::SlotNotFree, "nobody had time"));
            note(log, verifier, asked, (Some((start, AppointmentId::MAX)), None), refused);
        }
    }
}

async fn complete(world: &World, log: &Log, id: AppointmentId, verifier: i64) {
    let check_in = async |_: &mut PgConnection, before: Appointment| {
        let start = before.span.start();
        before.checked_in(true, &Terms::default(), start)
    };
    let asked = log.tick();
    let here = world.change(id, (1, MONDAY), check_in).await;
    note(log, verifier, asked, (None, Some(id)), here.map(|it| it.version));
    let meet = async |_: &mut PgConnection, before: Appointment| {
        before.completed(crate::Completion {
            is_confirmed: true,
            evidence: Vec::new(),
        })
    };
    let asked = log.tick();
    let met = world.change(id, (1, MONDAY), meet).await;
    note(log, verifier, asked, (None, Some(id)), met.map(|it| it.version));
}

/// Notes an answer. Refusals of what has moved on say nothing of the verifier's time.
fn note(
    log: &Log,
    verifier: i64,
    asked: u64,
    (wanted, id): (Option<(i64, AppointmentId)>, Option<AppointmentId>),
    answer: Result<i64, Problem>,
) {
    let (refused, changed) = match answer {
        Ok(version) => (None, id.map(|id| (id, version))),
        Err(problem) if problem.reason() == Reason::SlotNotFree => (wanted, None),
        Err(problem) => {
            let expected = [
                Reason::AppointmentChanged,
                Reason::TooManyReschedules,
                Reason::NotCheckedIn,
                Reason::OutsideOfAppointment,
            ];
            assert!(expected.contains(&problem.reason()), "{problem:?}");
            return;
        }
    };
    let done = Done {
        verifier,
        asked,
        answered: log.tick(),
        refused,
        changed,
    };
    log.done.lock().expect("nobody panics with it").push(done);
}

/// A verifier's time in the model: what was booked and not called off, by its appointment.
#[derive(Clone, Default)]
struct Model(BTreeMap<AppointmentId, (i64, i64, bool)>);

impl Model {
    /// Takes a change, and says whether it is right.
    fn take(&mut self, id: AppointmentId, (start, end): (i64, i64), state: State) -> bool {
        self.0.remove(&id);
        let is_right = !state.is_open() || self.is_free(start, end, id);
        if state.fills_the_day() {
            self.0.insert(id, (start, end, state.is_open()));
        }
        is_right
    }

    fn is_free(&self, start: i64, end: i64, but: AppointmentId) -> bool {
        let others = || self.0.iter().filter(|(id, _)| **id != but).map(|(_, entry)| entry);
        let overlaps = others().any(|(from, until, is_open)| *is_open && *from < end && start < *until);
        let same_day = others().filter(|(from, _, _)| from.div_euclid(DAY) == start.div_euclid(DAY));
        !overlaps && same_day.count() < 5
    }
}

/// The changes of a verifier as they were written.
async fn written(world: &World, verifier: i64) -> Vec<(AppointmentId, i64, State, (i64, i64))> {
    let rows: Vec<(uuid::Uuid, i64, String, i64, i64)> = sqlx::query_as(
        "SELECT appointment_id, version, state, extract(epoch FROM starts_at)::bigint, extract(epoch FROM ends_at)::bigint
           FROM appointment_changes WHERE verifier_id = $1 ORDER BY sequence",
    )
    .bind(verifier)
    .fetch_all(&world.pool)
    .await
    .expect("rows");
    let read = |(id, version, state, start, end): (uuid::Uuid, i64, String, i64, i64)| {
        let state = State::parse(&state).expect("a state");
        (AppointmentId::from(id), version, state, (start, end))
    };
    rows.into_iter().map(read).collect()
}

/// Looks whether everything that was answered of a verifier is what one client after the other would have been told. Returns how many changes
/// and refusals there were.
fn check(written: &[(AppointmentId, i64, State, (i64, i64))], done: &[Done]) -> (usize, usize) {
    let mut models = vec![Model::default()];
    let mut place = BTreeMap::new();
    for (at, (id, version, state, times)) in written.iter().enumerate() {
        let mut model = models[at].clone();
        assert!(model.take(*id, *times, *state), "two at once, or too many a day: {id}");
        models.push(model);
        place.insert((*id, *version), at);
    }
    let changes = done.iter().filter_map(|one| Some((one, *place.get(&one.changed?)?)));
    let mut by_place: Vec<(&Done, usize)> = changes.collect();
    assert_eq!(by_place.len(), written.len(), "each change was answered");
    by_place.sort_unstable_by_key(|(_, place)| *place);
    // Nobody is told of a change before one that was answered before it was asked for.
    let mut latest_asked = 0;
    for (one, _) in &by_place {
        assert!(
            one.answered > latest_asked,
            "answered before another that it came after was asked for: {one:?}"
        );
        latest_asked = latest_asked.max(one.asked);
    }
    let mut refusals = 0;
    for one in done {
        let Some((start, but)) = one.refused else {
            continue;
        };
        refusals += 1;
        let known = by_place.iter().filter(|(other, _)| other.answered < one.asked);
        let from = known.map(|(_, place)| place + 1).max().unwrap_or(0);
        let later = by_place.iter().filter(|(other, _)| other.asked > one.answered);
        let until = later.map(|(_, place)| *place).min().unwrap_or(written.len());
        let was_taken = (from..=until).any(|at| !models[at].is_free(start, start + 30 * MINUTE, but));
        assert!(was_taken, "the time was free all the while: {one:?}");
    }
    (written.len(), refusals)
}

async fn whatever_comes_to_their_minds(operations: u64, seed: u64) {
    let world = World::new().await;
    for id in 1..=VERIFIERS {
        world.verifier(id, point(BERLIN.0, BERLIN.1)).await;
    }
    let log = Log {
        days: (operations / OPERATIONS_A_DAY).try_into().expect("some days"),
        ..Log::default()
    };
    let clients = (0..CLIENTS).map(|number| {
        let random = ChaCha8Rng::seed_from_u64(seed + number);
        client(&world, &log, random, operations / CLIENTS)
    });
    join_all(clients).await;
    let done = log.done.into_inner().expect("nobody panicked with it");
    let (mut changes, mut refusals) = (0, 0);
    for verifier in 1..=VERIFIERS {
        let of_this: Vec<Done> = done.iter().filter(|one| one.verifier == verifier).copied().collect();
        let (changed, refused) = check(&written(&world, verifier).await, &of_this);
        changes += changed;
        refusals += refused;
    }
    let overlaps = "appointments AS one JOIN appointments AS other USING (verifier_id)
         WHERE one.appointment_id < other.appointment_id AND one.ended_at IS NULL AND other.ended_at IS NULL
           AND one.starts_at < other.ends_at AND other.starts_at < one.ends_at";
    assert_eq!(world.count(overlaps).await, 0);
    // Whatever is open is closed: then nothing is held.
    let open: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT verification_id FROM appointments WHERE ended_at IS NULL")
        .fetch_all(&world.pool)
        .await
        .expect("rows");
    for id in open {
        let request = AppointmentRequest {
            verification_id: id.into(),
            ..wanted(member(1), &[])
        };
        world.close(&request, CloseReason::Withdrawn).await;
    }
    assert_eq!(world.count("appointments WHERE ended_at IS NULL").await, 0);
    println!(
        "{operations} operations of {CLIENTS} clients on {VERIFIERS} verifiers: {changes} changes, {refusals} refused for time"
    );
    assert!(changes as u64 > operations / 4 && refusals > 0, "{changes}, {refusals}");
}

#[tokio::test]
async fn two_thousand_operations_of_fifty_clients_are_as_of_one_after_the_other() {
    whatever_comes_to_their_minds(2_000, 1).await;
}

#[tokio::test]
#[ignore = "a soak of some minutes; a shorter one is part of every run"]
async fn a_hundred_thousand_operations_of_fifty_clients_are_as_of_one_after_the_other() {
    whatever_comes_to_their_minds(100_000, 1_000).await;
}
