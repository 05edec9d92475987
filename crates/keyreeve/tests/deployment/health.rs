//! What a load balancer sees of a server whose store goes and comes.

use std::fs;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::rig::{Place, get};

#[test]
fn a_server_is_ready_while_its_store_answers() {
    let place = Place::initialised();
    let server = place.serve();
    let observe = server.address("Health and metrics on http://");
    server.logs("ready: the store answers");
    assert_eq!(get(&observe, "/health/ready"), (200, "ready\n".to_owned()));
    fs::rename(place.path("data/store"), place.path("data/away")).unwrap();
    server.logs("not ready");
    let (status, reasons) = get(&observe, "/health/ready");
    assert_eq!(status, 503);
    assert!(reasons.contains("has vanished: put it back"), "{reasons}");
    assert_eq!(get(&observe, "/health/live").0, 200);
    fs::rename(place.path("data/away"), place.path("data/store")).unwrap();
    server.logs("ready: the store answers");
    assert_eq!(get(&observe, "/health/ready").0, 200);
    assert!(get(&observe, "/metrics").1.contains("listener=\"aws\""));
}

#[test]
fn a_server_is_ready_while_its_audit_log_can_be_written() {
    let place = Place::initialised();
    let server = place.serve();
    let observe = server.address("Health and metrics on http://");
    server.logs("ready: the store answers");
    // A file where the folder was, put there in one step: the log makes its folder anew where it can.
    let (audit, away) = (place.path("data/audit"), place.path("data/away"));
    fs::write(&away, "").unwrap();
    renameat_with(CWD, &audit, CWD, &away, RenameFlags::EXCHANGE).unwrap();
    server.logs("the audit log cannot be written");
    let (status, reasons) = get(&observe, "/health/ready");
    assert_eq!(status, 503);
    assert!(reasons.starts_with("the audit log cannot be written: "), "{reasons}");
    assert!(get(&observe, "/metrics").1.contains("keyreeve_audit_writable 0\n"));
    fs::remove_file(&audit).unwrap();
    server.logs("the audit log can be written again");
    assert_eq!(get(&observe, "/health/ready"), (200, "ready\n".to_owned()));
    assert!(get(&observe, "/metrics").1.contains("keyreeve_audit_writable 1\n"));
}
