//! JSON made from the shape of an input: mostly right, so that it gets past the reader, and wrong in every way now and
//! then. Written as text, since a JSON value could hold neither duplicate members nor a lone surrogate.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_service::input::shape::{Kind, Member, Structure};
use serde_json::Value;

use crate::tape::Tape;

/// Values that exist in the service, by what they are.
#[derive(Debug, Default)]
pub(crate) struct Pool {
    /// Key ids, key ARNs, aliases, alias ARNs; some name nothing.
    pub(crate) keys: Vec<String>,
    pub(crate) aliases: Vec<String>,
    pub(crate) markers: Vec<String>,
    pub(crate) policies: Vec<String>,
    /// Ciphertexts, signatures, tags, public keys.
    pub(crate) blobs: Vec<Vec<u8>>,
    /// Operations with bodies that they answer: members that fit each other are seldom made by chance.
    pub(crate) examples: Vec<(&'static str, Value)>,
}

/// Values of another type than any member's, or of a strange form.
const STRANGE: &[&str] = &[
    "null",
    "true",
    "\"\"",
    "0",
    "-1",
    "1.5",
    "1e400",
    "-0",
    "99999999999999999999",
    "[]",
    "{}",
    "[null]",
    "{\"a\":{}}",
    "\"\\ud800\"",
    "\"\\u0000\"",
    "\"\u{7f}\"",
    "nul",
    "",
    "[[[[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]]]]",
    "9223372036854775808",
];
const CHARACTERS: &[&str] = &[
    "a", "Z", "0", "-", "_", "/", ":", ".", " ", "+", "=", "é", "ß", "漢", "😀", "\\u0001", "\\\\", "\\\"",
    "\\n", "aws:", "kms:",
];
/// Key generation that takes seconds is left to the other tests.
const SLOW: &[&str] = &["RSA_3072", "RSA_4096"];

impl Pool {
    /// A body for an operation with this input.
    pub(crate) fn body(&self, tape: &mut Tape<'_>, operation: &str, shape: &'static Structure) -> Vec<u8> {
        let mut out = String::new();
        let examples: Vec<&Value> =
            self.examples.iter().filter(|(name, _)| *name == operation).map(|(_, body)| body).collect();
        let example =
            if examples.is_empty() || tape.once_in(2) { &Value::Null } else { *tape.pick(&examples) };
        self.structure(tape, shape, example, &mut out);
        let mut body = out.into_bytes();
        if tape.once_in(16) {
            tape.mutate(&mut body);
        }
        body
    }

    fn structure(&self, tape: &mut Tape<'_>, shape: &'static Structure, example: &Value, out: &mut String) {
        let shown = |member: &Member| example.get(member.name).is_some();
        let mut members: Vec<&Member> =
            shape.members.iter().filter(|member| is_present(tape, member) || shown(member)).collect();
        if !members.is_empty() && tape.once_in(32) {
            members.push(*tape.pick(&members));
        }
        if tape.once_in(2) {
            members.reverse();
        }
        out.push('{');
        if tape.once_in(16) {
            out.push_str("\"Unknown\":");
            out.push_str(tape.pick::<&str>(STRANGE));
            out.push_str(if members.is_empty() { "" } else { "," });
        }
        for (place, member) in members.iter().enumerate() {
            out.push_str(if place > 0 { "," } else { "" });
            quoted(member.name, out);
            out.push(':');
            match example.get(member.name) {
                Some(value) if !tape.once_in(16) => out.push_str(&value.to_string()),
                _ => self.value(tape, member.name, member.kind, out),
            }
        }
        out.push('}');
    }

    fn value(&self, tape: &mut Tape<'_>, name: &str, kind: &'static Kind, out: &mut String) {
        if tape.once_in(48) {
            return out.push_str(tape.pick::<&str>(STRANGE));
        }
        match kind {
            Kind::Text { min, max, .. } => self.text(tape, name, (*min, *max), out),
            Kind::Enum(names) => match tape.below(24) {
                23 => quoted("NO_SUCH_NAME", out),
                _ => {
                    let chosen = *tape.pick(names);
                    quoted(if SLOW.contains(&chosen) { "ECC_NIST_P256" } else { chosen }, out);
                }
            },
            Kind::Blob { min, max } => quoted(&self.blob(tape, (*min, *max)), out),
            Kind::Integer { min, max } => {
                let near = *tape.pick(&[
                    *min,
                    *max,
                    min.midpoint(*max),
                    min.saturating_sub(1),
                    max.saturating_add(1),
                ]);
                out.push_str(&if tape.once_in(2) { usize_text(tape) } else { near.to_string() });
            }
            Kind::Boolean => out.push_str(if tape.once_in(2) { "true" } else { "false" }),
            Kind::Timestamp => {
                out.push_str(tape.pick::<&str>(&["0", "1767225600", "1767225600.123", "-1", "1e18", "1e308"]))
            }
            Kind::List { element, min, max } => {
                let few = tape.below(4);
                let count = if tape.once_in(24) { max.saturating_add(1).min(1200) } else { few.max(*min) };
                joined(out, '[', ']', count, |out| self.value(tape, name, element, out));
            }
            Kind::Map => {
                let count = tape.below(4);
                joined(out, '{', '}', count, |out| {
                    quoted(&tape.pieces(CHARACTERS, 6), out);
                    out.push(':');
                    quoted(&tape.pieces(CHARACTERS, 6), out);
                });
            }
            Kind::Structure(shape) => self.structure(tape, shape, &Value::Null, out),
        }
    }

    fn text(&self, tape: &mut Tape<'_>, name: &str, (min, max): (usize, usize), out: &mut String) {
        let known: &[String] = match name {
            "KeyId" | "TargetKeyId" | "SourceKeyId" | "DestinationKeyId" => &self.keys,
            "AliasName" => &self.aliases,
            "Marker" => &self.markers,
            "Policy" => &self.policies,
            _ => &[],
        };
        let text = match tape.below(16) {
            0..=11 if !known.is_empty() => escaped(tape.pick(known).as_str()),
            12 | 13 if !known.is_empty() => escaped(&{
                let text = tape.pick(known);
                tape.mutated_text(text)
            }),
            14 => {
                let len = *tape.pick(&[
                    min.saturating_sub(1),
                    min,
                    max.min(33_000),
                    max.saturating_add(1).min(33_000),
                ]);
                tape.pick(&["a", "é", "/"]).repeat(len)
            }
            _ => tape.pieces(CHARACTERS, 12),
        };
        quoted(&text, out);
    }

    fn blob(&self, tape: &mut Tape<'_>, (min, max): (usize, usize)) -> String {
        let bytes = match tape.below(16) {
            0..=7 if !self.blobs.is_empty() => tape.pick(&self.blobs).clone(),
            8..=10 if !self.blobs.is_empty() => {
                let blob = tape.pick(&self.blobs);
                tape.mutated(blob)
            }
            11 => {
                let len = *tape.pick(&[
                    min.saturating_sub(1),
                    min,
                    max.min(270_000),
                    max.saturating_add(1).min(270_000),
                ]);
                tape.bytes(len)
            }
            12 => return tape.pieces(CHARACTERS, 8),
            _ => {
                // Digests of every length, and an external mu, among them.
                let any = tape.below(80);
                let len = *tape.pick(&[any, any, 32, 48, 64]);
                tape.bytes(len)
            }
        };
        STANDARD.encode(bytes)
    }
}

fn is_present(tape: &mut Tape<'_>, member: &Member) -> bool {
    match member {
        Member { honoured: false, .. } => tape.once_in(48),
        Member { required: true, .. } => !tape.once_in(48),
        // A dry run would hide what comes after it.
        Member { name: "DryRun" | "GrantTokens" | "DryRunModifiers", .. } => tape.once_in(16),
        _ => tape.once_in(3),
    }
}

fn usize_text(tape: &mut Tape<'_>) -> String {
    tape.below(1024).to_string()
}

fn quoted(escaped: &str, out: &mut String) {
    out.push('"');
    out.push_str(escaped);
    out.push('"');
}

fn escaped(text: &str) -> String {
    let quoted = Value::from(text).to_string();
    quoted[1..quoted.len() - 1].to_owned()
}

fn joined(out: &mut String, open: char, close: char, count: usize, mut each: impl FnMut(&mut String)) {
    out.push(open);
    for place in 0..count {
        out.push_str(if place > 0 { "," } else { "" });
        each(out);
    }
    out.push(close);
}
