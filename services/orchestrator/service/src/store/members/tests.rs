use super::*;
use crate::testing::{at, member, store};
use mesh_testkit::fixtures::OrPanic;

fn profile(given_names: &str, year: i16, email: Option<&str>) -> Profile {
    Profile {
        given_names: given_names.to_owned(),
        family_name: String::new(),
        birth_date: jiff::civil::date(year, 5, 6),
        email: email.map(str::to_owned),
    }
}

#[tokio::test]
async fn names_and_birth_date_make_a_version_that_is_told_and_an_e_mail_none() {
    let store = store().await;
    let member_id = member(&store, 1).await;
    let found = async || store.find_member(member_id).await.or_panic().expect("it is there");
    let registered = found().await.profile_version;
    // The clock of an instance may lie behind: a version is never less than the one before.
    let (past, future) = (at("2026-01-01T00:00:00Z"), at("2100-01-01T00:00:00Z"));
    let changes = [
        (profile("Ida", 1980, None), past, registered),
        (profile("Ida", 1980, Some("ida@example.org")), future, registered),
        (profile("Ada", 1980, None), past, registered + 1),
        (profile("Ada", 1981, None), future, future.as_microsecond()),
    ];
    for (profile, now, version) in changes {
        let mut connection = store.connection().await.or_panic();
        let updated = update_member(&mut connection, member_id, &profile, now).await;
        assert_eq!(updated.or_panic().map(|(_, version)| version), Some(version));
        assert_eq!(found().await.profile_version, version);
        let due = store.claim_changed_profiles(now, 10).await.or_panic();
        let expected = (version > registered).then_some((member_id, version));
        assert_eq!(due, expected.into_iter().collect::<Vec<_>>());
    }
    // That an earlier version was told leaves the last one to be told.
    let due = async |instant| store.claim_changed_profiles(at(instant), 10).await.or_panic();
    store.record_profile_told(member_id, registered + 1).await.or_panic();
    assert_eq!(due("2100-01-01T00:00:14Z").await, []);
    assert_eq!(
        due("2100-01-01T00:00:15Z").await,
        [(member_id, future.as_microsecond())]
    );
    store
        .record_profile_told(member_id, future.as_microsecond())
        .await
        .or_panic();
    assert_eq!(due("2101-01-01T00:00:00Z").await, []);
}
