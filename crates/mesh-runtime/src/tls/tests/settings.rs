//! Which settings a process starts with.

use super::*;
use clap::{Args, FromArgMatches};

fn settings(arguments: &[&str]) -> Settings {
    let command = Settings::augment_args(clap::Command::new("greeter").no_binary_name(true));
    let matches = command.try_get_matches_from(arguments).expect("they are well-formed");
    Settings::from_arg_matches(&matches).expect("they are well-formed")
}

fn refusal(arguments: &[&str], listen: Option<&str>) -> String {
    let listen = listen.map(|address| address.parse().expect("an address"));
    match Transport::of("greeter", &settings(arguments), listen) {
        Ok(_) => panic!("{arguments:?} are refused"),
        Err(error) => format!("{error:#}"),
    }
}

#[test]
fn plaintext_is_on_purpose_and_on_loopback_alone() {
    let (local, world) = (Some("127.0.0.1:7400"), Some("0.0.0.0:7400"));
    assert!(refusal(&[], local).contains("give tls-certificate, tls-key and tls-ca; or"));
    assert!(refusal(&["--insecure-plaintext"], world).contains("grpc-listen is 0.0.0.0:7400"));
    let plaintext = Transport::of(
        "greeter",
        &settings(&["--insecure-plaintext"]),
        local.map(|a| a.parse().expect("one")),
    );
    assert!(matches!(plaintext, Ok(Transport::Plaintext)));
    let worker = Transport::of("greeter", &settings(&[]), None);
    assert!(
        matches!(worker, Ok(Transport::None)),
        "a worker without peers needs nothing"
    );
}

#[test]
fn three_files_or_none() {
    let text = refusal(&["--tls-certificate", "a", "--tls-ca", "b"], None);
    assert!(text.ends_with("missing: tls-key"), "{text}");
    let all = [
        "--tls-certificate",
        "a",
        "--tls-key",
        "b",
        "--tls-ca",
        "c",
        "--insecure-plaintext",
    ];
    assert!(refusal(&all, None).contains("contradict each other"));
    assert!(refusal(&all[..6], None).contains("a can't be read"));
}

#[test]
fn files_that_prove_nothing_are_named() {
    let ((pki, folder), (others, _other_folder)) = (pki(), pki());
    let good = pki.issue("greeter").expect("a certificate");
    let other = others.issue("greeter").expect("a certificate");
    let teller = pki.issue("teller").expect("a certificate");
    let expired = pki.issue_flawed("greeter", Flaw::Expired).expect("a certificate");
    let caller = pki.issue_flawed("greeter", Flaw::NoServer).expect("a certificate");
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").expect("a file");
    let cases = [
        ((&good.certificate, &other.key, &good.ca), "is not the key of"),
        ((&good.certificate, &good.key, &other.ca), "UnknownIssuer"),
        ((&expired.certificate, &expired.key, &expired.ca), "certificate expired"),
        ((&caller.certificate, &caller.key, &caller.ca), "server authentication"),
        (
            (&teller.certificate, &teller.key, &teller.ca),
            r#"names "teller", and "greeter" is wanted"#,
        ),
        ((&empty, &good.key, &good.ca), "no certificate in PEM"),
        ((&good.certificate, &empty, &good.ca), "holds no private key"),
    ];
    for ((certificate, key, ca), why) in cases {
        let [certificate, key, ca] = [certificate, key, ca].map(|file| file.to_str().expect("UTF-8"));
        let text = refusal(
            &["--tls-certificate", certificate, "--tls-key", key, "--tls-ca", ca],
            None,
        );
        assert!(text.contains(why), "{why:?} is not in {text:?}");
    }
}

#[test]
fn a_peer_has_an_address_of_its_transport() {
    let (pki, _folder) = pki();
    let tls = Transport::Tls(credentials(&pki, "greeter"));
    let refused = |url: &str, transport: &Transport| {
        let made = PeerChannel::lazy(&url.parse().expect("a URL"), "teller", "greeter", transport);
        made.err().map(|error| format!("{error:#}")).unwrap_or_default()
    };
    assert!(refused("http://127.0.0.1:7400", &tls).contains("must begin with https://"));
    assert!(refused("http://10.0.0.1:7400", &Transport::Plaintext).contains("is not http://127.0.0.1:port"));
    assert!(refused("https://127.0.0.1:7400", &Transport::Plaintext).contains("is not http://127.0.0.1:port"));
    assert!(refused("https://127.0.0.1:7400", &Transport::None).contains("give tls-certificate"));
}

#[tokio::test]
async fn a_peer_on_loopback_may_be_plain() {
    for url in ["http://127.0.0.1:7400", "http://[::1]:7400", "http://localhost:7400"] {
        let made = PeerChannel::lazy(&url.parse().expect("a URL"), "teller", "greeter", &Transport::Plaintext);
        assert!(made.is_ok(), "{url}");
    }
}

#[test]
fn a_trust_domain_is_written_as_spiffe_has_it() {
    for good in ["voluntier.internal", "a", "x_1-y.z"] {
        assert_eq!(parse_trust_domain(good).as_deref(), Ok(good));
    }
    let long = "a".repeat(256);
    for bad in ["", "Voluntier", "a/b", "spiffe://a", "a:1", long.as_str()] {
        assert!(parse_trust_domain(bad).is_err(), "{bad}");
    }
}
