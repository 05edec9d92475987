//! The audit log is harmed under the running server: it is noticed without any request, what cannot be recorded is refused,
//! the server recovers by itself, an alarm stands in the log, and `keyreeve audit verify` names what is missing.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::rig::{Account, PATIENCE, Place, REGION, Running, get};

const DAMAGED: &str = "the audit log was damaged";
const VERIFY: [&str; 5] = ["audit", "verify", "--store", "--config", "keyreeve.toml"];
/// Between two looks at what a server does by itself.
const LOOK: Duration = Duration::from_millis(50);

/// A server that has recorded something, and whoever calls it.
fn rig() -> (Place, Running, Account) {
    let place = Place::initialised();
    let server = place.serve();
    let account = place.account("mine");
    for _ in 0..3 {
        assert_eq!(call(&server, &account).0, 200);
    }
    (place, server, account)
}

fn call(server: &Running, account: &Account) -> (u16, Value) {
    account.call(&server.kms(), REGION, "ListKeys", json!({}))
}

/// Asks until it is so; what is asked for happens by itself.
fn eventually(what: &str, so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !so() {
        assert!(begun.elapsed() < PATIENCE, "never: {what}");
        std::thread::sleep(LOOK);
    }
}

/// The newest segment: the one that is written.
fn open_segment(place: &Place) -> PathBuf {
    let files = fs::read_dir(place.path("data/audit")).unwrap().map(|file| file.unwrap().path());
    let is_segment = |path: &PathBuf| {
        let name = path.file_name().unwrap().to_str().unwrap();
        name.starts_with("segment-") && name.ends_with(".log")
    };
    files.filter(is_segment).max().unwrap()
}

fn records(place: &Place, name: &str) -> Vec<Value> {
    let wanted = format!("EventName={name}");
    let text = place.succeeds(&["audit", "show", "--data", "data", "--where", &wanted]);
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Waits until the server serves again and an alarm that says this stands in the log.
fn recovers(place: &Place, server: &Running, account: &Account, sentence: &str) {
    eventually("requests are served again", || call(server, account).0 == 200);
    eventually("an alarm stands in the log", || {
        let alarms = records(place, "AuditIntegrityAlarm");
        alarms.iter().any(|alarm| alarm.to_string().contains(sentence))
    });
    let observe = server.address("Health and metrics on http://");
    assert_eq!(get(&observe, "/health/ready"), (200, "ready\n".to_owned()));
    assert!(!get(&observe, "/metrics").1.contains("keyreeve_audit_alarms 0\n"));
}

fn name_of(path: &Path) -> String {
    path.file_name().unwrap().to_str().unwrap().to_owned()
}

/// What `verify` says of a log that is not whole.
fn refusal(place: &Place) -> String {
    let output = place.run(&VERIFY);
    assert_eq!(output.status.code(), Some(1));
    String::from_utf8(output.stderr).unwrap()
}

fn stop(server: Running) {
    server.signal(Signal::TERM);
    assert!(server.wait().success());
}

#[test]
fn while_the_folder_of_the_log_is_away_calls_are_refused_and_once_it_is_back_they_are_served() {
    let (place, server, account) = rig();
    let observe = server.address("Health and metrics on http://");
    let (audit, away) = (place.path("data/audit"), place.path("data/away"));
    // A file takes its place, in one step: the log makes its folder anew where it can.
    fs::write(&away, "").unwrap();
    renameat_with(CWD, &audit, CWD, &away, RenameFlags::EXCHANGE).unwrap();
    server.logs("the audit log cannot be written");
    for _ in 0..3 {
        let (status, refused) = call(&server, &account);
        assert_eq!(
            (status, refused["__type"].as_str()),
            (500, Some("ServiceUnavailableException")),
            "{refused}"
        );
    }
    let (status, reasons) = get(&observe, "/health/ready");
    assert_eq!(status, 503);
    assert!(reasons.starts_with("the audit log cannot be written: "), "{reasons}");
    renameat_with(CWD, &audit, CWD, &away, RenameFlags::EXCHANGE).unwrap();
    recovers(&place, &server, &account, "was deleted, renamed, cut short or replaced");
    stop(server);
    // All that was recorded is there, and nothing is missing.
    let served = records(&place, "ListKeys");
    assert!(served.len() >= 4 && served.iter().all(|record| record["errorCode"].is_null()), "{served:?}");
    place.succeeds(&VERIFY);
}

#[test]
fn a_log_whose_folder_was_renamed_goes_on_in_a_new_one() {
    let (place, server, account) = rig();
    let lost = open_segment(&place);
    fs::rename(place.path("data/audit"), place.path("data/away")).unwrap();
    server.logs(DAMAGED);
    recovers(&place, &server, &account, &name_of(&lost));
    stop(server);
    let said = refusal(&place);
    assert!(said.contains("NOT intact"), "{said}");
    // Nothing was written over: with what was moved, the log is whole.
    let kept = place.path("data/away").join(name_of(&lost));
    fs::copy(kept, place.path("data/audit").join(name_of(&lost))).unwrap();
    place.succeeds(&VERIFY);
}

#[test]
fn a_segment_that_is_deleted_under_the_server_is_noticed_named_and_can_be_put_back() {
    let (place, server, account) = rig();
    let lost = open_segment(&place);
    fs::remove_file(&lost).unwrap();
    server.logs(DAMAGED);
    recovers(&place, &server, &account, &name_of(&lost));
    stop(server);
    let said = refusal(&place);
    assert!(said.contains("NOT intact") && said.contains(&name_of(&lost)), "{said}");
    // The server kept what it had open.
    fs::rename(lost.with_file_name(format!("rescued-{}", name_of(&lost))), &lost).unwrap();
    place.succeeds(&VERIFY);
}

#[test]
fn a_segment_that_is_cut_short_under_the_server_is_noticed_and_what_is_missing_is_named() {
    let (place, server, account) = rig();
    let lost = open_segment(&place);
    fs::OpenOptions::new().write(true).open(&lost).unwrap().set_len(1000).unwrap();
    server.logs(DAMAGED);
    recovers(&place, &server, &account, &name_of(&lost));
    stop(server);
    let said = refusal(&place);
    assert!(said.contains("NOT intact") && said.contains(&name_of(&lost)), "{said}");
}
