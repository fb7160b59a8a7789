//! Verifiers over the mesh: who registers and changes them, and who finds them.

use crate::support::*;
use mesh_proto::fields::timestamp;
use mesh_proto::in_person::v1 as proto;
use mesh_runtime::clock;
use tonic::Code;

/// Far from the places of other tests, and on the antimeridian: half of all are east of it.
const LATITUDE: i32 = -16_500_000;

/// A person who becomes a verifier, free at any time.
pub fn registration(verifier_id: i64) -> proto::RegisterVerifierRequest {
    let all_day = proto::Hours {
        from: "00:00".to_owned(),
        until: "24:00".to_owned(),
    };
    let weekly_hours = (1..=7).map(|weekday| proto::WeeklyHours {
        weekday,
        hours: vec![all_day.clone()],
    });
    proto::RegisterVerifierRequest {
        request_id: new_request_id(),
        verifier_id,
        profile: Some(proto::VerifierProfile {
            location: Some(proto::Location::default()),
            time_zone: "Pacific/Auckland".to_owned(),
            weekly_hours: weekly_hours.collect(),
            exceptions: Vec::new(),
            is_paused: false,
            meeting_point: Some("The reading room of the library".to_owned()),
        }),
        certified_until: Some(timestamp(clock::now() + jiff::SignedDuration::from_hours(90 * 24))),
        methods: vec![proto::VerifierMethod::Identity.into()],
    }
}

/// One so many thousandths of a degree east of the antimeridian, negative for west of it.
async fn registered(caller: &Caller, east: i32) -> i64 {
    let mut request = registration(new_member_id());
    let profile = request.profile.as_mut().expect("a profile");
    let longitude = if east < 0 { 180_000_000 } else { -180_000_000 } + east * 1_000;
    profile.location = Some(proto::Location {
        latitude_microdegrees: LATITUDE,
        longitude_microdegrees: longitude,
    });
    let registered = caller.verifiers.clone().register_verifier(request.clone()).await;
    let verifier = registered.expect("they become a verifier").into_inner().verifier;
    assert_eq!(verifier.expect("a verifier").version, 1);
    request.verifier_id
}

fn search(page_size: i32, page_token: String) -> proto::SearchVerifiersRequest {
    proto::SearchVerifiersRequest {
        location: Some(proto::Location {
            latitude_microdegrees: LATITUDE,
            longitude_microdegrees: 180_000_000,
        }),
        within_metres: 5_000,
        page_size,
        page_token,
        ..Default::default()
    }
}

#[tokio::test]
async fn verifiers_are_found_over_the_antimeridian_page_by_page_the_nearest_first() {
    let caller = Caller::of(shared_mesh().await);
    // Two on the line itself, the others 107 metres further away each, on both sides in turn, and one who is too far.
    let mut expected = Vec::new();
    for east in [0, 0, 1, -2, 3, -4, 5] {
        expected.push(registered(&caller, east).await);
    }
    expected[..2].sort_unstable();
    registered(&caller, 60).await;
    let (mut found, mut page_token) = (Vec::new(), String::new());
    loop {
        let page = caller.verifiers.clone().search_verifiers(search(2, page_token)).await;
        let page = page.expect("a page").into_inner();
        found.extend(page.verifiers);
        page_token = page.next_page_token;
        if page_token.is_empty() {
            break;
        }
    }
    let ids: Vec<i64> = found.iter().map(|one| one.verifier_id).collect();
    assert_eq!(ids, expected);
    let metres: Vec<i32> = found.iter().map(|one| one.distance_metres).collect();
    assert_eq!(metres, [0, 0, 500, 500, 500, 500, 1000], "roughly");
}

#[tokio::test]
async fn a_verifier_is_free_by_the_clock_of_their_own_zone() {
    let caller = Caller::of(shared_mesh().await);
    // Both are free from nine to ten tomorrow, one of them in Auckland.
    let zone = jiff::tz::TimeZone::get("Pacific/Auckland").expect("a zone");
    let tomorrow = clock::now().to_zoned(zone.clone()).date().tomorrow().expect("a day");
    let nine = tomorrow.at(9, 0, 0, 0).to_zoned(zone).expect("an instant").timestamp();
    let location = proto::Location {
        latitude_microdegrees: -LATITUDE,
        longitude_microdegrees: 0,
    };
    let mut ids = Vec::new();
    for time_zone in ["Pacific/Auckland", "UTC"] {
        let mut request = registration(new_member_id());
        let profile = request.profile.as_mut().expect("a profile");
        profile.location = Some(location);
        profile.time_zone = time_zone.to_owned();
        profile.weekly_hours.clear();
        profile.exceptions = vec![proto::DayHours {
            date: tomorrow.to_string(),
            hours: vec![proto::Hours {
                from: "09:00".to_owned(),
                until: "10:00".to_owned(),
            }],
        }];
        ids.push(request.verifier_id);
        caller
            .verifiers
            .clone()
            .register_verifier(request)
            .await
            .expect("they become a verifier");
    }
    let hour = jiff::SignedDuration::from_hours(1);
    let request = proto::SearchVerifiersRequest {
        location: Some(location),
        free_from: Some(timestamp(nine - hour)),
        free_until: Some(timestamp(nine + hour)),
        slot_minutes: 60,
        ..Default::default()
    };
    let page = caller.verifiers.clone().search_verifiers(request).await;
    let found = page.expect("a page").into_inner().verifiers;
    assert_eq!(found.iter().map(|one| one.verifier_id).collect::<Vec<_>>(), [ids[0]]);
    let slot = found[0].first_slot.expect("a slot");
    assert_eq!(
        (slot.start, slot.end),
        (Some(timestamp(nine)), Some(timestamp(nine + hour)))
    );
    assert_eq!(found[0].time_zone, "Pacific/Auckland");
}

#[tokio::test]
async fn a_verifier_changes_their_profile_alone_and_only_what_they_read() {
    let caller = Caller::of(shared_mesh().await);
    let verifier_id = registered(&caller, 900).await;
    let mut own = caller.acting_as(verifier_id, &["verifier"]).verifiers;
    let read = own.get_verifier(proto::GetVerifierRequest { verifier_id }).await;
    let read = read.expect("their own").into_inner().verifier.expect("a verifier");
    let mut profile = read.profile.expect("a profile");
    profile.is_paused = true;
    let update = proto::UpdateVerifierRequest {
        request_id: new_request_id(),
        verifier_id,
        profile: Some(profile.clone()),
        version: read.version,
        ..Default::default()
    };
    let updated = own
        .update_verifier(update.clone())
        .await
        .expect("it is theirs")
        .into_inner();
    let updated = updated.verifier.expect("a verifier");
    // Answers are kept for repeats, so they leave out where somebody meets members.
    let without_place = proto::VerifierProfile {
        meeting_point: None,
        ..profile.clone()
    };
    assert_eq!((updated.version, updated.profile), (2, Some(without_place.clone())));
    assert_eq!(updated.certified_until, read.certified_until);

    let again = proto::UpdateVerifierRequest {
        request_id: new_request_id(),
        ..update.clone()
    };
    let stale = refusal(&own.update_verifier(again).await.expect_err("it has changed"));
    assert_eq!(
        (stale.code, stale.reason.as_str()),
        (Code::FailedPrecondition, "VERIFIER_CHANGED")
    );
    // What is not said of it stays.
    let silent = proto::UpdateVerifierRequest {
        request_id: new_request_id(),
        profile: Some(without_place),
        version: 2,
        ..update.clone()
    };
    own.update_verifier(silent).await.expect("it is theirs");
    let kept = own.get_verifier(proto::GetVerifierRequest { verifier_id }).await;
    let kept = kept.expect("their own").into_inner().verifier.expect("a verifier");
    assert_eq!((kept.version, kept.profile), (3, Some(profile)));

    let change = proto::UpdateVerifierRequest { version: 3, ..update };
    let longer = proto::UpdateVerifierRequest {
        request_id: new_request_id(),
        certified_until: read.certified_until,
        ..change.clone()
    };
    let for_more = proto::UpdateVerifierRequest {
        request_id: new_request_id(),
        methods: vec![proto::VerifierMethod::OriginalDocument.into()],
        ..change
    };
    for wanted in [&longer, &for_more] {
        let refused = refusal(
            &own.update_verifier(wanted.clone())
                .await
                .expect_err("not theirs to say"),
        );
        assert_eq!(
            (refused.code, refused.reason.as_str()),
            (Code::PermissionDenied, "ROLE_NOT_ALLOWED")
        );
    }
    caller
        .verifiers
        .clone()
        .update_verifier(for_more)
        .await
        .expect("staff may");

    let twice = registration(verifier_id);
    let twice = refusal(
        &caller
            .verifiers
            .clone()
            .register_verifier(twice)
            .await
            .expect_err("they are one"),
    );
    assert_eq!(
        (twice.code, twice.reason.as_str()),
        (Code::AlreadyExists, "VERIFIER_EXISTS")
    );
    let nobody = proto::GetVerifierRequest {
        verifier_id: new_member_id(),
    };
    let nobody = refusal(
        &caller
            .verifiers
            .clone()
            .get_verifier(nobody)
            .await
            .expect_err("there is none"),
    );
    assert_eq!(
        (nobody.code, nobody.reason.as_str()),
        (Code::NotFound, "VERIFIER_NOT_FOUND")
    );
}
