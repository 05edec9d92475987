//! Files and environments, and what comes of them.

use super::*;

const GOOD: &str = r#"
[deployment]
data = "data"
regions = ["eu-central-1"]
[listen]
addresses = ["127.0.0.1:8080"]
[unseal]
key_file = "/keys/root.key"
"#;

fn parse(text: &str, variables: &[(&str, &str)]) -> Result<Config, Vec<String>> {
    let variables = variables.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
    Config::parse(text, variables, Path::new("/etc/keyreeve"))
        .map_err(|problems| problems.iter().map(ToString::to_string).collect())
}

#[test]
fn a_minimal_file_is_enough_and_relative_paths_are_of_its_folder() {
    let config = parse(GOOD, &[]).unwrap();
    assert_eq!(config.data, Path::new("/etc/keyreeve/data"));
    assert_eq!(config.admin_socket, Path::new("/etc/keyreeve/data/admin.sock"));
    assert_eq!(config.unseal, Unseal::KeyFile("/keys/root.key".into()));
    assert_eq!(config.limits, Limits::default());
    assert_eq!((config.tls, config.observe, config.workers), (None, None, None));
    assert_eq!(config.trusted_proxies, TrustedProxies::default());
}

/// Each is the good file with one text replaced by another, and what is said of it.
const BAD: &[(&str, &str, &str)] = &[
    ("[listen]", "[lisen]", "line 5: unknown section [lisen]: did you mean [listen]?"),
    ("addresses", "adresses", "line 6: unknown setting listen.adresses: did you mean addresses?"),
    ("key_file", "regions", "line 8: unknown setting unseal.regions: regions belongs in [deployment]"),
    ("key_file", "colour", "line 8: unknown setting unseal.colour: [unseal] has key_file, passphrase_file"),
    (
        "[deployment]",
        "adresses = 1\n[deployment]",
        "line 2: adresses stands outside of a section: did you mean addresses in [listen]?",
    ),
    (
        "\"data\"",
        "7",
        "line 3: deployment.data takes a text in quotes, and this is integer; for example \"/var",
    ),
    ("\"data\"", "\"data", "line 3: invalid basic string"),
    ("data = \"data\"", "", "deployment.data is missing; for example \"/var/lib/keyreeve\""),
    ("[\"eu-central-1\"]", "[]", "deployment.regions is missing; for example [\"eu-central-1\"]"),
    (
        "eu-central-1",
        "Frankfurt",
        "line 4: deployment.regions: `Frankfurt` has not the form of a Region's name",
    ),
    (
        "\"eu-central-1\"",
        "\"eu-central-1\", \"eu-central-1\"",
        "line 4: deployment.regions names eu-central-1 twice",
    ),
    ("127.0.0.1:8080", "0.0.0.0:8080", "line 6: listen.addresses: 0.0.0.0:8080 is open to other machines"),
    ("127.0.0.1:8080", "[::]:8080", "line 6: listen.addresses: [::]:8080 is open to other machines"),
    ("127.0.0.1:8080", "localhost", "line 6: listen.addresses: `localhost` is neither ADDRESS:PORT"),
    ("127.0.0.1:8080", "unix:", "line 6: listen.addresses: `unix:` is neither ADDRESS:PORT"),
    (
        "[unseal]",
        "tls_key = \"k\"\n[unseal]",
        "line 7: listen.tls_key needs listen.tls_certificate beside it",
    ),
    (
        "[unseal]",
        "observe = \"9464\"\n[unseal]",
        "line 7: listen.observe is ADDRESS:PORT, and this is `9464`",
    ),
    (
        "[unseal]",
        "trusted_proxies = [\"10.0.0.0/8\", \"10.0.0.0/40\"]\n[unseal]",
        "line 7: listen.trusted_proxies: `10.0.0.0/40` is not a network, such as 10.0.0.0/8",
    ),
    (
        "[unseal]",
        "[region]\nlisten = \"0.0.0.0:8443\"\n[unseal]",
        "line 8: region.listen needs region.endpoint beside it",
    ),
    (
        "[unseal]",
        "[region]\nidentities_max_age_seconds = 60\n[unseal]",
        "line 8: region.identities_max_age_seconds needs region.listen and region.endpoint beside it",
    ),
    (
        "[unseal]",
        "[region]\nlisten = \"8443\"\nendpoint = \"https://kms.example:8443\"\n[unseal]",
        "line 8: region.listen is ADDRESS:PORT, and this is `8443`",
    ),
    (
        "[unseal]",
        "[region]\nlisten = \"0.0.0.0:8443\"\nendpoint = \"http://kms.example\"\n[unseal]",
        "line 9: region.endpoint is https://host:port, and this is `http://kms.example`",
    ),
    (
        "\"eu-central-1\"]",
        "\"eu-central-1\", \"eu-west-1\"]\n[region]\nlisten = \"0.0.0.0:8443\"\nendpoint = \"https://kms.example\"",
        "line 4: deployment.regions names 2 Regions: a server that speaks with other Regions ([region]) serves one",
    ),
    ("[unseal]", "[limits]\nworkers = 0\n[unseal]", "line 8: limits.workers takes a whole number above zero"),
    (
        "[unseal]",
        "[limits]\nconnections = -1\n[unseal]",
        "line 8: limits.connections takes a whole number above zero",
    ),
    (
        "key_file = \"/keys/root.key\"",
        "",
        "nothing says how to open the root key: set one of unseal.key_file",
    ),
    ("[unseal]", "[unseal]\nprompt = true", "line 8: unseal.key_file and unseal.prompt are both given"),
    (
        "key_file = \"/keys/root.key\"",
        "passphrase = \"hunter2\"",
        "line 8: unknown setting unseal.passphrase",
    ),
];

#[test]
fn each_mistake_is_named_with_its_line_and_nothing_else_is() {
    for (from, to, expected) in BAD {
        let text = GOOD.replacen(from, to, 1);
        assert_ne!(text, GOOD, "{from}");
        let problems = parse(&text, &[]).unwrap_err();
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{expected}: {problems:#?}");
        assert!(!problems.iter().any(|problem| problem.contains("hunter2")), "{problems:#?}");
    }
}

#[test]
fn one_reading_shows_every_problem() {
    let problems = parse("[listen]\naddresses = [\"0.0.0.0:1\"]\nfoo = 1\n", &[]).unwrap_err();
    assert_eq!(problems.len(), 5, "{problems:#?}");
}

#[test]
fn the_environment_wins_over_the_file_and_is_checked_as_well() {
    let config = parse(
        GOOD,
        &[
            ("KEYREEVE_DEPLOYMENT_REGIONS", "us-east-1, eu-west-1"),
            ("KEYREEVE_LIMITS_CONNECTIONS", "12"),
            ("KEYREEVE_LISTEN_TRUSTED_PROXIES", "10.0.0.0/8, fd00::7"),
            ("KEYREEVE_LISTEN_OBSERVE", ""),
            ("KEYREEVE_DATA", "/elsewhere"),
            ("KEYREEVE_PORT", "tcp://10.0.0.1:80"),
        ],
    )
    .unwrap();
    let regions: Vec<_> = config.regions.iter().map(Region::as_str).collect();
    assert_eq!(regions, ["us-east-1", "eu-west-1"]);
    assert_eq!((config.limits.connections, config.observe), (12, None));
    assert_eq!(config.data, Path::new("/etc/keyreeve/data"));
    assert_eq!(config.trusted_proxies, TrustedProxies::parse(["10.0.0.0/8", "fd00::7/128"]).unwrap());
    for (name, value, expected) in [
        (
            "KEYREEVE_LISTEN_ADRESSES",
            "x",
            "KEYREEVE_LISTEN_ADRESSES: there is no such setting: did you mean KEYREEVE_LISTEN_ADDRESSES?",
        ),
        (
            "KEYREEVE_LIMITS_WORKERS",
            "many",
            "KEYREEVE_LIMITS_WORKERS: limits.workers takes a whole number above zero",
        ),
        (
            "KEYREEVE_LISTEN_ADDRESSES",
            "0.0.0.0:1",
            "KEYREEVE_LISTEN_ADDRESSES: listen.addresses: 0.0.0.0:1 is open",
        ),
    ] {
        let problems = parse(GOOD, &[(name, value)]).unwrap_err();
        assert!(problems.iter().any(|problem| problem.starts_with(expected)), "{problems:#?}");
    }
}

#[test]
fn every_setting_can_come_from_the_environment_alone() {
    let given = |setting: &settings::Setting| {
        let value = setting.example.trim_matches(['"', '[', ']']).trim_matches('"').to_owned();
        (setting.variable(), value)
    };
    // Of the four ways to unseal only one may be given.
    let chosen = settings::SETTINGS.iter().filter(|row| row.section != "unseal" || row.name == "prompt");
    let variables = chosen.map(given).collect::<Vec<_>>().into_iter();
    let config = Config::parse("", variables, Path::new("")).unwrap();
    assert_eq!(config.unseal, Unseal::Prompt);
    assert_eq!(config.workers, NonZeroUsize::new(8));
    assert!(config.tls.is_some() && config.observe.is_some());
}

#[test]
fn the_example_and_what_is_in_effect_are_configurations_themselves() {
    let example = parse(&example(), &[]).unwrap();
    assert_eq!(parse(&example.to_string(), &[]).unwrap(), example);
    let strange = parse(&GOOD.replace("\"data\"", "'a\"b\\c'"), &[]).unwrap();
    assert_eq!(parse(&strange.to_string(), &[]).unwrap(), strange);
}

#[test]
fn every_line_of_the_example_uncommented_is_a_known_setting() {
    let all = example()
        .replace("\n# tls_", "\ntls_")
        .replace("\n# trusted", "\ntrusted")
        .replace("\n# admin", "\nadmin")
        .replace("\n# observe", "\nobserve")
        .replace("\n# oidc", "\noidc");
    let config = parse(&all.replace("127.0.0.1:8080", "0.0.0.0:8443"), &[]).unwrap();
    assert_eq!(config.trusted_proxies, TrustedProxies::parse(["10.0.0.0/8"]).unwrap());
    assert_eq!(config.oidc_ca_file.as_deref(), Some(Path::new("/etc/keyreeve/tls/cluster-ca.pem")));
    assert_eq!(parse(&config.to_string(), &[]).unwrap(), config);
    assert_eq!(config.tls.unwrap().key, Path::new("/etc/keyreeve/tls/server.key"));
}

#[test]
fn a_region_says_where_others_find_it_and_what_is_in_effect_says_it_too() {
    let among = "[region]\nlisten = \"0.0.0.0:8443\"\nendpoint = \"https://kms.example:8443\"\n[unseal]";
    let config = parse(&GOOD.replace("[unseal]", among), &[]).unwrap();
    let expected = RegionConfig {
        listen: "0.0.0.0:8443".parse().unwrap(),
        endpoint: "https://kms.example:8443".to_owned(),
        identities_max_age_seconds: None,
    };
    assert_eq!(config.region, Some(expected.clone()));
    assert_eq!(parse(&config.to_string(), &[]).unwrap(), config);
    let limited =
        format!("{}\nidentities_max_age_seconds = 3600\n[unseal]", among.trim_end_matches("\n[unseal]"));
    let config = parse(&GOOD.replace("[unseal]", &limited), &[]).unwrap();
    assert_eq!(config.region, Some(RegionConfig { identities_max_age_seconds: Some(3600), ..expected }));
    assert_eq!(parse(&config.to_string(), &[]).unwrap(), config);
    assert_eq!(parse(GOOD, &[]).unwrap().region, None);
}
