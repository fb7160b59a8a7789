//! Configuration: every setting is a flag and an environment key, `--help` lists them all, and a key that only looks like
//! one is refused.

mod duration;
mod persons;

pub(crate) use persons::Persons;

use crate::Service;
use crate::telemetry::LogFormat;
use crate::tls;
use clap::{Args, Command, FromArgMatches, ValueEnum};
use duration::parse_duration;
use secrecy::SecretString;
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use url::Url;

/// What the process is asked to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Subcommand {
    /// Serve gRPC and work the task queues.
    All,
    /// Serve gRPC only.
    Api,
    /// Work the task queues only.
    Worker,
    /// Bring the schema up to date and end.
    Migrate,
    /// Read the configuration, say what is wrong with it, and end.
    CheckConfig,
    /// Ask the running service on this machine whether it is ready, and end with 0 or 1.
    Health,
}

/// The settings that every service has.
#[derive(Args, Clone, Debug)]
pub(crate) struct Common {
    /// What to do.
    #[arg(value_enum, default_value = "all")]
    pub(crate) subcommand: Subcommand,
    /// Address of the gRPC server; port 0 takes a free one and logs it.
    #[arg(long, value_name = "ADDRESS", help_heading = "Mesh")]
    pub(crate) grpc_listen: SocketAddr,
    /// Address of the page with /livez, /readyz and /metrics.
    #[arg(long, value_name = "ADDRESS", help_heading = "Mesh")]
    pub(crate) health_listen: SocketAddr,
    /// Largest message of an RPC, in bytes.
    #[arg(long, value_name = "BYTES", default_value_t = 4 * 1024 * 1024, help_heading = "Mesh")]
    pub(crate) max_message_bytes: usize,
    /// The longest that an RPC with one message each way may take, also when its caller asks for more. An RPC that streams its
    /// answer has its caller's limit, and max-stream-age.
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = parse_duration, help_heading = "Mesh")]
    pub(crate) default_deadline: Duration,
    /// Longest RPC that takes a stream of messages, such as an upload.
    #[arg(long, value_name = "DURATION", default_value = "10m", value_parser = parse_duration, help_heading = "Mesh")]
    pub(crate) upload_deadline: Duration,
    /// Streams of answers that are open at once; one more is refused.
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Mesh")]
    pub(crate) max_streams: u32,
    /// How long one stream of answers may be open. Its client is told to open it again.
    #[arg(long, value_name = "DURATION", default_value = "1h", value_parser = parse_duration, help_heading = "Mesh")]
    pub(crate) max_stream_age: Duration,
    /// How long a drain may take before the process gives up on what still runs.
    #[arg(long, value_name = "DURATION", default_value = "20s", value_parser = parse_duration, help_heading = "Mesh")]
    pub(crate) drain_timeout: Duration,
    /// How long activities may go on after the drain began before they are cancelled and handed back.
    #[arg(long, value_name = "DURATION", default_value = "0s", value_parser = parse_duration, help_heading = "Mesh")]
    pub(crate) graceful_activity_shutdown: Duration,
    /// PostgreSQL, postgres://user:password@host:port/database. TLS is part of it: ?sslmode=verify-full&sslrootcert=FILE, with
    /// &sslcert=FILE&sslkey=FILE for a client certificate.
    #[arg(long, value_name = "URL", hide_env_values = true, help_heading = "Mesh")]
    pub(crate) postgres_url: SecretString,
    /// Largest number of connections to PostgreSQL.
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..), help_heading = "Mesh")]
    pub(crate) postgres_max_connections: u32,
    /// Longest statement of a session with PostgreSQL; 0s is no limit.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = parse_duration, help_heading = "Mesh")]
    pub(crate) postgres_statement_timeout: Duration,
    /// Longest wait of a statement for a lock; 0s is no limit.
    #[arg(long, value_name = "DURATION", default_value = "3s", value_parser = parse_duration, help_heading = "Mesh")]
    pub(crate) postgres_lock_timeout: Duration,
    /// How long a session may do nothing within a transaction before PostgreSQL ends it; 0s is no limit.
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = parse_duration, help_heading = "Mesh")]
    pub(crate) postgres_idle_in_transaction_timeout: Duration,
    /// How long a silent connection goes before PostgreSQL asks by TCP keepalives whether this process is there; 0s leaves
    /// that to the server.
    #[arg(long, value_name = "DURATION", default_value = "10s", value_parser = parse_duration, help_heading = "Mesh")]
    pub(crate) postgres_keepalive: Duration,
    /// Whether to bring the schema up to date at start; with false the process refuses to start on pending migrations.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, help_heading = "Mesh")]
    pub(crate) migrate: bool,
    /// Temporal's frontend.
    #[arg(
        long,
        value_name = "URL",
        default_value = "http://127.0.0.1:7233",
        help_heading = "Mesh"
    )]
    pub(crate) temporal_url: Url,
    /// Temporal's namespace.
    #[arg(long, value_name = "NAME", default_value = "default", help_heading = "Mesh")]
    pub(crate) temporal_namespace: String,
    /// Whether calls to Temporal and its workflows pass through the tracing interceptors; with false no trace goes beyond
    /// the RPC that started a workflow.
    #[arg(long, value_name = "BOOL", default_value_t = true, action = clap::ArgAction::Set, help_heading = "Mesh")]
    pub(crate) interceptors: bool,
    /// Activities that one worker runs at once.
    #[arg(long, value_name = "COUNT", default_value_t = 100, help_heading = "Mesh")]
    pub(crate) max_concurrent_activities: usize,
    /// Workflow tasks that one worker runs at once; at least 2.
    #[arg(long, value_name = "COUNT", default_value_t = 50, help_heading = "Mesh")]
    pub(crate) max_concurrent_workflow_tasks: usize,
    /// OTLP collector (gRPC) for traces, http:// or https://; without it nothing is exported, but trace ids still travel.
    #[arg(long, value_name = "URL", help_heading = "Mesh")]
    pub(crate) otlp_endpoint: Option<Url>,
    /// How log lines look.
    #[arg(long, value_enum, default_value = "human", help_heading = "Mesh")]
    pub(crate) log_format: LogFormat,
    /// What is logged: comma-separated `target=level`.
    #[arg(long, value_name = "FILTER", default_value = DEFAULT_LOG, help_heading = "Mesh")]
    pub(crate) log: String,
    #[command(flatten)]
    pub(crate) tls: tls::Settings,
    #[command(flatten)]
    pub(crate) temporal_tls: tls::engines::TemporalSettings,
    /// The CA certificates that the OTLP collector is checked against, in PEM; by default the system's. Read at start.
    #[arg(long, value_name = "FILE", help_heading = "TLS")]
    pub(crate) otlp_ca: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) persons: Persons,
}

/// The SDK repeats at WARN what the kit says once, in its own words.
const DEFAULT_LOG: &str =
    "info,temporalio_client=error,temporalio_sdk_core=warn,temporalio_sdk=warn,sqlx=warn,h2=warn,hyper=warn";

/// Why the process can't start with this configuration.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Flags or values that clap refuses; also `--help`, whose text this is.
    #[error(transparent)]
    Clap(#[from] clap::Error),
    /// Keys with the service's prefix that name no setting.
    #[error("{}", .0.join("\n"))]
    UnknownKeys(Vec<String>),
    /// A value that is well-formed but can't work.
    #[error("{0}")]
    Value(String),
}

/// The prefix of the environment keys of service `name`.
pub(crate) fn prefix(name: &str) -> String {
    format!("{}_", name.to_uppercase().replace('-', "_"))
}

/// Reads the arguments and the environment of this process.
pub(crate) fn read<S: Service>() -> Result<(Common, S::Config), Error> {
    let command = command::<S>();
    let keys = known_keys(&command);
    let matches = command.try_get_matches()?;
    refuse_unknown_keys(&prefix(S::NAME), &keys, std::env::vars_os().map(|(key, _)| key))?;
    let common = Common::from_arg_matches(&matches)?;
    if common.max_concurrent_workflow_tasks < 2 {
        return Err(Error::Value(
            "max-concurrent-workflow-tasks must be at least 2, or Temporal's sticky cache stalls".into(),
        ));
    }
    if common.max_concurrent_activities == 0 {
        return Err(Error::Value("max-concurrent-activities must be at least 1".into()));
    }
    common.persons.settings().map_err(Error::Value)?;
    Ok((common, S::Config::from_arg_matches(&matches)?))
}

/// The command line of service `S`, each setting with its environment key.
pub(crate) fn command<S: Service>() -> Command {
    let command = S::Config::augment_args(Common::augment_args(Command::new(S::NAME)))
        .about(format!("The {} service of the mesh.", S::NAME))
        .after_help("Every setting can be given as a flag or in the environment; a flag wins. Exit codes: 0 ended as asked, 1 failed, 2 bad configuration, 130 and 143 aborted by a second signal.")
        .mut_arg("grpc_listen", |arg| arg.required(false).default_value(S::GRPC_LISTEN))
        .mut_arg("health_listen", |arg| arg.required(false).default_value(S::HEALTH_LISTEN))
        .mut_arg("postgres_url", |arg| {
            arg.required(false).default_value(leak(format!("postgres://127.0.0.1:5432/{}", S::NAME)))
        });
    let prefix = prefix(S::NAME);
    command.mut_args(|arg| {
        let Some(long) = arg.get_long().filter(|_| arg.get_env().is_none()) else {
            return arg;
        };
        let key = leak(format!("{prefix}{}", long.to_uppercase().replace('-', "_")));
        arg.env(key)
    })
}

/// clap wants names that live as long as the program; this runs once a process, over some twenty names.
fn leak(text: String) -> &'static str {
    Box::leak(text.into_boxed_str())
}

fn known_keys(command: &Command) -> BTreeSet<String> {
    command
        .get_arguments()
        .filter_map(|arg| Some(arg.get_env()?.to_string_lossy().into_owned()))
        .collect()
}

fn refuse_unknown_keys(
    prefix: &str,
    known: &BTreeSet<String>,
    present: impl IntoIterator<Item = OsString>,
) -> Result<(), Error> {
    let mut unknown: Vec<String> = present
        .into_iter()
        .map(|key| key.to_string_lossy().into_owned())
        .filter(|key| key.starts_with(prefix) && !known.contains(key) && !is_from_kubernetes(prefix, key))
        .map(|key| match nearest(&key, known) {
            Some(near) => format!("unknown environment key {key}; did you mean {near}?"),
            None => format!("unknown environment key {key}"),
        })
        .collect();
    unknown.sort();
    if unknown.is_empty() {
        Ok(())
    } else {
        Err(Error::UnknownKeys(unknown))
    }
}

/// Kubernetes puts `<SERVICE>_SERVICE_HOST`, `<SERVICE>_PORT` and their kin into every pod of a namespace that has a
/// Service of that name; nobody wrote those by mistake.
fn is_from_kubernetes(prefix: &str, key: &str) -> bool {
    let rest = &key[prefix.len()..];
    rest == "PORT"
        || rest.starts_with("PORT_")
        || rest == "SERVICE_HOST"
        || rest == "SERVICE_PORT"
        || rest.starts_with("SERVICE_PORT_")
}

fn nearest<'a>(key: &str, known: &'a BTreeSet<String>) -> Option<&'a String> {
    known
        .iter()
        .map(|near| (distance(key, near), near))
        .min()
        .filter(|(far, _)| *far <= key.len() / 2)
        .map(|(_, near)| near)
}

/// Levenshtein distance over bytes; keys are ASCII.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (i, a) in one.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in other.bytes().enumerate() {
            let cost = diagonal + usize::from(a != b);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests;
