//! One ciphertext: is it right already, did an earlier run do it, or must ReEncrypt be asked?

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value, json};

use super::Plan;
use super::destination::{Destination, Destinations};
use super::journal::{Journal, JournalError, Known};
use super::replace::ReplaceError;
use crate::error::CallError;
use crate::kms::Call;

/// What every ciphertext of a sweep is held against.
#[derive(Debug)]
pub(super) struct Renewer<'s> {
    plan: &'s Plan,
    journal: &'s Journal,
    destinations: Destinations,
}

/// What became of one.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It is right already.
    Current,
    /// A dry run: it is not.
    Pending,
    /// This is the new one.
    Renewed(Vec<u8>),
    /// This is the new one, which an earlier run fetched.
    Resumed { new: Vec<u8>, sure: bool },
}

/// Why one cannot be done.
#[derive(Debug)]
pub(super) enum Trouble {
    /// This one only.
    One(String),
    /// This one only, or whoever comes now.
    Passing(String),
    /// All others would fare alike.
    All(String),
}

impl From<CallError> for Trouble {
    fn from(error: CallError) -> Self {
        let why = error.to_string();
        match (error.concerns_all(), error.is_passing()) {
            (true, _) => Self::All(why),
            (false, true) => Self::Passing(why),
            (false, false) => Self::One(why),
        }
    }
}

impl From<JournalError> for Trouble {
    fn from(error: JournalError) -> Self {
        Self::All(error.to_string())
    }
}

impl From<ReplaceError> for Trouble {
    fn from(error: ReplaceError) -> Self {
        match error {
            ReplaceError::Before(error) => Self::One(error.to_string()),
            ReplaceError::After { .. } => Self::All(error.to_string()),
        }
    }
}

impl<'s> Renewer<'s> {
    pub(super) fn new(plan: &'s Plan, journal: &'s Journal) -> Self {
        Self { plan, journal, destinations: Destinations::default() }
    }

    /// Decides and, where needed, asks. `more` is encryption context of this ciphertext alone.
    pub(super) fn renew(
        &self,
        call: &mut impl Call,
        blob: &[u8],
        more: &BTreeMap<String, String>,
    ) -> Result<Outcome, Trouble> {
        let destination = self.destinations.of(call, self.plan, blob)?;
        if destination.is_of(blob) {
            return Ok(Outcome::Current);
        }
        match self.journal.look(blob, &destination) {
            Known::Current => return Ok(Outcome::Current),
            Known::Renewed { .. } if self.plan.dry_run => return Ok(Outcome::Pending),
            Known::Renewed { new, sure } => return Ok(Outcome::Resumed { new, sure }),
            Known::Nothing => {}
        }
        if self.plan.dry_run {
            return Ok(Outcome::Pending);
        }
        let answer = call.call("ReEncrypt", &self.question(blob, &destination, more))?;
        self.answered(blob, &answer)
    }

    fn question(&self, blob: &[u8], destination: &Destination, more: &BTreeMap<String, String>) -> Value {
        let mut context = self.plan.context.clone();
        context.extend(more.clone());
        let mut question = Map::from_iter([
            ("CiphertextBlob".to_owned(), json!(STANDARD.encode(blob))),
            ("DestinationKeyId".to_owned(), json!(destination.key)),
        ]);
        question.extend(self.plan.source_key.as_ref().map(|key| ("SourceKeyId".to_owned(), json!(key))));
        if !context.is_empty() {
            question.insert("SourceEncryptionContext".to_owned(), json!(context));
            question.insert("DestinationEncryptionContext".to_owned(), json!(context));
        }
        Value::Object(question)
    }

    fn answered(&self, blob: &[u8], answer: &Value) -> Result<Outcome, Trouble> {
        let text = |name| answer.get(name).and_then(Value::as_str);
        let absent = |member| CallError::Incomplete { operation: "ReEncrypt", member };
        let arn = text("KeyId").ok_or_else(|| absent("KeyId"))?;
        let material_id = text("DestinationKeyMaterialId");
        // The same material encrypted it, as only the answer could tell: nothing is gained by another ciphertext.
        let same = text("SourceKeyId") == Some(arn)
            && material_id.is_some()
            && text("SourceKeyMaterialId") == material_id;
        if same {
            self.journal.add(blob, arn, material_id, None)?;
            return Ok(Outcome::Current);
        }
        let new = text("CiphertextBlob").and_then(|new| STANDARD.decode(new).ok());
        let new = new.filter(|new| !new.is_empty()).ok_or_else(|| absent("CiphertextBlob"))?;
        self.journal.add(blob, arn, material_id, Some(&new))?;
        Ok(Outcome::Renewed(new))
    }
}
