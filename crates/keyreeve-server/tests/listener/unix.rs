//! The Unix socket: the same handler, with the kernel's word for who is connected.

use std::os::unix::net::UnixStream;

use keyreeve_server::limits::Limits;
use keyreeve_server::listener::{Endpoint, Stopped};

use crate::rig::{Client, PATIENCE, Rig};

#[test]
fn the_peer_of_a_unix_socket_is_named_by_the_kernel() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let rig = Rig::at(Endpoint::Unix { path: path.clone() }, Limits::default());
    let stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Client::new(stream);
    let reply = client.post("/", "hello");
    let me = rustix::process::geteuid().as_raw();
    assert_eq!(reply.told("peer"), format!("unix {me} Some({})", std::process::id()));
    assert_eq!(reply.told("body"), "5 hello");
    assert_eq!(rig.server.stop(PATIENCE), Stopped::Finished);
    client.end();
    assert!(!path.exists());
}

#[test]
fn a_unix_socket_speaks_no_http_2() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("admin.sock");
    let _rig = Rig::at(Endpoint::Unix { path: path.clone() }, Limits::default());
    let stream = UnixStream::connect(&path).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut client = Client::new(stream);
    client.send("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    client.gone();
}
