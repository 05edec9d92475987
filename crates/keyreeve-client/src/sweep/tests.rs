//! Sweeps against a key that is made of paper: its ciphertexts say which material they are under.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};

use super::*;
use crate::error::{CallError, Refusal};
use crate::kms::Call;

const KEY: &str = "1234abcd-12ab-34cd-56ef-1234567890ab";
const ARN: &str = "arn:aws:kms:us-east-1:000000000000:key/1234abcd-12ab-34cd-56ef-1234567890ab";

/// A KMS with one key. Foreign ciphertexts are `aws`, a material and a text.
#[derive(Clone)]
struct Paper {
    material: u8,
    describable: bool,
    asked: Arc<Mutex<HashMap<&'static str, u32>>>,
    /// The service has a fault where it meets this material.
    broken: Option<u8>,
    /// Which answer to ReEncrypt is the last; the process is then "killed".
    last: Arc<Mutex<Option<u32>>>,
}

fn refused(operation: &'static str, code: &str) -> CallError {
    CallError::Refused(Refusal { operation, status: 400, code: code.to_owned(), message: String::new() })
}

fn material_id(material: u8) -> String {
    hex::encode([material; 32])
}

/// One of ours: header, material, and a text where the tag would be.
fn ours(material: u8, text: &str) -> Vec<u8> {
    let mut blob = vec![0xC1, 1, 0, 0];
    blob.extend(hex::decode(KEY.replace('-', "")).unwrap());
    blob.extend([material; 16]);
    blob.resize(80, 0);
    blob.extend(format!("{text:<16}").as_bytes());
    blob
}

fn foreign(material: u8, text: &str) -> Vec<u8> {
    [b"aws".as_slice(), &[material], text.as_bytes()].concat()
}

impl Paper {
    fn new(material: u8) -> Self {
        Self { material, describable: true, broken: None, asked: Arc::default(), last: Arc::default() }
    }

    fn asked(&self, operation: &str) -> u32 {
        self.asked.lock().unwrap().get(operation).copied().unwrap_or_default()
    }

    fn reencrypt(&self, input: &Value) -> Result<Value, CallError> {
        let mut last = self.last.lock().unwrap();
        if let Some(left) = last.as_mut() {
            *left = left.checked_sub(1).ok_or(CallError::Unreachable { why: "killed".to_owned() })?;
        }
        if input.get("SourceEncryptionContext") != input.get("DestinationEncryptionContext") {
            return Err(refused("ReEncrypt", "ValidationException"));
        }
        let blob = STANDARD.decode(input["CiphertextBlob"].as_str().unwrap()).unwrap();
        let (old, new) = match blob.as_slice() {
            [b'a', b'w', b's', old, text @ ..] => {
                (*old, foreign(self.material, std::str::from_utf8(text).unwrap()))
            }
            ours_ if ours_.len() == 96 => {
                (ours_[20], ours(self.material, std::str::from_utf8(&ours_[80..]).unwrap().trim_end()))
            }
            _ => return Err(refused("ReEncrypt", "InvalidCiphertextException")),
        };
        if self.broken == Some(old) {
            let code = "KMSInternalException".to_owned();
            let refusal = Refusal { operation: "ReEncrypt", status: 500, code, message: String::new() };
            return Err(CallError::Refused(refusal));
        }
        Ok(json!({
            "CiphertextBlob": STANDARD.encode(new), "KeyId": ARN, "SourceKeyId": ARN,
            "SourceKeyMaterialId": material_id(old), "DestinationKeyMaterialId": material_id(self.material),
        }))
    }
}

impl Call for Paper {
    fn call(&mut self, operation: &'static str, input: &Value) -> Result<Value, CallError> {
        *self.asked.lock().unwrap().entry(operation).or_default() += 1;
        match operation {
            "DescribeKey" if !self.describable => Err(refused(operation, "AccessDeniedException")),
            "DescribeKey" => Ok(
                json!({"KeyMetadata": {"Arn": ARN, "KeyId": KEY, "CurrentKeyMaterialId": material_id(self.material)}}),
            ),
            _ => self.reencrypt(input),
        }
    }
}

fn counts(tally: &Tally) -> (u64, u64, u64, u64, usize) {
    (tally.renewed, tally.resumed, tally.current, tally.pending, tally.failed.len())
}

fn swept(kms: &Paper, plan: &Plan, folder: &Path) -> Tally {
    let paths = [folder.to_owned()];
    let path = journal_beside_files(&paths);
    let journal = if plan.dry_run { Journal::read(&path) } else { Journal::open(&path) }.unwrap();
    let tally =
        sweep_files(plan, &journal, &find(&paths).unwrap(), vec![kms.clone(), kms.clone()], &|_, _| ());
    drop(journal.close());
    tally
}

fn folder_of(blobs: &[(&str, Vec<u8>)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, content) in blobs {
        std::fs::create_dir_all(folder.path().join(name).parent().unwrap()).unwrap();
        std::fs::write(folder.path().join(name), content).unwrap();
    }
    folder
}

fn of_key() -> Plan {
    Plan { source_key: Some(KEY.to_owned()), ..Plan::default() }
}

#[test]
fn files_move_to_the_newest_material_and_failures_are_untouched() {
    let base64 = format!("{}\n", STANDARD.encode(ours(1, "text")));
    let folder = folder_of(&[
        ("raw", ours(1, "raw")),
        ("sub/text", base64.into_bytes()),
        ("current", ours(2, "current")),
        ("broken", b"\xffnot a ciphertext at all".to_vec()),
        ("note", b"for nobody's eyes".to_vec()),
        (".hidden", ours(1, "hidden")),
    ]);
    let kms = Paper::new(2);
    let content = |name: &str| std::fs::read(folder.path().join(name)).unwrap();

    let dry = swept(&kms, &Plan { dry_run: true, ..of_key() }, folder.path());
    assert_eq!((counts(&dry), kms.asked("ReEncrypt")), ((0, 0, 1, 3, 1), 0));
    assert!(!folder.path().join(".keyreeve-reencrypt").exists());

    let tally = swept(&kms, &Plan::default(), folder.path());
    assert_eq!(counts(&tally), (2, 0, 1, 0, 2));
    assert!(tally.failed[0].why.contains("--key-id"), "{tally:?}");
    assert_eq!(content("raw"), ours(2, "raw"));
    assert_eq!(content("sub/text"), format!("{}\n", STANDARD.encode(ours(2, "text"))).into_bytes());
    assert_eq!(content("current"), ours(2, "current"));
    assert_eq!(content("broken"), b"\xffnot a ciphertext at all");
    assert_eq!(content(".hidden"), ours(1, "hidden"));
    assert_eq!((kms.asked("ReEncrypt"), kms.asked("DescribeKey")), (2, 2));

    let named = swept(&kms, &of_key(), folder.path());
    // What is text was not sent.
    assert_eq!((counts(&named), kms.asked("ReEncrypt")), ((0, 0, 3, 0, 2), 3));
    assert!(named.failed[0].why.contains("InvalidCiphertextException"));
}

#[test]
fn a_sweep_that_was_killed_goes_on_and_a_finished_one_asks_nothing() {
    // Foreign ciphertexts, whose material nobody can see; without DescribeKey and with.
    for describable in [false, true] {
        let blobs: Vec<(String, Vec<u8>)> =
            (0..20).map(|n| (format!("{n:02}"), foreign(1, &n.to_string()))).collect();
        let blobs: Vec<(&str, Vec<u8>)> =
            blobs.iter().map(|(name, blob)| (name.as_str(), blob.clone())).collect();
        let folder = folder_of(&blobs);
        let kms = Paper { describable, last: Arc::new(Mutex::new(Some(7))), ..Paper::new(2) };
        let first = swept(&kms, &of_key(), folder.path());
        assert_eq!((first.renewed, first.stopped.as_deref()), (7, Some("killed")));
        // Killed between journal and file: the file is old, and the journal has what belongs there.
        let is_new = |n: &u8| {
            std::fs::read(folder.path().join(format!("{n:02}"))).unwrap() == foreign(2, &n.to_string())
        };
        let back = (0..20).find(is_new).unwrap();
        std::fs::write(folder.path().join(format!("{back:02}")), foreign(1, &back.to_string())).unwrap();

        *kms.last.lock().unwrap() = None;
        let second = swept(&kms, &of_key(), folder.path());
        assert_eq!(counts(&second), (13, 1, 6, 0, 0), "{second:?}");
        assert_eq!(second.unsure, u64::from(!describable));
        let asked = kms.asked("ReEncrypt");
        assert_eq!(counts(&swept(&kms, &of_key(), folder.path())), (0, 0, 20, 0, 0));
        // Where the newest material cannot be seen, only the answers tell that everything is under it.
        assert_eq!(kms.asked("ReEncrypt") - asked, if describable { 0 } else { 20 });
        for n in 0..20 {
            assert_eq!(
                std::fs::read(folder.path().join(format!("{n:02}"))).unwrap(),
                foreign(2, &n.to_string())
            );
        }

        // After the next rotation everything is swept again.
        let rotated = Paper { material: 3, ..kms.clone() };
        assert_eq!(counts(&swept(&rotated, &of_key(), folder.path())), (20, 0, 0, 0, 0));
    }
}

#[test]
fn a_fault_at_one_ciphertext_stops_nothing_and_faults_everywhere_stop_the_sweep() {
    let kms = Paper { broken: Some(7), ..Paper::new(2) };
    let damaged: Vec<String> = (0..5).map(|n| format!("a{n}")).collect();
    let mut blobs: Vec<(&str, Vec<u8>)> =
        damaged.iter().map(|name| (name.as_str(), foreign(7, name))).collect();
    blobs.push(("b", foreign(1, "b")));
    let folder = folder_of(&blobs);
    for done in [(1, 0, 0, 0, 5), (0, 0, 1, 0, 5)] {
        let tally = swept(&kms, &of_key(), folder.path());
        assert_eq!((counts(&tally), &tally.stopped), (done, &None), "{tally:?}");
        assert!(tally.failed[0].why.contains("KMSInternalException"));
    }
    let all: Vec<String> = (0..40).map(|n| format!("{n:02}")).collect();
    let blobs: Vec<(&str, Vec<u8>)> = all.iter().map(|name| (name.as_str(), foreign(7, name))).collect();
    let tally = swept(&kms, &of_key(), folder_of(&blobs).path());
    assert!(tally.stopped.is_some_and(|why| why.contains("KMSInternalException")));
    assert!(tally.failed.len() < 10, "{:?}", tally.failed);
}

#[test]
fn what_the_answer_shows_to_be_current_is_not_rewritten_nor_asked_again() {
    let folder = folder_of(&[("a", foreign(2, "a"))]);
    let kms = Paper::new(2);
    for _ in 0..2 {
        assert_eq!(counts(&swept(&kms, &of_key(), folder.path())), (0, 0, 1, 0, 0));
    }
    assert_eq!(kms.asked("ReEncrypt"), 1);
}

#[test]
fn a_list_keeps_its_order_ids_and_contexts() {
    let folder = tempfile::tempdir().unwrap();
    let path = journal_beside_list(&folder.path().join("out"));
    let text = |blob: Vec<u8>| STANDARD.encode(blob);
    let context = r#"{"tenant":"b"}"#;
    let input = [
        text(ours(1, "a")),
        format!("id-b\t{}\t{context}", text(ours(1, "b"))),
        String::new(),
        "id-c\tnot base64".to_owned(),
        format!("id-d\t{}", text(ours(2, "d"))),
        format!("id-e\t{}\tno json", text(ours(1, "e"))),
        "a\tb\tc\td".to_owned(),
    ]
    .join("\r\n");
    let expected = [
        text(ours(2, "a")),
        format!("id-b\t{}\t{context}", text(ours(2, "b"))),
        String::new(),
        "id-c\tnot base64".to_owned(),
        format!("id-d\t{}", text(ours(2, "d"))),
        format!("id-e\t{}\tno json", text(ours(1, "e"))),
        "a\tb\tc\td".to_owned(),
        String::new(),
    ]
    .join("\n");
    let kms = Paper::new(2);
    for wanted in [(2, 0, 1, 0, 3), (0, 2, 1, 0, 3)] {
        let journal = Journal::open(&path).unwrap();
        let (tally, output) = sweep_list(&Plan::default(), &journal, &input, vec![kms.clone()], &|_, _| ());
        assert_eq!((counts(&tally), output.as_str()), (wanted, expected.as_str()));
        let names: Vec<_> = tally.failed.iter().map(|failed| failed.name.as_str()).collect();
        assert_eq!(names, ["line 4, id-c", "line 6, id-e", "line 7"]);
    }
    assert_eq!(kms.asked("ReEncrypt"), 2);
}

#[test]
fn links_in_folders_are_counted_and_named_ones_followed() {
    let folder = folder_of(&[("data/a", ours(1, "a"))]);
    let target = folder.path().join("data/a");
    let link = folder.path().join("data/link");
    std::os::unix::fs::symlink(&target, &link).unwrap();
    let found = find(&[folder.path().join("data")]).unwrap();
    assert_eq!((found.files.len(), found.links), (1, 1));
    let found = find(&[link, target.clone()]).unwrap();
    assert_eq!(found.files.into_iter().collect::<Vec<_>>(), [target.canonicalize().unwrap()]);
    for no_file in [folder.path().join("none"), "/dev/null".into()] {
        assert!(find(&[no_file]).is_err());
    }
}
