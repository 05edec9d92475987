//! What a verifier accepts and refuses, seen from outside: windows, repeats, cover, payload, both forms.
#![expect(clippy::unwrap_used, reason = "a test may fail loudly, its helpers too")]

use keyreeve_sigv4::{
    Credential, Expectations, Form, Presigned, Request, SecretAccessKey, SigV4Error, Target, Unverified,
    Verifier, presign, sign,
};

/// 2015-08-30T12:36:00Z
const NOW: i64 = 1_440_938_160;
const SECRET: &[u8] = b"wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY";
const TARGET: Target<'static> = Target { region: "eu-west-1", service: "kms" };
const BODY: &[u8] = br#"{"KeyId":"alias/one"}"#;

type Headers = Vec<(String, Vec<u8>)>;

/// A request to send, owned, so that a test can spoil it.
#[derive(Clone)]
struct Message {
    path: &'static str,
    query: String,
    headers: Headers,
    body: Vec<u8>,
}

impl Message {
    /// Unsigned: the headers of a KMS client.
    fn plain() -> Self {
        let headers = [
            ("Host", "localhost:8443"),
            ("Content-Type", "application/x-amz-json-1.1"),
            ("X-Amz-Target", "TrentService.DescribeKey"),
            ("User-Agent", "test"),
        ];
        Self {
            path: "/",
            query: String::new(),
            headers: headers.map(|(name, value)| (name.to_owned(), value.into())).into(),
            body: BODY.to_vec(),
        }
    }

    fn with(mut self, name: &str, value: &[u8]) -> Self {
        self.headers.push((name.to_owned(), value.to_vec()));
        self
    }

    fn without(mut self, name: &str) -> Self {
        self.headers.retain(|(present, _)| !present.eq_ignore_ascii_case(name));
        self
    }

    fn header(&self, name: &str) -> String {
        let found = self.headers.iter().find(|(present, _)| present.eq_ignore_ascii_case(name));
        String::from_utf8(found.unwrap().1.clone()).unwrap()
    }

    /// Changes the text of one header.
    fn rewrite(self, name: &str, from: &str, to: &str) -> Self {
        let value = self.header(name);
        assert!(value.contains(from), "{name} has no {from}");
        self.without(name).with(name, value.replace(from, to).as_bytes())
    }

    fn signed(self, token: Option<&str>) -> Self {
        self.signed_at(token, NOW)
    }

    fn signed_at(mut self, token: Option<&str>, at: i64) -> Self {
        let secret = SecretAccessKey::new(SECRET).unwrap();
        let credential = Credential { access_key_id: "AKIDEXAMPLE", secret: &secret, session_token: token };
        let added =
            self.borrowed(|request| sign(request, &credential, &TARGET, at).unwrap().headers().to_vec());
        self.headers.extend(added.into_iter().map(|(name, value)| (name.to_owned(), value.into_bytes())));
        self
    }

    fn presigned(mut self, token: Option<&str>, expires_s: u32) -> Self {
        let secret = SecretAccessKey::new(SECRET).unwrap();
        let credential = Credential { access_key_id: "AKIDEXAMPLE", secret: &secret, session_token: token };
        self.query = self.borrowed(|request| presign(request, &credential, &TARGET, NOW, expires_s).unwrap());
        self
    }

    fn borrowed<T>(&self, job: impl FnOnce(&Request<'_>) -> T) -> T {
        let headers: Vec<(&str, &[u8])> =
            self.headers.iter().map(|(n, v)| (n.as_str(), v.as_slice())).collect();
        job(&Request {
            method: "POST",
            path: self.path,
            query: &self.query,
            headers: &headers,
            body: &self.body,
        })
    }

    fn verdict(&self) -> Result<(), SigV4Error> {
        self.verdict_at(NOW)
    }

    fn verdict_at(&self, now: i64) -> Result<(), SigV4Error> {
        let secret = SecretAccessKey::new(SECRET).unwrap();
        let ours = |region: &str| region == "eu-west-1";
        let expected =
            Expectations { presigned: Presigned::Accepted, ..Expectations::new(&["kms", "sts"], &ours) };
        self.borrowed(|request| {
            let unverified = Unverified::parse(request, &expected, now)?;
            assert_eq!(unverified.access_key_id(), "AKIDEXAMPLE");
            Verifier::new(4).verify(unverified, Some(&secret)).map(|_| ())
        })
    }
}

#[test]
fn a_signed_request_is_accepted_and_says_what_was_signed() {
    let message = Message::plain().signed(Some("token/+="));
    let secret = SecretAccessKey::new(SECRET).unwrap();
    message.borrowed(|request| {
        let any = |_: &str| true;
        let unverified = Unverified::parse(request, &Expectations::new(&["kms"], &any), NOW + 7).unwrap();
        assert_eq!(unverified.session_token(), Some("token/+="));
        assert_eq!((unverified.region(), unverified.service()), ("eu-west-1", "kms"));
        let verified = Verifier::new(4).verify(unverified, Some(&secret)).unwrap();
        assert_eq!(
            (verified.access_key_id(), verified.region(), verified.service()),
            ("AKIDEXAMPLE", "eu-west-1", "kms")
        );
        assert_eq!(verified.session_token(), Some("token/+="));
        assert_eq!(verified.signed_at().epoch_s(), NOW);
        assert_eq!(verified.form(), Form::Header);
        assert!(message.header("authorization").ends_with(&hex::encode(verified.signature())));
    });
}

#[test]
fn the_window_is_five_minutes_both_ways_and_includes_its_ends() {
    let signed = Message::plain().signed(None);
    for (skew, accepted) in [(-301, false), (-300, true), (0, true), (300, true), (301, false)] {
        assert_eq!(signed.verdict_at(NOW + skew).is_ok(), accepted, "{skew}");
    }
    let (code, text) = signed.verdict_at(NOW + 600).unwrap_err().public();
    assert_eq!(code, "InvalidSignatureException");
    assert_eq!(
        text,
        "Signature expired: 20150830T123600Z is now earlier than 20150830T124100Z (20150830T124600Z - 5 min.)"
    );
    let (_, text) = signed.verdict_at(NOW - 600).unwrap_err().public();
    assert_eq!(
        text,
        "Signature not yet current: 20150830T123600Z is still later than 20150830T123100Z \
         (20150830T122600Z + 5 min.)"
    );
}

#[test]
fn a_signature_across_midnight_keeps_the_day_on_which_it_was_made() {
    let before_midnight = 1_440_979_199;
    let signed = Message::plain().signed_at(None, before_midnight);
    assert_eq!(signed.verdict_at(before_midnight + 60), Ok(()));
    let tomorrow = signed.rewrite("authorization", "/20150830/", "/20150831/");
    assert!(matches!(tomorrow.verdict_at(before_midnight + 60), Err(SigV4Error::OutOfScope(_))));
}

#[test]
fn a_second_single_header_is_refused_and_other_repeats_are_joined_in_order() {
    let token = Some("token");
    for name in [
        "Authorization",
        "Host",
        "X-Amz-Date",
        "X-Amz-Target",
        "X-Amz-Security-Token",
        "Content-Type",
        "Content-Length",
    ] {
        let once = Message::plain().with("content-length", b"21").signed(token);
        let value = once.header(name);
        let verdict = once.with(name, value.as_bytes()).verdict();
        assert!(matches!(verdict, Err(SigV4Error::RepeatedHeader { .. })), "{name}: {verdict:?}");
    }
    let repeated = Message::plain().with("x-own", b"one").with("X-Own", b"two").signed(None);
    assert_eq!(repeated.verdict(), Ok(()));
    let joined = repeated.clone().without("x-own").with("x-own", b"one,two");
    assert_eq!(joined.verdict(), Ok(()));
    let swapped = repeated.without("x-own").with("x-own", b"two").with("x-own", b"one");
    assert_eq!(swapped.verdict(), Err(SigV4Error::SignatureMismatch));
}

#[test]
fn what_must_be_signed_cannot_be_taken_from_the_list_or_added_behind_it() {
    for (taken, name) in [
        ("content-type;", "content-type"),
        ("host;", "host"),
        (";x-amz-target", "x-amz-target"),
        (";x-amz-security-token", "x-amz-security-token"),
    ] {
        let verdict = Message::plain().signed(Some("token")).rewrite("authorization", taken, "").verdict();
        assert_eq!(verdict, Err(SigV4Error::UnsignedHeader { name: name.into() }));
    }
    let added = Message::plain().signed(None).with("X-Amz-Security-Token", b"token");
    assert_eq!(added.verdict(), Err(SigV4Error::UnsignedHeader { name: "x-amz-security-token".into() }));
    let absent = Message::plain().with("x-own", b"1").signed(None).without("x-own");
    assert_eq!(absent.verdict(), Err(SigV4Error::AbsentSignedHeader { name: "x-own".into() }));
    // Not signed by our client, and free to change on the way.
    let agent = Message::plain().signed(None).without("user-agent").with("user-agent", b"other");
    assert_eq!(agent.verdict(), Ok(()));
}

#[test]
fn host_is_taken_exactly_as_received() {
    let without_port = Message::plain().signed(None).rewrite("host", ":8443", "");
    assert_eq!(without_port.verdict(), Err(SigV4Error::SignatureMismatch));
    let signed_without_port = Message::plain().without("host").with("host", b"localhost").signed(None);
    assert_eq!(signed_without_port.verdict(), Ok(()));
}

#[test]
fn the_payload_hash_is_of_the_received_body_and_never_waived() {
    let hash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for (claimed, refusal) in [
        ("UNSIGNED-PAYLOAD", SigV4Error::PayloadUnsigned),
        ("STREAMING-AWS4-HMAC-SHA256-PAYLOAD", SigV4Error::PayloadStreaming),
        ("STREAMING-UNSIGNED-PAYLOAD-TRAILER", SigV4Error::PayloadStreaming),
        (hash, SigV4Error::PayloadHashMismatch),
        ("", SigV4Error::PayloadHashMismatch),
    ] {
        // The signature need not be right: the claim is refused before it.
        let message = Message::plain().signed(None).with("x-amz-content-sha256", claimed.as_bytes()).rewrite(
            "authorization",
            ";x-amz-date",
            ";x-amz-content-sha256;x-amz-date",
        );
        assert_eq!(message.verdict(), Err(refusal), "{claimed}");
    }
}

#[test]
fn the_date_header_serves_when_there_is_no_amz_date() {
    for date in ["Sun, 30 Aug 2015 12:36:00 GMT", "20150830T123600Z"] {
        let message = Message::plain().signed(None).without("x-amz-date").with("Date", date.as_bytes());
        let message = message.rewrite("authorization", ";x-amz-date", "");
        // Well-formed, in the window and in scope: only the signature, made over x-amz-date, is wrong.
        assert_eq!(message.verdict(), Err(SigV4Error::SignatureMismatch), "{date}");
        let twice = message.with("date", date.as_bytes());
        assert_eq!(twice.verdict(), Err(SigV4Error::RepeatedHeader { name: "date" }));
    }
    let none = Message::plain().signed(None).without("x-amz-date");
    let (code, text) = none.verdict().unwrap_err().public();
    assert_eq!(code, "IncompleteSignatureException");
    assert!(text.starts_with(
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. "
    ));
    let http_date = Message::plain()
        .signed(None)
        .without("x-amz-date")
        .with("x-amz-date", b"Sun, 30 Aug 2015 12:36:00 GMT");
    assert!(matches!(http_date.verdict(), Err(SigV4Error::MalformedDate { .. })));
}

#[test]
fn a_presigned_request_lives_as_long_as_it_says() {
    let message = Message::plain().presigned(Some("token/+="), 900);
    for (skew, accepted) in [(-301, false), (-300, true), (900, true), (901, false)] {
        assert_eq!(message.verdict_at(NOW + skew).is_ok(), accepted, "{skew}");
    }
    message.borrowed(|request| {
        let any = |_: &str| true;
        let expected = Expectations { presigned: Presigned::Accepted, ..Expectations::new(&["kms"], &any) };
        let unverified = Unverified::parse(request, &expected, NOW).unwrap();
        assert_eq!(unverified.session_token(), Some("token/+="));
        let refused = Unverified::parse(request, &Expectations::new(&["kms"], &any), NOW).err();
        assert_eq!(refused, Some(SigV4Error::PresignedRefused));
    });
}

#[test]
fn each_presigned_parameter_is_needed_once_and_bound() {
    let whole = Message::plain().presigned(Some("token"), 900);
    for name in ["Algorithm", "Credential", "Date", "Expires", "SignedHeaders", "Signature"] {
        let query: Vec<&str> =
            whole.query.split('&').filter(|pair| !pair.starts_with(&format!("X-Amz-{name}="))).collect();
        let lacking = Message { query: query.join("&"), ..whole.clone() };
        let refused = matches!(lacking.verdict(), Err(SigV4Error::IncompleteQuery { .. }));
        assert!(refused, "{name}");
        let pair = whole.query.split('&').find(|pair| pair.starts_with(&format!("X-Amz-{name}="))).unwrap();
        let twice = Message { query: format!("{}&{pair}", whole.query), ..whole.clone() };
        assert!(matches!(twice.verdict(), Err(SigV4Error::RepeatedParameter { .. })), "{name}");
    }
    for (from, to) in
        [("Expires=900", "Expires=901"), ("Token=token", "Token=other"), ("&X-Amz-Security-Token=token", "")]
    {
        assert!(whole.query.contains(from));
        let changed = Message { query: whole.query.replace(from, to), ..whole.clone() };
        assert_eq!(changed.verdict(), Err(SigV4Error::SignatureMismatch), "{to}");
    }
}

#[test]
fn a_request_is_signed_in_one_place_only() {
    let both = Message::plain().signed(None);
    let query = Message::plain().presigned(None, 900).query;
    assert_eq!(Message { query, ..both }.verdict(), Err(SigV4Error::TwoAuthentications));
    let two_tokens =
        Message::plain().with("x-own", b"1").presigned(Some("token"), 900).with("x-amz-security-token", b"t");
    assert_eq!(two_tokens.verdict(), Err(SigV4Error::TwoAuthentications));
    assert_eq!(Message::plain().verdict(), Err(SigV4Error::MissingAuthentication));
}

#[test]
fn what_could_forge_a_line_or_costs_too_much_is_refused() {
    let many =
        (0..200).fold(Message::plain().signed(None), |message, n| message.with(&format!("x-{n}"), b""));
    assert!(matches!(many.verdict(), Err(SigV4Error::TooLarge { part: "number of headers", .. })));
    let long = Message { query: "a".repeat(20_000), ..Message::plain().signed(None) };
    assert!(matches!(long.verdict(), Err(SigV4Error::TooLarge { part: "query", .. })));
    let relative = Message { path: "x", ..Message::plain().signed(None) };
    assert_eq!(relative.verdict(), Err(SigV4Error::MalformedPath));
    for value in [&b"a\nb"[..], b"a\r\n b", b"a\0b"] {
        let broken =
            Message::plain().with("x-own", b"a b").signed(None).without("x-own").with("x-own", value);
        assert_eq!(broken.verdict(), Err(SigV4Error::MalformedHeader { name: "x-own".into() }));
    }
}
