//! A ciphertext as it is kept: its bytes, or base64 on one line or several. What is written has the form that was read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_model::limits::CIPHERTEXT_BYTES_MAX;

/// The longest file that is read: base64 of the longest blob with its line ends, and room.
pub(super) const FILE_BYTES_MAX: u64 = 16 * 1024;

/// A ciphertext and the form in which it is kept.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Encoded {
    pub(super) blob: Vec<u8>,
    form: Form,
}

#[derive(Debug, PartialEq, Eq)]
enum Form {
    Raw,
    /// `width`: of its lines; `None` for one line. `end`: what follows.
    Base64 {
        width: Option<usize>,
        end: String,
    },
}

/// Why bytes are no ciphertext.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum NoBlob {
    #[error("it is empty")]
    Empty,
    #[error("it is text, and no base64")]
    Text,
    #[error("it is longer than a ciphertext of KMS can be ({CIPHERTEXT_BYTES_MAX} bytes)")]
    TooLong,
}

impl Encoded {
    /// Reads bytes: base64 where they are nothing else, or else the blob itself. Other text is none, and goes to no endpoint: it
    /// may be what was to be kept secret.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, NoBlob> {
        let found = base64_of(bytes).unwrap_or_else(|| Self { blob: bytes.to_vec(), form: Form::Raw });
        if found.form == Form::Raw && !bytes.is_empty() && is_text(bytes) {
            return Err(NoBlob::Text);
        }
        match found.blob.len() {
            0 => Err(NoBlob::Empty),
            1..=CIPHERTEXT_BYTES_MAX => Ok(found),
            _ => Err(NoBlob::TooLong),
        }
    }

    /// Another blob in the same form.
    pub(super) fn like(&self, blob: &[u8]) -> Vec<u8> {
        let Form::Base64 { width, end } = &self.form else { return blob.to_vec() };
        let text = STANDARD.encode(blob).into_bytes();
        let lines: Vec<&[u8]> = text.chunks(width.unwrap_or(text.len()).max(1)).collect();
        let mut lines = lines.join(&b'\n');
        lines.extend_from_slice(end.as_bytes());
        lines
    }
}

/// Whether a person could have written it. Ciphertext has control characters, or is no UTF-8.
fn is_text(bytes: &[u8]) -> bool {
    let control = |letter: char| letter.is_control() && !letter.is_whitespace();
    std::str::from_utf8(bytes).is_ok_and(|text| !text.contains(control))
}

fn base64_of(bytes: &[u8]) -> Option<Encoded> {
    let text = std::str::from_utf8(bytes).ok()?;
    let body = text.trim_end();
    let mut lines = body.lines();
    let first = lines.next()?;
    let width = lines.next().map(|_| first.trim_end().len());
    let joined: String = body.split_whitespace().collect();
    let blob = STANDARD.decode(joined).ok().filter(|blob| !blob.is_empty())?;
    let end = text.get(body.len()..).unwrap_or_default().to_owned();
    Some(Encoded { blob, form: Form::Base64 { width, end } })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_has_the_form_that_was_read() {
        let (old, new) = (vec![0xC1; 100], vec![0x02; 90]);
        let text = |blob: &[u8]| STANDARD.encode(blob);
        let wrapped = |blob: &[u8]| {
            text(blob)
                .as_bytes()
                .chunks(76)
                .map(|line| String::from_utf8_lossy(line))
                .collect::<Vec<_>>()
                .join("\n")
        };
        for (before, after) in [
            (old.clone(), new.clone()),
            (text(&old).into_bytes(), text(&new).into_bytes()),
            (format!("{}\n", text(&old)).into_bytes(), format!("{}\n", text(&new)).into_bytes()),
            (format!("{}\r\n", text(&old)).into_bytes(), format!("{}\r\n", text(&new)).into_bytes()),
            (format!("{}\n", wrapped(&old)).into_bytes(), format!("{}\n", wrapped(&new)).into_bytes()),
        ] {
            let read = Encoded::read(&before).unwrap();
            assert_eq!(read.blob, old);
            assert_eq!(read.like(&new), after, "{}", String::from_utf8_lossy(&before));
        }
    }

    #[test]
    fn text_that_is_no_base64_is_no_ciphertext() {
        for text in [
            "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n",
            "somebody's note\r\n",
            "gr\u{fc}\u{df}e\tan alle",
            "\n",
        ] {
            assert_eq!(Encoded::read(text.as_bytes()), Err(NoBlob::Text), "{text:?}");
        }
        // Of AWS and of others: binary, whatever its letters.
        for blob in [b"\x01\x02\x02\0x".as_slice(), b"\xC1\x01", b"abc\0"] {
            assert_eq!(Encoded::read(blob).unwrap().blob, blob);
        }
    }

    #[test]
    fn nothing_and_too_much_are_no_ciphertext() {
        assert_eq!(Encoded::read(b""), Err(NoBlob::Empty));
        assert_eq!(Encoded::read(&vec![0xC1; CIPHERTEXT_BYTES_MAX + 1]), Err(NoBlob::TooLong));
        assert_eq!(
            Encoded::read(STANDARD.encode(vec![1; CIPHERTEXT_BYTES_MAX + 1]).as_bytes()),
            Err(NoBlob::TooLong)
        );
        assert!(Encoded::read(&vec![0xC1; CIPHERTEXT_BYTES_MAX]).is_ok());
    }
}
