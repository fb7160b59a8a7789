//! The issuer's keys change while tokens are verified.

use super::*;
use futures::future::join_all;

#[tokio::test]
async fn a_rotation_lets_no_token_fail_and_a_retired_key_counts_no_more() {
    let setup = Setup::new(TokenAlgorithm::EdDsa);
    let old = setup.issuer.token(7, &["editor"]);
    for round in 0..20 {
        setup.issuer.rotate(TokenAlgorithm::EdDsa).expect("a key");
        let fresh: Vec<_> = (0..10).map(|id| setup.issuer.token(round * 10 + id + 1, &[])).collect();
        let verified = join_all(fresh.iter().chain([&old]).map(|token| setup.person(token))).await;
        for person in verified {
            assert!(person.is_ok(), "round {round}: {person:?}");
        }
    }
    setup.issuer.retire().expect("it can write");
    // A token of a key that is not known has the file read again.
    assert_eq!(
        setup
            .refused(&setup.issuer.draft(7).key_id("unknown").sign())
            .await
            .reason(),
        Reason::TokenKeyUnknown
    );
    assert_eq!(setup.refused(&old).await.reason(), Reason::TokenKeyUnknown);
    assert!(setup.person(&setup.issuer.token(7, &[])).await.is_ok());
}

#[tokio::test]
async fn a_key_that_is_taken_away_stops_to_count_by_itself() {
    let setup = Setup::new(TokenAlgorithm::EdDsa);
    let old = setup.issuer.token(7, &[]);
    assert!(setup.person(&old).await.is_ok());
    setup
        .issuer
        .rotate(TokenAlgorithm::EdDsa)
        .and_then(|()| setup.issuer.retire())
        .expect("a key");
    // Nobody asks for a key, so nobody has read the file.
    assert!(setup.person(&old).await.is_ok());
    let check = setup.tokens.0.as_ref().expect("it has keys");
    let before = check.keys.generation();
    tokio::time::pause();
    tokio::time::advance(Duration::from_secs(301)).await;
    tokio::time::resume();
    mesh_testkit::eventually(Duration::from_secs(5), "the keys to be read again", async || {
        (check.keys.generation() > before).then_some(())
    })
    .await
    .expect("they are");
    assert_eq!(setup.refused(&old).await.reason(), Reason::TokenKeyUnknown);
}

#[tokio::test]
async fn a_file_that_is_missing_or_broken_leaves_the_known_keys() {
    let setup = Setup::new(TokenAlgorithm::EdDsa);
    let token = setup.issuer.token(7, &[]);
    assert!(setup.person(&token).await.is_ok());
    let file = setup.issuer.jwks_file();
    std::fs::write(&file, "{").expect("it can be spoiled");
    let unknown = || setup.issuer.draft(7).key_id("unknown").sign();
    assert_eq!(setup.refused(&unknown()).await.reason(), Reason::TokenKeyUnknown);
    std::fs::remove_file(&file).expect("it can be removed");
    assert_eq!(setup.refused(&unknown()).await.reason(), Reason::TokenKeyUnknown);
    assert!(setup.person(&setup.issuer.token(8, &[])).await.is_ok());
}
