//! What a load balancer sees of a server whose store goes and comes.

use std::fs;

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
