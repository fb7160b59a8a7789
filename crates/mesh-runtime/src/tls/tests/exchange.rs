//! Certificates that change while the process runs.

use super::*;
use crate::tls::credentials::Look;
use std::sync::Mutex;
use tokio::time::MissedTickBehavior;

/// The certificate that a new connection to the server gets.
async fn shown(address: SocketAddr, ca: &Path, own: &CertificateFiles) -> CertificateDer<'static> {
    let stream = connect(address, ca, Some(own)).await.expect("a connection");
    let shown = stream.get_ref().1.peer_certificates().and_then(<[_]>::first);
    shown.expect("a server shows a certificate").clone()
}

#[tokio::test]
async fn files_that_do_not_fit_are_left_alone_and_said_once() {
    let (pki, _folder) = pki();
    let teller = pki.issue("teller").expect("a certificate");
    let greeter = credentials(&pki, "greeter");
    let served = serve(Some(greeter.clone())).await;
    let files = greeter.files();
    let before = shown(served.address, &files.ca, &teller).await;
    let (log, _guard) = collect_log();
    let mut look = Look::default();
    let good = std::fs::read(&files.key).expect("the key");
    for bad in [&good[..good.len() / 2], b""] {
        std::fs::write(&files.key, bad).expect("written");
        greeter.look(&mut look);
        greeter.look(&mut look);
        assert_eq!(shown(served.address, &files.ca, &teller).await, before);
    }
    std::fs::remove_file(&files.key).expect("removed");
    greeter.look(&mut look);
    greeter.look(&mut look);
    let warnings = log.text().matches("the former ones go on").count();
    assert_eq!(warnings, 3, "{}", log.text());
    assert!(!log.text().contains("PRIVATE KEY"), "{}", log.text());

    pki.issue("greeter").expect("a certificate");
    greeter.look(&mut look);
    assert_eq!(
        shown(served.address, &files.ca, &teller).await,
        pem(&files.certificate)[0]
    );
    assert_ne!(pem(&files.certificate)[0], before);
}

#[tokio::test]
async fn a_certificate_is_warned_of_in_its_last_third_and_told_when_it_has_ended() {
    let (pki, _folder) = pki();
    let greeter = credentials(&pki, "greeter");
    let (log, _guard) = collect_log();
    let mut look = Look::default();
    let said = || ["ends within", "has ended"].map(|what| log.text().matches(what).count());
    greeter.look(&mut look);
    let hour = pki.issue_for("greeter", Duration::from_secs(3600)).expect("issued");
    assert_eq!(hour.certificate, greeter.files().certificate);
    greeter.look(&mut look);
    assert_eq!(said(), [0, 0], "{}", log.text());
    pki.issue_for("greeter", Duration::from_secs(5)).expect("issued");
    let looks = Mutex::new(look);
    let look = || greeter.look(&mut looks.lock().expect("nobody panics"));
    eventually(SOON, "the certificate to end", async || {
        look();
        (said()[1] > 0).then_some(())
    })
    .await
    .expect("its end is told");
    look();
    assert_eq!(said(), [1, 1], "{}", log.text());
}

#[tokio::test]
async fn a_certificate_that_is_not_yet_valid_is_taken_over_when_it_is() {
    let (pki, _folder) = pki();
    let greeter = credentials(&pki, "greeter");
    let before = greeter.digest();
    let (log, _guard) = collect_log();
    let mut look = Look::default();
    pki.issue_from("greeter", Duration::from_secs(3)).expect("issued");
    greeter.look(&mut look);
    assert_eq!(greeter.digest(), before, "it is too early");
    let looks = Mutex::new(look);
    eventually(SOON, "it to be taken over", async || {
        greeter.look(&mut looks.lock().expect("nobody panics"));
        (greeter.digest() != before).then_some(())
    })
    .await
    .expect("it is valid by now");
    let warnings = log.text().matches("the former ones go on").count();
    assert_eq!(warnings, 1, "{}", log.text());
}

/// A CA gives way to another in three steps, as an operator does it: both are trusted, then the new one signs, then the old one
/// goes. Meanwhile 200 RPCs a second are made, every tenth over a connection of its own, and connections give way to new ones.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_rpc_fails_while_certificates_and_ca_are_exchanged() {
    let ((old, _folder), (new, _new_folder)) = (pki(), pki());
    let (greeter, teller) = (credentials(&old, "greeter"), credentials(&old, "teller"));
    let served = serve(Some(greeter.clone())).await;
    let mut watches = JoinSet::new();
    watches.spawn(greeter.clone().watch());
    watches.spawn(teller.clone().watch());
    let (stop, address) = (CancellationToken::new(), served.address);
    let mut calls = JoinSet::new();
    calls.spawn(keep_calling(address, teller.clone(), stop.clone()));

    let caller = old.issue("caller").expect("a certificate");
    let before = shown(address, &old.ca(), &caller).await;
    let roots = |which: &[&Pki]| -> Vec<u8> {
        which
            .iter()
            .flat_map(|pki| std::fs::read(pki.ca()).expect("a CA"))
            .collect()
    };
    // The services' file of the CA is the old CA's own, so both are read before it changes.
    let (both, only_new) = (roots(&[&old, &new]), roots(&[&new]));
    let exchange = async |change: &dyn Fn()| {
        let stood = (greeter.digest(), teller.digest());
        change();
        let taken = async || (greeter.digest() != stood.0 && teller.digest() != stood.1).then_some(());
        eventually(SOON, "both to take the files over", taken)
            .await
            .expect("the exchange");
    };
    exchange(&|| replace(&greeter.files().ca, &both)).await;
    exchange(&|| {
        for (service, credentials) in [("greeter", &greeter), ("teller", &teller)] {
            let issued = new.issue(service).expect("a certificate");
            for (from, to) in [
                (&issued.certificate, &credentials.files().certificate),
                (&issued.key, &credentials.files().key),
            ] {
                replace(to, &std::fs::read(from).expect("it was issued"));
            }
        }
    })
    .await;
    exchange(&|| replace(&greeter.files().ca, &only_new)).await;
    let caller = new.issue("caller").expect("a certificate");
    let after = shown(address, &new.ca(), &caller).await;
    assert_eq!(after, pem(&greeter.files().certificate)[0]);
    assert_ne!(after, before);
    let late = old.issue("caller").expect("a certificate");
    let refused = connect(address, &new.ca(), Some(&late)).await;
    assert!(refused.is_err(), "the old CA is trusted no more");

    stop.cancel();
    let (made, failed) = calls.join_next().await.expect("it calls").expect("no panic");
    println!("{made} RPCs, {} failed", failed.len());
    assert!(made >= 400, "{made}");
    assert_eq!(failed, Vec::<String>::new());
}

fn replace(file: &Path, bytes: &[u8]) {
    let new = file.with_extension("next");
    std::fs::write(&new, bytes).expect("written");
    std::fs::rename(&new, file).expect("in its place");
}

/// Makes 200 RPCs a second until told to stop: how many there were, and how those ended that failed.
async fn keep_calling(address: SocketAddr, own: Arc<Credentials>, stop: CancellationToken) -> (usize, Vec<String>) {
    let url = format!("https://{address}").parse().expect("a URL");
    let transport = Transport::Tls(own);
    let age = SERVER_CONNECTION_AGE / 4;
    let channel = || PeerChannel::renewed(&url, "greeter", "teller", &transport, age).expect("a channel");
    let kept = channel();
    let mut ticks = tokio::time::interval(Duration::from_millis(5));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Burst);
    let (mut calls, mut made, mut failed) = (JoinSet::new(), 0, Vec::new());
    loop {
        tokio::select! {
            () = stop.cancelled() => break,
            Some(answer) = calls.join_next() => failed.extend(failure(answer)),
            _ = ticks.tick() => {
                made += 1;
                calls.spawn(greet(if made % 10 == 0 { channel() } else { kept.clone() }));
            }
        }
    }
    while let Some(answer) = calls.join_next().await {
        failed.extend(failure(answer));
    }
    (made, failed)
}

fn failure(answer: Result<Result<String, Status>, tokio::task::JoinError>) -> Option<String> {
    match answer.expect("no panic") {
        Ok(caller) => (caller != "teller").then_some(caller),
        Err(status) => Some(status.to_string()),
    }
}
