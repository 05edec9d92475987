//! Ciphertext blobs of symmetric keys: only the very blob, under its own key and context, opens.

use keyreeve_crypto::ciphertext_blob::{Header, OVERHEAD_LEN, SYMMETRIC_KEY_LEN, SymmetricKey};
use keyreeve_crypto::secret::{KeyMaterial, SecretBytes};
use keyreeve_model::key_id::KeyId;

use crate::tape::Tape;

fn keys() -> [SymmetricKey; 3] {
    // The second is of the same id as the first, the third of the same material.
    [(1, false, 5), (1, false, 6), (1, true, 5)].map(|(id, multi_region, byte)| {
        let material = KeyMaterial::from(SecretBytes::from(vec![byte; SYMMETRIC_KEY_LEN]));
        SymmetricKey::new(&material, KeyId::new([id; 16], multi_region)).unwrap()
    })
}

target!(arbitrary_bytes_never_open, 3000, {
    let keys = keys();
    let header = keys[0].seal(b"", b"").unwrap()[..OVERHEAD_LEN - 16].to_vec();
    move |tape: &mut Tape<'_>| {
        let kept = tape.below(header.len() + 1);
        let blob = [&header[..kept], tape.rest()].concat();
        if let Ok(parsed) = Header::parse(&blob) {
            assert!(blob.len() >= OVERHEAD_LEN);
            assert_eq!(parsed.key_id().bytes()[..], blob[4..20]);
            assert_eq!(parsed.material_prefix()[..], blob[20..36]);
        }
        for key in &keys {
            assert!(key.open(&blob, b"").is_err());
        }
    }
});

target!(only_the_very_blob_opens, 3000, {
    let keys = keys();
    move |tape: &mut Tape<'_>| {
        let [key, same_id, same_material] = &keys;
        let (plaintext_len, context_len) = (tape.below(64), tape.below(64));
        let (plaintext, context) = (tape.bytes(plaintext_len), tape.bytes(context_len));
        let blob = key.seal(&plaintext, &context).unwrap();
        assert_eq!(key.open(&blob, &context).unwrap().expose_secret(), plaintext);
        assert!(key.open(&tape.mutated(&blob), &context).is_err());
        assert!(key.open(&blob, &tape.mutated(&context)).is_err());
        assert!(same_id.open(&blob, &context).is_err());
        assert!(same_material.open(&blob, &context).is_err());
    }
});
