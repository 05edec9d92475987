//! Backups: consistent while writing goes on, sealed, refused when a byte of them changed, and back only with a word.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

#[expect(dead_code, reason = "each test file uses its part")]
mod house;

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use house::{Fixture, check, dev, furnish, keyreeve, open, path, refusal, settled, told};
use keyreeve_server::backup::{self, BackupFileError};
use keyreeve_server::clock::SystemClock;
use keyreeve_server::deployment::{Deployment, Folder, Secret, Unsealing};
use serde_json::json;
use tempfile::TempDir;

fn key_file(data: &std::path::Path) -> Unsealing {
    Unsealing::existing(Secret::KeyFile(Some(data.join("root.key"))))
}

#[test]
fn a_backup_taken_while_writing_restores_elsewhere_with_everything_acknowledged_before_it() {
    let folder = TempDir::new().unwrap();
    let (data, file, elsewhere) =
        (path(&folder, "data"), path(&folder, "backup"), path(&folder, "elsewhere"));
    let house = open(&data);
    let fixtures = house.furnish(30);
    let (service, deployment) = (house.service(), &house.deployment);
    let later: Vec<Fixture> = house.tended(async {
        // A rotation goes on as well: rows of both epochs are in the backup.
        deployment.command("RootRotate", &json!({})).await.unwrap();
        deployment.command("StartBackup", &json!({"Path": file})).await.unwrap();
        let (mut added, mut number) = (Vec::new(), 0);
        loop {
            added.extend(furnish(service, number).await.unwrap());
            number += 1;
            let status = deployment.command("BackupStatus", &json!({})).await.unwrap();
            if status["State"] != "Running" {
                assert_eq!(status["State"], "Done", "{status}");
                break;
            }
        }
        settled(deployment, "RootRotationStatus").await;
        added
    });
    house.check(&later);
    drop(house);
    assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(names.len(), 2, "{names:?}");

    // The secret of that time, another folder.
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let target = Folder::new(elsewhere.clone());
    let (secret, mut quiet) = (key_file(&data), |_, _| {});
    let restored = backup::restore(&file, &target, &secret, &SystemClock, &mut quiet);
    assert!(runtime.block_on(restored).unwrap().unreadable.is_empty());
    let opened = Deployment::open_for_commands(&target, &secret, Arc::new(SystemClock));
    let deployment = runtime.block_on(opened).unwrap();
    runtime.block_on(check(&deployment.service, &fixtures));
}

#[test]
fn a_restored_deployment_serves_only_after_its_roll_back_was_accepted() {
    let folder = TempDir::new().unwrap();
    let (data, file, elsewhere) =
        (path(&folder, "data"), path(&folder, "backup"), path(&folder, "elsewhere"));
    let house = open(&data);
    let fixtures = house.furnish(5);
    drop(house);
    let text = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let (data_text, file_text, there) = (text(&data), text(&file), text(&elsewhere));
    let server = dev(&data, &[]);
    assert!(told(&keyreeve(&["backup", &file_text, "--data", &data_text])).contains("verified"));
    assert!(
        refusal(&keyreeve(&["backup", &file_text, "--data", &data_text])).contains("never replaces a file")
    );
    assert!(told(&keyreeve(&["backup", "verify", &file_text, "--data", &data_text])).contains("is good"));
    server.kill();

    let restore = |target: &str| {
        let key = text(&data.join("root.key"));
        keyreeve(&["restore", &file_text, "--data", target, "--key-file", &key])
    };
    assert!(refusal(&restore(&data_text)).contains("has a deployment already"));
    assert!(told(&restore(&there)).contains("accept-rollback"));
    assert!(refusal(&restore(&there)).contains("has a deployment already"));
    std::fs::copy(data.join("root.key"), elsewhere.join("root.key")).unwrap();
    let start = || keyreeve(&["dev", "--data", &there, "--port", "0"]);
    assert!(refusal(&start()).contains(&format!("keyreeve accept-rollback --data {there}")));
    let accept = |more: &[&str]| keyreeve(&[&["accept-rollback", "--data", &there], more].concat());
    assert!(refusal(&accept(&[])).contains("--yes"));
    assert!(refusal(&start()).contains("accept-rollback"));
    let listed = told(&accept(&["--yes"]));
    assert!(listed.contains("keys      9 Enabled") && listed.contains("aliases   5"), "{listed}");
    assert!(listed.contains("roll-back 1"), "{listed}");
    assert!(refusal(&accept(&["--yes"])).contains("nothing to accept"));
    drop(dev(&elsewhere, &[]));
    let house = open(&elsewhere);
    house.check(&fixtures);
    let rows = house.block_on(house.service().records().store().scan("rollback/", None, 10)).unwrap();
    assert_eq!(rows.rows.len(), 1);
    drop(house);
    // Also without a server, and of the restored one.
    let second = text(&path(&folder, "second"));
    assert!(told(&keyreeve(&["backup", &second, "--data", &there])).contains("verified"));
}

#[test]
fn every_changed_cut_or_added_byte_of_a_backup_is_refused() {
    let folder = TempDir::new().unwrap();
    let (data, file, altered) = (path(&folder, "data"), path(&folder, "backup"), path(&folder, "altered"));
    let house = open(&data);
    house.furnish(2);
    house.block_on(async {
        house.deployment.command("StartBackup", &json!({"Path": file})).await.unwrap();
        assert_eq!(settled(&house.deployment, "BackupStatus").await["State"], "Done");
    });
    drop(house);
    let good = std::fs::read(&file).unwrap();
    let verify = |bytes: &[u8]| {
        std::fs::write(&altered, bytes).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(backup::verify(&altered, &key_file(&data), &mut |_, _| {}))
    };
    assert!(verify(&good).is_ok());
    // Every byte of the header and of the first seals, then samples.
    let header = 20 + u32::from_be_bytes(good[16..20].try_into().unwrap()) as usize;
    for at in (0..header + 80).step_by(7).chain((header..good.len()).step_by(good.len() / 97)) {
        let mut bytes = good.clone();
        bytes[at] ^= 1;
        assert!(verify(&bytes).is_err(), "byte {at}");
    }
    for len in (0..good.len()).step_by(good.len() / 23).chain([good.len() - 1]) {
        assert!(verify(&good[..len]).is_err(), "length {len}");
    }
    let error = verify(&[&good[..], b"x"].concat()).unwrap_err();
    assert!(matches!(error, BackupFileError::Damaged { .. }), "{error}");
    let error = verify(b"not a backup at all, but long enough").unwrap_err();
    assert!(matches!(error, BackupFileError::Foreign(_)), "{error}");
    let stranger = path(&folder, "stranger");
    drop(open(&stranger));
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut quiet = |_, _| {};
    let other = key_file(&stranger);
    let error = runtime.block_on(backup::verify(&file, &other, &mut quiet)).unwrap_err();
    assert!(error.to_string().contains("opens no slot"), "{error}");
}
