//! Every label of the key derivation: one row a purpose, so that no derived key serves two.
//! NIST SP 800-108r1 §5: the label is a part of the fixed input; a context under one label never meets another's.

/// One row of the registry. Only a row of it can derive a key.
#[derive(Debug, PartialEq, Eq)]
pub struct Label {
    text: &'static str,
    purpose: &'static str,
}

impl Label {
    const fn new(text: &'static str, purpose: &'static str) -> Self {
        Self { text, purpose }
    }

    /// The ASCII text that enters the derivation. It never changes once something was sealed with it.
    pub const fn text(&self) -> &'static str {
        self.text
    }

    /// What the derived bytes are for.
    pub const fn purpose(&self) -> &'static str {
        self.purpose
    }
}

/// The key of one Encrypt call.
pub static ENCRYPT: Label = Label::new("keyreeve/v1/enc", "AES-256-GCM key of one ciphertext blob");
/// The key commitment of one Encrypt call.
pub static COMMIT: Label = Label::new("keyreeve/v1/commit", "key commitment in a ciphertext blob");
/// The id of key material.
pub static MATERIAL_ID: Label = Label::new("keyreeve/v1/mid", "id of symmetric key material, public");
/// By what imported HMAC material is known again.
pub static FINGERPRINT: Label =
    Label::new("keyreeve/v1/fingerprint", "recognition of imported HMAC key material");
/// The key of one stored record.
pub static RECORD: Label = Label::new("keyreeve/v1/record", "AES-256-GCM key of one stored record");
/// The key of one stored credential.
pub static CREDENTIAL: Label =
    Label::new("keyreeve/v1/credential", "AES-256-GCM key of one stored credential");
/// The key of one token handed to a client.
pub static TOKEN: Label = Label::new("keyreeve/v1/token", "AES-256-GCM key of one token handed out");
/// The key of one backup section.
pub static BACKUP: Label = Label::new("keyreeve/v1/backup", "AES-256-GCM key of one section of a backup");
/// The key of one wrapped key material.
pub static MATERIAL: Label =
    Label::new("keyreeve/v1/material", "AES-256-GCM key of one wrapped key material");
/// The key of the wrapped keyring.
pub static KEYRING: Label =
    Label::new("keyreeve/v1/keyring", "AES-256-GCM key of the keyring, from the root key");
/// The key of the root key in one slot.
pub static SLOT: Label = Label::new("keyreeve/v1/slot", "AES-256-GCM key of the root key in one unseal slot");
/// The key that authenticates the list of slots.
pub static SLOT_MAC: Label =
    Label::new("keyreeve/v1/slot-mac", "authentication of the slots, from the root key");
/// The key of one secret sealed to a Region's transport key. Derived by HKDF, as both halves of the hybrid are its input.
pub static TRANSPORT: Label =
    Label::new("keyreeve/v1/transport", "AES-256-GCM key and nonce of one secret between Regions");

/// The key of one session token.
pub static SESSION: Label = Label::new("keyreeve/v1/session", "AES-256-GCM key of one session token");

/// All rows.
pub static LABELS: [&Label; 14] = [
    &ENCRYPT,
    &COMMIT,
    &MATERIAL_ID,
    &FINGERPRINT,
    &RECORD,
    &CREDENTIAL,
    &TOKEN,
    &BACKUP,
    &MATERIAL,
    &KEYRING,
    &SLOT,
    &SLOT_MAC,
    &TRANSPORT,
    &SESSION,
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::derivation::DerivationKey;

    /// From another library (PyPI cryptography 48.0.0, KBKDFHMAC: counter mode, HMAC-SHA-256, 32-bit counter before
    /// the fixed input, 32-bit length): key 00..1f, context 40..4f, 32 bytes.
    const KNOWN_ANSWERS: [(&str, &str); 14] = [
        ("keyreeve/v1/enc", "f68a89d6608765181e8f72ecbed546bba8005c6f3ef4a0575c2fa0a7a8e8ce65"),
        ("keyreeve/v1/commit", "8d55fc817d5bad812a5848bb6be751852bf48c31a4fa9ea8594e7473d01d9114"),
        ("keyreeve/v1/mid", "68d427ad7301c3721fee5de6d2436af53af64f80c404121e9cfb13b0081f5228"),
        ("keyreeve/v1/fingerprint", "d95814da9be213bdb70c6f1cad8fc260dfc67d2b5eef50b5f94ca9935e467389"),
        ("keyreeve/v1/record", "c621f1bca79c6a1366c082674ed1a9966c1c327c27e901353949dacd49ef422b"),
        ("keyreeve/v1/credential", "51c69e7a279eeb0faae0ef409e1c8690b8696f9306c59ad69b95fc37db06f785"),
        ("keyreeve/v1/token", "959fa95c877349ebb3c4836c53cb75920adf36c032d091c95b32cc346de965d9"),
        ("keyreeve/v1/backup", "b7c59303b63b90dc9dee77f7011b2bad2c420776ffef07a08e2b1029461a9fd4"),
        ("keyreeve/v1/material", "f3d94990d6f173879da44b466138ef1e1a399e7ad49f55bb0db7707d1152298b"),
        ("keyreeve/v1/keyring", "ade33b8c639357a89cee162f9409785da70cb3fc533d8a74f3ea0e4d54568598"),
        ("keyreeve/v1/slot", "e861e4951295e7918d993687f44faa5dcbf24c3025a5f5da8158388edfadc05c"),
        ("keyreeve/v1/slot-mac", "0d7508954926ebbd28ea30a6affb793f50a6f057ac89ebcf57c0d337d51420da"),
        ("keyreeve/v1/transport", "eeda15f3c25baf10505c232b1595d1cb3110dee9aed787c05487c330195c3616"),
        ("keyreeve/v1/session", "e050be72f6896debe4736e19777399918f7ec8e181124ff0dc5438a4fe67cc96"),
    ];

    #[test]
    fn every_label_gives_its_known_answer() {
        let key: Vec<u8> = (0..32).collect();
        let context: Vec<u8> = (0x40..0x50).collect();
        let key = DerivationKey::new(&key);
        assert_eq!(KNOWN_ANSWERS.len(), LABELS.len());
        for (label, (text, answer)) in LABELS.iter().zip(KNOWN_ANSWERS) {
            assert_eq!(label.text(), text);
            let mut derived = [0; 32];
            key.derive(label, &[&context], &mut derived).unwrap();
            assert_eq!(hex::encode(derived), answer, "{text}");
        }
    }

    #[test]
    fn no_two_labels_share_a_text_and_none_holds_the_separator() {
        let texts: std::collections::BTreeSet<_> = LABELS.iter().map(|label| label.text()).collect();
        assert_eq!(texts.len(), LABELS.len());
        assert!(LABELS.iter().all(|label| !label.text().contains('\0') && !label.purpose().is_empty()));
    }
}
