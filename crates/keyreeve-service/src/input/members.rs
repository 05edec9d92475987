//! Typed access to the members of an input that was read and found to hold the model's constraints.

use std::collections::BTreeMap;

use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::arn::{KeyRef, KeyRefError};
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::error::{Invalid, KmsError};

use super::read::{self, Members, Value};
use super::shape::{Kind, Structure};
use super::violations::violations;

/// The members of one input. Each is taken out at most once.
#[derive(Debug)]
pub struct Input<'a> {
    shape: &'static Structure,
    members: Members<'a>,
}

impl<'a> Input<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// [`KmsError::Serialization`], [`KmsError::Violations`], [`KmsError::NotHonoured`], in this order.
    pub fn read(shape: &'static Structure, body: &'a [u8]) -> Result<Self, KmsError> {
        let members = read::read(shape, body)?;
        let violations = violations(shape, &members);
        if !violations.is_empty() {
            return Err(KmsError::Violations(violations));
        }
        let mut present = shape.members.iter().zip(&members).filter(|(_, value)| value.is_some());
        if let Some((member, _)) = present.find(|(member, _)| !member.honoured) {
            return Err(KmsError::NotHonoured { member: member.name });
        }
        Ok(Self { shape, members })
    }

    fn take(&mut self, name: &'static str) -> Option<Value<'a>> {
        let index = self.shape.members.iter().position(|member| member.name == name);
        debug_assert!(index.is_some(), "{name} is not a member of this input's shape");
        self.members.get_mut(index?)?.take()
    }

    /// A text.
    pub fn text(&mut self, name: &'static str) -> Option<String> {
        let Value::Text(text) = self.take(name)? else { return None };
        Some(text.into_owned())
    }

    /// A text that the model requires.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when the shape does not require it after all.
    pub fn required_text(&mut self, name: &'static str) -> Result<String, KmsError> {
        self.text(name).ok_or(KmsError::Internal)
    }

    /// A variant of an enum of the model.
    pub fn choice<T>(&mut self, name: &'static str, parse: fn(&str) -> Option<T>) -> Option<T> {
        let Value::Text(text) = self.take(name)? else { return None };
        parse(&text)
    }

    /// A variant that the model requires.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when the shape does not require it after all.
    pub fn required_choice<T>(
        &mut self,
        name: &'static str,
        parse: fn(&str) -> Option<T>,
    ) -> Result<T, KmsError> {
        self.choice(name, parse).ok_or(KmsError::Internal)
    }

    /// A blob.
    pub fn blob(&mut self, name: &'static str) -> Option<SecretBytes> {
        let Value::Blob(bytes) = self.take(name)? else { return None };
        Some(bytes)
    }

    /// A blob that the model requires.
    ///
    /// # Errors
    /// [`KmsError::Internal`] when the shape does not require it after all.
    pub fn required_blob(&mut self, name: &'static str) -> Result<SecretBytes, KmsError> {
        self.blob(name).ok_or(KmsError::Internal)
    }

    /// A whole number.
    pub fn integer(&mut self, name: &'static str) -> Option<i64> {
        let Value::Integer(number) = self.take(name)? else { return None };
        Some(number)
    }

    /// A boolean; absent is false.
    pub fn flag(&mut self, name: &'static str) -> bool {
        matches!(self.take(name), Some(Value::Boolean(true)))
    }

    /// A boolean; absent is another thing than false.
    pub fn optional_flag(&mut self, name: &'static str) -> Option<bool> {
        let Value::Boolean(flag) = self.take(name)? else { return None };
        Some(flag)
    }

    /// A point in time, in milliseconds since the epoch.
    pub fn timestamp_millis(&mut self, name: &'static str) -> Option<i64> {
        let Value::Timestamp(millis) = self.take(name)? else { return None };
        Some(millis)
    }

    /// A list of texts; absent is empty.
    pub fn texts(&mut self, name: &'static str) -> Vec<String> {
        let Some(Value::List(values)) = self.take(name) else { return Vec::new() };
        values.into_iter().filter_map(into_text).collect()
    }

    /// A list of tags as (key, value); absent is empty.
    pub fn tags(&mut self, name: &'static str) -> Vec<(String, String)> {
        let Some(Value::List(values)) = self.take(name) else { return Vec::new() };
        values.into_iter().filter_map(into_pair).collect()
    }

    /// A list of structures, each to be read like an input; absent is empty.
    pub fn structures(&mut self, name: &'static str) -> Vec<Self> {
        let element = self.shape.members.iter().find(|member| member.name == name).map(|member| member.kind);
        let (Some(Kind::List { element: Kind::Structure(shape), .. }), Some(Value::List(values))) =
            (element, self.take(name))
        else {
            return Vec::new();
        };
        values.into_iter().filter_map(|value| Self::nested(shape, value)).collect()
    }

    /// A structure, to be read like an input.
    pub fn structure(&mut self, name: &'static str) -> Option<Self> {
        let kind = self.shape.members.iter().find(|member| member.name == name).map(|member| member.kind);
        let Some(Kind::Structure(shape)) = kind else { return None };
        Self::nested(shape, self.take(name)?)
    }

    fn nested(shape: &'static Structure, value: Value<'a>) -> Option<Self> {
        let Value::Structure(members) = value else { return None };
        Some(Self { shape, members })
    }

    /// An encryption context; absent is empty.
    ///
    /// # Errors
    /// [`Invalid::ContextTooLarge`].
    pub fn context(&mut self, name: &'static str) -> Result<EncryptionContext, KmsError> {
        let Some(Value::Map(entries)) = self.take(name) else { return Ok(EncryptionContext::default()) };
        let entries: BTreeMap<_, _> =
            entries.into_iter().map(|(key, value)| (key.into_owned(), value.into_owned())).collect();
        EncryptionContext::new(entries).map_err(|_| KmsError::Invalid(Invalid::ContextTooLarge))
    }

    /// An encryption context; absent is another thing than empty.
    ///
    /// # Errors
    /// As [`Self::context`].
    pub fn optional_context(&mut self, name: &'static str) -> Result<Option<EncryptionContext>, KmsError> {
        let present = self
            .members
            .iter()
            .zip(self.shape.members)
            .any(|(value, member)| member.name == name && value.is_some());
        if present { self.context(name).map(Some) } else { Ok(None) }
    }

    /// A key reference.
    ///
    /// # Errors
    /// NotFoundException, as AWS words it.
    pub fn key_ref(&mut self, name: &'static str) -> Result<Option<KeyRef>, KmsError> {
        self.text(name).map(|text| parse_key_ref(&text)).transpose()
    }

    /// A key reference that the model requires.
    ///
    /// # Errors
    /// As [`Self::key_ref`].
    pub fn required_key_ref(&mut self, name: &'static str) -> Result<KeyRef, KmsError> {
        self.key_ref(name)?.ok_or(KmsError::Internal)
    }
}

/// A key reference from its text.
///
/// # Errors
/// As [`Input::key_ref`].
fn parse_key_ref(text: &str) -> Result<KeyRef, KmsError> {
    KeyRef::parse(text).map_err(|error| match error {
        KeyRefError::InvalidKeyId | KeyRefError::InvalidAliasName => KmsError::InvalidKeyId(text.to_owned()),
        // Declared by every operation that names a key, which InvalidArnException is not.
        KeyRefError::InvalidArn => KmsError::InvalidArnRegion(text.to_owned()),
    })
}

fn into_text(value: Value<'_>) -> Option<String> {
    let Value::Text(text) = value else { return None };
    Some(text.into_owned())
}

fn into_pair(value: Value<'_>) -> Option<(String, String)> {
    let Value::Structure(members) = value else { return None };
    let mut texts = members.into_iter().map(|member| member.and_then(into_text));
    Some((texts.next()??, texts.next()??))
}
