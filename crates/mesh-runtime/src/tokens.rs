//! Who acts: the signed token of a person, in the header `authorization: Bearer <JWT>`.
//!
//! A token counts when a key that its issuer publishes has signed it, by that key's own algorithm, and when its claims say
//! that it is for us and for now. Signatures and keys are `jsonwebtoken`'s; the claims are checked in `claims.rs`, because time
//! is an argument there and each refusal says how to mend it.
//!
//! Invariants:
//! * the header of a token chooses among the issuer's keys and nothing else, so it never decides how it is verified;
//! * no answer and no log line holds a token or its `kid`; of its claims, the log has the person's id, and an answer its times;
//! * a token that does not count is an error, also where the call would be allowed without one.
//!
//! Where the keys come from is in `source.rs`, when they are read in `follower.rs`.

mod cache;
mod claims;
mod follower;
mod keys;
mod source;

pub(crate) use claims::Rules as ClaimRules;
pub(crate) use follower::KeyFollower;
pub(crate) use source::Source;

use crate::{Problem, clock};
use cache::{Cache, Fingerprint};
use follower::KeyRing;
use http::header::AUTHORIZATION;
use jiff::Timestamp;
use jsonwebtoken::errors::ErrorKind;
use keys::{ALGORITHMS, Key};
use mesh_types::Reason;
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

/// The longest token, in bytes.
const MAX_TOKEN_BYTES: usize = 8 << 10;

/// A person who acts, as their token says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Person {
    /// The platform's id of the user, at least 1.
    pub id: i64,
    /// What the issuer says they are, at most 32 words of at most 64 characters. Unknown ones are kept.
    pub roles: BTreeSet<String>,
    /// When the token stops to count, leeway included.
    pub until: Timestamp,
}

/// Whose tokens count, and how.
#[derive(Clone, Debug)]
pub(crate) struct Settings {
    /// Where the issuer publishes its keys.
    pub(crate) source: Source,
    /// How often they are read again.
    pub(crate) refresh: Duration,
    /// What the claims must say.
    pub(crate) claims: ClaimRules,
}

/// Verifies the tokens of persons. Clones share everything.
#[derive(Clone)]
pub(crate) struct Tokens(Option<Arc<Check>>);

struct Check {
    keys: KeyRing,
    claims: ClaimRules,
    cache: Cache,
}

impl Tokens {
    /// With the task that reads the issuer's keys, which somebody must run. Without settings every token is refused.
    ///
    /// # Errors
    /// When no HTTP client can be made.
    pub(crate) fn new(settings: Option<Settings>) -> anyhow::Result<(Self, Option<KeyFollower>)> {
        let Some(settings) = settings else {
            return Ok((Self(None), None));
        };
        let (keys, follower) = follower::follow(&settings.source, settings.refresh)?;
        let check = Check {
            keys,
            claims: settings.claims,
            cache: Cache::default(),
        };
        Ok((Self(Some(Arc::new(check))), Some(follower)))
    }

    /// The person of the request's token; `None` when it has no header `authorization`.
    ///
    /// Waits for the issuer, for some seconds at most, when the token names a key that is not known.
    ///
    /// # Errors
    /// Of class [`Unauthenticated`](mesh_types::Class::Unauthenticated), when there is a token and it does not count.
    pub(crate) async fn person(&self, headers: &http::HeaderMap) -> Result<Option<Person>, Problem> {
        match bearer(headers)? {
            Some(token) => self.verify(token, clock::now()).await.map(Some),
            None => Ok(None),
        }
    }

    async fn verify(&self, token: &str, now: Timestamp) -> Result<Person, Problem> {
        let Some(check) = &self.0 else {
            return Err(Problem::new(
                Reason::TokenKeyUnknown,
                "no token can be verified here: no issuer is configured (--jwks)",
            ));
        };
        check.verify(token, now).await
    }
}

impl Check {
    async fn verify(&self, token: &str, now: Timestamp) -> Result<Person, Problem> {
        let fingerprint: Fingerprint = Sha256::digest(token).into();
        if let Some(person) = self.cache.get(&fingerprint, self.keys.generation(), now) {
            return Ok(person);
        }
        let header = Header::of(token)?;
        let (generation, key) = self.keys.find(&header.kid).await?;
        if header.alg != key.algorithm {
            return Err(algorithm_refused());
        }
        let person = self.claims.check(&claims(token, &key)?, now)?;
        self.cache.insert(fingerprint, generation, person.clone());
        Ok(person)
    }
}

/// The token of the header; `None` without the header.
fn bearer(headers: &http::HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(malformed("the header `authorization` comes more than once"));
    }
    let text = value.to_str().unwrap_or_default();
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token.trim_start_matches(' '),
        _ => return Err(malformed("the header `authorization` must be `Bearer` and a JWT")),
    };
    if token.len() > MAX_TOKEN_BYTES {
        return Err(malformed(format!("the token is longer than {MAX_TOKEN_BYTES} bytes")));
    }
    Ok(Some(token))
}

/// What of a token's header chooses the key. The rest is `jsonwebtoken`'s to judge.
struct Header {
    alg: jsonwebtoken::Algorithm,
    kid: String,
}

impl Header {
    fn of(token: &str) -> Result<Self, Problem> {
        #[derive(Deserialize)]
        struct Fields {
            alg: String,
            kid: Option<String>,
        }
        let no_jwt = || malformed("the token is no JWT: three parts of base64url, of which the first two are JSON");
        let mut parts = token.split('.');
        let (Some(header), Some(_), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            return Err(no_jwt());
        };
        let Ok(json) = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header) else {
            return Err(no_jwt());
        };
        let Fields { alg, kid } = serde_json::from_slice(&json).map_err(|_| no_jwt())?;
        // Before anything else: a token without a signature often lacks more.
        let alg = alg.parse().ok().filter(|alg| ALGORITHMS.contains(alg));
        let alg = alg.ok_or_else(algorithm_refused)?;
        let kid = kid.filter(|kid| !kid.is_empty());
        let kid = kid.ok_or_else(|| malformed("the token's header must name its key by `kid`"))?;
        Ok(Self { alg, kid })
    }
}

/// The claims of a token that `key` has signed.
fn claims(token: &str, key: &Key) -> Result<claims::Claims, Problem> {
    match jsonwebtoken::decode(token, &key.decoding, &key.validation) {
        Ok(token) => Ok(token.claims),
        Err(error) => Err(match error.into_kind() {
            ErrorKind::InvalidSignature => Problem::new(
                Reason::TokenSignatureInvalid,
                "the token's signature is not that of the key which it names",
            ),
            ErrorKind::InvalidAlgorithm => algorithm_refused(),
            ErrorKind::Json(_) => malformed("the token's claims are no JSON object"),
            _ => malformed("the token's header or encoding is not that of a signed JWT"),
        }),
    }
}

fn algorithm_refused() -> Problem {
    Problem::new(
        Reason::TokenAlgorithmRefused,
        "the token must be signed by EdDSA (Ed25519), ES256 or RS256, and by the algorithm of the key which it names",
    )
}

fn malformed(message: impl Into<String>) -> Problem {
    Problem::new(Reason::TokenMalformed, message)
}

#[cfg(test)]
mod tests;
