//! A server with a handler that tells what it saw or waits to be released, and a client that speaks raw HTTP/1.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::num::NonZeroUsize;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use hyper::StatusCode;
use keyreeve_server::limits::Limits;
use keyreeve_server::listener::{Answer, Bound, Endpoint, Handler, Incoming, Peer, Refusal, Server};
use keyreeve_server::observe::Traffic;
use keyreeve_server::tls::TlsServer;
use tokio::sync::Semaphore;
use uuid::Uuid;

/// A server that hangs fails a test after this time instead of stopping the run.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Short enough for a test to wait for it to pass.
pub(crate) const SHORT: Duration = Duration::from_millis(40);

/// Answers `/hold` when released, panics at `/panic`, and tells at any other path what it saw.
pub(crate) struct Probe {
    started: Mutex<Sender<()>>,
    finished: Mutex<Sender<()>>,
    release: Arc<Semaphore>,
}

impl Handler for Probe {
    async fn handle(&self, incoming: Incoming) -> Answer {
        match incoming.target.path() {
            "/hold" => {
                self.started.lock().unwrap().send(()).unwrap();
                self.release.acquire().await.unwrap().forget();
                self.finished.lock().unwrap().send(()).unwrap();
                Answer::new(StatusCode::OK, "text/plain", "released")
            }
            "/panic" => panic!("asked to"),
            _ => Answer::new(StatusCode::OK, "text/plain", told(&incoming)),
        }
    }

    fn refuse(&self, refusal: Refusal, request_id: Uuid) -> Answer {
        Answer::new(refusal.status(), "text/plain", format!("{refusal:?} {request_id}"))
    }
}

fn told(incoming: &Incoming) -> String {
    let peer = match incoming.peer {
        Peer::Tcp(address) => format!("tcp {}", address.ip()),
        Peer::Unix { uid, pid, .. } => format!("unix {uid} {pid:?}"),
    };
    let tls = incoming.tls.as_ref().map_or_else(String::new, |tls| {
        format!("{} {} {}", tls.version, tls.cipher_suite, tls.sni.as_deref().unwrap_or("-"))
    });
    format!(
        "{} {} {:?}\nhost: {}\npeer: {peer}\ntls: {tls}\nthread: {}\nid: {}\nbody: {} {}",
        incoming.method,
        incoming.target.path_and_query().unwrap(),
        incoming.version,
        incoming.headers.get("host").map_or("-", |host| host.to_str().unwrap()),
        std::thread::current().name().unwrap(),
        incoming.request_id,
        incoming.body.len(),
        String::from_utf8_lossy(&incoming.body).chars().take(40).collect::<String>(),
    )
}

/// A running server with one listener.
pub(crate) struct Rig {
    pub(crate) server: Server,
    pub(crate) bound: Bound,
    pub(crate) traffic: Traffic,
    pub(crate) started: Receiver<()>,
    pub(crate) finished: Receiver<()>,
    release: Arc<Semaphore>,
}

impl Rig {
    pub(crate) fn plain(limits: Limits) -> Self {
        Self::at(tcp(None), limits)
    }

    pub(crate) fn tls(tls: Arc<TlsServer>, limits: Limits) -> Self {
        Self::at(tcp(Some(tls)), limits)
    }

    pub(crate) fn at(endpoint: Endpoint, limits: Limits) -> Self {
        let (started_here, started) = channel();
        let (finished_here, finished) = channel();
        let release = Arc::new(Semaphore::new(0));
        let probe = Probe {
            started: Mutex::new(started_here),
            finished: Mutex::new(finished_here),
            release: Arc::clone(&release),
        };
        let server = Server::start(NonZeroUsize::new(2)).unwrap();
        let traffic = Traffic::unobserved();
        let bound = server.listen(endpoint, probe, limits, traffic.clone()).unwrap();
        Self { server, bound, traffic, started, finished, release }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        match &self.bound {
            Bound::Tcp(address) => *address,
            Bound::Unix(path) => panic!("bound to {}", path.display()),
        }
    }

    pub(crate) fn connect(&self) -> Client<TcpStream> {
        let stream = TcpStream::connect(self.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Client::new(stream)
    }

    /// A client whose request is being held by the handler.
    pub(crate) fn held(&self) -> Client<TcpStream> {
        let mut client = self.connect();
        client.send("POST /hold HTTP/1.1\r\nhost: a\r\n\r\n");
        self.started.recv_timeout(PATIENCE).unwrap();
        client
    }

    /// Lets one held request be answered.
    pub(crate) fn release(&self) {
        self.release.add_permits(1);
    }

    /// What releases held requests after the rig was taken apart.
    pub(crate) fn releaser(&self) -> Arc<Semaphore> {
        Arc::clone(&self.release)
    }
}

pub(crate) fn tcp(tls: Option<Arc<TlsServer>>) -> Endpoint {
    Endpoint::Tcp { address: (Ipv4Addr::LOCALHOST, 0).into(), tls }
}

/// A raw HTTP/1 client.
pub(crate) struct Client<S: Read + Write>(BufReader<S>);

/// What a server sent.
#[derive(Debug)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: String,
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn new(stream: S) -> Self {
        Self(BufReader::new(stream))
    }

    pub(crate) fn stream(&self) -> &S {
        self.0.get_ref()
    }

    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.get_mut().write_all(bytes.as_ref()).unwrap();
        self.0.get_mut().flush().unwrap();
    }

    /// Sends what the server lets it send: it may close before all is sent.
    pub(crate) fn try_send(&mut self, bytes: &[u8]) {
        let _ = self.0.get_mut().write_all(bytes);
    }

    /// A POST on a connection that stays open.
    pub(crate) fn post(&mut self, path: &str, body: &str) -> Reply {
        self.send(format!("POST {path} HTTP/1.1\r\nhost: a\r\ncontent-length: {}\r\n\r\n{body}", body.len()));
        self.reply()
    }

    /// Reads one line of a head.
    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        assert!(line.ends_with("\r\n"), "the head ended with {line:?}");
        line.trim_end().to_owned()
    }

    /// Reads one reply.
    pub(crate) fn reply(&mut self) -> Reply {
        let status = self.line().split(' ').nth(1).unwrap().parse().unwrap();
        let mut headers = HashMap::new();
        loop {
            let line = self.line();
            let Some((name, value)) = line.split_once(": ") else { break };
            assert!(headers.insert(name.to_lowercase(), value.to_owned()).is_none(), "{name} twice");
        }
        let mut body = vec![0; headers["content-length"].parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        Reply { status, headers, body: String::from_utf8(body).unwrap() }
    }

    /// Waits for the server to close in order, without a further byte.
    pub(crate) fn end(&mut self) {
        let mut rest = Vec::new();
        self.0.read_to_end(&mut rest).unwrap();
        assert_eq!(String::from_utf8_lossy(&rest), "");
    }

    /// Waits for the server to close in whatever way.
    pub(crate) fn gone(&mut self) {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(0) => {}
            Err(error) if error.kind() == ErrorKind::ConnectionReset => {}
            other => panic!("{other:?}: {}", String::from_utf8_lossy(&rest)),
        }
    }
}

impl Reply {
    /// Checks a refusal, and that its id is the one of the header.
    pub(crate) fn is_refusal(&self, refusal: Refusal) {
        assert_eq!(self.status, refusal.status().as_u16(), "{self:?}");
        assert_eq!(self.body, format!("{refusal:?} {}", self.headers["x-amzn-requestid"]));
    }

    /// A line that the handler told, such as `host`.
    pub(crate) fn told(&self, what: &str) -> &str {
        told_in(&self.body, what)
    }
}

pub(crate) fn told_in<'a>(body: &'a str, what: &str) -> &'a str {
    let line = body.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(": "));
    line.unwrap_or_else(|| panic!("no {what} in {body}"))
}
