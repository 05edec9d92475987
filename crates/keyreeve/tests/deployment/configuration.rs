//! Configurations that are refused, and what is said about them.

use crate::rig::Place;

#[test]
fn a_configuration_that_cannot_be_used_is_refused_before_anything_is_touched() {
    let place = Place::new();
    for (from, to, expected) in [
        ("127.0.0.1:0\"]", "0.0.0.0:0\"]", "without TLS plaintext keys would cross the network"),
        ("addresses", "adresses", "did you mean addresses?"),
        ("[unseal]", "tls_certificate = \"absent.pem\"\ntls_key = \"absent.key\"\n[unseal]", "absent.pem"),
        ("eu-west-1", "Ireland", "has not the form of a Region's name"),
    ] {
        place.reconfigure(from, to);
        for command in ["serve", "config check"] {
            let arguments: Vec<_> = command.split(' ').chain(["--config", "keyreeve.toml"]).collect();
            let refused = place.fails(&arguments);
            assert!(refused.contains(expected), "{command}: {refused}");
        }
        assert!(!crate::rig::exists(&place.path("data")));
    }
}

#[test]
fn a_file_that_is_not_there_is_answered_with_how_to_make_one() {
    let refused = Place::new().fails(&["serve", "--config", "absent.toml"]);
    assert!(refused.contains("absent.toml") && refused.contains("keyreeve config example"), "{refused}");
}

#[test]
fn the_example_passes_the_check_and_the_check_prints_what_is_in_effect() {
    let place = Place::new();
    let example = place.succeeds(&["config", "example"]);
    place.configure(&example);
    let printed = place.succeeds(&["config", "check", "--config", "keyreeve.toml"]);
    assert!(printed.contains("admin_socket = \"/var/lib/keyreeve/admin.sock\""), "{printed}");
    assert!(printed.contains("connections = 10000"), "{printed}");
}

#[test]
fn with_a_certificate_serve_listens_everywhere_and_speaks_tls() {
    let place = Place::initialised();
    let ca =
        keyreeve_server::tls::DevCa::open(&place.path("tls"), &[], std::time::SystemTime::now()).unwrap();
    let tls = format!(
        "\"0.0.0.0:0\"]\ntls_certificate = \"{}\"\ntls_key = \"{}\"",
        ca.certificate_path().display(),
        ca.key_path().display()
    );
    place.reconfigure("\"127.0.0.1:0\"]", &tls);
    let server = place.serve();
    assert!(server.address("Serving KMS on ").starts_with("https://0.0.0.0:"));
    server.signal(rustix::process::Signal::HUP);
    server.logs("the certificate was reloaded");
    std::fs::remove_file(ca.key_path()).unwrap();
    server.signal(rustix::process::Signal::HUP);
    server.logs("the certificate was not reloaded; the old one stays");
}

#[test]
fn every_command_for_operators_shows_an_example() {
    let place = Place::new();
    for command in [
        "init",
        "serve",
        "config check",
        "config example",
        "account create",
        "account list",
        "key list",
        "key describe",
    ] {
        let arguments: Vec<_> = command.split(' ').chain(["--help"]).collect();
        let help = place.succeeds(&arguments);
        assert!(help.contains(&format!("  keyreeve {command}")), "{command}: {help}");
    }
}
