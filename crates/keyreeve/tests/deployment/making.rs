//! Making deployments, opening them with the right secret, and which processes are refused a store.

use std::fs;

use crate::rig::{Place, exists};

#[test]
fn an_existing_deployment_is_never_made_again() {
    let place = Place::initialised();
    let envelope = fs::read(place.path("data/root.json")).unwrap();
    for arguments in [&["init", "--config", "keyreeve.toml"][..], &["init", "--data", "data"]] {
        let refused = place.fails(arguments);
        assert!(refused.contains("there is a deployment in"), "{refused}");
    }
    assert_eq!(fs::read(place.path("data/root.json")).unwrap(), envelope);
}

#[test]
fn what_init_prints_next_is_a_configuration_that_serves() {
    let place = Place::new();
    let printed = place.succeeds(&["init", "--data", "elsewhere", "--key-file", "usb.key"]);
    assert!(exists(&place.path("usb.key")));
    let begin = printed.find("  [deployment]").unwrap();
    let end = printed.find("  END\n").unwrap();
    place.configure(&printed[begin..end].replace("8080", "0"));
    place.serve();
}

#[test]
fn one_process_serves_a_store_and_its_kind_is_kept() {
    let place = Place::initialised();
    let server = place.serve();
    let refused = place.fails(&["serve", "--config", "keyreeve.toml"]);
    assert!(refused.contains("is in use by process"), "{refused}");
    drop(server);
    // `dev` looks for its key file in the folder.
    fs::copy(place.path("root.key"), place.path("data/root.key")).unwrap();
    let refused = place.fails(&["dev", "--data", "data", "--port", "0"]);
    assert!(refused.contains("made for `serve` and cannot be opened for `dev`"), "{refused}");
    // Refusals have changed nothing.
    place.serve();
}

#[test]
fn serve_refuses_a_store_of_dev_and_a_folder_without_one() {
    let place = Place::new();
    let refused = place.fails(&["serve", "--config", "keyreeve.toml"]);
    assert!(refused.contains("keyreeve init"), "{refused}");
    assert!(!exists(&place.path("data")));
    drop(place.start(&["dev", "--data", "data", "--port", "0"]));
    place.reconfigure("root.key", "data/root.key");
    let refused = place.fails(&["serve", "--config", "keyreeve.toml"]);
    assert!(refused.contains("made for `dev` and cannot be opened for `serve`"), "{refused}");
}

#[test]
fn a_key_file_that_others_may_read_or_that_is_missing_opens_nothing() {
    let place = Place::initialised();
    place.chmod("root.key", 0o644);
    let refused = place.fails(&["serve", "--config", "keyreeve.toml"]);
    assert!(refused.contains("open to other users") && refused.contains("chmod 600"), "{refused}");
    fs::remove_file(place.path("root.key")).unwrap();
    let refused = place.fails(&["serve", "--config", "keyreeve.toml"]);
    assert!(refused.contains("is missing"), "{refused}");
}

#[test]
fn a_passphrase_opens_and_a_wrong_weak_or_public_one_does_not() {
    let place = Place::new();
    place.reconfigure("key_file = \"root.key\"", "passphrase_file = \"words\"");
    place.write_private("words", "short\n");
    let refused = place.fails(&["init", "--config", "keyreeve.toml"]);
    assert!(refused.contains("fewer than 16 characters"), "{refused}");
    place.write_private("words", "correct horse battery\n");
    place.succeeds(&["init", "--config", "keyreeve.toml"]);
    place.serve();
    place.write_private("words", "correct horse batterie\n");
    let refused = place.fails(&["serve", "--config", "keyreeve.toml"]);
    assert!(refused.contains("this passphrase opens no slot"), "{refused}");
    assert!(!refused.contains("batterie"), "{refused}");
    place.chmod("words", 0o640);
    let refused = place.fails(&["serve", "--config", "keyreeve.toml"]);
    assert!(refused.contains("chmod 600"), "{refused}");
    // Nobody is at a terminal.
    place.reconfigure("key_file = \"root.key\"", "prompt = true");
    if !exists(std::path::Path::new("/dev/tty")) || std::fs::File::open("/dev/tty").is_err() {
        let refused = place.fails(&["serve", "--config", "keyreeve.toml"]);
        assert!(refused.contains("no terminal to ask"), "{refused}");
    }
}
