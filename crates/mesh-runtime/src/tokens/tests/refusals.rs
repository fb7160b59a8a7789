//! Every token that must not count, each with its reason.

use super::*;
use mesh_testkit::flip_bit_of_signature;
use proptest::prelude::{any, proptest};

const MINUTE: Duration = Duration::from_secs(60);

/// What is left of a token when its key signs whatever somebody writes.
fn with_header(token: &str, header: serde_json::Value) -> String {
    use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
    let (_, rest) = token.split_once('.').expect("three parts");
    format!("{}.{rest}", URL_SAFE_NO_PAD.encode(header.to_string()))
}

#[tokio::test]
async fn each_bad_token_is_refused_with_its_reason_and_shown_to_nobody() {
    let setup = Setup::new(TokenAlgorithm::EdDsa);
    let other = Setup::new(TokenAlgorithm::EdDsa);
    let draft = || setup.issuer.draft(7);
    let good = draft().sign();
    let kid = serde_json::from_str::<serde_json::Value>(&setup.issuer.jwks()).expect("JSON")["keys"][0]["kid"].clone();
    let kid = kid.as_str().expect("a text").to_owned();
    let table = [
        (draft().expired_since(MINUTE).sign(), Reason::TokenExpired),
        (draft().valid_in(MINUTE).sign(), Reason::TokenNotYetValid),
        (draft().audience("someone-else").sign(), Reason::TokenWrongAudience),
        (draft().issuer("someone-else").sign(), Reason::TokenWrongIssuer),
        (draft().key_id("someone-else").sign(), Reason::TokenKeyUnknown),
        (draft().unsigned(), Reason::TokenAlgorithmRefused),
        (draft().hmac_by_public_key(), Reason::TokenAlgorithmRefused),
        (flip_bit_of_signature(&good, 100), Reason::TokenSignatureInvalid),
        (other.issuer.draft(7).key_id(&kid).sign(), Reason::TokenSignatureInvalid),
        (other.issuer.token(7, &[]), Reason::TokenKeyUnknown),
        (draft().claim("sub", "someone-else").sign(), Reason::TokenClaimInvalid),
        (draft().claim("roles", 7).sign(), Reason::TokenClaimInvalid),
        (draft().without("exp").sign(), Reason::TokenClaimInvalid),
        (draft().without("aud").sign(), Reason::TokenClaimInvalid),
        (draft().without("iss").sign(), Reason::TokenClaimInvalid),
        (draft().without("sub").sign(), Reason::TokenClaimInvalid),
        (draft().key_id("").sign(), Reason::TokenMalformed),
        (
            draft().claim("filler", "x".repeat(8 << 10)).sign(),
            Reason::TokenMalformed,
        ),
        (good.replace('.', ""), Reason::TokenMalformed),
        (format!("{good}."), Reason::TokenMalformed),
        (format!("{good}=="), Reason::TokenMalformed),
        (
            good.rsplit_once('.').expect("parts").0.to_owned(),
            Reason::TokenMalformed,
        ),
        (
            with_header(&good, serde_json::json!({ "alg": "EdDSA" })),
            Reason::TokenMalformed,
        ),
        (
            with_header(
                &good,
                serde_json::json!({ "alg": "EdDSA", "kid": kid, "crit": ["exp"] }),
            ),
            Reason::TokenMalformed,
        ),
        (
            with_header(
                &good,
                serde_json::json!({ "alg": "EdDSA", "kid": kid, "b64": false, "crit": ["b64"] }),
            ),
            Reason::TokenMalformed,
        ),
        (with_header(&good, serde_json::json!(["EdDSA"])), Reason::TokenMalformed),
    ];
    for (at, (token, expected)) in table.into_iter().enumerate() {
        let problem = setup.refused(&token).await;
        assert_eq!(problem.reason(), expected, "row {at}: {problem:?}");
        // Debug shows the cause too, which goes to the log.
        let shown = format!("{problem:?}");
        let secret = token
            .split('.')
            .filter(|part| !part.is_empty())
            .chain([kid.as_str(), "someone-else"]);
        for part in secret {
            assert!(!shown.contains(part), "row {at} shows {part}: {shown}");
        }
        assert_eq!(
            tonic::Status::from(problem).code(),
            tonic::Code::Unauthenticated,
            "row {at}"
        );
    }
}

#[tokio::test]
async fn two_headers_are_refused_also_when_both_are_good() {
    let setup = Setup::new(TokenAlgorithm::EdDsa);
    let mut headers = bearer_header(&setup.issuer.token(7, &[]));
    headers.append(AUTHORIZATION, headers[AUTHORIZATION].clone());
    let refused = setup
        .tokens
        .person(&headers)
        .await
        .expect_err("one of them must be somebody's mistake");
    assert_eq!(refused.reason(), Reason::TokenMalformed);
}

#[tokio::test]
async fn a_token_of_8_kib_counts_and_one_byte_more_does_not() {
    let setup = Setup::new(TokenAlgorithm::EdDsa);
    let of = |filler: usize| setup.issuer.draft(7).claim("filler", "x".repeat(filler)).sign();
    let mut filler = 5_000;
    while of(filler + 1).len() <= 8 << 10 {
        filler += 1;
    }
    assert!(of(filler).len() >= (8 << 10) - 1);
    assert!(setup.person(&of(filler)).await.is_ok());
    assert_eq!(setup.refused(&of(filler + 1)).await.reason(), Reason::TokenMalformed);
}

#[tokio::test]
async fn a_token_never_decides_how_it_is_verified() {
    for algorithm in [TokenAlgorithm::EdDsa, TokenAlgorithm::Es256, TokenAlgorithm::Rs256] {
        let setup = Setup::new(algorithm);
        let own = match algorithm {
            TokenAlgorithm::EdDsa => "EdDSA",
            TokenAlgorithm::Es256 => "ES256",
            TokenAlgorithm::Rs256 => "RS256",
        };
        let draft = || setup.issuer.draft(7);
        assert!(setup.person(&draft().sign_as(own)).await.is_ok(), "{own}");
        let names = [
            "EdDSA", "ES256", "RS256", "ES384", "RS384", "RS512", "PS256", "HS256", "HS384", "HS512", "none", "None",
            "NONE", "", "eddsa", "Ed25519", "rs256",
        ];
        for alg in names.into_iter().filter(|alg| *alg != own) {
            let problem = setup.refused(&draft().sign_as(alg)).await;
            assert_eq!(
                problem.reason(),
                Reason::TokenAlgorithmRefused,
                "{own} key, {alg} token"
            );
        }
        for token in [draft().hmac_by_public_key(), draft().unsigned()] {
            assert_eq!(
                setup.refused(&token).await.reason(),
                Reason::TokenAlgorithmRefused,
                "{own} key"
            );
        }
    }
}

#[tokio::test]
async fn any_flipped_bit_of_a_token_is_refused() {
    for algorithm in [TokenAlgorithm::EdDsa, TokenAlgorithm::Es256, TokenAlgorithm::Rs256] {
        let setup = Setup::new(algorithm);
        let token = setup.issuer.token(7, &["editor"]);
        assert!(setup.person(&token).await.is_ok());
        for bit in 0..token.len() * 8 {
            let mut spoiled = token.clone().into_bytes();
            spoiled[bit / 8] ^= 1 << (bit % 8);
            // What is no UTF-8 never comes so far.
            let Ok(spoiled) = String::from_utf8(spoiled) else {
                continue;
            };
            let found = setup.tokens.verify(&spoiled, clock::now()).await;
            assert!(found.is_err(), "{algorithm:?}, bit {bit}");
        }
        let signature = token.rsplit_once('.').expect("parts").1.len() * 6;
        for bit in 0..signature {
            let problem = setup.refused(&flip_bit_of_signature(&token, bit)).await;
            assert_eq!(
                problem.reason(),
                Reason::TokenSignatureInvalid,
                "{algorithm:?}, bit {bit}"
            );
        }
    }
}

#[tokio::test]
async fn without_an_issuer_every_token_is_refused_and_its_absence_is_not() {
    let (tokens, follower) = Tokens::new(None).expect("it needs nothing");
    assert!(follower.is_none());
    let setup = Setup::new(TokenAlgorithm::EdDsa);
    let refused = tokens.person(&bearer_header(&setup.issuer.token(7, &[]))).await;
    let problem = refused.expect_err("nobody can verify it");
    assert_eq!(problem.reason(), Reason::TokenKeyUnknown);
    assert!(problem.message().contains("no issuer is configured"), "{problem}");
    assert_eq!(tokens.person(&HeaderMap::new()).await.ok().flatten(), None);
}

proptest! {
    #[test]
    fn no_text_is_a_token_and_none_makes_it_panic(text in any::<String>(), parts in "[A-Za-z0-9_.-]{0,200}") {
        for token in [text, parts] {
            assert!(Header::of(&token).is_err());
        }
    }
}
