//! `find_available_verifiers`: who is near the member, free when the member is, and not connected to them.

use crate::Store;
use crate::appointment::Terms;
use crate::diary::Diary;
use crate::free_slots::{free_slots, to_slot};
use crate::store::{Found, Key, MeetingPreference, Near, VerifierMethod};
use in_person_availability::Span;
use in_person_workflows::contract::{AvailableVerifier, SearchRequest};
use jiff::{SignedDuration, Timestamp};
use mesh_runtime::Problem;
use mesh_types::Reason;
use std::collections::{HashMap, HashSet};

/// Verifiers that are found at most.
const WANTED: usize = 10;
/// Their slots that are named at most.
const SLOTS: usize = 3;
/// Verifiers that are read at once.
const BATCH: i64 = 200;
/// Verifiers that are looked at where somebody was found among them, and where nobody was.
const ENOUGH_LOOKED_AT: usize = 2_000;
const MOST_LOOKED_AT: usize = 20_000;
/// How old a meeting preference may be when a verification begins with it.
const OLDEST_PREFERENCE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// A verifier who has time, with what they are put in order by.
struct Candidate {
    key: Key,
    appointments_that_day: usize,
    verifier: AvailableVerifier,
}

/// The verifiers who could meet a member, the nearest first, and of two who are as far the one with fewer appointments on the day. Those who
/// are `connected` to the member are left out. Where one is held already, it is that one.
///
/// # Errors
/// `MEETING_PREFERENCE_NOT_FOUND` when there is none of this member; `PEER_UNAVAILABLE` when the community service is away;
/// `DATABASE_UNAVAILABLE` when PostgreSQL is away.
pub async fn find_verifiers<F>(
    store: &Store,
    connected: impl Fn(Vec<i64>) -> F,
    request: &SearchRequest,
    (terms, now): (&Terms, Timestamp),
) -> Result<Vec<AvailableVerifier>, Problem>
where
    F: Future<Output = Result<HashSet<i64>, Problem>>,
{
    // An answer to a hold that got lost: what is held is held again, and by that found.
    if let Some(held) = store.find_open_appointment(request.verification_id).await? {
        return Ok(vec![AvailableVerifier {
            verifier_id: held.verifier_id,
            slots: vec![to_slot(held.span)],
        }]);
    }
    let begun_at = Timestamp::from_second(request.begun_at_seconds).map_err(Problem::internal)?;
    let oldest = begun_at.saturating_sub(OLDEST_PREFERENCE).map_err(Problem::internal)?;
    let preference = store.find_meeting_preference(request.meeting_preference_id).await?;
    let preference = preference.filter(|one| one.member_id == request.member_id && one.created_at >= oldest);
    let preference = preference.ok_or_else(|| {
        let message = "this member has no meeting preference of this id of the last 30 days";
        Problem::new(Reason::MeetingPreferenceNotFound, message)
    })?;
    let windows = windows(&preference, request, terms, now)?;
    let Some((first, last)) = windows.first().zip(windows.last()) else {
        return Ok(Vec::new());
    };
    let around = Span::new(first.start(), last.end()).map_err(Problem::internal)?;
    let near = near(&preference, request, first.start());
    let (mut reached, mut looked_at, mut candidates) = (None, 0, Vec::new());
    loop {
        let found = store.nearest(&near, reached, BATCH).await?;
        let is_last = found.len() < BATCH as usize;
        let ids: Vec<i64> = found.iter().map(|one| one.verifier_id.get()).collect();
        let diaries = store.diaries(&ids, around).await?;
        let mut fitting = Vec::new();
        for one in found {
            reached = Some(one.key());
            looked_at += 1;
            let is_asked = one.verifier_id != request.member_id && !request.excluded.contains(&one.verifier_id);
            if is_asked {
                fitting.extend(fit(&one, &windows, terms, &diaries));
            }
        }
        let ids = fitting.iter().map(|one: &Candidate| one.key.verifier_id).collect();
        let connected = connected(ids).await?;
        candidates.extend(
            fitting
                .into_iter()
                .filter(|one| !connected.contains(&one.key.verifier_id)),
        );
        // Whoever is as far as the last one may have fewer appointments.
        let is_enough = candidates.len() >= WANTED && candidates[WANTED - 1].key.distance < reached_distance(reached);
        let has_looked = looked_at >= ENOUGH_LOOKED_AT && !candidates.is_empty();
        if is_enough || has_looked || is_last || looked_at >= MOST_LOOKED_AT {
            break;
        }
    }
    candidates.sort_by(|one, other| {
        let by_distance = one.key.distance.total_cmp(&other.key.distance);
        by_distance
            .then(one.appointments_that_day.cmp(&other.appointments_that_day))
            .then(one.key.verifier_id.cmp(&other.key.verifier_id))
    });
    candidates.truncate(WANTED);
    Ok(candidates.into_iter().map(|one| one.verifier).collect())
}

fn reached_distance(reached: Option<Key>) -> f64 {
    reached.map_or(0.0, |key| key.distance)
}

fn near(preference: &MeetingPreference, request: &SearchRequest, from: Timestamp) -> Near {
    let mut methods = vec![VerifierMethod::Identity];
    if preference.brings_original_document {
        methods.push(VerifierMethod::OriginalDocument);
    }
    Near {
        location: preference.location,
        within_metres: request.within_metres.into(),
        certified_after: from,
        methods,
    }
}

/// When the member has time, within what is left: in order.
fn windows(
    preference: &MeetingPreference,
    request: &SearchRequest,
    terms: &Terms,
    now: Timestamp,
) -> Result<Vec<Span>, Problem> {
    let instant = |seconds: i64| Timestamp::from_second(seconds).map_err(Problem::internal);
    // The workflow's clock may be behind, where the search waited for an outage to end.
    let from = instant(request.from_seconds)?.max(now);
    let from = from.saturating_add(terms.notice).map_err(Problem::internal)?;
    let Ok(whole) = Span::new(from, instant(request.until_seconds)?) else {
        return Ok(Vec::new());
    };
    if preference.free_times.is_empty() {
        return Ok(vec![whole]);
    }
    let cut = |time: &Span| Span::new(time.start().max(whole.start()), time.end().min(whole.end())).ok();
    Ok(preference.free_times.iter().filter_map(cut).collect())
}

/// The verifier with their first slots, where they have any.
fn fit(found: &Found, windows: &[Span], terms: &Terms, diaries: &HashMap<i64, Diary>) -> Option<Candidate> {
    if !found.has_meeting_point {
        return None;
    }
    let nothing = Diary::default();
    let diary = diaries.get(&found.verifier_id.get()).unwrap_or(&nothing);
    let (zone, slots) = free_slots(found, windows, terms.length, (diary, SLOTS))?;
    Some(Candidate {
        key: found.key(),
        appointments_that_day: diary.count_on(slots.first()?.start(), &zone),
        verifier: AvailableVerifier {
            verifier_id: found.verifier_id,
            slots: slots.iter().map(|slot| to_slot(*slot)).collect(),
        },
    })
}
