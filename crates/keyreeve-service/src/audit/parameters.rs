//! `requestParameters`: the members of a request as CloudTrail writes them. Names begin in lower case; blobs and secrets
//! are never copied.
//! AWS: <https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html>

use std::borrow::Cow;
use std::fmt;

use keyreeve_model::timestamp::Timestamp;
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::context_keys::HashedContextKeys;
use super::text::{time_text, write_string};
use crate::catalogue::Row;
use crate::input::shape::{Kind, Member, Structure};

/// The most bytes that are written; longer parameters are left out, as CloudTrail does.
const PARAMETERS_BYTES_MAX: usize = 100 * 1024;

/// Members that are secrets although they are text. A blob never needs a row here.
pub(crate) const SECRET_MEMBERS: &[&str] = &[
    "GrantToken",
    "GrantTokens",
    "KeyStorePassword",
    "Passphrase",
    "Passphrases",
    "Password",
    "SecretAccessKey",
    "SessionToken",
    "TokenCode",
    "WebIdentityToken",
    "XksProxyAuthenticationCredential",
];

/// The parameters of a request, or `null` where there is nothing to say.
pub(super) fn request_parameters(row: &Row, body: &[u8], hashed: Option<&HashedContextKeys>) -> Vec<u8> {
    if !row.logged.parameters {
        return b"null".to_vec();
    }
    let mut copy = Copy { out: Vec::with_capacity(body.len() + 64), hashed };
    let mut json = serde_json::Deserializer::from_slice(if body.is_empty() { b"{}" } else { body });
    let seed = StructureSeed { shape: row.input, filled: row.logged.filled, copy: &mut copy };
    if seed.deserialize(&mut json).is_err() || copy.out == b"{}" || copy.out.len() > PARAMETERS_BYTES_MAX {
        return b"null".to_vec();
    }
    copy.out
}

/// What is being written.
struct Copy<'h> {
    out: Vec<u8>,
    hashed: Option<&'h HashedContextKeys>,
}

struct StructureSeed<'c, 'h> {
    shape: &'static Structure,
    /// Members that have a default: what CloudTrail shows when a request leaves them out, as JSON.
    filled: &'static [(&'static str, &'static str)],
    copy: &'c mut Copy<'h>,
}

struct ValueSeed<'c, 'h> {
    kind: &'static Kind,
    /// Whether the value is an encryption context.
    context: bool,
    copy: &'c mut Copy<'h>,
}

fn is_secret(member: &Member) -> bool {
    matches!(member.kind, Kind::Blob { .. }) || SECRET_MEMBERS.contains(&member.name)
}

impl<'de> DeserializeSeed<'de> for StructureSeed<'_, '_> {
    type Value = ();
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for StructureSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a structure")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<(), A::Error> {
        let copy = self.copy;
        copy.out.push(b'{');
        let mut given: Vec<&'static str> = Vec::with_capacity(8);
        while let Some(name) = members.next_key::<Cow<'de, str>>()? {
            let member = self.shape.members.iter().find(|member| member.name == name);
            match member.filter(|member| !is_secret(member)) {
                Some(member) => {
                    let before = copy.out.len();
                    begin_member(&mut copy.out, member.name);
                    let context = member.name.contains("EncryptionContext");
                    let value = ValueSeed { kind: member.kind, context, copy: &mut *copy };
                    if members.next_value_seed(Nullable(value))? {
                        given.push(member.name);
                    } else {
                        copy.out.truncate(before);
                    }
                }
                None => drop(members.next_value::<IgnoredAny>()?),
            }
        }
        for (name, json) in self.filled.iter().filter(|(name, _)| !given.contains(name)) {
            begin_member(&mut copy.out, name);
            copy.out.extend_from_slice(json.as_bytes());
        }
        copy.out.push(b'}');
        Ok(())
    }
}

fn begin_member(out: &mut Vec<u8>, name: &str) {
    begin_element(out, b'{');
    // Names of members are letters: nothing in them is escaped.
    out.push(b'"');
    if let Some((first, rest)) = name.as_bytes().split_first() {
        out.push(first.to_ascii_lowercase());
        out.extend_from_slice(rest);
    }
    out.extend_from_slice(b"\":");
}

fn begin_element(out: &mut Vec<u8>, opening: u8) {
    if out.last() != Some(&opening) {
        out.push(b',');
    }
}

/// A value that may be null, which is as good as absent. Answers whether there was one.
struct Nullable<'c, 'h>(ValueSeed<'c, 'h>);

impl<'de> DeserializeSeed<'de> for Nullable<'_, '_> {
    type Value = bool;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        deserializer.deserialize_option(self)
    }
}

impl<'de> Visitor<'de> for Nullable<'_, '_> {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_none<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_unit<E: de::Error>(self) -> Result<bool, E> {
        Ok(false)
    }

    fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<bool, D::Error> {
        self.0.deserialize(deserializer).map(|()| true)
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_, '_> {
    type Value = ();
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        match self.kind {
            Kind::Structure(shape) => {
                StructureSeed { shape, filled: &[], copy: self.copy }.deserialize(deserializer)
            }
            Kind::Blob { .. } => deserializer.deserialize_ignored_any(IgnoredAny).map(drop),
            Kind::Text { .. }
            | Kind::Enum(_)
            | Kind::Integer { .. }
            | Kind::Boolean
            | Kind::Timestamp
            | Kind::List { .. }
            | Kind::Map => deserializer.deserialize_any(self),
        }
    }
}

impl<'de> Visitor<'de> for ValueSeed<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of the member's type")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<(), E> {
        self.copy.out.extend_from_slice(if value { b"true" } else { b"false" });
        Ok(())
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<(), E> {
        self.number(value);
        Ok(())
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<(), E> {
        self.number(i64::try_from(value).unwrap_or(i64::MAX));
        Ok(())
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<(), E> {
        #[expect(clippy::cast_possible_truncation, reason = "seconds of a time stamp; `as` saturates")]
        self.number(value as i64);
        Ok(())
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<(), E> {
        write_string(&mut self.copy.out, value);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<(), A::Error> {
        let Kind::List { element, .. } = self.kind else { return Err(de::Error::custom("not a list")) };
        self.copy.out.push(b'[');
        loop {
            let before = self.copy.out.len();
            begin_element(&mut self.copy.out, b'[');
            let value = ValueSeed { kind: element, context: false, copy: &mut *self.copy };
            if elements.next_element_seed(value)?.is_none() {
                self.copy.out.truncate(before);
                self.copy.out.push(b']');
                return Ok(());
            }
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<(), A::Error> {
        self.copy.out.push(b'{');
        while let Some((key, value)) = entries.next_entry::<Cow<'de, str>, Cow<'de, str>>()? {
            begin_element(&mut self.copy.out, b'{');
            write_string(&mut self.copy.out, &key);
            self.copy.out.push(b':');
            let hashed = self.copy.hashed.filter(|_| self.context).and_then(|keys| keys.hash(&key, &value));
            match hashed {
                Some(hashed) => write_string(&mut self.copy.out, &hashed),
                None => write_string(&mut self.copy.out, &value),
            }
        }
        self.copy.out.push(b'}');
        Ok(())
    }
}

impl ValueSeed<'_, '_> {
    fn number(self, value: i64) {
        if matches!(self.kind, Kind::Timestamp) {
            let time = Timestamp::from_millis(value.saturating_mul(1000));
            write_string(&mut self.copy.out, &time_text(time));
        } else {
            self.copy.out.extend_from_slice(value.to_string().as_bytes());
        }
    }
}
