//! The program that reads pictures, replaced beside a reader that runs.

use document_reading::{Fault, ReadError, Reader, ReaderConfig};
use specimen::{blank_page, to_png};
use std::{fs, os::unix::fs::PermissionsExt, path::absolute, process::Command};

#[tokio::test]
async fn what_goes_wrong_before_the_picture_is_said_is_not_its_fault_and_what_comes_out_of_turn_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let program = folder.path().join("document-picture");
    let mut config = ReaderConfig::with_model_dir(absolute("model").expect("the package's folder"));
    let version = Command::new(&config.picture_program).arg("--version").output();
    let version = String::from_utf8(version.expect("it runs").stdout).expect("text");
    let version = version.trim();
    let says = |version: &str| format!("printf 'V\\x{:02x}\\0\\0\\0%s' '{version}'", version.len());
    let become_one_that = |does: &str| {
        let script = format!("#!/bin/bash\n[ \"$1\" = --version ] && echo '{version}' && exit\n{does}\n");
        let beside = program.with_extension("new");
        fs::write(&beside, script).expect("written");
        fs::set_permissions(&beside, fs::Permissions::from_mode(0o755)).expect("made a program");
        fs::rename(&beside, &program).expect("in its place");
    };
    become_one_that("exit 127");
    config.picture_program = program.clone();
    let reader = Reader::new(config).expect("all programs are there");
    let page = to_png(&blank_page());
    let read = async || reader.read_page(&page).await.expect_err("it reads nothing");

    let ended = read().await;
    assert!(matches!(ended, ReadError::EngineMissing { .. }), "{ended:?}");
    assert_eq!(ended.fault(), Fault::Engine);

    become_one_that(&says(&version.replace(' ', "-")));
    let another = read().await;
    assert!(matches!(another, ReadError::AnotherVersion), "{another:?}");
    assert_eq!(another.fault(), Fault::Engine);

    become_one_that(&format!("{}; exit 3", says(version)));
    let broke_off = read().await;
    assert!(matches!(broke_off, ReadError::BrokeOff { .. }), "{broke_off:?}");
    assert_eq!(broke_off.fault(), Fault::Picture);
    // It says twice that it has decoded the picture, and then waits.
    become_one_that(&format!(
        "{}; printf 'D\\0\\0\\0\\0D\\0\\0\\0\\0'; mapfile",
        says(version)
    ));
    let out_of_turn = read().await;
    assert!(
        matches!(out_of_turn, ReadError::BrokeOff { code: None }),
        "{out_of_turn:?}"
    );
}
