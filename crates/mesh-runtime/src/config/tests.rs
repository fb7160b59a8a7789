use super::*;
use crate::{ServiceContext, ServiceParts};

struct Greeter;

#[derive(clap::Args, Debug)]
struct Settings {
    /// What is said.
    #[arg(long, default_value = "hello")]
    greeting_word: String,
}

static NO_MIGRATIONS: sqlx::migrate::Migrator = sqlx::migrate::Migrator::DEFAULT;

impl Service for Greeter {
    const NAME: &'static str = "loud-greeter";
    const GRPC_LISTEN: &'static str = "127.0.0.1:7499";
    const MIGRATIONS: &'static sqlx::migrate::Migrator = &NO_MIGRATIONS;
    type Config = Settings;

    async fn build(_: Settings, _: ServiceContext) -> anyhow::Result<ServiceParts> {
        Ok(ServiceParts::new(&[]))
    }
}

fn refused(keys: &[&str]) -> Option<String> {
    let known = known_keys(&command::<Greeter>());
    refuse_unknown_keys("LOUD_GREETER_", &known, keys.iter().map(OsString::from))
        .err()
        .map(|error| error.to_string())
}

#[test]
fn every_flag_has_an_environment_key_under_the_services_prefix() {
    let known = known_keys(&command::<Greeter>());
    let flags = command::<Greeter>()
        .get_arguments()
        .filter(|arg| arg.get_long().is_some_and(|long| long != "help"))
        .count();
    assert_eq!(known.len(), flags);
    assert!(known.iter().all(|key| key.starts_with("LOUD_GREETER_")), "{known:?}");
    for key in [
        "LOUD_GREETER_GRPC_LISTEN",
        "LOUD_GREETER_POSTGRES_URL",
        "LOUD_GREETER_GREETING_WORD",
    ] {
        assert!(known.contains(key), "{key}");
    }
}

#[test]
fn an_unknown_key_is_refused_with_the_nearest_known_one() {
    let text = refused(&["LOUD_GREETER_POSTGRE_URL", "LOUD_GREETER_LOG", "PATH"]).expect("a typo is refused");
    assert_eq!(
        text,
        "unknown environment key LOUD_GREETER_POSTGRE_URL; did you mean LOUD_GREETER_POSTGRES_URL?"
    );
}

#[test]
fn what_kubernetes_puts_into_every_pod_is_no_typo() {
    assert_eq!(
        refused(&[
            "LOUD_GREETER_SERVICE_HOST",
            "LOUD_GREETER_PORT_7400_TCP",
            "LOUD_GREETER_PORT"
        ]),
        None
    );
}

#[test]
fn everything_has_a_default_that_works_locally() {
    let matches = command::<Greeter>()
        .try_get_matches_from(["loud-greeter"])
        .expect("nothing is required");
    let common = Common::from_arg_matches(&matches).expect("the defaults parse");
    assert_eq!(common.subcommand, Subcommand::All);
    assert_eq!(common.grpc_listen, "127.0.0.1:7499".parse().expect("an address"));
    assert_eq!(
        (common.max_concurrent_activities, common.max_concurrent_workflow_tasks),
        (100, 50)
    );
    assert_eq!(common.max_message_bytes, 4 << 20);
    assert_eq!(common.default_deadline, Duration::from_secs(30));
    assert_eq!(common.graceful_activity_shutdown, Duration::ZERO);
    assert!(common.migrate && common.otlp_endpoint.is_none());
    assert!(tracing_subscriber::EnvFilter::try_new(&common.log).is_ok());
    assert_eq!(
        Settings::from_arg_matches(&matches)
            .expect("the service's own")
            .greeting_word,
        "hello"
    );
}

#[test]
fn a_secret_is_in_no_help_and_in_no_debug_text() {
    let argument = command::<Greeter>()
        .get_arguments()
        .find(|arg| arg.get_id() == "postgres_url")
        .cloned();
    assert!(argument.expect("postgres_url is an argument").is_hide_env_values_set());
    let matches = command::<Greeter>()
        .try_get_matches_from(["loud-greeter", "--postgres-url", "postgres://me:hunter2@localhost/x"])
        .expect("a URL is fine");
    let common = Common::from_arg_matches(&matches).expect("it parses");
    assert!(!format!("{common:?}").contains("hunter2"));
    let garbled = Common {
        postgres_url: SecretString::from("postgres://me:hunter2@local host:x/"),
        ..common
    };
    let error = crate::postgres::options("x", &garbled).expect_err("no URL");
    assert!(!format!("{error:#}").contains("hunter2"));
}

#[test]
fn durations_are_written_with_their_unit() {
    assert_eq!(parse_duration("1m 30s"), Ok(Duration::from_secs(90)));
    assert_eq!(parse_duration("500ms"), Ok(Duration::from_millis(500)));
    assert!(parse_duration("30").is_err() && parse_duration("-1s").is_err() && parse_duration("").is_err());
}

/// What tokens are verified by, with these flags.
fn persons(flags: &[&str]) -> Result<Option<crate::tokens::Settings>, String> {
    let matches = command::<Greeter>()
        .try_get_matches_from([&["loud-greeter"], flags].concat())
        .map_err(|error| error.to_string())?;
    let common = Common::from_arg_matches(&matches).map_err(|error| error.to_string())?;
    common.persons.settings()
}

#[test]
fn an_issuer_has_keys_and_a_name_or_there_is_none() {
    assert!(persons(&[]).expect("nobody needs one").is_none());
    let settings = persons(&["--jwks", "jwks.json", "--token-issuer", "me"]);
    let settings = settings.expect("both are there").expect("there is one");
    assert_eq!(settings.claims.issuer, "me");
    assert_eq!(settings.claims.audiences, BTreeSet::from(["voluntier".to_owned()]));
    assert_eq!(settings.claims.leeway, Duration::from_secs(30));
    assert_eq!(settings.claims.roles_claim, "roles");
    assert_eq!(settings.refresh, Duration::from_secs(300));
    let both = "--jwks jwks.json --token-issuer me --token-audience one,two --token-audience three";
    let settings = persons(&both.split(' ').collect::<Vec<_>>())
        .expect("it is sound")
        .expect("there is one");
    let audiences = ["one", "two", "three"].map(str::to_owned);
    assert_eq!(settings.claims.audiences, BTreeSet::from(audiences));
}

#[test]
fn what_cannot_work_for_persons_is_refused_at_start() {
    for (flags, part) in [
        ("--jwks jwks.json", "needs token-issuer"),
        ("--token-issuer me", "needs jwks"),
        ("--jwks http://issuer.example/keys --token-issuer me", "use https"),
        ("--jwks-ca ca.pem", "needs jwks"),
        (
            "--jwks https://a.example --jwks-ca nowhere.pem --token-issuer me",
            "nowhere.pem can't be read",
        ),
        ("--token-leeway 61s", "at most 60s"),
        ("--jwks-refresh 9s", "10s to 24h"),
        ("--jwks-refresh 25h", "10s to 24h"),
        ("--token-roles-claim=", "must not be empty"),
        ("--token-audience=one,,two", "must not be empty"),
    ] {
        let error = persons(&flags.split(' ').collect::<Vec<_>>()).expect_err(flags);
        assert!(error.contains(part), "{flags}: {error}");
    }
}
