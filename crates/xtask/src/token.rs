//! A token for whoever plays a person with grpcurl.

use std::{process::ExitCode, time::Duration};

use crate::credentials;

/// The roles of the contract (`voluntier.common.v1.Role`).
const ROLES: [&str; 5] = ["member", "reviewer", "verifier", "organiser", "operator"];

/// Print a token of a person for the mesh that is up.
///
/// The token goes to standard output and nothing else does, so that a command can take it from there. Its issuer is that of
/// the last `cargo xtask up` or `demo --keep`, whose keys lie in the user's cache, in voluntier-mesh/up. The files for TLS lie
/// there too.
///
/// Try:
///   files=~/.cache/voluntier-mesh/up
///   token=$(cargo xtask token --member 7)
///   grpcurl -cacert $files/ca.pem -cert $files/platform.pem -key $files/platform-key.pem \
///     -H "authorization: Bearer $token" -d '{"member_id": 7}' \
///     127.0.0.1:7405 voluntier.reputation.v1.ReputationService/GetReputation
#[derive(Debug, clap::Args)]
#[command(verbatim_doc_comment)]
pub struct Arguments {
    /// Who acts: the member's id.
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    member: i64,
    /// What they are; a member unless said otherwise. Can be given more than once.
    #[arg(long = "role", value_name = "ROLE", default_value = "member", value_parser = ROLES)]
    roles: Vec<String>,
    /// How long the token counts.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_duration)]
    valid_for: Duration,
}

/// # Errors
/// When no mesh is up.
pub fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let issuer = credentials::issuer()?;
    let roles: Vec<_> = arguments.roles.iter().map(String::as_str).collect();
    let draft = issuer.draft(arguments.member).roles(&roles);
    println!("{}", draft.valid_for(arguments.valid_for).sign());
    Ok(ExitCode::SUCCESS)
}

fn parse_duration(text: &str) -> Result<Duration, String> {
    let duration: jiff::SignedDuration = text.parse().map_err(|error| format!("{error} (write 30s, 5m or 1h)"))?;
    duration.try_into().map_err(|_| "must not be negative".to_owned())
}
