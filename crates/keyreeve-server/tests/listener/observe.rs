//! The observation listener over a socket.

use std::net::TcpStream;
use std::sync::Arc;

use keyreeve_server::limits::Limits;
use keyreeve_server::listener::{Bound, Server};
use keyreeve_server::observe::{Metrics, Observation, Readiness};

use crate::rig::{Client, PATIENCE, tcp};

#[test]
fn health_and_metrics_are_served_also_in_http_1_0() {
    let metrics = Arc::new(Metrics::new());
    let server = Server::start(None).unwrap();
    let observation =
        Observation::new(Arc::clone(&metrics), || Readiness::NotReady(vec!["store is sealed".to_owned()]));
    let bound =
        server.listen(tcp(None), observation, Limits::default(), metrics.listener("observe")).unwrap();
    let Bound::Tcp(address) = bound else { panic!("{bound:?}") };
    for (request, status, line) in [
        ("GET /health/live HTTP/1.1\r\nhost: a\r\n\r\n", 200, "live"),
        ("GET /health/ready HTTP/1.1\r\nhost: a\r\n\r\n", 503, "store is sealed"),
        ("GET /health/ready HTTP/1.0\r\n\r\n", 503, "store is sealed"),
        (
            "GET /metrics HTTP/1.1\r\nhost: a\r\n\r\n",
            200,
            "keyreeve_requests_in_flight{listener=\"observe\"} 1",
        ),
    ] {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut client = Client::new(stream);
        client.send(request);
        let reply = client.reply();
        assert_eq!(reply.status, status, "{request}");
        assert!(reply.body.lines().any(|found| found == line), "{line} not in {}", reply.body);
    }
}
