//! Stopping, and clients that hang up: no request that was begun is lost.

use std::net::TcpStream;
use std::time::Duration;

use keyreeve_server::limits::Limits;
use keyreeve_server::listener::Stopped;

use crate::rig::{PATIENCE, Rig};

#[test]
fn a_stop_lets_the_request_in_flight_finish_and_closes_the_idle() {
    let rig = Rig::plain(Limits::default());
    let mut held = rig.held();
    let mut idle = rig.connect();
    assert_eq!(idle.post("/", "").status, 200);
    let (releaser, address, server) = (rig.releaser(), rig.address(), rig.server);
    let stopping = std::thread::spawn(move || server.stop(PATIENCE));
    // That the idle connection closes shows that the stop has begun.
    idle.end();
    releaser.add_permits(1);
    let reply = held.reply();
    assert_eq!((reply.status, reply.body.as_str()), (200, "released"));
    assert_eq!(reply.headers["connection"], "close");
    held.end();
    assert_eq!(stopping.join().unwrap(), Stopped::Finished);
    TcpStream::connect(address).unwrap_err();
}

#[test]
fn a_stop_cuts_what_is_not_finished_at_its_deadline() {
    let rig = Rig::plain(Limits::default());
    let mut held = rig.held();
    assert_eq!(rig.server.stop(Duration::from_millis(1)), Stopped::Cut);
    held.gone();
    assert!(rig.finished.try_recv().is_err());
}

#[test]
fn a_stop_without_connections_is_immediate() {
    let rig = Rig::plain(Limits::default());
    drop(rig.connect());
    assert_eq!(rig.server.stop(PATIENCE), Stopped::Finished);
}

#[test]
fn a_client_that_hangs_up_does_not_cut_its_request_and_a_stop_waits_for_it() {
    let rig = Rig::plain(Limits::default());
    drop(rig.held());
    let releaser = rig.releaser();
    let server = rig.server;
    let stopping = std::thread::spawn(move || server.stop(PATIENCE));
    releaser.add_permits(1);
    rig.finished.recv_timeout(PATIENCE).unwrap();
    assert_eq!(stopping.join().unwrap(), Stopped::Finished);
}
