//! An issuer's keys, read from a JWKS (RFC 7517).

use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, KeyOperations, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The algorithms that are taken: signatures by asymmetric keys, of which each kind of key has one.
pub(super) const ALGORITHMS: [Algorithm; 3] = [Algorithm::EdDSA, Algorithm::ES256, Algorithm::RS256];

/// The shortest RSA key, in bits (NIST SP 800-131A).
const MIN_RSA_BITS: usize = 2048;
/// The longest that can be verified with, in bits.
const MAX_RSA_BITS: usize = 8192;

/// A key that tokens can be signed by.
#[derive(Debug)]
pub(super) struct Key {
    /// The one algorithm of this kind of key.
    pub(super) algorithm: Algorithm,
    pub(super) decoding: DecodingKey,
    /// What `jsonwebtoken` checks: the signature. The claims are ours to check.
    pub(super) validation: Validation,
    jwk: Jwk,
}

/// The keys of an issuer, each by its `kid`.
#[derive(Debug, Default)]
pub(super) struct KeySet(BTreeMap<String, Arc<Key>>);

/// A key of a JWKS that is not used: its `kid`, if it has one, and why.
pub(super) type Skipped = (Option<String>, &'static str);

impl KeySet {
    /// Reads a JWKS, and says which of its keys are of no use here.
    ///
    /// # Errors
    /// When it is no JWKS.
    pub(super) fn read(json: &[u8]) -> Result<(Self, Vec<Skipped>), &'static str> {
        #[derive(Deserialize)]
        struct Jwks {
            keys: Vec<Value>,
        }
        let jwks: Jwks = serde_json::from_slice(json).map_err(|_| "it is no JWKS: a JSON object with a list `keys`")?;
        let (mut keys, mut skipped) = (BTreeMap::new(), Vec::new());
        for value in jwks.keys {
            let kid = value.get("kid").and_then(Value::as_str).filter(|kid| !kid.is_empty());
            let kid = kid.map(str::to_owned);
            match (Key::read(value), kid) {
                (_, None) => skipped.push((None, "it has no kid")),
                (Err(why), kid) => skipped.push((kid, why)),
                (Ok(_), Some(kid)) if keys.contains_key(&kid) => skipped.push((Some(kid), "another key has its kid")),
                (Ok(key), Some(kid)) => {
                    keys.insert(kid, Arc::new(key));
                }
            }
        }
        Ok((Self(keys), skipped))
    }

    pub(super) fn get(&self, kid: &str) -> Option<&Arc<Key>> {
        self.0.get(kid)
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether both hold the same keys by the same names.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        let jwks = |set: &Self| -> Vec<_> { set.0.values().map(|key| key.jwk.clone()).collect() };
        jwks(self) == jwks(other)
    }
}

impl Key {
    fn read(value: Value) -> Result<Self, &'static str> {
        let jwk: Jwk = serde_json::from_value(value).map_err(|_| "it is no JWK of a known form")?;
        let (use_, operations) = (&jwk.common.public_key_use, &jwk.common.key_operations);
        if use_.as_ref().is_some_and(|of| *of != PublicKeyUse::Signature)
            || operations
                .as_ref()
                .is_some_and(|of| !of.contains(&KeyOperations::Verify))
        {
            return Err("it is not for signatures");
        }
        let algorithm = match &jwk.algorithm {
            AlgorithmParameters::OctetKeyPair(key) if key.curve == EllipticCurve::Ed25519 => Algorithm::EdDSA,
            AlgorithmParameters::EllipticCurve(key) if key.curve == EllipticCurve::P256 => Algorithm::ES256,
            AlgorithmParameters::RSA(_) => Algorithm::RS256,
            _ => return Err("it is neither Ed25519 nor P-256 nor RSA"),
        };
        if jwk
            .common
            .key_algorithm
            .is_some_and(|of| of != KeyAlgorithm::from(algorithm))
        {
            return Err("its alg is none of EdDSA, ES256 and RS256, or not that of its kind");
        }
        let decoding = DecodingKey::from_jwk(&jwk).map_err(|_| "its numbers are no base64url")?;
        check_size(&decoding, algorithm)?;
        Ok(Self {
            algorithm,
            decoding,
            validation: signature_only(algorithm),
            jwk,
        })
    }
}

fn check_size(key: &DecodingKey, algorithm: Algorithm) -> Result<(), &'static str> {
    use jsonwebtoken::DecodingKeyKind::{RsaModulusExponent, SecretOrDer};
    match (algorithm, key.kind()) {
        (Algorithm::RS256, RsaModulusExponent { n, .. }) => match bits(n) {
            0..MIN_RSA_BITS => Err("it is RSA of less than 2048 bits"),
            MIN_RSA_BITS..=MAX_RSA_BITS => Ok(()),
            _ => Err("it is RSA of more than 8192 bits"),
        },
        // The point of P-256 has a byte before its two coordinates.
        (Algorithm::ES256, SecretOrDer(point)) if point.len() == 65 => Ok(()),
        (Algorithm::EdDSA, SecretOrDer(point)) if point.len() == 32 => Ok(()),
        _ => Err("its numbers are not as long as its kind has them"),
    }
}

/// The bits of a number that is written with its greatest byte first.
fn bits(number: &[u8]) -> usize {
    let number = &number[number.iter().take_while(|byte| **byte == 0).count()..];
    number
        .first()
        .map_or(0, |first| number.len() * 8 - first.leading_zeros() as usize)
}

fn signature_only(algorithm: Algorithm) -> Validation {
    let mut validation = Validation::new(algorithm);
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_nbf = false;
    validation.validate_aud = false;
    validation
}

#[cfg(test)]
mod tests;
