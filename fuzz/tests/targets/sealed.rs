//! What the service sealed for itself: records, tokens, credentials, key material, the keyring and `root.json`.
//! Altered bytes never open, and what still opens is what was sealed.

use std::fs;

use keyreeve_crypto::keyring::{Keyring, WrappedKeyring, epoch_of_credential, epoch_of_record};
use keyreeve_crypto::root_key::{self, NewSlot, RootKey, SlotSecret};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_crypto::wrap::{self, Binding};
use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::key_id::KeyId;
use keyreeve_model::key_spec::KeySpec;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;

use crate::tape::Tape;

const NOW: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const BINDING: Binding = Binding {
    account: AccountId::ZERO,
    key_id: KeyId::new([7; 16], false),
    spec: KeySpec::SymmetricDefault,
    usage: KeyUsage::EncryptDecrypt,
    origin: Origin::AwsKms,
    material_id: None,
};

/// Every kind of value, sealed from the same content.
fn seal_each(keyring: &Keyring, content: &[u8]) -> Vec<Vec<u8>> {
    let secret = || SecretBytes::from(content.to_vec());
    [
        keyring.seal_record("kms/a", 1, 2, content),
        keyring.seal_token("fuzz", content),
        keyring.seal_credential("AKIA", &secret()),
        keyring.seal_backup("backup", 3, content),
        keyring.wrap_material(&KeyMaterial::from(secret()), &BINDING),
    ]
    .map(Result::unwrap)
    .to_vec()
}

/// What the bytes open to, as a value of each kind in turn.
fn open_each(keyring: &Keyring, sealed: &[u8]) -> [Option<Vec<u8>>; 5] {
    let bytes = |secret: SecretBytes| secret.expose_secret().to_vec();
    [
        keyring.open_record("kms/a", sealed).ok().map(|record| bytes(record.value)),
        keyring.open_token("fuzz", sealed).ok().map(bytes),
        keyring.open_credential("AKIA", sealed).ok().map(bytes),
        keyring.open_backup("backup", 3, sealed).ok().map(bytes),
        keyring.unwrap_material(sealed, &BINDING).ok().map(|material| material.expose_secret().to_vec()),
    ]
}

target!(values_open_as_what_they_are_or_not_at_all, 2500, {
    let keyring = Keyring::generate(NOW).unwrap();
    move |tape: &mut Tape<'_>| {
        let len = tape.below(64);
        let content = tape.bytes(len);
        let sealed = seal_each(&keyring, &content);
        let kind = tape.below(sealed.len());
        for (place, opened) in open_each(&keyring, &sealed[kind]).into_iter().enumerate() {
            assert_eq!(opened, (place == kind).then(|| content.clone()));
        }
        let altered = if tape.once_in(4) { tape.rest().to_vec() } else { tape.mutated(&sealed[kind]) };
        assert_eq!(open_each(&keyring, &altered), [const { None }; 5]);
        // They read what the bytes claim; only a panic would be wrong.
        let _ = (epoch_of_record(&altered), epoch_of_credential(&altered), wrap::epoch_of(&altered));
    }
});

/// A deployment of its own: root key in a directory, opened by its key file.
struct Deployment {
    dir: tempfile::TempDir,
    root: RootKey,
}

impl Deployment {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let key_file = dir.path().join(root_key::KEY_FILE_NAME);
        let root = root_key::create(dir.path(), &[NewSlot::KeyFile(&key_file)]).unwrap();
        Self { dir, root }
    }
}

target!(wrapped_keyrings, 1500, {
    let deployment = Deployment::new();
    let keyring = Keyring::generate(NOW).unwrap();
    let wrapped = keyring.wrap(&deployment.root).unwrap();
    move |tape: &mut Tape<'_>| {
        assert!(keyring.is_wrapped_in(&deployment.root, &wrapped));
        let altered = if tape.once_in(4) { tape.rest().to_vec() } else { tape.mutated(wrapped.as_bytes()) };
        let altered = WrappedKeyring::from_bytes(altered);
        let _ = altered.generation();
        assert!(Keyring::unwrap(&deployment.root, &altered).is_err());
    }
});

target!(envelopes, 600, {
    let deployment = Deployment::new();
    let path = deployment.dir.path().join(root_key::ENVELOPE_NAME);
    let json = fs::read(&path).unwrap();
    move |tape: &mut Tape<'_>| {
        let altered = if tape.once_in(4) { tape.rest().to_vec() } else { tape.mutated(&json) };
        fs::write(&path, altered).unwrap();
        drop(root_key::slots(deployment.dir.path()));
        let key_file = deployment.dir.path().join(root_key::KEY_FILE_NAME);
        // White space may differ; the root key may not.
        if let Ok(unsealed) = root_key::unseal(deployment.dir.path(), SlotSecret::KeyFile(&key_file)) {
            assert!(unsealed.generation(1).unwrap().ct_eq(&deployment.root));
        }
    }
});
