//! `keyreeve audit`: verifies, shows and copies a log without the server, and says what it could not check.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

#[expect(dead_code, reason = "each test file uses its part")]
mod house;

use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use house::{keyreeve, path, refusal, told};
use keyreeve_audit::{Durability, Entry, Journal, JournalOptions, SignedHead, SigningKey};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use serde_json::{Value, json};
use tempfile::TempDir;
use uuid::Uuid;

const TIME: i64 = 1_767_225_600_000;

fn entry(number: u64) -> Entry {
    let name = if number.is_multiple_of(2) { "Decrypt" } else { "Encrypt" };
    let id = Uuid::from_u64_pair(1, number);
    let event = json!({"eventID": id, "eventName": name, "eventSource": "kms.amazonaws.com",
        "padding": "x".repeat(900)});
    Entry {
        id,
        time: Timestamp::from_millis(TIME + i64::try_from(number).unwrap() * 1000),
        account: AccountId::parse("111122223333").unwrap(),
        region: Region::parse("eu-central-1").unwrap(),
        event: event.to_string().into_bytes(),
        rows: Vec::new(),
    }
}

/// A log of forty entries in several files, its keys as the API answers them, and its newest head.
fn log(folder: &Path, key: &SigningKey) -> (Value, SignedHead) {
    let options = JournalOptions {
        folder: folder.to_owned(),
        durability: Durability::Buffered,
        segment_bytes: 16 * 1024,
        reserve_bytes: 0,
    };
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let head = runtime.block_on(async {
        let journal = Journal::open(&options).unwrap();
        for number in 0..40 {
            journal.append(vec![entry(number)]).await.unwrap();
        }
        let head = journal.seal(key, Timestamp::from_millis(TIME)).await.unwrap();
        journal.close();
        head
    });
    let value = STANDARD.encode(&key.public().pkcs1);
    (json!({"PublicKeyList": [{"Value": value, "Fingerprint": key.public().fingerprint}]}), head)
}

struct Rig {
    folder: TempDir,
    log: String,
    keys: String,
    head: String,
}

fn rig() -> Rig {
    let folder = TempDir::new().unwrap();
    let key = SigningKey::open(&SigningKey::generate().unwrap()).unwrap();
    let text = |name| path(&folder, name).to_str().unwrap().to_owned();
    let (at, keys, head) = (text("audit"), text("keys.json"), text("head.json"));
    let (answer, signed) = log(Path::new(&at), &key);
    std::fs::write(&keys, answer.to_string()).unwrap();
    std::fs::write(&head, serde_json::to_vec(&signed).unwrap()).unwrap();
    Rig { folder, log: at, keys, head }
}

#[test]
fn an_intact_log_verifies_and_what_was_not_checked_is_said() {
    let Rig { log, keys, head, folder } = rig();
    let all = ["audit", "verify", "--folder", &log, "--keys", &keys, "--head", &head];
    let said = told(&keyreeve(&all));
    assert!(said.contains("40 entries and 1 signed heads"), "{said}");
    assert!(!said.contains("Not checked"), "{said}");
    let bare = told(&keyreeve(&["audit", "verify", "--folder", &log]));
    assert_eq!(bare.matches("Not checked").count(), 2, "{bare}");
    // Where the log of a deployment is.
    let data = folder.path().to_str().unwrap();
    assert!(told(&keyreeve(&["audit", "verify", "--data", data])).contains("40 entries"));
    let missing = refusal(&keyreeve(&["audit", "verify", "--folder", "/nowhere/at/all"]));
    assert!(missing.contains("no such folder"), "{missing}");
}

#[test]
fn the_first_bad_record_is_named_and_the_exit_code_is_1() {
    let Rig { folder: _folder, log, keys, head } = rig();
    let verify = ["audit", "verify", "--folder", &log, "--keys", &keys, "--head", &head];
    let first = Path::new(&log).join("segment-00000000000000000001.log");
    let good = std::fs::read(&first).unwrap();
    let mut altered = good.clone();
    altered[2000] ^= 1;
    std::fs::write(&first, altered).unwrap();
    let output = keyreeve(&verify);
    assert_eq!(output.status.code(), Some(1));
    let said = refusal(&output);
    assert!(
        said.contains("NOT intact: record 3 was altered (in segment-00000000000000000001.log)"),
        "{said}"
    );
    std::fs::write(&first, good).unwrap();
    let mut files: Vec<_> = std::fs::read_dir(&log).unwrap().map(|file| file.unwrap().path()).collect();
    files.retain(|file| file.file_name().unwrap().to_str().unwrap().starts_with("segment-"));
    files.sort();
    std::fs::remove_file(files.last().unwrap()).unwrap();
    let said = refusal(&keyreeve(&verify));
    assert!(said.contains("the end of the log was removed"), "{said}");
    // Without a head from elsewhere nothing tells; that is said.
    let said = told(&keyreeve(&["audit", "verify", "--folder", &log, "--keys", &keys]));
    assert!(said.contains("Not checked: whether the end of the log is missing"), "{said}");
}

#[test]
fn records_are_shown_as_json_lines_by_what_they_are() {
    let Rig { folder: _folder, log, .. } = rig();
    let count = |more: &[&str]| {
        let text = told(&keyreeve(&[&["audit", "show", "--folder", &log], more].concat()));
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
        lines.filter(|line| line["eventName"].is_string() || line["kind"] == "Head").count()
    };
    let stranger = ["--account", "999999999999"];
    for (more, wanted) in [
        (&[][..], 40),
        (&["--where", "EventName=Decrypt"], 20),
        (&["--where", "EventName=Nothing"], 0),
        (&stranger, 0),
        (&["--region", "eu-central-1", "--account", "111122223333"], 40),
        (&["--since", "2026-01-01T00:00:10Z", "--until", "2026-01-01T00:00:19Z"], 10),
        (&["--frames"], 1),
    ] {
        assert_eq!(count(more), wanted, "{more:?}");
    }
    let wrong = refusal(&keyreeve(&["audit", "show", "--folder", &log, "--where", "Colour=red"]));
    assert!(wrong.contains("EventName=Decrypt"), "{wrong}");
}

#[test]
fn an_exported_log_verifies_on_its_own() {
    let Rig { folder, log, keys, head } = rig();
    let to = path(&folder, "copy").to_str().unwrap().to_owned();
    told(&keyreeve(&["audit", "export", &to, "--folder", &log]));
    let said = told(&keyreeve(&["audit", "verify", "--folder", &to, "--keys", &keys, "--head", &head]));
    assert!(said.contains("40 entries"), "{said}");
    let again = refusal(&keyreeve(&["audit", "export", &to, "--folder", &log]));
    assert!(again.contains("not empty"), "{again}");
}
