//! Whose tokens of persons count.

use super::duration::parse_duration;
use crate::tls::engines;
use crate::tokens::{ClaimRules, Settings, Source};
use clap::Args;
use std::path::PathBuf;
use std::time::Duration;

const MAX_LEEWAY: Duration = Duration::from_secs(60);
const REFRESH: std::ops::RangeInclusive<Duration> = Duration::from_secs(10)..=Duration::from_secs(86_400);

/// How persons prove who they are.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "Persons")]
pub(crate) struct Persons {
    /// The keys of the issuer of tokens, a JWKS: a file, or an https URL (http for a loopback address). Without it no token can
    /// be verified, and every one is refused.
    #[arg(long, value_name = "FILE|URL", value_parser = Source::parse)]
    pub(crate) jwks: Option<Source>,
    /// The CA certificates that the server of an https URL in --jwks is checked against, in PEM; by default the system's. The file
    /// is read at start.
    #[arg(long, value_name = "FILE")]
    pub(crate) jwks_ca: Option<PathBuf>,
    /// The issuer: what the claim `iss` of a token must be. Needed with --jwks.
    #[arg(long, value_name = "ISSUER")]
    pub(crate) token_issuer: Option<String>,
    /// Whom a token must be for: its claim `aud` must name one of these. Can be given more than once, or with commas.
    #[arg(long, value_name = "AUDIENCE", value_delimiter = ',', default_value = "voluntier")]
    pub(crate) token_audience: Vec<String>,
    /// By how much the issuer's clock and this machine's may differ, at most 60s.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration)]
    pub(crate) token_leeway: Duration,
    /// The claim with the person's roles, a list of strings or words in one string. Names with dots between them lead to a
    /// claim within others, as in realm_access.roles.
    #[arg(long, value_name = "CLAIM", default_value = "roles")]
    pub(crate) token_roles_claim: String,
    /// How often the issuer's keys are read again, 10s to 24h: so long a key that the issuer takes away may still count, and
    /// longer while they can't be read. They are read as well when a token names an unknown key, a URL at most once in 10 s.
    #[arg(long, value_name = "DURATION", default_value = "5m", value_parser = parse_duration)]
    pub(crate) jwks_refresh: Duration,
}

impl Persons {
    /// What tokens are verified by; `None` without a JWKS.
    ///
    /// # Errors
    /// When the values can't work, alone or together.
    pub(crate) fn settings(&self) -> Result<Option<Settings>, String> {
        if self.token_leeway > MAX_LEEWAY {
            return Err("token-leeway must be at most 60s".to_owned());
        }
        if !REFRESH.contains(&self.jwks_refresh) {
            return Err("jwks-refresh must be 10s to 24h".to_owned());
        }
        let texts = self
            .token_audience
            .iter()
            .chain(&self.token_issuer)
            .chain([&self.token_roles_claim]);
        if texts.into_iter().any(String::is_empty) {
            return Err("token-issuer, token-audience and token-roles-claim must not be empty".to_owned());
        }
        match (&self.jwks, &self.token_issuer) {
            (None, None) if self.jwks_ca.is_none() => Ok(None),
            (None, None) => Err("jwks-ca needs jwks, the issuer's keys".to_owned()),
            (None, Some(_)) => Err("token-issuer needs jwks, the issuer's keys".to_owned()),
            (Some(_), None) => Err("jwks needs token-issuer: a key says nothing without whose it is".to_owned()),
            (Some(source), Some(issuer)) => Ok(Some(Settings {
                source: match &self.jwks_ca {
                    Some(file) => {
                        let ca = engines::ca(file).map_err(|error| format!("jwks-ca: {error:#}"))?;
                        source.clone().checked_against(ca)?
                    }
                    None => source.clone(),
                },
                refresh: self.jwks_refresh,
                claims: ClaimRules {
                    issuer: issuer.clone(),
                    audiences: self.token_audience.iter().cloned().collect(),
                    leeway: self.token_leeway,
                    roles_claim: self.token_roles_claim.clone(),
                },
            })),
        }
    }
}
