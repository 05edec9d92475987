//! The audit log for commands that work on its files: what they need of keyreeve-audit, and the files that operators
//! give them.

use std::io;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
pub use keyreeve_audit::index::{Attribute, EventAttributes};
pub use keyreeve_audit::reading::Reading;
pub use keyreeve_audit::signing_key::PublicKey;
pub use keyreeve_audit::verify::{Finding, Input, Keys, Note, Report, What, verify};
pub use keyreeve_audit::{Entry, FrameKind, Place, SignedHead};
use serde_json::Value;

/// Begins a key in PKCS#1, and one in a SubjectPublicKeyInfo (RFC 7468).
const PEM: [(&str, &str); 2] = [
    ("-----BEGIN RSA PUBLIC KEY-----", "-----END RSA PUBLIC KEY-----"),
    ("-----BEGIN PUBLIC KEY-----", "-----END PUBLIC KEY-----"),
];

/// Public keys of a file: what `aws cloudtrail list-public-keys` answers, or any number of PEM blocks.
///
/// # Errors
/// When it cannot be read, or holds no RSA keys of 2048 bits.
pub fn keys_of(path: &Path) -> io::Result<Keys> {
    let text = std::fs::read_to_string(path)?;
    let keys = keys_in(&text).filter(|keys| !keys.is_empty());
    let keys = keys.and_then(|keys| Keys::new(&keys));
    keys.ok_or_else(|| {
        let expected =
            "expected the answer of `aws cloudtrail list-public-keys`, or PEM, with RSA keys of 2048 bits";
        io::Error::new(io::ErrorKind::InvalidData, expected)
    })
}

fn keys_in(text: &str) -> Option<Vec<PublicKey>> {
    if let Ok(answer) = serde_json::from_str::<Value>(text) {
        let list = answer.get("PublicKeyList").unwrap_or(&answer).as_array()?;
        let key = |item: &Value| Some(pkcs1(STANDARD.decode(item.get("Value")?.as_str()?).ok()?));
        return list.iter().map(key).collect();
    }
    let mut keys = Vec::new();
    for (begin, end) in PEM {
        for block in text.split(begin).skip(1) {
            let base64: String = block.split(end).next()?.split_whitespace().collect();
            let der = STANDARD.decode(base64).ok()?;
            keys.push(if begin.contains("RSA") { pkcs1(der) } else { PublicKey::of_spki(&der)? });
        }
    }
    Some(keys)
}

/// The verifier computes the fingerprint itself.
const fn pkcs1(der: Vec<u8>) -> PublicKey {
    PublicKey { pkcs1: der, fingerprint: String::new() }
}

/// The head of a file: as JSON, or in the metadata of a delivered digest, as the file beside it or
/// `aws s3api head-object` shows them.
///
/// # Errors
/// When it cannot be read, or is something else.
pub fn head_of(path: &Path) -> io::Result<SignedHead> {
    let file: Value = serde_json::from_slice(&std::fs::read(path)?).map_err(io::Error::other)?;
    let metadata = file.get("Metadata").unwrap_or(&file);
    match metadata.get(HEAD_METADATA).and_then(Value::as_str) {
        Some(head) => serde_json::from_str(head),
        None => serde_json::from_value(file),
    }
    .map_err(io::Error::other)
}

/// Name of the metadata of a delivered digest that hold the signed head of the log at that time: an anchor outside the
/// machine.
pub(crate) const HEAD_METADATA: &str = "keyreeve-head";

/// What a deployment says of its log.
#[derive(Debug)]
pub struct Said {
    /// The keys that sign.
    pub keys: Option<Keys>,
    /// The head that it committed last; none before the first.
    pub head: Option<SignedHead>,
    /// Sentences about rows of its store that disagree with the log.
    pub disagreements: Vec<String>,
}

/// Reads the answer of the command `VerifyAudit`.
///
/// # Errors
/// When it is none.
pub fn said_by_deployment(answer: &Value) -> io::Result<Said> {
    let keys = keys_in(&answer.to_string()).and_then(|keys| Keys::new(&keys));
    let head = answer.get("Head").filter(|head| !head.is_null()).cloned().map(serde_json::from_value);
    let disagreements = answer.get("Disagreements").and_then(Value::as_array).into_iter().flatten();
    Ok(Said {
        keys,
        head: head.transpose().map_err(io::Error::other)?,
        disagreements: disagreements.filter_map(Value::as_str).map(str::to_owned).collect(),
    })
}

/// Copies the files of a log that `verify` reads into an empty folder: segments, indexes, and what a purge left. Answers how
/// many, and tells how many bytes of how many are done.
///
/// # Errors
/// When the target holds files already, or a file cannot be copied.
pub fn copy_out(from: &Path, to: &Path, progress: &mut dyn FnMut(u64, u64)) -> io::Result<usize> {
    std::fs::create_dir_all(to)?;
    if std::fs::read_dir(to)?.next().is_some() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "the folder is not empty"));
    }
    let mut files = Vec::new();
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        if ["segment-", "rows-base-", "purge-"].iter().any(|prefix| name.starts_with(prefix)) {
            files.push((name, entry.metadata()?.len()));
        }
    }
    files.sort();
    let (mut done, all) = (0, files.iter().map(|(_, bytes)| bytes).sum());
    for (name, bytes) in &files {
        progress(done, all);
        std::fs::copy(from.join(name), to.join(name))?;
        std::fs::File::open(to.join(name))?.sync_all()?;
        done += bytes;
    }
    std::fs::File::open(to)?.sync_all()?;
    Ok(files.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use keyreeve_audit::SigningKey;

    #[test]
    fn keys_are_read_from_the_answer_of_the_api_and_from_pem() {
        let key = SigningKey::open(&SigningKey::generate().unwrap()).unwrap();
        let base64 = STANDARD.encode(&key.public().pkcs1);
        let [(begin, end), _] = PEM;
        for (text, count) in [
            (
                format!("{{\"PublicKeyList\": [{{\"Value\": \"{base64}\", \"Fingerprint\": \"x\"}}]}}"),
                Some(1),
            ),
            (format!("{begin}\n{base64}\n{end}\n{begin}\n{base64}\n{end}\n"), Some(2)),
            ("nothing".to_owned(), Some(0)),
            ("{\"PublicKeyList\": [{}]}".to_owned(), None),
            (format!("{begin}\n%\n{end}\n"), None),
        ] {
            assert_eq!(keys_in(&text).map(|keys| keys.len()), count, "{text}");
        }
    }
}
