mod endpoint;
mod refusals;
mod rotation;

use super::*;
use http::HeaderMap;
use mesh_testkit::{Issuer, TokenAlgorithm};
use std::path::Path;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

/// An issuer, and who verifies its tokens by its file.
struct Setup {
    issuer: Issuer,
    tokens: Tokens,
    /// The task that reads the keys; it ends with the test.
    _tasks: JoinSet<()>,
    _folder: tempfile::TempDir,
}

impl Setup {
    fn new(algorithm: TokenAlgorithm) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let issuer = issuer(folder.path(), algorithm);
        let (tokens, follower) =
            Tokens::new(Some(settings(Source::File(issuer.jwks_file())))).expect("it can be set up");
        Self {
            issuer,
            tokens,
            _tasks: run(follower),
            _folder: folder,
        }
    }

    async fn person(&self, token: &str) -> Result<Option<Person>, Problem> {
        self.tokens.person(&bearer_header(token)).await
    }

    async fn refused(&self, token: &str) -> Problem {
        let refused = self.person(token).await;
        refused.expect_err("the token does not count")
    }
}

/// An issuer that signs by this algorithm alone.
fn issuer(folder: &Path, algorithm: TokenAlgorithm) -> Issuer {
    let issuer = Issuer::create(folder).expect("an issuer");
    issuer.rotate(algorithm).and_then(|()| issuer.retire()).expect("a key");
    issuer
}

fn settings(source: Source) -> Settings {
    Settings {
        source,
        refresh: Duration::from_secs(300),
        claims: ClaimRules {
            issuer: "voluntier-development".to_owned(),
            audiences: ["voluntier".to_owned()].into(),
            leeway: Duration::from_secs(30),
            roles_claim: "roles".to_owned(),
        },
    }
}

fn run(follower: Option<KeyFollower>) -> JoinSet<()> {
    let mut tasks = JoinSet::new();
    tasks.spawn(follower.expect("there are settings").run(CancellationToken::new()));
    tasks
}

fn bearer_header(token: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let value = http::HeaderValue::from_bytes(&[b"Bearer ", token.as_bytes()].concat()).expect("a header");
    headers.insert(AUTHORIZATION, value);
    headers
}

#[tokio::test]
async fn a_good_token_of_each_algorithm_is_its_person() {
    for algorithm in [TokenAlgorithm::EdDsa, TokenAlgorithm::Es256, TokenAlgorithm::Rs256] {
        let setup = Setup::new(algorithm);
        let token = setup.issuer.token(7, &["editor", "no such role"]);
        let roles = BTreeSet::from(["editor", "no such role"].map(str::to_owned));
        // The second time it is known.
        for _ in 0..2 {
            let person = setup.person(&token).await.expect("it counts");
            let found = person.map(|person| (person.id, person.roles));
            assert_eq!(found.as_ref(), Some(&(7, roles.clone())), "{algorithm:?}");
        }
    }
}

#[tokio::test]
async fn without_a_header_there_is_no_person_and_no_error() {
    let setup = Setup::new(TokenAlgorithm::EdDsa);
    let person = setup.tokens.person(&HeaderMap::new()).await.expect("nothing is wrong");
    assert_eq!(person, None);
}

#[tokio::test]
async fn the_scheme_is_bearer_in_any_case() {
    let setup = Setup::new(TokenAlgorithm::EdDsa);
    let token = setup.issuer.token(7, &[]);
    for (value, counts) in [
        (format!("bearer {token}"), true),
        (format!("BEARER  {token}"), true),
        (format!("Basic {token}"), false),
        (format!("Bearer{token}"), false),
        (format!("Bearer {token} "), false),
        (format!("Bearer {token},{token}"), false),
        (format!("Bearer {token}\t"), false),
        ("Bearer".to_owned(), false),
        ("Bearer ".to_owned(), false),
        (String::new(), false),
        (token, false),
    ] {
        let mut headers = HeaderMap::new();
        headers.insert(AUTHORIZATION, value.parse().expect("a header"));
        let found = setup.tokens.person(&headers).await;
        let reason = found.as_ref().err().map(Problem::reason);
        assert_eq!(reason, (!counts).then_some(Reason::TokenMalformed), "{value}");
    }
}

#[tokio::test]
async fn a_known_token_is_refused_from_the_moment_that_it_expires() {
    let setup = Setup::new(TokenAlgorithm::EdDsa);
    let token = setup.issuer.draft(7).valid_for(Duration::from_secs(60)).sign();
    let now = clock::now();
    let after = |seconds: i64| now + jiff::SignedDuration::from_secs(seconds);
    assert!(setup.tokens.verify(&token, now).await.is_ok());
    assert!(setup.tokens.verify(&token, after(85)).await.is_ok());
    let refused = setup
        .tokens
        .verify(&token, after(91))
        .await
        .map_err(|problem| problem.reason());
    assert_eq!(refused, Err(Reason::TokenExpired));
}

#[test]
fn what_is_kept_is_bounded_and_what_was_used_stays() {
    let cache = Cache::default();
    let now = clock::now();
    let person = |id| Person {
        id,
        roles: BTreeSet::new(),
        until: Timestamp::MAX,
    };
    let fingerprint = |of: u32| -> Fingerprint { Sha256::digest(of.to_be_bytes()).into() };
    for of in 0..10_000 {
        cache.insert(fingerprint(of), 1, person(i64::from(of)));
        assert_eq!(cache.get(&fingerprint(0), 1, now), Some(person(0)));
    }
    let kept = (0..10_000).filter(|of| cache.get(&fingerprint(*of), 1, now).is_some());
    assert_eq!(kept.count(), 4_096);
    assert_eq!(cache.get(&fingerprint(0), 2, now), None);
}
