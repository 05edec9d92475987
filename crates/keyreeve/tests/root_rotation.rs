//! Rotating the root key: under load, killed at any point, and with the secrets it needs.

#![expect(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test fails loudly")]

#[expect(dead_code, reason = "each test file uses its part")]
mod house;

use std::time::{Duration, Instant};

use house::{Fixture, check, dev, furnish, keyreeve, open, path, refusal, settled, told};
use keyreeve_server::admin_client::AdminClient;
use serde_json::json;
use tempfile::TempDir;

/// Seeded pseudo-random numbers: <https://prng.di.unimi.it/splitmix64.c>.
struct SplitMix(u64);

impl SplitMix {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, limit: Duration) -> Duration {
        let micros = u64::try_from(limit.as_micros()).unwrap().max(1);
        Duration::from_micros(self.next() % micros)
    }
}

/// How long an undisturbed rotation takes on this machine: until its new root key is in force, and from then on.
fn duration_of_a_rotation(data: &std::path::Path, client: &AdminClient) -> (Duration, Duration) {
    let _server = dev(data, &[]);
    let begun = Instant::now();
    client.call("RootRotate", None, &json!({})).unwrap();
    let begin = begun.elapsed();
    while client.call("RootRotationStatus", None, &json!({})).unwrap()["State"] == "Running" {
        std::thread::sleep(Duration::from_millis(2));
    }
    (begin, begun.elapsed() - begin)
}

#[test]
fn a_rotation_under_load_fails_no_request_and_every_row_moves_to_the_new_keys() {
    let folder = TempDir::new().unwrap();
    let data = path(&folder, "data");
    let house = open(&data);
    let mut fixtures = house.furnish(40);
    assert_eq!(house.record_epochs(), [1].into());
    let (service, deployment) = (house.service(), &house.deployment);
    let load = async {
        let begun = deployment.command("RootRotate", &json!({})).await.unwrap();
        assert_eq!((&begun["Generation"], &begun["Resumed"]), (&json!(2), &json!(false)));
        let (mut added, mut number): (Vec<Fixture>, usize) = (Vec::new(), 0);
        loop {
            // Every request succeeds while rows are sealed anew under it.
            added.extend(furnish(service, number).await.unwrap());
            check(service, &added[added.len().saturating_sub(4)..]).await;
            let status = deployment.command("RootRotationStatus", &json!({})).await.unwrap();
            number += 1;
            if status["State"] != "Running" {
                return (added, status);
            }
        }
    };
    let (added, status) = house.tended(load);
    assert_eq!(status["State"], "Done", "{status}");
    assert!(status["RowsSealed"].as_u64().unwrap() >= 160, "{status}");
    fixtures.extend(added);
    house.check(&fixtures);
    assert_eq!(house.record_epochs(), [2].into());
    drop(house);
    // After a restart the old keys are gone from memory too.
    let house = open(&data);
    house.check(&fixtures);
    let begun = house.tended(async {
        let begun = house.deployment.command("RootRotate", &json!({})).await.unwrap();
        settled(&house.deployment, "RootRotationStatus").await;
        begun
    });
    assert_eq!(begun["Generation"], 3);
    house.check(&fixtures);
    assert_eq!(house.record_epochs(), [3].into());
}

#[test]
fn a_kill_at_any_point_of_a_rotation_loses_nothing_and_the_next_start_goes_on() {
    const ROUNDS: usize = 24;
    let folder = TempDir::new().unwrap();
    let data = path(&folder, "data");
    let house = open(&data);
    let mut fixtures = house.furnish(40);
    drop(house);
    let client = AdminClient::new(data.join("admin.sock"));
    let rotate = || client.call("RootRotate", None, &json!({}));
    let (begin, rest) = duration_of_a_rotation(&data, &client);
    let mut random = SplitMix(7);
    let mut generations = std::collections::BTreeSet::new();
    for round in 0..ROUNDS {
        let server = dev(&data, &[]);
        std::thread::scope(|scope| {
            if round.is_multiple_of(2) {
                // Around the moment at which the new root key comes into force.
                let beginning = scope.spawn(rotate);
                std::thread::sleep(random.below(begin));
                server.kill();
                drop(beginning.join());
            } else {
                // While rows are sealed anew, and when the old keys go.
                rotate().unwrap();
                std::thread::sleep(random.below(rest));
                server.kill();
            }
        });
        let house = open(&data);
        house.check(&fixtures);
        fixtures.extend(house.block_on(furnish(house.service(), round)).unwrap());
        let status = house.block_on(house.deployment.command("RootRotationStatus", &json!({}))).unwrap();
        generations.insert(status["Generation"].as_u64().unwrap());
    }
    assert!(generations.len() > 1, "{generations:?}");
    let server = dev(&data, &[]);
    let rotate = || told(&keyreeve(&["root", "rotate", "--data", data.to_str().unwrap()]));
    assert!(rotate().contains("Done: "));
    assert!(rotate().contains("Done: "));
    server.kill();
    let house = open(&data);
    house.check(&fixtures);
    assert_eq!(house.record_epochs().len(), 1);
}

#[test]
fn a_row_that_was_altered_keeps_the_old_keys_and_is_counted() {
    let folder = TempDir::new().unwrap();
    let data = path(&folder, "data");
    let house = open(&data);
    let (fixtures, damaged) = (house.furnish(3), house.furnish(1));
    let key = damaged.iter().find_map(|fixture| match fixture {
        Fixture::Alias { key, .. } => Some(key),
        Fixture::Ciphertext { .. } | Fixture::Mac { .. } | Fixture::Signature { .. } => None,
    });
    let store = house.service().records().store();
    let prefix = format!("kms/us-east-1/000000000000/aliases-of/{}", key.unwrap());
    let page = house.block_on(store.scan(&prefix, None, 1)).unwrap();
    let (place, row) = page.rows.into_iter().next().unwrap();
    let mut altered = row.value.to_vec();
    *altered.last_mut().unwrap() ^= 1;
    let commit = keyreeve_store::Commit::new(keyreeve_store::CommitId::new([9; 16])).put(place, altered);
    house.block_on(store.commit(commit)).unwrap();
    let status = house.tended(async {
        house.deployment.command("RootRotate", &json!({})).await.unwrap();
        settled(&house.deployment, "RootRotationStatus").await
    });
    assert_eq!((&status["State"], &status["RowsUnreadable"]), (&json!("Incomplete"), &json!(1)));
    house.check(&fixtures);
}

#[test]
fn a_deployment_with_a_passphrase_rotates_only_with_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = TempDir::new().unwrap();
    let (data, words, config) =
        (path(&folder, "data"), path(&folder, "words"), path(&folder, "keyreeve.toml"));
    std::fs::write(&words, "correct horse battery staple\n").unwrap();
    std::fs::set_permissions(&words, std::fs::Permissions::from_mode(0o600)).unwrap();
    let text = |unseal: &str| {
        format!(
            "[deployment]\ndata = {data:?}\nregions = [\"us-east-1\"]\n[listen]\naddresses = [\"127.0.0.1:0\"]\n\
             [unseal]\n{unseal}\n"
        )
    };
    std::fs::write(&config, text(&format!("passphrase_file = {words:?}"))).unwrap();
    let config = config.to_str().unwrap();
    told(&keyreeve(&["init", "--config", config]));
    let server = house::serve(config);
    let without = ["root", "rotate", "--config", config, "--key-file", "/nonexistent"];
    assert!(refusal(&keyreeve(&without)).contains("needs the passphrase of slot 1"));
    let output = told(&keyreeve(&["root", "rotate", "--config", config]));
    assert!(output.contains("generation 2") && output.contains("Done: "), "{output}");
    server.kill();
    drop(house::serve(config));
}
