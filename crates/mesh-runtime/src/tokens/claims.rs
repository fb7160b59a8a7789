//! What the claims of a token must say (RFC 7519, section 4.1).

use super::Person;
use crate::Problem;
use jiff::Timestamp;
use mesh_types::Reason;
use serde_json::{Map, Value};
use std::collections::BTreeSet;
use std::time::Duration;

const MAX_ROLES: usize = 32;
const MAX_ROLE_CHARACTERS: usize = 64;

/// The claims of a token whose signature was verified.
pub(super) type Claims = Map<String, Value>;

/// The rules that are configured.
#[derive(Clone, Debug)]
pub(crate) struct Rules {
    /// What `iss` must be.
    pub(crate) issuer: String,
    /// Of what `aud` must name one; at least one.
    pub(crate) audiences: BTreeSet<String>,
    /// By how much clocks may differ.
    pub(crate) leeway: Duration,
    /// The claim with the roles: its name, or the names on the way to it with dots between them.
    pub(crate) roles_claim: String,
}

impl Rules {
    /// # Errors
    /// When a claim is missing, malformed or not what the rules ask for.
    pub(super) fn check(&self, claims: &Claims, now: Timestamp) -> Result<Person, Problem> {
        let person_id = person_id(claims);
        let of_whom = |problem: Problem| match person_id {
            // Signed by the issuer, so the id is true, and the log may have it.
            Some(id) => problem.with_source(format!("person {id}")),
            None => problem,
        };
        self.check_issuer(claims)
            .and_then(|()| self.check_audience(claims))
            .map_err(of_whom)?;
        let until = self.check_time(claims, now).map_err(of_whom)?;
        let id = person_id.ok_or_else(|| {
            invalid(
                "sub",
                "must be the person's id: a positive 64-bit number in decimal digits, as a string",
            )
        })?;
        let roles = self.roles(claims).map_err(of_whom)?;
        Ok(Person { id, roles, until })
    }

    fn check_issuer(&self, claims: &Claims) -> Result<(), Problem> {
        let issuer = claims.get("iss").and_then(Value::as_str);
        let issuer = issuer.ok_or_else(|| invalid("iss", "must be a string"))?;
        if issuer != self.issuer {
            let message = format!("the token must be from the issuer {}", self.issuer);
            return Err(Problem::new(Reason::TokenWrongIssuer, message));
        }
        Ok(())
    }

    fn check_audience(&self, claims: &Claims) -> Result<(), Problem> {
        let audiences = claims.get("aud").and_then(strings);
        let audiences = audiences.ok_or_else(|| invalid("aud", "must be a string or a list of strings"))?;
        if !audiences.iter().any(|audience| self.audiences.contains(*audience)) {
            let wanted: Vec<_> = self.audiences.iter().map(String::as_str).collect();
            let message = format!("the token must be for the audience {}", wanted.join(" or "));
            return Err(Problem::new(Reason::TokenWrongAudience, message));
        }
        Ok(())
    }

    fn check_time(&self, claims: &Claims, now: Timestamp) -> Result<Timestamp, Problem> {
        let now = now.as_microsecond() as f64 / 1e6;
        let leeway = self.leeway.as_secs_f64();
        let expires_at = claims.get("exp").and_then(Value::as_f64);
        let expires_at = expires_at.ok_or_else(|| invalid("exp", "must be a number, in seconds since 1970"))?;
        let until = expires_at + leeway;
        if now >= until {
            let message = format!("the token expired at {}; the leeway is {leeway} s", instant(expires_at));
            return Err(Problem::new(Reason::TokenExpired, message));
        }
        let begins_at = match claims.get("nbf") {
            None | Some(Value::Null) => None,
            Some(value) => Some(
                value
                    .as_f64()
                    .ok_or_else(|| invalid("nbf", "must be a number, in seconds since 1970"))?,
            ),
        };
        match begins_at.filter(|begins_at| now < begins_at - leeway) {
            Some(begins_at) => {
                let begins_at = instant(begins_at);
                let message = format!("the token counts from {begins_at} on; the leeway is {leeway} s");
                Err(Problem::new(Reason::TokenNotYetValid, message))
            }
            // A cast from a float saturates.
            None => Ok(Timestamp::from_microsecond((until * 1e6) as i64).unwrap_or(Timestamp::MAX)),
        }
    }

    fn roles(&self, claims: &Claims) -> Result<BTreeSet<String>, Problem> {
        let invalid = |what: &str| invalid(&self.roles_claim, what);
        let Some(value) = self.roles_value(claims) else {
            return Ok(BTreeSet::new());
        };
        let roles = match value {
            Value::Null => Vec::new(),
            Value::String(words) => words.split_ascii_whitespace().collect(),
            other => strings(other).ok_or_else(|| invalid("must be a list of strings, or words in one string"))?,
        };
        if roles.len() > MAX_ROLES {
            return Err(invalid(&format!("must have at most {MAX_ROLES} roles")));
        }
        if roles
            .iter()
            .any(|role| !(1..=MAX_ROLE_CHARACTERS).contains(&role.chars().count()))
        {
            return Err(invalid(&format!(
                "must have roles of 1 to {MAX_ROLE_CHARACTERS} characters"
            )));
        }
        Ok(roles.into_iter().map(str::to_owned).collect())
    }

    /// A claim of the whole name comes first: names that are URLs have dots, too.
    fn roles_value<'a>(&self, claims: &'a Claims) -> Option<&'a Value> {
        claims.get(&self.roles_claim).or_else(|| {
            let (first, rest) = self.roles_claim.split_once('.')?;
            rest.split('.')
                .try_fold(claims.get(first)?, |value, name| value.get(name))
        })
    }
}

/// The subject, in the one form that a number has: `+7` and `07` would be two names of one person.
fn person_id(claims: &Claims) -> Option<i64> {
    let text = claims.get("sub")?.as_str()?;
    let id: i64 = text.parse().ok()?;
    (id > 0 && id.to_string() == text).then_some(id)
}

/// One string, or a list of nothing but strings.
fn strings(value: &Value) -> Option<Vec<&str>> {
    match value {
        Value::String(one) => Some(vec![one]),
        Value::Array(many) => many.iter().map(Value::as_str).collect(),
        _ => None,
    }
}

fn invalid(claim: &str, what: &str) -> Problem {
    Problem::new(Reason::TokenClaimInvalid, format!("the token's claim `{claim}` {what}"))
}

/// As people read it, or in seconds where no calendar reaches.
fn instant(seconds: f64) -> String {
    // A cast from a float saturates.
    match Timestamp::from_second(seconds as i64) {
        Ok(instant) => instant.to_string(),
        Err(_) => format!("{seconds} s after 1970"),
    }
}

#[cfg(test)]
mod tests;
