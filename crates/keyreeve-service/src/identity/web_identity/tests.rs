//! The checks of claims and the choice of keys. Signatures are tested from outside, with an issuer (`tests/service`).

use keyreeve_model::error::WireError;
use serde_json::json;

use super::*;

const NOW_S: i64 = 1_767_225_600;

fn claims(value: Value) -> Claims {
    value.as_object().unwrap().clone()
}

fn provider() -> OidcProvider {
    OidcProvider {
        name: "id.example.com/realm".to_owned(),
        created: Timestamp::from_millis(0),
        client_ids: vec!["sts.amazonaws.com".to_owned(), "kms".to_owned()],
        thumbprints: Vec::new(),
        tags: Default::default(),
    }
}

fn code(result: Result<impl Sized, KmsError>) -> Option<&'static str> {
    result.err().map(|error| error.wire().code)
}

#[test]
fn a_token_is_taken_from_five_minutes_before_its_time_to_five_minutes_after() {
    let (early, expired) = (Some("IDPRejectedClaim"), Some("ExpiredTokenException"));
    let invalid = Some("InvalidIdentityToken");
    for (token, expected) in [
        (json!({"exp": NOW_S + 1}), None),
        (json!({"exp": NOW_S - 299}), None),
        (json!({"exp": NOW_S - 300}), expired),
        (json!({"exp": 0.5}), expired),
        (json!({"exp": 1e300}), None),
        (json!({"exp": NOW_S + 1, "nbf": NOW_S + 300, "iat": NOW_S + 300}), None),
        (json!({"exp": NOW_S + 1, "nbf": NOW_S + 301}), early),
        (json!({"exp": NOW_S + 1, "iat": NOW_S + 301}), early),
        (json!({}), invalid),
        (json!({"exp": "1"}), invalid),
        (json!({"exp": null}), invalid),
        (json!({"exp": NOW_S + 1, "nbf": "now"}), invalid),
    ] {
        let checked = check_times(&claims(token.clone()), Timestamp::from_millis(NOW_S * 1000 + 999));
        assert_eq!(code(checked), expected, "{token}");
    }
}

#[test]
fn the_authorised_party_is_the_audience_where_there_is_one() {
    for (token, expected) in [
        (json!({"aud": "kms"}), Some("kms")),
        (json!({"aud": ["other", "kms"]}), Some("kms")),
        (json!({"aud": "other"}), None),
        (json!({"aud": "kms", "azp": "other"}), None),
        (json!({"aud": "other", "azp": "kms"}), Some("kms")),
        (json!({"aud": []}), None),
        (json!({}), None),
    ] {
        let audience = check_audience(&claims(token.clone()), &provider());
        assert_eq!(audience.ok().as_deref(), expected, "{token}");
    }
}

#[test]
fn conditions_see_every_claim_under_the_name_of_the_provider() {
    let token = json!({
        "iss": "https://id.example.com/realm", "sub": "system:serviceaccount:a:b", "aud": ["x", "y"], "azp": "kms",
        "amr": ["pwd", "otp"], "email_verified": true, "level": 3, "nested": {"a": 1}, "none": null,
    });
    let found = describe(AccountId::ZERO, &provider(), "kms".to_owned(), &claims(token)).unwrap();
    assert_eq!(found.provider, "arn:aws:iam::000000000000:oidc-provider/id.example.com/realm");
    assert_eq!((found.subject.as_str(), found.audience.as_str()), ("system:serviceaccount:a:b", "kms"));
    let of = |claim: &str| {
        let name = format!("id.example.com/realm:{claim}");
        found
            .claims
            .iter()
            .filter(|(key, _)| *key == name)
            .map(|(_, value)| value.as_str())
            .collect::<Vec<_>>()
    };
    assert_eq!((of("aud"), of("oaud")), (vec!["kms"], vec!["x", "y"]));
    assert_eq!((of("amr"), of("level"), of("email_verified")), (vec!["pwd", "otp"], vec!["3"], vec!["true"]));
    assert_eq!((of("nested"), of("none")), (vec![], vec![]));
}

#[test]
fn a_token_without_subject_of_another_issuer_or_with_tags_of_a_session_is_refused() {
    let issuer = "https://id.example.com/realm";
    for (token, expected) in [
        (json!({"iss": issuer, "sub": "s"}), None),
        (json!({"iss": issuer}), Some("InvalidIdentityToken")),
        (json!({"iss": issuer, "sub": 7}), Some("InvalidIdentityToken")),
        (json!({"iss": "https://other.example.com", "sub": "s"}), Some("InvalidIdentityToken")),
        (json!({"iss": issuer, "sub": "s", "https://aws.amazon.com/tags": {}}), Some("IDPRejectedClaim")),
        (
            json!({"iss": issuer, "sub": "s", "https://aws.amazon.com/source_identity": "x"}),
            Some("IDPRejectedClaim"),
        ),
    ] {
        let described = describe(AccountId::ZERO, &provider(), "kms".to_owned(), &claims(token.clone()));
        assert_eq!(code(described), expected, "{token}");
    }
}

#[test]
fn the_key_is_that_of_the_header_and_made_for_its_algorithm() {
    let key = |extra: Value| {
        let mut key = json!({"kty": "OKP", "crv": "Ed25519", "x": "AA"});
        key.as_object_mut().unwrap().extend(extra.as_object().unwrap().clone());
        key
    };
    let header = |id: Option<&str>| Header { kid: id.map(str::to_owned), ..Header::new(Algorithm::EdDSA) };
    let (a, b) = (key(json!({"kid": "a"})), key(json!({"kid": "b"})));
    for (keys, id, found) in [
        (json!([a, b]), Some("a"), true),
        (json!([a, b]), Some("c"), false),
        (json!([a, b]), None, false),
        (json!([a]), None, true),
        (json!([]), None, false),
        (json!([key(json!({"kid": "a", "use": "sig", "alg": "EdDSA"}))]), Some("a"), true),
        (json!([key(json!({"kid": "a", "use": "enc"}))]), Some("a"), false),
        (json!([key(json!({"kid": "a", "alg": "ES256"}))]), Some("a"), false),
    ] {
        let set: JwkSet = serde_json::from_value(json!({"keys": keys})).unwrap();
        assert_eq!(pick(&set, &header(id), KeyAlgorithm::EdDSA).is_some(), found, "{keys} {id:?}");
    }
}

#[test]
fn what_is_no_token_is_no_token() {
    let encoded = |text: &str| URL_SAFE_NO_PAD.encode(text);
    for (token, said) in [
        ("".to_owned(), "not a valid JWT"),
        ("a.b.c".to_owned(), "not a valid JWT"),
        (format!("a.{}.c", encoded("{}")), "iss"),
        (format!("a.{}.c", encoded(r#"{"iss":7}"#)), "iss"),
        (format!("a.{}.c", encoded(r#"{"iss":"a","iss":"b"}"#)), "iss"),
    ] {
        let WireError { code, message, .. } = claimed_issuer(&token).unwrap_err().wire();
        assert_eq!(code, "InvalidIdentityToken");
        assert!(message.as_deref().unwrap_or_default().contains(said), "{token}: {message:?}");
    }
}
