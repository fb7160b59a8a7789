use super::{
    Found, Key, Near, Recertification, Store, VerifierMethod, VerifierProfile, insert_verifier, update_verifier,
};
use crate::Location;
use crate::search_verifiers::{Search, Window, search_verifiers};
use crate::testing::{OrPanic, at, certified, empty_store, member, on_mondays, point};
use geographiclib_rs::{Geodesic, InverseGeodesic};
use in_person_availability::{Availability, Span, Weekly};
use jiff::SignedDuration;
use mesh_testkit::fixtures::reason;
use mesh_types::Reason;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use sqlx::PgPool;

/// Far after every instant of these tests.
const CERTIFIED_UNTIL: i64 = 4_000_000_000;
/// 2026-12-07, a Monday, 00:00 UTC.
const MONDAY: i64 = 1_796_601_600;
const HOUR: i64 = 3_600;

const IDENTITY: &[VerifierMethod] = &[VerifierMethod::Identity];

async fn insert(pool: &PgPool, id: i64, profile: &VerifierProfile) {
    insert_certified(pool, id, profile, (CERTIFIED_UNTIL, IDENTITY)).await;
}

async fn insert_certified(
    pool: &PgPool,
    id: i64,
    profile: &VerifierProfile,
    (until, methods): (i64, &[VerifierMethod]),
) {
    let mut connection = pool.acquire().await.expect("a connection");
    let certification = certified(until, methods);
    let inserted = insert_verifier(&mut connection, member(id), (profile, &certification), at(100)).await;
    inserted.or_panic();
}

async fn insert_all(pool: &PgPool, verifiers: impl IntoIterator<Item = (i64, VerifierProfile)>) {
    let mut transaction = pool.begin().await.expect("a transaction");
    let certification = certified(CERTIFIED_UNTIL, IDENTITY);
    for (id, profile) in verifiers {
        let inserted = insert_verifier(&mut transaction, member(id), (&profile, &certification), at(100)).await;
        inserted.or_panic();
    }
    transaction.commit().await.expect("it is written");
}

fn near(location: Location, within_metres: f64) -> Near {
    Near {
        location,
        within_metres,
        certified_after: at(200),
        methods: Vec::new(),
    }
}

async fn ids(store: &Store, near: &Near, page: i64) -> Vec<i64> {
    let (mut all, mut after) = (Vec::new(), None);
    loop {
        let found = store.nearest(near, after, page).await.or_panic();
        let is_last = (found.len() as i64) < page;
        after = found.last().map(Found::key);
        all.extend(found.iter().map(|found| found.verifier_id.get()));
        if is_last {
            return all;
        }
    }
}

#[tokio::test]
async fn the_nearest_come_first_and_of_two_at_one_point_the_lower_id() {
    let (pool, store) = empty_store().await;
    let berlin = point(52.52, 13.405);
    for (id, location) in [
        (3, berlin),
        (1, point(52.53, 13.405)),
        (2, berlin),
        (4, point(48.137, 11.575)),
    ] {
        insert(&pool, id, &on_mondays(location)).await;
    }
    for page in [1, 2, 10] {
        assert_eq!(
            ids(&store, &near(berlin, 50_000.0), page).await,
            [2, 3, 1],
            "pages of {page}"
        );
    }
    assert_eq!(ids(&store, &near(berlin, 1_000_000.0), 2).await, [2, 3, 1, 4]);
}

#[tokio::test]
async fn who_is_paused_not_certified_or_not_for_this_is_not_found() {
    let (pool, store) = empty_store().await;
    let place = point(0.0, 0.0);
    let usual = on_mondays(place);
    let paused = VerifierProfile {
        is_paused: true,
        ..usual.clone()
    };
    let both = &[VerifierMethod::Identity, VerifierMethod::OriginalDocument][..];
    insert(&pool, 1, &usual).await;
    insert(&pool, 2, &paused).await;
    insert_certified(&pool, 3, &usual, (200, IDENTITY)).await;
    insert_certified(&pool, 4, &usual, (201, both)).await;
    assert_eq!(ids(&store, &near(place, 1.0), 10).await, [1, 4]);
    let with_documents = Near {
        methods: vec![VerifierMethod::OriginalDocument],
        ..near(place, 1.0)
    };
    assert_eq!(ids(&store, &with_documents, 10).await, [4]);
}

#[tokio::test]
async fn who_has_no_slot_in_the_window_is_passed_over_however_many_they_are() {
    let (pool, store) = empty_store().await;
    let place = point(10.0, 20.0);
    let never = VerifierProfile {
        availability: Availability::new(Weekly::default(), Vec::new()).expect("no hours"),
        ..on_mondays(place)
    };
    let verifiers = (1..=2_450).map(|id| match id {
        150 | 300 | 450 | 2_450 => (id, on_mondays(place)),
        _ => (id, never.clone()),
    });
    insert_all(&pool, verifiers).await;
    let window = |from: i64, until: i64| Search {
        near: near(place, 50_000.0),
        window: Some(Window {
            span: Span::new(at(MONDAY + from * HOUR), at(MONDAY + until * HOUR)).expect("a span"),
            slot: SignedDuration::from_mins(30),
        }),
    };
    let mut all = Vec::new();
    let mut page = async |search: &Search, after: Option<Key>| {
        let page = search_verifiers(&store, search, after, 2).await.or_panic();
        let ids: Vec<_> = page.matches.iter().map(|one| one.found.verifier_id.get()).collect();
        all.extend(page.matches.iter().map(|one| one.first_slot.expect("a slot").start()));
        (ids, page.goes_on_after.map(|key| key.verifier_id))
    };
    let after = |verifier_id: i64| {
        Some(Key {
            distance: 0.0,
            verifier_id,
        })
    };
    let in_the_morning = window(0, 24);
    assert_eq!(page(&in_the_morning, None).await, (vec![150, 300], Some(300)));
    // Of many who are not free 2,000 are looked at.
    assert_eq!(page(&in_the_morning, after(300)).await, (vec![450], Some(2_300)));
    assert_eq!(page(&in_the_morning, after(2_300)).await, (vec![2_450], None));
    assert_eq!(
        page(&window(12, 24), after(1_000)).await,
        (vec![], None),
        "they are free until noon"
    );
    assert_eq!(all, [at(MONDAY + 9 * HOUR); 4]);
}

#[tokio::test]
async fn a_slot_after_the_certification_is_none() {
    let (pool, store) = empty_store().await;
    let place = point(10.0, 20.0);
    let slot_ends = MONDAY + 9 * HOUR + 30 * 60;
    for (id, until) in [(1, slot_ends - 1), (2, slot_ends)] {
        insert_certified(&pool, id, &on_mondays(place), (until, IDENTITY)).await;
    }
    let search = Search {
        near: near(place, 1.0),
        window: Some(Window {
            span: Span::new(at(MONDAY), at(MONDAY + 31 * 24 * HOUR)).expect("a span"),
            slot: SignedDuration::from_mins(30),
        }),
    };
    let found = search_verifiers(&store, &search, None, 10).await.or_panic().matches;
    assert_eq!(
        found.iter().map(|one| one.found.verifier_id.get()).collect::<Vec<_>>(),
        [2],
        "long before the window ends"
    );
}

#[tokio::test]
async fn an_update_replaces_the_profile_and_one_by_an_old_version_is_refused() {
    let (pool, store) = empty_store().await;
    let profile = on_mondays(point(1.0, 2.0));
    insert(&pool, 7, &profile).await;
    let mut connection = pool.acquire().await.expect("a connection");
    let certification = certified(1, IDENTITY);
    let again = insert_verifier(&mut connection, member(7), (&profile, &certification), at(100)).await;
    assert_eq!(reason(again), Reason::VerifierExists);
    let moved = VerifierProfile {
        location: point(-89.999, 179.999),
        time_zone: "Pacific/Auckland".to_owned(),
        ..profile
    };
    let as_before = Recertification::default();
    let updated = update_verifier(&mut connection, (member(7), 1), (&moved, false, &as_before), at(200)).await;
    let updated = updated.or_panic();
    assert_eq!(
        (updated.version, updated.certification),
        (2, certified(CERTIFIED_UNTIL, IDENTITY))
    );
    let documents = vec![VerifierMethod::OriginalDocument];
    let anew = Recertification {
        until: Some(at(5_000)),
        methods: Some(documents.clone()),
    };
    let updated = update_verifier(&mut connection, (member(7), 2), (&moved, false, &anew), at(200)).await;
    assert_eq!(updated.or_panic().certification, certified(5_000, &documents));
    let stale = update_verifier(&mut connection, (member(7), 2), (&moved, false, &as_before), at(200)).await;
    assert_eq!(reason(stale), Reason::VerifierChanged);
    let missing = update_verifier(&mut connection, (member(8), 1), (&moved, false, &as_before), at(200)).await;
    assert_eq!(reason(missing), Reason::VerifierNotFound);
    let read = store.get_verifier(member(7)).await.or_panic();
    assert!(read.profile.location == moved.location);
    assert_eq!((read.profile.time_zone.as_str(), read.version), ("Pacific/Auckland", 3));
    assert_eq!(read.certification, certified(5_000, &documents));
    assert_eq!(read.profile.availability, moved.availability);
    assert_eq!(reason(store.get_verifier(member(8)).await), Reason::VerifierNotFound);
}

#[tokio::test]
async fn hours_of_a_newer_version_hide_nobody_else() {
    let (pool, store) = empty_store().await;
    let place = point(0.0, 0.0);
    for id in [1, 2] {
        insert(&pool, id, &on_mondays(place)).await;
    }
    let newer = r#"UPDATE verifiers SET availability = '{"fortnightly": {}}', methods = '{by_telepathy,identity}' WHERE verifier_id = 1"#;
    sqlx::query(newer).execute(&pool).await.expect("it is written");
    let search = Search {
        near: near(place, 1.0),
        window: Some(Window {
            span: Span::new(at(MONDAY), at(MONDAY + 24 * HOUR)).expect("a span"),
            slot: SignedDuration::from_mins(30),
        }),
    };
    let found = search_verifiers(&store, &search, None, 10).await.or_panic().matches;
    assert_eq!(
        found.iter().map(|one| one.found.verifier_id.get()).collect::<Vec<_>>(),
        [2]
    );
    for known in [
        "UPDATE verifiers SET availability = '{}' WHERE verifier_id = 1",
        "UPDATE verifiers SET methods = '{identity}' WHERE verifier_id = 1",
    ] {
        assert_eq!(reason(store.get_verifier(member(1)).await), Reason::NewerVersionNeeded);
        sqlx::query(known).execute(&pool).await.expect("it is written");
    }
    store.get_verifier(member(1)).await.or_panic();
}

/// The places where searches go wrong: both sides of the antimeridian, around the poles, at one point many, and anywhere.
fn places(rng: &mut ChaCha8Rng) -> Location {
    let (latitude, longitude) = match rng.random_range(0..5) {
        0 => (rng.random_range(-1.0..1.0), 180.0 - rng.random_range(0.0..1.0)),
        1 => (rng.random_range(-1.0..1.0), -180.0 + rng.random_range(0.0..1.0)),
        2 => (90.0 - rng.random_range(0.0..0.5), rng.random_range(-180.0..180.0)),
        3 => (-90.0 + rng.random_range(0.0..0.5), rng.random_range(-180.0..180.0)),
        _ => (rng.random_range(-90.0..90.0), rng.random_range(-180.0..180.0)),
    };
    let corners = [(0.0, 180.0), (0.0, -180.0), (90.0, 0.0), (-90.0, 77.0), (52.52, 13.405)];
    match rng.random_range(0..10) {
        0 => {
            let (latitude, longitude) = corners[rng.random_range(0..corners.len())];
            point(latitude, longitude)
        }
        _ => point(latitude, longitude),
    }
}

/// Two distances that differ by less are one: a thousandth of a millimetre.
const ONE_DISTANCE: f64 = 1e-6;

#[tokio::test]
async fn a_search_finds_whom_a_scan_by_the_geodesic_finds_and_in_its_order() {
    let (pool, store) = empty_store().await;
    let mut rng = ChaCha8Rng::seed_from_u64(14);
    let mut verifiers = Vec::new();
    for id in 1..=3_000 {
        verifiers.push((id, places(&mut rng).coarse()));
    }
    insert_all(
        &pool,
        verifiers.iter().map(|(id, location)| (*id, on_mondays(*location))),
    )
    .await;
    let earth = Geodesic::wgs84();
    let (mut found_in_all, mut queries) = (0, 0);
    while queries < 150 {
        let place = places(&mut rng);
        let within = [1_000.0, 50_000.0, 400_000.0, 20_037_508.0][rng.random_range(0..4)];
        let mut scanned: Vec<(f64, i64)> = verifiers
            .iter()
            .map(|(id, location)| {
                let metres: f64 = earth.inverse(
                    place.latitude(),
                    place.longitude(),
                    location.latitude(),
                    location.longitude(),
                );
                (metres, *id)
            })
            .filter(|(metres, _)| *metres <= within)
            .collect();
        scanned.sort_by(|(one, id), (other, other_id)| one.total_cmp(other).then(id.cmp(other_id)));
        let limit = if within > 1e6 { 200 } else { 3_001 };
        scanned.truncate(limit);
        let found = store.nearest(&near(place, within), None, limit as i64).await.or_panic();
        assert_eq!(found.len(), scanned.len(), "{:?} m", within);
        for (found, (metres, _)) in found.iter().zip(&scanned) {
            assert!(
                (found.distance - metres).abs() < ONE_DISTANCE,
                "{} {metres}",
                found.distance
            );
        }
        let sorted = |mut ids: Vec<i64>| {
            ids.sort_unstable();
            ids
        };
        let found_ids: Vec<i64> = found.iter().map(|found| found.verifier_id.get()).collect();
        let scanned_ids: Vec<i64> = scanned.iter().map(|(_, id)| *id).collect();
        if limit > verifiers.len() {
            assert_eq!(sorted(found_ids.clone()), sorted(scanned_ids.clone()), "the same set");
        }
        // The same order, but for those who are one distance away by both.
        for (at, (found, scanned_id)) in found.iter().zip(&scanned_ids).enumerate() {
            let as_far = |(metres, _): &&(f64, i64)| (metres - found.distance).abs() < ONE_DISTANCE;
            assert!(
                found.verifier_id.get() == *scanned_id || scanned.iter().filter(as_far).count() > 1,
                "place {at}"
            );
        }
        // Where two are as far, their order is by id, on either side the same.
        for pair in found.windows(2) {
            let is_in_order = pair[0].distance < pair[1].distance
                || (pair[0].distance == pair[1].distance && pair[0].verifier_id < pair[1].verifier_id);
            assert!(is_in_order);
        }
        if limit > verifiers.len() && found.len() < 60 {
            assert_eq!(
                ids(&store, &near(place, within), 7).await,
                found_ids,
                "the same page by page"
            );
        }
        found_in_all += found.len();
        queries += 1;
    }
    assert!(found_in_all > 5_000, "{found_in_all}");
}
