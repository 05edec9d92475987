//! AWS's own SigV4 test suite, as shipped in botocore's source distribution under
//! `tests/unit/auth/aws4_testsuite` (Apache-2.0). It is not kept here: the folder is named by the environment
//! variable `KEYREEVE_SIGV4_SUITE`. Source: <https://pypi.org/project/botocore/>
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test may fail loudly, its helpers too")]

use std::fs;
use std::path::{Path, PathBuf};

use keyreeve_sigv4::{
    Credential, Expectations, Request, SecretAccessKey, SigV4Error, Target, Timestamp, Unverified, Verifier,
    sign,
};

const VARIABLE: &str = "KEYREEVE_SIGV4_SUITE";
/// The credential, scope and time of every case, from botocore's `test_sigv4.py`.
const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";
const SECRET: &[u8] = b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TARGET: Target<'static> = Target { region: "us-east-1", service: "service" };
/// 2015-08-30T12:36:00Z
const NOW: i64 = 1_440_938_160;
/// Fewer means that the folder is not the suite.
const CASES_MIN: usize = 33;

/// Cases whose signed request (`.sreq`) does not carry the signature of its own `.authz` file: a slip in the
/// suite. They are verified with the header of `.authz`; everything else about them is held too.
const SIGNED_REQUEST_HAS_ANOTHER_SIGNATURE: [(&str, &str); 1] = [(
    "get-vanilla-with-session-token",
    "its .sreq carries the signature of get-vanilla, made without the token; its .authz has the right one",
)];

/// Cases that our verifier must refuse, and why.
const REFUSED: [(&str, &str); 1] = [(
    "post-sts-token/post-sts-header-after",
    "the session token was added after signing; we require every x-amz-* header to be signed",
)];

/// Cases left out altogether: none.
const SKIPPED: [(&str, &str); 0] = [];

struct Case {
    name: String,
    stem: PathBuf,
}

impl Case {
    fn file(&self, extension: &str) -> String {
        let path = self.stem.with_extension(extension);
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        text.replace('\r', "")
    }
}

/// Every folder that holds a `.req`, at any depth.
fn cases(suite: &Path, below: &Path, found: &mut Vec<Case>) {
    for entry in fs::read_dir(below).unwrap_or_else(|error| panic!("{}: {error}", below.display())) {
        let folder = entry.unwrap().path();
        if !folder.is_dir() {
            continue;
        }
        let stem = folder.join(folder.file_name().unwrap());
        if stem.with_extension("req").is_file() {
            let name = folder.strip_prefix(suite).unwrap().to_string_lossy().replace('\\', "/");
            found.push(Case { name, stem });
        } else {
            cases(suite, &folder, found);
        }
    }
}

/// A request file, read as an HTTP parser would: a continued line is part of the value before it.
struct Message {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, String)>,
    body: String,
}

impl Message {
    fn read(text: &str) -> Self {
        let (head, body) = text.split_once("\n\n").unwrap_or((text.trim_end_matches('\n'), ""));
        let mut lines = head.lines();
        let (method, rest) = lines.next().unwrap().split_once(' ').unwrap();
        // The target may hold a space (normalize-path/get-space): the version is what follows the last one.
        let (target, version) = rest.rsplit_once(' ').unwrap();
        assert_eq!(version, "HTTP/1.1");
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut headers: Vec<(String, String)> = Vec::new();
        for line in lines {
            if line.starts_with([' ', '\t']) {
                headers.last_mut().unwrap().1.push_str(line);
            } else {
                let (name, value) = line.split_once(':').unwrap();
                headers.push((name.to_owned(), value.to_owned()));
            }
        }
        Self { method: method.into(), path: path.into(), query: query.into(), headers, body: body.into() }
    }

    fn without(mut self, names: &[&str]) -> Self {
        self.headers.retain(|(name, _)| !names.iter().any(|gone| name.eq_ignore_ascii_case(gone)));
        self
    }

    fn borrowed<T>(&self, job: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(name, value)| (name.as_str(), value.as_bytes())).collect();
        job(&Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: self.body.as_bytes(),
        })
    }
}

/// Our signer against `.creq`, `.sts` and `.authz`.
fn hold_signing(case: &Case) {
    let canonical = case.file("creq");
    let token = canonical.lines().find_map(|line| line.strip_prefix("x-amz-security-token:"));
    let secret = SecretAccessKey::new(SECRET).unwrap();
    let credential = Credential { access_key_id: ACCESS_KEY_ID, secret: &secret, session_token: token };
    // The signer adds date and token itself.
    let message = Message::read(&case.file("req")).without(&["x-amz-date", "x-amz-security-token"]);
    let signed = message.borrowed(|request| sign(request, &credential, &TARGET, NOW)).unwrap();
    let name = &case.name;
    assert_eq!(String::from_utf8_lossy(signed.canonical_request()), canonical, "canonical request of {name}");
    assert_eq!(
        String::from_utf8_lossy(signed.string_to_sign()),
        case.file("sts"),
        "string to sign of {name}"
    );
    let authorization = signed.headers().iter().find(|(header, _)| *header == "authorization").unwrap();
    assert_eq!(authorization.1, case.file("authz"), "Authorization of {name}");
}

/// Our verifier on `.sreq`.
fn hold_verification(case: &Case) {
    let name = case.name.as_str();
    let mut message = Message::read(&case.file("sreq"));
    let authorization = message.headers.iter_mut().find(|(header, _)| header == "Authorization").unwrap();
    let differs = authorization.1.trim() != case.file("authz");
    let slip = SIGNED_REQUEST_HAS_ANOTHER_SIGNATURE.iter().any(|(known, _)| *known == name);
    assert_eq!(differs, slip, "{name}: .sreq and .authz differ only in the known cases");
    authorization.1 = case.file("authz");
    let secret = SecretAccessKey::new(SECRET).unwrap();
    let ours = |region: &str| region == TARGET.region;
    let expected = Expectations::new(&[TARGET.service], &ours);
    let verdict = message.borrowed(|request| {
        let unverified = Unverified::parse(request, &expected, NOW)?;
        Verifier::new(1).verify(unverified, Some(&secret)).map(|_| ())
    });
    if REFUSED.iter().any(|(refused, _)| *refused == name) {
        let unsigned = SigV4Error::UnsignedHeader { name: "x-amz-security-token".into() };
        assert_eq!(verdict, Err(unsigned), "{name}");
    } else {
        assert_eq!(verdict, Ok(()), "{name}");
    }
}

#[test]
fn every_case_of_the_suite_signs_and_verifies_alike() {
    let Some(suite) = std::env::var_os(VARIABLE).map(PathBuf::from) else {
        println!("SKIPPED: {VARIABLE} is not set: it names botocore's tests/unit/auth/aws4_testsuite");
        return;
    };
    assert_eq!(Timestamp::from_epoch_s(NOW).to_string(), "20150830T123600Z");
    let mut found = Vec::new();
    cases(&suite, &suite, &mut found);
    assert!(found.len() >= CASES_MIN, "{} holds only {} cases", suite.display(), found.len());
    let listed = SKIPPED.iter().chain(&REFUSED).chain(&SIGNED_REQUEST_HAS_ANOTHER_SIGNATURE);
    for (name, reason) in listed {
        assert!(found.iter().any(|case| case.name == *name), "{name} is no case of the suite");
        println!("{name}: {reason}");
    }
    found.retain(|case| !SKIPPED.iter().any(|(skipped, _)| *skipped == case.name));
    for case in &found {
        hold_signing(case);
        hold_verification(case);
    }
    println!("{} cases of {VARIABLE} hold", found.len());
}
