//! An issuer on this machine, with a certificate of the development authority.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::SystemTime;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject as _;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use super::*;
use crate::tls::{DevCa, TlsServer};

const KEYS: &str = r#"{"keys":[{"kty":"OKP","crv":"Ed25519","x":"AA","kid":"a"}]}"#;
const DISCOVERY: &str = "/.well-known/openid-configuration";

struct Issuer {
    folder: TempDir,
    url: String,
    asked: Arc<AtomicUsize>,
}

/// Status line and headers, and body, by path.
type Pages = HashMap<&'static str, (String, String)>;

impl Issuer {
    /// Answers its discovery document, changed by this, and its keys.
    async fn new(change: impl Fn(&str, &mut Pages)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let ca = DevCa::open(folder.path(), &[], SystemTime::now()).unwrap();
        // As servers do: with the authorities between the own certificate and the root.
        let chain = folder.path().join("chain.pem");
        let read = |path: PathBuf| std::fs::read_to_string(path).unwrap();
        std::fs::write(&chain, read(ca.certificate_path()) + &read(ca.ca_path())).unwrap();
        let tls = TlsServer::from_pem_files(&chain, &ca.key_path()).unwrap().acceptor();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("https://localhost:{}", listener.local_addr().unwrap().port());
        let document = format!(r#"{{"issuer":"{url}","jwks_uri":"{url}/keys"}}"#);
        let ok = || "HTTP/1.1 200 OK".to_owned();
        let mut pages = HashMap::from([(DISCOVERY, (ok(), document)), ("/keys", (ok(), KEYS.to_owned()))]);
        change(&url, &mut pages);
        let asked = Arc::new(AtomicUsize::new(0));
        tokio::spawn(serve(listener, tls, pages, Arc::clone(&asked)));
        Self { folder, url, asked }
    }

    fn trusted(&self) -> OidcKeys {
        let ca = DevCa::open(self.folder.path(), &[], SystemTime::now()).unwrap();
        OidcKeys::new(Some(&ca.ca_path())).unwrap()
    }

    async fn ask(&self, keys: &OidcKeys, thumbprints: &[String], id: &str) -> Result<usize, IssuerFault> {
        let site = IssuerSite { url: &self.url, thumbprints };
        keys.keys(site, Some(id)).await.map(|set| set.keys.len())
    }
}

async fn serve(listener: TcpListener, tls: TlsAcceptor, pages: Pages, asked: Arc<AtomicUsize>) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        // A client that does not trust the certificate ends the handshake.
        let _ = answer(stream, &tls, &pages, &asked).await;
    }
}

async fn answer(
    stream: TcpStream,
    tls: &TlsAcceptor,
    pages: &Pages,
    asked: &AtomicUsize,
) -> std::io::Result<()> {
    let mut stream = tls.accept(stream).await?;
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    asked.fetch_add(1, Ordering::Relaxed);
    let head = String::from_utf8(head).unwrap();
    let missing = ("HTTP/1.1 404 Not Found".to_owned(), String::new());
    let (status, body) = pages.get(head.split(' ').nth(1).unwrap()).unwrap_or(&missing);
    let answer = format!("{status}\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len());
    stream.write_all(answer.as_bytes()).await?;
    stream.shutdown().await
}

fn run(test: impl Future<Output = ()>) {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(test);
}

#[test]
fn keys_are_discovered_and_kept() {
    run(async {
        let issuer = Issuer::new(|_, _| {}).await;
        let keys = issuer.trusted();
        assert_eq!(issuer.ask(&keys, &[], "a").await, Ok(1));
        assert_eq!(issuer.ask(&keys, &[], "a").await, Ok(1));
        // An unknown key asks again, but not at once.
        assert_eq!(issuer.ask(&keys, &[], "b").await, Ok(1));
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 2);
    });
}

#[test]
fn a_certificate_of_no_known_authority_is_believed_by_its_thumbprint_only() {
    run(async {
        let issuer = Issuer::new(|_, _| {}).await;
        let keys = OidcKeys::new(None).unwrap();
        assert!(matches!(issuer.ask(&keys, &[], "a").await, Err(IssuerFault::Unreachable(_))));
        assert!(matches!(issuer.ask(&keys, &["0".repeat(40)], "a").await, Err(IssuerFault::Unreachable(_))));
        assert_eq!(issuer.asked.load(Ordering::Relaxed), 0, "nothing was told to a stranger");
        let authority = DevCa::open(issuer.folder.path(), &[], SystemTime::now()).unwrap();
        let authority = CertificateDer::from_pem_file(authority.ca_path()).unwrap();
        let thumbprint = hex::encode_upper(digest(&SHA1_FOR_LEGACY_USE_ONLY, &authority));
        assert_eq!(issuer.ask(&keys, &[thumbprint], "a").await, Ok(1));
        // What one account trusts is nothing for another.
        assert!(issuer.ask(&keys, &[], "a").await.is_err());
    });
}

#[test]
fn answers_that_are_none_give_no_keys() {
    let replaced = |path: &'static str, status: &str, body: String| {
        let status = format!("HTTP/1.1 {status}");
        move |_: &str, pages: &mut Pages| drop(pages.insert(path, (status.clone(), body.clone())))
    };
    run(async {
        for (what, issuer, asked) in [
            ("no document", Issuer::new(replaced(DISCOVERY, "404 Not Found", String::new())).await, 1),
            ("no JSON", Issuer::new(replaced(DISCOVERY, "200 OK", "<html>".to_owned())).await, 1),
            (
                "a key set without end",
                Issuer::new(replaced("/keys", "200 OK", "x".repeat(600 * 1024))).await,
                2,
            ),
            (
                "another issuer",
                {
                    let of_another = |url: &str, pages: &mut Pages| {
                        let document = format!(r#"{{"issuer":"https://a.example","jwks_uri":"{url}/keys"}}"#);
                        pages.insert(DISCOVERY, ("HTTP/1.1 200 OK".to_owned(), document));
                    };
                    Issuer::new(of_another).await
                },
                1,
            ),
            (
                "keys in the clear",
                {
                    let clear = |url: &str, pages: &mut Pages| {
                        let document = format!(
                            r#"{{"issuer":"{url}","jwks_uri":"{}/keys"}}"#,
                            url.replace("https", "http")
                        );
                        pages.insert(DISCOVERY, ("HTTP/1.1 200 OK".to_owned(), document));
                    };
                    Issuer::new(clear).await
                },
                1,
            ),
            (
                "a redirect",
                {
                    let elsewhere = |url: &str, pages: &mut Pages| {
                        pages.insert(
                            "/keys",
                            (format!("HTTP/1.1 302 Found\r\nlocation: {url}/others"), String::new()),
                        );
                        pages.insert("/others", ("HTTP/1.1 200 OK".to_owned(), KEYS.to_owned()));
                    };
                    Issuer::new(elsewhere).await
                },
                2,
            ),
        ] {
            let keys = issuer.trusted();
            assert!(issuer.ask(&keys, &[], "a").await.is_err(), "{what}");
            assert_eq!(issuer.asked.load(Ordering::Relaxed), asked, "{what}");
            // And is not asked again at once.
            assert!(issuer.ask(&keys, &[], "a").await.is_err(), "{what}");
            assert_eq!(issuer.asked.load(Ordering::Relaxed), asked, "{what}");
        }
    });
}

#[test]
fn a_file_of_authorities_must_hold_one() {
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty.pem");
    std::fs::write(&empty, "").unwrap();
    assert!(matches!(OidcKeys::new(Some(&empty)), Err(TlsError::NoCertificate { .. })));
    assert!(matches!(OidcKeys::new(Some(&folder.path().join("none.pem"))), Err(TlsError::Pem { .. })));
}
