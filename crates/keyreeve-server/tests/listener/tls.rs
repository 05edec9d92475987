//! TLS with real certificates of the development authority, by a rustls client that trusts only that authority.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::sync::Arc;
use std::time::SystemTime;

use keyreeve_server::limits::Limits;
use keyreeve_server::listener::Refusal;
use keyreeve_server::tls::{DevCa, TlsError, TlsServer};
use rustls::crypto::aws_lc_rs;
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned, SupportedProtocolVersion, version};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, ServerName};
use tempfile::TempDir;

use crate::http2;
use crate::rig::{Client, PATIENCE, Rig, SHORT, told_in};

/// An authority with the listener that uses its certificate.
struct Secured {
    folder: TempDir,
    ca: DevCa,
    tls: Arc<TlsServer>,
    rig: Rig,
}

fn secured(limits: Limits) -> Secured {
    let folder = tempfile::tempdir().unwrap();
    let ca = DevCa::open(folder.path(), &["kms.test".to_owned()], SystemTime::now()).unwrap();
    let tls = Arc::new(ca.server().unwrap());
    let rig = Rig::tls(Arc::clone(&tls), limits);
    Secured { folder, ca, tls, rig }
}

impl Secured {
    fn config(&self, versions: &[&'static SupportedProtocolVersion]) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_file(self.ca.ca_path()).unwrap()).unwrap();
        ClientConfig::builder_with_provider(Arc::new(aws_lc_rs::default_provider()))
            .with_protocol_versions(versions)
            .unwrap()
            .with_root_certificates(roots)
            .with_no_client_auth()
    }

    fn connect(
        &self,
        name: &'static str,
        versions: &[&'static SupportedProtocolVersion],
    ) -> Client<StreamOwned<ClientConnection, TcpStream>> {
        let stream = TcpStream::connect(self.rig.address()).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let name = ServerName::try_from(name).unwrap();
        let connection = ClientConnection::new(Arc::new(self.config(versions)), name).unwrap();
        Client::new(StreamOwned::new(connection, stream))
    }

    /// The certificate that a new connection is shown.
    fn shown(&self) -> Vec<u8> {
        let mut client = self.connect("localhost", rustls::ALL_VERSIONS);
        assert_eq!(client.post("/", "").status, 200);
        client.stream().conn.peer_certificates().unwrap()[0].to_vec()
    }
}

#[test]
fn both_versions_are_spoken_and_told_to_the_handler() {
    let secured = secured(Limits::default());
    for (version, expected) in [
        (&version::TLS12, "TLSv1.2 TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384 kms.test"),
        (&version::TLS13, "TLSv1.3 TLS_AES_256_GCM_SHA384 kms.test"),
    ] {
        let mut client = secured.connect("kms.test", &[version]);
        assert_eq!(client.post("/", "one").told("tls"), expected);
        assert_eq!(client.post("/", "two").told("body"), "3 two");
    }
}

#[test]
fn the_certificate_is_good_for_the_addresses_of_this_machine() {
    let secured = secured(Limits::default());
    for name in ["localhost", "127.0.0.1", "::1"] {
        let mut client = secured.connect(name, rustls::ALL_VERSIONS);
        assert_eq!(client.post("/", "").status, 200, "{name}");
    }
}

#[tokio::test]
async fn alpn_chooses_http_2() {
    let secured = secured(Limits::default());
    let mut config = secured.config(rustls::ALL_VERSIONS);
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    let stream = tokio::net::TcpStream::connect(secured.rig.address()).await.unwrap();
    let name = ServerName::try_from("localhost").unwrap();
    let stream = tokio_rustls::TlsConnector::from(Arc::new(config)).connect(name, stream).await.unwrap();
    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
    let (mut send, _driven) = http2::client(stream).await;
    let text = http2::text(send.send_request(http2::post("/", "hello")).await.unwrap()).await;
    assert_eq!(text.lines().next(), Some("POST / HTTP/2.0"));
    assert_eq!(told_in(&text, "tls"), "TLSv1.3 TLS_AES_256_GCM_SHA384 localhost");
}

#[test]
fn a_reload_shows_the_new_certificate_and_open_connections_live_on() {
    let secured = secured(Limits::default());
    let mut open = secured.connect("localhost", rustls::ALL_VERSIONS);
    assert_eq!(open.post("/", "").status, 200);
    let before = secured.shown();
    // One name more makes the authority issue a new certificate into the same files.
    DevCa::open(secured.folder.path(), &["other.test".to_owned()], SystemTime::now()).unwrap();
    assert_eq!(secured.shown(), before);
    secured.tls.reload().unwrap();
    assert_ne!(secured.shown(), before);
    assert_eq!(open.post("/", "").status, 200);
}

#[test]
fn a_reload_that_fails_says_why_and_keeps_the_old_certificate() {
    let secured = secured(Limits::default());
    let before = secured.shown();
    let good_key = std::fs::read(secured.ca.key_path()).unwrap();
    std::fs::write(secured.ca.key_path(), "no key").unwrap();
    assert!(matches!(secured.tls.reload(), Err(TlsError::Pem { what: "a private key", .. })));
    // A key that is not the certificate's.
    std::fs::copy(secured.folder.path().join("ca-key.pem"), secured.ca.key_path()).unwrap();
    assert!(matches!(secured.tls.reload(), Err(TlsError::Unusable(_))));
    std::fs::write(secured.ca.key_path(), good_key).unwrap();
    std::fs::write(secured.ca.certificate_path(), "").unwrap();
    assert!(matches!(secured.tls.reload(), Err(TlsError::NoCertificate { .. })));
    assert_eq!(secured.shown(), before);
}

#[test]
fn a_slow_handshake_is_cut_off() {
    let secured = secured(Limits { handshake_time: SHORT, ..Limits::default() });
    let mut stream = TcpStream::connect(secured.rig.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(&[0x16, 0x03, 0x01]).unwrap();
    Client::new(stream).gone();
}

#[test]
fn a_client_without_tls_gets_no_answer_in_the_clear() {
    let secured = secured(Limits::default());
    let mut stream = TcpStream::connect(secured.rig.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.write_all(b"POST / HTTP/1.1\r\nhost: a\r\n\r\n").unwrap();
    stream.shutdown(Shutdown::Write).unwrap();
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer);
    assert!(!answer.starts_with(b"HTTP"), "{}", String::from_utf8_lossy(&answer));
}

#[test]
fn a_refusal_arrives_over_tls_too() {
    let limits = Limits { body_bytes: 10, linger_time: PATIENCE, ..Limits::default() };
    let secured = secured(limits);
    let mut client = secured.connect("localhost", rustls::ALL_VERSIONS);
    client.send(format!(
        "POST / HTTP/1.1\r\nhost: a\r\ncontent-length: 1000000\r\n\r\n{}",
        "x".repeat(1_000_000)
    ));
    client.reply().is_refusal(Refusal::BodyTooLarge);
    client.end();
}

#[test]
fn a_connection_over_the_limit_is_closed_without_a_handshake() {
    let secured = secured(Limits { connections: 0, ..Limits::default() });
    let stream = TcpStream::connect(secured.rig.address()).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    Client::new(stream).gone();
    assert_eq!(secured.rig.traffic.refused(Refusal::TooManyConnections), 1);
}
