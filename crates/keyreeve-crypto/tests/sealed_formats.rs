//! Every format ever released still opens: root.json, key file, wrapped keyring, record.
//! Each fixture is printed by `tests/oracle/sealed_ref.py`, which uses another library, so it also proves the format.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use keyreeve_crypto::keyring::{Keyring, Purpose, WrappedKeyring};
use keyreeve_crypto::root_key::{self, SlotSecret};

const V1_KEY_FILE: &str =
    "keyreeve-root-key-1:0505050505050505050505050505050505050505050505050505050505050505";
const V1_ROOT_JSON: &str = "{\"version\": 1, \"generations\": [{\"generation\": 3, \"slots\": [\
    {\"id\": 1, \"unlock\": {\"type\": \"key-file\", \"path\": \"root.key\"}, \"wrapped\": \"\
    b1070100000000030000000000000000404142434445464748494a4b4c4d4e4f606162636465666768696a6b00e1e13b9fb6\
    76cf0e5c628bc267cd5640ca00270d77a7c87f0e3330962acf1c7f2383c49f1e08897e3ac9f5a2d80da8\"}]\
    , \"mac\": \"8381f03663ef9a3ec761f6e12f1324a7817fe1c54403b47df435031d338d3d30\"}]}";
const V1_KEYRING: &str = "b1060100000000030000000000000000404142434445464748494a4b4c4d4e4f606162636465666768696a6b0e6c6d88e5e9\
    1c75d56fbf210098230bccd3921e1bd28d0fcab1ec565baa1d3515079b5e67ceafe0e902a6eae6a544bc78417d5f295c335c\
    7f70d3c66b1bd0bfa2f00d27a2248c6b696b00c765d1487e2dbfe8ed5142b2d68a5ab75ff8966085669aec7b8576314c0942\
    552a1d0fd8fe9534f722709e197a350a0090eb3d97e0ae0de477240b0756f416db06d59daa6a2e26626627a1fcd92c29e2ee\
    0b8a9372a5924512065f4513aad497f798141336133038c63059149ca115849fe936bb7ffd1f4bf09cdee8303a6b0204dcd4\
    86afb89be202f6f160800843fdde9ab4e0e2386c0d4e857a2db38aca6ddc47726be63870";
const V1_RECORD: &str = "b1010102000000010000000000000009404142434445464748494a4b4c4d4e4f606162636465666768696a6bfcfdfdee406e\
    1f2ddcec91a8909c5f89bbbbcbea01";

#[test]
fn everything_sealed_by_version_1_opens() {
    let dir = tempfile::tempdir().unwrap();
    let key_file = dir.path().join(root_key::KEY_FILE_NAME);
    fs::write(&key_file, V1_KEY_FILE).unwrap();
    fs::set_permissions(&key_file, fs::Permissions::from_mode(0o600)).unwrap();
    fs::write(dir.path().join(root_key::ENVELOPE_NAME), V1_ROOT_JSON).unwrap();

    let unsealed = root_key::unseal(dir.path(), SlotSecret::KeyFile(&key_file)).unwrap();
    let wrapped = WrappedKeyring::from_bytes(hex::decode(V1_KEYRING).unwrap());
    let root = unsealed.for_keyring(&wrapped).unwrap();
    assert_eq!(root.generation(), 3);
    let keyring = Keyring::unwrap(&root, &wrapped).unwrap();
    for purpose in Purpose::ALL {
        let epoch = keyring.active_epoch(purpose);
        assert_eq!((epoch.number, epoch.created.as_millis()), (1, 1_790_000_000_000), "{purpose:?}");
    }
    let record = keyring.open_record("kms/a", &hex::decode(V1_RECORD).unwrap()).unwrap();
    assert_eq!((record.format, record.sequence), (2, 9));
    assert_eq!(record.value.expose_secret(), b"value");
}
