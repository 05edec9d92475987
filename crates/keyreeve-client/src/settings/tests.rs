//! Settings from every place where AWS tools look, in their order.

use std::collections::HashMap;
use std::path::PathBuf;

use super::*;

/// Settings with these variables, these two files and this command line, shown as text.
fn found(variables: &[(&str, &str)], credentials: &str, config: &str, chosen: &Chosen) -> String {
    let home = tempfile::tempdir().unwrap();
    std::fs::create_dir(home.path().join(".aws")).unwrap();
    std::fs::write(home.path().join(".aws/credentials"), credentials).unwrap();
    std::fs::write(home.path().join(".aws/config"), config).unwrap();
    let variables: HashMap<_, _> = variables.iter().copied().collect();
    let get = |name: &str| variables.get(name).map(|value| (*value).to_owned());
    let environment = Environment::new(&get, Some(home.path().to_owned()));
    match Settings::find(chosen, &environment, Some("arn:aws:kms:sa-east-1:000000000000:key/k")) {
        Ok(settings) => {
            let token = settings.credentials.session_token.as_ref().map_or("", |token| token.as_str());
            format!("{} {} {}{token}", settings.endpoint, settings.region, settings.credentials.access_key_id)
        }
        Err(error) => error.to_string().replace(home.path().to_str().unwrap(), "~"),
    }
}

const KEYS: &[(&str, &str)] = &[("AWS_ACCESS_KEY_ID", "E"), ("AWS_SECRET_ACCESS_KEY", "s")];
const CREDENTIALS: &str = "[default]\naws_access_key_id=D\naws_secret_access_key=s\n\
                           [p]\naws_access_key_id=P\naws_secret_access_key=s\naws_session_token=+T\n[half]\naws_access_key_id=H\n";
const CONFIG: &str = "[default]\nregion=eu-west-1\n[profile p]\nregion=eu-west-2\nendpoint_url=https://p.example\nservices=s\n\
                      [profile role]\nrole_arn=arn:r\nsource_profile=role\naws_access_key_id=S\naws_secret_access_key=s\n\
                      [profile process]\ncredential_process=x\naws_access_key_id=K\naws_secret_access_key=s\n[services s]\nkms=\n  endpoint_url=https://services.example\n[profile sso]\nsso_session=x\n";

#[test]
fn the_environment_wins_over_files_and_the_command_line_over_both() {
    let none = Chosen::default;
    let profile = |name: &str| Chosen { profile: Some(name.to_owned()), ..Chosen::default() };
    let with = |more: &[(&'static str, &'static str)]| [KEYS, more].concat();
    for (variables, chosen, expected) in [
        (with(&[]), none(), "https://kms.eu-west-1.amazonaws.com/ eu-west-1 E"),
        (vec![], none(), "https://kms.eu-west-1.amazonaws.com/ eu-west-1 D"),
        (
            with(&[("AWS_REGION", "cn-north-1")]),
            none(),
            "https://kms.cn-north-1.amazonaws.com.cn/ cn-north-1 E",
        ),
        (
            with(&[("AWS_DEFAULT_REGION", "us-gov-west-1")]),
            none(),
            "https://kms.us-gov-west-1.amazonaws.com/ us-gov-west-1 E",
        ),
        (with(&[("AWS_PROFILE", "p")]), none(), "https://services.example/ eu-west-2 E"),
        (with(&[]), profile("p"), "https://services.example/ eu-west-2 P+T"),
        (
            vec![("AWS_REGION", "eu-west-1")],
            profile("process"),
            "https://kms.eu-west-1.amazonaws.com/ eu-west-1 K",
        ),
        (
            with(&[
                ("AWS_ENDPOINT_URL", "https://all.example"),
                ("AWS_ENDPOINT_URL_KMS", "https://kms.example"),
            ]),
            profile("p"),
            "https://kms.example/ eu-west-2 P+T",
        ),
        (
            with(&[
                ("AWS_ENDPOINT_URL", "https://all.example"),
                ("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "True"),
            ]),
            none(),
            "https://kms.eu-west-1.amazonaws.com/ eu-west-1 E",
        ),
        (
            with(&[("AWS_ENDPOINT_URL", "https://all.example")]),
            Chosen {
                endpoint_url: Some("http://127.0.0.1:1".to_owned()),
                region: Some("eu-west-3".to_owned()),
                ..none()
            },
            "http://127.0.0.1:1/ eu-west-3 E",
        ),
        (
            with(&[("AWS_CONFIG_FILE", "/dev/null")]),
            none(),
            "https://kms.sa-east-1.amazonaws.com/ sa-east-1 E",
        ),
    ] {
        assert_eq!(found(&variables, CREDENTIALS, CONFIG, &chosen), expected, "{variables:?} {chosen:?}");
    }
}

#[test]
fn an_error_says_what_to_set() {
    let profile = |name: &str| Chosen { profile: Some(name.to_owned()), ..Chosen::default() };
    for (variables, chosen, expected) in [
        (vec![("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")], Chosen::default(), "set AWS_ACCESS_KEY_ID"),
        (
            vec![("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")],
            Chosen::default(),
            "eval \"$(aws configure export-credentials --format env)\"",
        ),
        (vec![], profile("role"), "the profile `role` gets its credentials by role_arn"),
        (vec![("AWS_ACCESS_KEY_ID", "A")], Chosen::default(), "AWS_SECRET_ACCESS_KEY is not"),
        (vec![], profile("half"), "aws_access_key_id of the profile `half` is set"),
        (vec![], profile("none"), "there is no profile `none` in ~/.aws/credentials or ~/.aws/config"),
        (vec![], profile("sso"), "aws configure export-credentials --profile sso"),
        (vec![("AWS_REGION", "nowhere")], Chosen::default(), "`nowhere` is no name of a Region"),
        (
            vec![("AWS_ENDPOINT_URL", "http://kms.example")],
            Chosen::default(),
            "(from AWS_ENDPOINT_URL): without TLS",
        ),
        (vec![("AWS_SHARED_CREDENTIALS_FILE", "/")], Chosen::default(), "cannot read /"),
    ] {
        let text = found(&variables, CREDENTIALS, CONFIG, &chosen);
        assert!(text.contains(expected), "{variables:?} {chosen:?}: {text}");
    }
}

#[test]
fn no_secret_is_printed() {
    let get = |name: &str| match name {
        "AWS_REGION" => Some("eu-west-1".to_owned()),
        "AWS_SECRET_ACCESS_KEY" | "AWS_SESSION_TOKEN" => Some("hidden".to_owned()),
        "AWS_ACCESS_KEY_ID" => Some("shown".to_owned()),
        _ => None,
    };
    let environment = Environment::new(&get, Some(PathBuf::from("/nonexistent")));
    let text = format!("{:?}", Settings::find(&Chosen::default(), &environment, None).unwrap());
    assert!(text.contains("shown") && !text.contains("hidden"), "{text}");
}
