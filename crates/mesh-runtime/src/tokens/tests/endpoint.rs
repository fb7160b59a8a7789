//! Keys from a page, which can be down, slow, huge or somewhere else.

use super::*;
use axum::body::Body;
use axum::response::Response;
use futures::future::join_all;
use mesh_testkit::{ClientProof, Pki, TlsProxy};
use std::cell::Cell;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use tokio::net::TcpListener;
use tokio::sync::Notify;

/// How the page answers.
#[derive(Clone)]
enum Answer {
    Text(String),
    Down,
    /// Not before it is told to.
    Late(Arc<Notify>, String),
    Redirect,
}

/// A page of keys, served on this machine.
struct Page {
    url: url::Url,
    answer: Arc<Mutex<Answer>>,
    requests: Arc<AtomicUsize>,
    elsewhere: Arc<AtomicUsize>,
    _server: JoinSet<()>,
}

impl Page {
    async fn serve(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let url = format!("http://{}/jwks.json", listener.local_addr().expect("an address"));
        let answer = Arc::new(Mutex::new(answer));
        let [requests, elsewhere] = [(); 2].map(|()| Arc::new(AtomicUsize::new(0)));
        let (now, counted, other) = (answer.clone(), requests.clone(), elsewhere.clone());
        let respond = move |uri: http::Uri| {
            let counter = if uri.path() == "/jwks.json" { &counted } else { &other };
            counter.fetch_add(1, Ordering::SeqCst);
            let answer = now.lock().expect("nobody panics").clone();
            async move { respond(answer).await }
        };
        let mut server = JoinSet::new();
        server.spawn(async move {
            let router = axum::Router::new().fallback(respond);
            axum::serve(listener, router).await.expect("it serves");
        });
        Self {
            url: url.parse().expect("a URL"),
            answer,
            requests,
            elsewhere,
            _server: server,
        }
    }

    fn answers(&self, answer: Answer) {
        *self.answer.lock().expect("nobody panics") = answer;
    }

    fn requests(&self) -> usize {
        self.requests.load(Ordering::SeqCst)
    }
}

async fn respond(answer: Answer) -> Response {
    let (status, text) = match answer {
        Answer::Text(text) => (200, text),
        Answer::Down => (503, String::new()),
        Answer::Late(when, text) => {
            when.notified().await;
            (200, text)
        }
        Answer::Redirect => {
            let moved = Response::builder().status(302).header("location", "/elsewhere");
            return moved.body(Body::empty()).expect("a response");
        }
    };
    let response = Response::builder().status(status);
    response.body(Body::from(text)).expect("a response")
}

/// An issuer whose keys are on a page.
struct Remote {
    issuer: Issuer,
    page: Page,
    tokens: Tokens,
    _tasks: JoinSet<()>,
    _folder: tempfile::TempDir,
}

impl Remote {
    async fn new(answer: impl FnOnce(&Issuer) -> Answer) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let issuer = issuer(folder.path(), TokenAlgorithm::EdDsa);
        let page = Page::serve(answer(&issuer)).await;
        let source = Source::parse(page.url.as_str()).expect("a loopback address");
        let (tokens, follower) = Tokens::new(Some(settings(source))).expect("it can be set up");
        Self {
            issuer,
            page,
            tokens,
            _tasks: run(follower),
            _folder: folder,
        }
    }

    /// That publishes its keys.
    async fn up() -> Self {
        let remote = Self::new(|issuer| Answer::Text(issuer.jwks())).await;
        assert_eq!(remote.verdict(&remote.issuer.token(7, &[])).await, None);
        assert_eq!(remote.page.requests(), 1);
        remote
    }

    async fn until_requests(&self, count: usize) {
        mesh_testkit::eventually(Duration::from_secs(10), "the request", async || {
            (self.page.requests() == count).then_some(())
        })
        .await
        .expect("it comes");
    }

    /// The reason of the refusal, if it is refused.
    async fn verdict(&self, token: &str) -> Option<Reason> {
        self.verdict_and_message(token).await.map(|(reason, _)| reason)
    }

    async fn verdict_and_message(&self, token: &str) -> Option<(Reason, String)> {
        let found = self.tokens.person(&bearer_header(token)).await;
        found
            .err()
            .map(|problem| (problem.reason(), problem.message().to_owned()))
    }

    fn unknown(&self, at: usize) -> String {
        self.issuer.draft(7).key_id(&format!("unknown {at}")).sign()
    }

    /// A hundred tokens at once, each of another key that nobody has.
    async fn hundred_unknown(&self) {
        let tokens: Vec<_> = (0..100).map(|at| self.unknown(at)).collect();
        let verdicts = join_all(tokens.iter().map(|token| self.verdict(token))).await;
        assert_eq!(verdicts, [Some(Reason::TokenKeyUnknown); 100]);
    }
}

/// Lets time pass for timers, and for nothing else.
async fn pass(time: Duration) {
    tokio::time::pause();
    tokio::time::advance(time).await;
    tokio::time::resume();
}

#[tokio::test]
async fn unknown_keys_cost_the_issuer_one_request_in_10_s() {
    let remote = Remote::up().await;
    remote.hundred_unknown().await;
    assert_eq!(remote.page.requests(), 1);
    pass(Duration::from_millis(9_000)).await;
    remote.hundred_unknown().await;
    assert_eq!(remote.page.requests(), 1);
    pass(Duration::from_millis(1_001)).await;
    remote.hundred_unknown().await;
    remote.hundred_unknown().await;
    assert_eq!(remote.page.requests(), 2);
}

#[tokio::test]
async fn an_issuer_that_is_down_at_start_is_asked_once_in_10_s_until_it_is_up() {
    let remote = Remote::new(|_| Answer::Down).await;
    let token = remote.issuer.token(7, &[]);
    let expected = (
        Reason::TokenKeyUnknown,
        "the issuer's keys could not be read yet".to_owned(),
    );
    assert_eq!(remote.verdict_and_message(&token).await, Some(expected));
    remote.hundred_unknown().await;
    assert_eq!(remote.page.requests(), 1);
    pass(Duration::from_secs(10)).await;
    remote.hundred_unknown().await;
    assert_eq!(remote.page.requests(), 2);
    remote.page.answers(Answer::Text(remote.issuer.jwks()));
    assert_eq!(remote.verdict(&token).await, Some(Reason::TokenKeyUnknown));
    pass(Duration::from_secs(10)).await;
    assert_eq!(remote.verdict(&token).await, None);
    assert_eq!(remote.page.requests(), 3);
}

#[tokio::test]
async fn an_issuer_that_is_down_later_leaves_the_known_keys() {
    let remote = Remote::up().await;
    remote.page.answers(Answer::Down);
    for round in 1..=3 {
        pass(Duration::from_secs(10)).await;
        remote.hundred_unknown().await;
        assert_eq!(remote.verdict(&remote.issuer.token(round, &[])).await, None);
    }
    // One when it was up, and one in each 10 s.
    assert_eq!(remote.page.requests(), 4);
}

#[tokio::test]
async fn nobody_listens_where_the_issuer_should_be() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    drop(listener);
    let folder = tempfile::tempdir().expect("a folder");
    let issuer = issuer(folder.path(), TokenAlgorithm::EdDsa);
    let source = Source::parse(&url).expect("a loopback address");
    let (tokens, follower) = Tokens::new(Some(settings(source))).expect("it can be set up");
    let _tasks = run(follower);
    let refused = tokens.person(&bearer_header(&issuer.token(7, &[]))).await;
    assert_eq!(
        refused.map_err(|problem| problem.reason()),
        Err(Reason::TokenKeyUnknown)
    );
}

#[tokio::test]
async fn keys_come_by_https_only_from_a_server_that_the_ca_vouches_for() {
    let [folder, ours, others] = [(); 3].map(|()| tempfile::tempdir().expect("a folder"));
    let [ours, others] = [&ours, &others].map(|folder| Pki::create(folder.path()).expect("a CA"));
    let issuer = issuer(folder.path(), TokenAlgorithm::EdDsa);
    let page = Page::serve(Answer::Text(issuer.jwks())).await;
    let plain = page.url.socket_addrs(|| None).expect("an address")[0];
    let server = ours.issue("issuer").expect("a certificate");
    let https = TlsProxy::before(plain, &server, ClientProof::NotAsked).await;
    let url = format!("{}/jwks.json", https.as_ref().expect("it listens").url());
    let [ours_pem, others_pem] = [ours.ca(), others.ca()].map(|file| std::fs::read(file).expect("a CA"));
    for (ca, expected, requests) in [
        (Some(others_pem), Some(Reason::TokenKeyUnknown), 0),
        // The system knows no CA of ours.
        (None, Some(Reason::TokenKeyUnknown), 0),
        (Some(ours_pem), None, 1),
    ] {
        let with_ca = ca.is_some();
        let source = Source::parse(&url).and_then(|source| match ca {
            Some(ca) => source.checked_against(ca),
            None => Ok(source),
        });
        let (tokens, follower) = Tokens::new(Some(settings(source.expect("https")))).expect("it can be set up");
        let _tasks = run(follower);
        let found = tokens.person(&bearer_header(&issuer.token(7, &[]))).await;
        let found = (found.err().map(|problem| problem.reason()), page.requests());
        assert_eq!(found, (expected, requests), "{with_ca}");
    }
}

#[tokio::test]
async fn an_issuer_that_is_slow_holds_back_nobody_but_unknown_keys() {
    let remote = Remote::up().await;
    remote
        .page
        .answers(Answer::Late(Arc::new(Notify::new()), remote.issuer.jwks()));
    pass(Duration::from_secs(10)).await;
    let (unknown, known) = (remote.unknown(0), remote.issuer.token(8, &[]));
    let is_refused = Cell::new(false);
    let waiting = async {
        assert_eq!(remote.verdict(&unknown).await, Some(Reason::TokenKeyUnknown));
        is_refused.set(true);
    };
    let meanwhile = async {
        remote.until_requests(2).await;
        assert_eq!(remote.verdict(&known).await, None);
        assert!(!is_refused.get(), "it waits for the issuer");
        pass(Duration::from_secs(3)).await;
    };
    tokio::join!(waiting, meanwhile);
    assert_eq!(remote.page.requests(), 2);
}

#[tokio::test]
async fn a_caller_who_goes_away_cuts_no_request_short() {
    let remote = Remote::up().await;
    remote.issuer.rotate(TokenAlgorithm::EdDsa).expect("a key");
    let gate = Arc::new(Notify::new());
    remote.page.answers(Answer::Late(gate.clone(), remote.issuer.jwks()));
    pass(Duration::from_secs(10)).await;
    let token = remote.issuer.token(8, &[]);
    {
        let asking = remote.verdict(&token);
        tokio::pin!(asking);
        assert!(futures::poll!(&mut asking).is_pending());
    }
    remote.until_requests(2).await;
    gate.notify_one();
    assert_eq!(remote.verdict(&token).await, None);
    assert_eq!(remote.page.requests(), 2);
}

#[tokio::test]
async fn a_page_that_is_huge_or_elsewhere_or_no_jwks_is_not_taken() {
    let remote = Remote::up().await;
    remote.issuer.rotate(TokenAlgorithm::EdDsa).expect("a key");
    let token = remote.issuer.token(8, &[]);
    let jwks = remote.issuer.jwks();
    let padded = |bytes: usize| Answer::Text(format!("{jwks}{}", " ".repeat(bytes - jwks.len())));
    for answer in [
        padded((1 << 20) + 1),
        Answer::Redirect,
        Answer::Text("<html>".to_owned()),
    ] {
        remote.page.answers(answer);
        pass(Duration::from_secs(10)).await;
        assert_eq!(remote.verdict(&token).await, Some(Reason::TokenKeyUnknown));
    }
    assert_eq!(remote.page.elsewhere.load(Ordering::SeqCst), 0);
    remote.page.answers(padded(1 << 20));
    pass(Duration::from_secs(10)).await;
    assert_eq!(remote.verdict(&token).await, None);
    assert_eq!(remote.page.requests(), 5);
}

#[tokio::test]
async fn a_rotation_lets_no_token_fail_and_costs_one_request() {
    let remote = Remote::up().await;
    let old = remote.issuer.token(7, &[]);
    pass(Duration::from_secs(10)).await;
    remote.issuer.rotate(TokenAlgorithm::EdDsa).expect("a key");
    remote.page.answers(Answer::Text(remote.issuer.jwks()));
    let mut tokens: Vec<_> = (1..=50).map(|id| remote.issuer.token(id, &[])).collect();
    tokens.extend(std::iter::repeat_n(old.clone(), 50));
    let verdicts = join_all(tokens.iter().map(|token| remote.verdict(token))).await;
    assert_eq!(verdicts, [None; 100]);
    assert_eq!(remote.page.requests(), 2);

    // The older key goes, and stops to count within the time of a refresh.
    remote.issuer.retire().expect("it can write");
    remote.page.answers(Answer::Text(remote.issuer.jwks()));
    assert_eq!(remote.verdict(&old).await, None);
    pass(Duration::from_secs(300)).await;
    mesh_testkit::eventually(Duration::from_secs(5), "the key to count no more", async || {
        (remote.verdict(&old).await == Some(Reason::TokenKeyUnknown)).then_some(())
    })
    .await
    .expect("it does");
    assert_eq!(remote.page.requests(), 3);
    assert_eq!(remote.verdict(&remote.issuer.token(7, &[])).await, None);
}

#[test]
fn keys_come_by_https_or_from_this_machine() {
    let page = |text: &str| {
        Ok(Source::Page {
            url: text.parse().expect("a URL"),
            ca: None,
        })
    };
    for text in [
        "https://issuer.example/keys",
        "http://127.0.0.1:8080/keys",
        "http://[::1]/keys",
    ] {
        assert_eq!(Source::parse(text), page(text), "{text}");
    }
    for text in ["/etc/jwks.json", "jwks.json"] {
        assert_eq!(Source::parse(text), Ok(Source::File(text.into())));
    }
    for text in [
        "http://issuer.example/keys",
        "http://localhost/keys",
        "http://10.0.0.1/keys",
        "http://127.0.0.1.example/keys",
        "ftp://127.0.0.1/keys",
        "https://me:secret@issuer.example/keys",
        "https://",
    ] {
        let error = Source::parse(text).expect_err(text);
        assert!(!error.contains("secret"), "{error}");
    }
    let source = Source::parse("https://issuer.example/keys?api_key=secret").expect("a URL");
    assert_eq!(source.to_string(), "https://issuer.example/keys");
}
