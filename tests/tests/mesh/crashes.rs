//! A worker that dies in the middle of an extraction costs at most the page that it was reading.

use crate::support::*;
use mesh_proto::orchestrator::v1::VerificationStatus;
use mesh_testkit::{Mesh, eventually};
use std::time::{Duration, Instant};

/// `extract_document_data` may be silent this long before it is given to another worker.
const HEARTBEAT_TIMEOUT: Duration = Duration::from_secs(30);

/// `HEARTBEAT_TIMEOUT` is what a worker that is handed the extraction at once must not wait for. A busy machine may take some
/// seconds to read the page under way and to begin the next one.
const AT_ONCE: Duration = Duration::from_secs(15);

/// Ten pages, the passport's on the last. Letters take long enough to be read for a service to end in the middle; blank pages
/// make up the number.
fn ten_pages(passport: &specimen::Passport) -> Vec<Vec<u8>> {
    let (letter, blank) = (specimen::letter_page(0), specimen::blank_page());
    let sheets = [
        &blank, &blank, &letter, &letter, &letter, &letter, &letter, &blank, &blank,
    ];
    let mut pages: Vec<_> = sheets.into_iter().map(specimen::to_png).collect();
    pages.push(picture(passport));
    pages
}

async fn number(mesh: &Mesh, url: &str, sql: &str) -> i64 {
    let answer = mesh
        .postgres
        .sql_at(url, &[sql.to_owned()])
        .await
        .unwrap_or_else(|error| panic!("{error:#}"));
    answer
        .trim()
        .parse()
        .unwrap_or_else(|error| panic!("{answer:?}: {error}"))
}

async fn pages_read(mesh: &Mesh) -> i64 {
    number(mesh, &mesh.databases.document, "SELECT count(*) FROM page_readings").await
}

/// How many readings of pages were begun.
async fn readings_begun(mesh: &Mesh) -> i64 {
    number(
        mesh,
        &mesh.databases.document,
        "SELECT sum(attempts) FROM document_pages",
    )
    .await
}

/// Waits until a worker begins to read a page, also one that was being read before.
async fn wait_for_another_reading(mesh: &Mesh, begun_before: i64) {
    let look = async || (readings_begun(mesh).await > begun_before).then_some(());
    eventually(PATIENCE, "the extraction to go on", look)
        .await
        .unwrap_or_else(|error| panic!("{error}"));
}

async fn wait_for_pages(mesh: &Mesh, at_least: i64) -> i64 {
    let what = format!("{at_least} pages to be read");
    let look = async || Some(pages_read(mesh).await).filter(|read| *read >= at_least);
    eventually(PATIENCE, &what, look)
        .await
        .unwrap_or_else(|error| panic!("{error}"))
}

async fn assert_nothing_was_done_twice(mesh: &Mesh) {
    let read_again = "SELECT coalesce(sum(attempts - 1), 0) FROM document_pages";
    let read_again = number(mesh, &mesh.databases.document, read_again).await;
    assert!(read_again <= 1, "{read_again} pages were read twice");
    assert_eq!(
        number(mesh, &mesh.databases.reputation, "SELECT count(*) FROM ledger_entries").await,
        1
    );
}

#[tokio::test]
async fn a_killed_document_service_goes_on_after_the_last_page() {
    let mesh = Mesh::start().await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let passport = passport(50);
    let (_, verification_id) = caller.start_with(passport.truth(), &ten_pages(&passport)).await;
    wait_for_pages(&mesh, 3).await;

    mesh.document.sigkill().await;
    let killed = Instant::now();
    let before = pages_read(&mesh).await;
    assert!(before < 10, "it was killed in the middle");
    let begun = readings_begun(&mesh).await;
    mesh.document.restart().await.expect("it starts again");
    wait_for_another_reading(&mesh, begun).await;
    let going_on = killed.elapsed();
    println!(
        "SIGKILL after page {before} of 10: going on after {:.1} s",
        going_on.as_secs_f64()
    );
    assert!(going_on <= HEARTBEAT_TIMEOUT + Duration::from_secs(5), "{going_on:?}");

    assert_eq!(
        caller.end_of(&verification_id).await.status(),
        VerificationStatus::Completed
    );
    assert_nothing_was_done_twice(&mesh).await;
}

#[tokio::test]
async fn a_terminated_document_service_hands_its_extraction_to_another_worker_at_once() {
    let mesh = Mesh::start().await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let passport = passport(51);
    let (_, verification_id) = caller.start_with(passport.truth(), &ten_pages(&passport)).await;
    wait_for_pages(&mesh, 2).await;
    // Started only now: the extraction runs in the first process.
    let _other = mesh.add_document_worker().await.expect("a second worker starts");

    mesh.document.sigterm().await;
    let terminated = Instant::now();
    let drained = mesh
        .document
        .wait_exit(Duration::from_secs(30))
        .await
        .expect("it drains");
    assert!(drained.success(), "{drained}");
    // Counted only now, so that it is the other process that begins the next one.
    let before = pages_read(&mesh).await;
    assert!(before < 10, "it was terminated in the middle");
    wait_for_another_reading(&mesh, readings_begun(&mesh).await).await;
    let going_on = terminated.elapsed();
    println!(
        "SIGTERM after page {before} of 10: going on elsewhere after {:.1} s",
        going_on.as_secs_f64()
    );
    assert!(going_on <= AT_ONCE, "{going_on:?}");

    assert_eq!(
        caller.end_of(&verification_id).await.status(),
        VerificationStatus::Completed
    );
    assert_nothing_was_done_twice(&mesh).await;
}

#[tokio::test]
async fn a_killed_orchestrator_finds_its_verification_again() {
    let mesh = Mesh::start().await.expect("the mesh starts");
    let caller = Caller::of(&mesh);
    let passport = passport(52);
    let (_, verification_id) = caller.start_with(passport.truth(), &ten_pages(&passport)).await;
    wait_for_pages(&mesh, 2).await;
    mesh.orchestrator.sigkill().await;
    // Meanwhile the document is read on.
    wait_for_pages(&mesh, 5).await;
    mesh.orchestrator.restart().await.expect("it starts again");
    assert_eq!(
        caller.end_of(&verification_id).await.status(),
        VerificationStatus::Completed
    );
    assert_nothing_was_done_twice(&mesh).await;
}
