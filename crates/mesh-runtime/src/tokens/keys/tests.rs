use super::*;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mesh_testkit::{Issuer, TokenAlgorithm};
use serde_json::json;

/// The JWK of a new key.
fn jwk(algorithm: TokenAlgorithm) -> Value {
    let folder = tempfile::tempdir().expect("a folder");
    let issuer = Issuer::create(folder.path()).expect("an issuer");
    issuer.rotate(algorithm).and_then(|()| issuer.retire()).expect("a key");
    let jwks: Value = serde_json::from_str(&issuer.jwks()).expect("JSON");
    jwks["keys"][0].clone()
}

fn read(keys: &[Value]) -> (KeySet, Vec<Skipped>) {
    KeySet::read(json!({ "keys": keys }).to_string().as_bytes()).expect("a JWKS")
}

/// The key with these fields in their places; null takes one away.
fn with(jwk: &Value, changes: Value) -> Value {
    let mut jwk = jwk.clone();
    for (name, value) in changes.as_object().expect("an object") {
        jwk[name] = value.clone();
    }
    jwk.as_object_mut()
        .expect("an object")
        .retain(|_, value| !value.is_null());
    jwk
}

fn number(bits: usize) -> String {
    let mut bytes = vec![0xff; bits.div_ceil(8)];
    bytes[0] >>= bytes.len() * 8 - bits;
    URL_SAFE_NO_PAD.encode(bytes)
}

#[test]
fn the_kind_of_a_key_decides_its_algorithm() {
    for (of, expected) in [
        (TokenAlgorithm::EdDsa, Algorithm::EdDSA),
        (TokenAlgorithm::Es256, Algorithm::ES256),
        (TokenAlgorithm::Rs256, Algorithm::RS256),
    ] {
        let jwk = jwk(of);
        for changes in [
            json!({}),
            json!({ "alg": null }),
            json!({ "use": null }),
            json!({ "use": null, "key_ops": ["verify"] }),
        ] {
            let (keys, skipped) = read(&[with(&jwk, json!({ "kid": "one" })), with(&jwk, changes)]);
            assert!(skipped.is_empty(), "{skipped:?}");
            assert_eq!(keys.get("one").map(|key| key.algorithm), Some(expected));
            assert_eq!(keys.len(), 2);
        }
    }
}

#[test]
fn keys_that_are_of_no_use_are_skipped_with_the_reason_and_the_others_count() {
    let (ed, ec, rsa) = (
        jwk(TokenAlgorithm::EdDsa),
        jwk(TokenAlgorithm::Es256),
        jwk(TokenAlgorithm::Rs256),
    );
    let table = [
        (with(&ed, json!({ "kid": null })), "it has no kid"),
        (with(&ed, json!({ "kid": "" })), "it has no kid"),
        (with(&ed, json!({ "kid": 7 })), "it has no kid"),
        (with(&ed, json!({ "use": "enc" })), "it is not for signatures"),
        (with(&ed, json!({ "key_ops": ["encrypt"] })), "it is not for signatures"),
        (
            json!({ "kid": "x", "kty": "oct", "k": "c2VjcmV0" }),
            "it is neither Ed25519 nor P-256 nor RSA",
        ),
        (
            json!({ "kid": "x", "kty": "new" }),
            "it is neither Ed25519 nor P-256 nor RSA",
        ),
        (
            with(&ec, json!({ "crv": "P-384" })),
            "it is neither Ed25519 nor P-256 nor RSA",
        ),
        (
            with(&ed, json!({ "crv": "X25519" })),
            "it is neither Ed25519 nor P-256 nor RSA",
        ),
        (
            with(&rsa, json!({ "alg": "HS256" })),
            "its alg is none of EdDSA, ES256 and RS256, or not that of its kind",
        ),
        (
            with(&rsa, json!({ "alg": "PS256" })),
            "its alg is none of EdDSA, ES256 and RS256, or not that of its kind",
        ),
        (
            with(&rsa, json!({ "alg": "ES256" })),
            "its alg is none of EdDSA, ES256 and RS256, or not that of its kind",
        ),
        (
            with(&rsa, json!({ "alg": "none" })),
            "its alg is none of EdDSA, ES256 and RS256, or not that of its kind",
        ),
        (with(&ed, json!({ "x": "!" })), "its numbers are no base64url"),
        (
            with(&ed, json!({ "x": number(248) })),
            "its numbers are not as long as its kind has them",
        ),
        (
            with(&ec, json!({ "y": number(248) })),
            "its numbers are not as long as its kind has them",
        ),
        (
            with(&rsa, json!({ "n": number(2047) })),
            "it is RSA of less than 2048 bits",
        ),
        (
            with(&rsa, json!({ "n": number(1024) })),
            "it is RSA of less than 2048 bits",
        ),
        (
            with(&rsa, json!({ "n": number(8193) })),
            "it is RSA of more than 8192 bits",
        ),
        (json!("no key"), "it has no kid"),
    ];
    for (jwk, why) in table {
        let (keys, skipped) = read(&[jwk.clone(), with(&ed, json!({ "kid": "good" }))]);
        assert_eq!(skipped.iter().map(|(_, why)| *why).collect::<Vec<_>>(), [why], "{jwk}");
        assert!(keys.get("good").is_some() && keys.len() == 1, "{jwk}");
    }
    let (keys, _) = read(&[with(&rsa, json!({ "n": number(2048) }))]);
    assert_eq!(keys.len(), 1);
    // The zeros before a number add nothing to it.
    let padded = [vec![0; 128], vec![0xff; 128]].concat();
    let (keys, _) = read(&[with(&rsa, json!({ "n": URL_SAFE_NO_PAD.encode(padded) }))]);
    assert_eq!(keys.len(), 0);
}

#[test]
fn of_two_keys_with_one_name_the_first_counts() {
    let (ed, ec) = (jwk(TokenAlgorithm::EdDsa), jwk(TokenAlgorithm::Es256));
    let (keys, skipped) = read(&[with(&ed, json!({ "kid": "k" })), with(&ec, json!({ "kid": "k" }))]);
    assert_eq!(keys.get("k").map(|key| key.algorithm), Some(Algorithm::EdDSA));
    assert_eq!(skipped, [(Some("k".to_owned()), "another key has its kid")]);
}

#[test]
fn sets_are_the_same_by_their_keys_and_not_by_their_order() {
    let (ed, ec) = (jwk(TokenAlgorithm::EdDsa), jwk(TokenAlgorithm::Es256));
    let set = |keys: &[Value]| read(keys).0;
    assert!(set(&[ed.clone(), ec.clone()]).is_same(&set(&[ec.clone(), ed.clone()])));
    assert!(!set(std::slice::from_ref(&ed)).is_same(&set(&[ed.clone(), ec.clone()])));
    let renamed = with(&ec, json!({ "kid": ed["kid"].clone() }));
    assert!(!set(&[ed]).is_same(&set(&[renamed])));
}

#[test]
fn what_is_no_jwks_is_said_and_an_empty_one_is_one() {
    for text in ["", "[]", "{}", "{\"keys\": {}}", "<html>"] {
        assert!(KeySet::read(text.as_bytes()).is_err(), "{text}");
    }
    assert_eq!(read(&[]).0.len(), 0);
}
