//! SigV4: no request panics, none that nobody signed verifies, and one that was changed after it was signed verifies
//! only where the change has no meaning (`meaning` says so independently of the code under test).

use std::collections::BTreeMap;

use keyreeve_sigv4::{
    Credential, Expectations, Presigned, Request, SecretAccessKey, SigV4Error, Target, Unverified, Verifier,
    presign, sign,
};

use crate::tape::Tape;

/// 2026-01-01T00:00:00Z
const NOW: i64 = 1_767_225_600;
const ACCESS_KEY_ID: &str = "AKIDEXAMPLE";

#[derive(Debug, Clone, PartialEq, Eq)]
struct Wire {
    method: String,
    path: String,
    query: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Wire {
    fn borrowed<T>(&self, job: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
        job(&Request {
            method: &self.method,
            path: &self.path,
            query: &self.query,
            headers: &headers,
            body: &self.body,
        })
    }

    fn signed(tape: &mut Tape<'_>, in_query: bool, secret: &SecretAccessKey) -> Self {
        let body_len = tape.below(32);
        let mut wire = Self {
            method: "POST".to_owned(),
            path: (*tape.pick(&["/", "", "/a/b", "/a%20b/c/"])).to_owned(),
            query: (*tape.pick(&["", "a=1", "b=&a=x%20y&a=w", "a+b=c"])).to_owned(),
            headers: vec![
                ("Host".to_owned(), b"localhost:8443".to_vec()),
                ("content-type".to_owned(), b"application/x-amz-json-1.1".to_vec()),
                ("X-Amz-Target".to_owned(), b"TrentService.Encrypt".to_vec()),
            ],
            body: tape.bytes(body_len),
        };
        let token = tape.once_in(2).then_some("session-token");
        let credential = Credential { access_key_id: ACCESS_KEY_ID, secret, session_token: token };
        let target = Target { region: "eu-central-1", service: "kms" };
        if in_query {
            wire.query = wire.borrowed(|request| presign(request, &credential, &target, NOW, 600)).unwrap();
        } else {
            let signed = wire.borrowed(|request| sign(request, &credential, &target, NOW)).unwrap();
            let added = signed.headers().iter();
            wire.headers.extend(added.map(|(name, value)| ((*name).to_owned(), value.clone().into_bytes())));
        }
        wire
    }

    fn verdict(&self, secret: &SecretAccessKey) -> Result<(), SigV4Error> {
        let any = |_: &str| true;
        let expected = Expectations { presigned: Presigned::Accepted, ..Expectations::new(&["kms"], &any) };
        self.borrowed(|request| {
            let unverified = Unverified::parse(request, &expected, NOW)?;
            let known = (unverified.access_key_id() == ACCESS_KEY_ID).then_some(secret);
            Verifier::new(4).verify(unverified, known).map(drop)
        })
    }

    /// Everything but the signature, its own list of headers, and what need not be signed.
    fn meaning(&self) -> Meaning<'_> {
        let mut segments = Vec::new();
        for segment in self.path.split('/').filter(|segment| !matches!(*segment, "" | ".")) {
            match segment {
                ".." => drop(segments.pop()),
                name => segments.push(name),
            }
        }
        if !segments.is_empty() && self.path.ends_with('/') {
            segments.push("/");
        }
        let mut query: Vec<_> = self.query.split('&').filter(|pair| !pair.is_empty()).map(pair).collect();
        query.retain(|(name, _)| name != b"X-Amz-Signature");
        query.sort();
        let mut headers: BTreeMap<String, Vec<Vec<u8>>> = BTreeMap::new();
        for (name, value) in &self.headers {
            let name = name.to_ascii_lowercase();
            if name == "host" || name == "content-type" || name.starts_with("x-amz-") {
                headers.entry(name).or_default().push(collapsed(value));
            }
        }
        Meaning { method: &self.method, segments, query, headers, body: &self.body }
    }
}

/// What a server acts on.
#[derive(Debug, PartialEq, Eq)]
struct Meaning<'w> {
    method: &'w str,
    segments: Vec<&'w str>,
    query: Vec<(Vec<u8>, Vec<u8>)>,
    headers: BTreeMap<String, Vec<Vec<u8>>>,
    body: &'w [u8],
}

/// Name and value, decoded as a form is.
fn pair(text: &str) -> (Vec<u8>, Vec<u8>) {
    let (name, value) = text.split_once('=').unwrap_or((text, ""));
    (decoded(name), decoded(value))
}

fn decoded(text: &str) -> Vec<u8> {
    let bytes = text.as_bytes();
    let (mut out, mut place) = (Vec::new(), 0);
    while place < bytes.len() {
        let digits = bytes.get(place + 1..place + 3).and_then(|digits| std::str::from_utf8(digits).ok());
        let escape = digits.filter(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()));
        match (bytes[place], escape) {
            (b'%', Some(digits)) => {
                out.push(u8::from_str_radix(digits, 16).unwrap());
                place += 2;
            }
            (b'+', _) => out.push(b' '),
            (byte, _) => out.push(byte),
        }
        place += 1;
    }
    out
}

/// Without white space at the ends, and with one space for each run of them.
fn collapsed(value: &[u8]) -> Vec<u8> {
    let mut value = value.trim_ascii().to_vec();
    value.dedup_by(|one, other| *one == b' ' && *other == b' ');
    value
}

fn mutate(tape: &mut Tape<'_>, wire: &mut Wire) {
    match tape.below(8) {
        0 => wire.method = tape.mutated_text(&wire.method),
        1 => wire.path = tape.mutated_text(&wire.path),
        2 => wire.query = tape.mutated_text(&wire.query),
        3 => wire.body = tape.mutated(&wire.body),
        4 => {
            let place = tape.below(wire.headers.len());
            let name = &mut wire.headers[place].0;
            *name = tape.mutated_text(name);
        }
        5 => {
            let place = tape.below(wire.headers.len());
            let (name, value) = wire.headers[place].clone();
            match tape.below(3) {
                0 => wire.headers.push((name, value)),
                1 => drop(wire.headers.remove(place)),
                _ => wire.headers.swap(0, place),
            }
        }
        _ => {
            let place = tape.below(wire.headers.len());
            let value = &mut wire.headers[place].1;
            *value = tape.mutated(value);
        }
    }
}

target!(a_changed_request_verifies_only_if_it_means_the_same, 5000, {
    let secret = SecretAccessKey::new(b"secret").unwrap();
    move |tape: &mut Tape<'_>| {
        let in_query = tape.once_in(2);
        let wire = Wire::signed(tape, in_query, &secret);
        wire.verdict(&secret).unwrap();
        let mut changed = wire.clone();
        for _ in 0..=tape.below(2) {
            mutate(tape, &mut changed);
        }
        match changed.verdict(&secret) {
            Ok(()) => assert_eq!(changed.meaning(), wire.meaning()),
            Err(error) => assert!(!error.public().0.is_empty()),
        }
    }
});

const NAMES: &[&str] = &[
    "authorization",
    "Authorization",
    "host",
    "x-amz-date",
    "date",
    "x-amz-security-token",
    "x-amz-content-sha256",
    "é",
    "",
];
const VALUES: &[&str] = &[
    "AWS4-HMAC-SHA256 ",
    "AWS4-HMAC-SHA256",
    "AWS4-ECDSA-P256-SHA256 ",
    "Credential=",
    "AKIDEXAMPLE/20260101/eu-central-1/kms/aws4_request",
    "/",
    ",",
    ", ",
    "SignedHeaders=",
    "host",
    ";",
    "x-amz-date",
    "Signature=",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "20260101T000000Z",
    "Thu, 01 Jan 2026 00:00:00 GMT",
    "UNSIGNED-PAYLOAD",
    "STREAMING-",
    "\u{0}",
    "\n",
    "é",
    " ",
];
const PARAMETERS: &[&str] = &[
    "X-Amz-Algorithm=",
    "AWS4-HMAC-SHA256",
    "&",
    "X-Amz-Credential=",
    "AKIDEXAMPLE%2F20260101%2Feu-central-1%2Fkms%2Faws4_request",
    "X-Amz-Date=",
    "20260101T000000Z",
    "X-Amz-Expires=",
    "600",
    "X-Amz-SignedHeaders=",
    "host",
    "X-Amz-Signature=",
    "0000000000000000000000000000000000000000000000000000000000000000",
    "X-Amz-Security-Token=",
    "%",
    "%00",
    "%ff",
    "+",
    "é",
    "=",
];

fn unsigned(tape: &mut Tape<'_>) -> Wire {
    let headers = (0..tape.below(6)).map(|_| {
        let name = (*tape.pick(NAMES)).to_owned();
        let len = tape.below(12);
        let value = if tape.once_in(4) { tape.bytes(len) } else { tape.pieces(VALUES, 12).into_bytes() };
        (name, value)
    });
    let headers = headers.collect();
    let query = tape.pieces(PARAMETERS, 16);
    Wire {
        method: tape.pieces(&["POST", "get", " ", "\n"], 2),
        path: tape.pieces(&["/", "a", "..", ".", "%2e", "%", "é", "?"], 8),
        query,
        headers,
        body: tape.rest().to_vec(),
    }
}

target!(a_request_that_nobody_signed_is_refused, 4000, {
    let secret = SecretAccessKey::new(b"secret").unwrap();
    move |tape: &mut Tape<'_>| {
        let (code, _) = unsigned(tape).verdict(&secret).unwrap_err().public();
        assert!(code.ends_with("Exception"), "{code}");
    }
});
