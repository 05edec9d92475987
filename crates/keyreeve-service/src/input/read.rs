//! Reads a body against a shape: one pass over the JSON, borrowing what it can.

use std::borrow::Cow;
use std::cell::Cell;
use std::collections::BTreeMap;
use std::fmt;

use base64::Engine as _;
use keyreeve_crypto::secret::SecretBytes;
use keyreeve_model::error::{KmsError, SerializationFault};
use serde::de::{self, DeserializeSeed, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::shape::{Kind, Structure};

/// A member's value, of the type that its kind says.
#[derive(Debug)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Blob(SecretBytes),
    Integer(i64),
    Boolean(bool),
    /// Milliseconds since the epoch.
    Timestamp(i64),
    List(Vec<Self>),
    Map(BTreeMap<Cow<'a, str>, Cow<'a, str>>),
    Structure(Vec<Option<Self>>),
}

/// The members of a structure in the order of its table; `None` where absent or null.
pub(super) type Members<'a> = Vec<Option<Value<'a>>>;

/// Reads the body of an input. An empty body is an input without members.
pub(super) fn read<'a>(shape: &'static Structure, body: &'a [u8]) -> Result<Members<'a>, KmsError> {
    if body.is_empty() {
        return Ok(shape.members.iter().map(|_| None).collect());
    }
    // serde's errors are texts; what is really wrong travels beside them.
    let fault = Cell::new(SerializationFault::NotJson);
    let mut json = serde_json::Deserializer::from_slice(body);
    let result = StructureSeed { shape, fault: &fault }
        .deserialize(&mut json)
        .and_then(|members| json.end().map(|()| members));
    result.map_err(|_| KmsError::Serialization(fault.get()))
}

struct StructureSeed<'f> {
    shape: &'static Structure,
    fault: &'f Cell<SerializationFault>,
}

struct ValueSeed<'f> {
    kind: &'static Kind,
    fault: &'f Cell<SerializationFault>,
}

/// A value that may be null: AWS reads null as absent.
struct Nullable<'f>(ValueSeed<'f>);

fn refuse<E: de::Error>(cell: &Cell<SerializationFault>, fault: SerializationFault) -> E {
    cell.set(fault);
    E::custom("refused")
}

impl<'de> DeserializeSeed<'de> for StructureSeed<'_> {
    type Value = Members<'de>;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_any(StructureVisitor(self))
    }
}

struct StructureVisitor<'f>(StructureSeed<'f>);

/// Refuses every JSON type that a visitor does not accept with what was found and what was expected.
macro_rules! refuse_other_types {
    ($life:lifetime, $expected:expr; $($method:ident($argument:ty) = $found:literal),+ $(,)?) => {
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { f.write_str($expected) }
        $(fn $method<E: de::Error>(self, _: $argument) -> Result<Self::Value, E> {
            Err(refuse(self.0.fault, SerializationFault::WrongType { found: $found, expected: $expected }))
        })+
    };
}

impl<'de> Visitor<'de> for StructureVisitor<'_> {
    type Value = Members<'de>;
    refuse_other_types!('de, "a structure"; visit_bool(bool) = "A boolean", visit_i64(i64) = "A number", visit_u64(u64) = "A number",
        visit_f64(f64) = "A number", visit_str(&str) = "A string");

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Err(refuse(self.0.fault, SerializationFault::WrongType { found: "Null", expected: "a structure" }))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, _: A) -> Result<Self::Value, A::Error> {
        Err(refuse(self.0.fault, SerializationFault::WrongType { found: "A list", expected: "a structure" }))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let Self(StructureSeed { shape, fault }) = self;
        let mut members: Members<'de> = shape.members.iter().map(|_| None).collect();
        let mut seen = 0_u64;
        while let Some(Name(name)) = map.next_key()? {
            let Some(index) = shape.members.iter().position(|member| member.name == name) else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            // No structure of the model has 64 members; a test holds it.
            if seen & (1 << index) != 0 {
                return Err(refuse(fault, SerializationFault::DuplicateName));
            }
            seen |= 1 << index;
            if let (Some(member), Some(slot)) = (shape.members.get(index), members.get_mut(index)) {
                *slot = map.next_value_seed(Nullable(ValueSeed { kind: member.kind, fault }))?;
            }
        }
        Ok(members)
    }
}

/// A string, borrowed from the body unless it has escapes.
struct Name<'a>(Cow<'a, str>);

impl<'de: 'a, 'a> de::Deserialize<'de> for Name<'a> {
    fn deserialize<D: de::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameVisitor;
        impl<'de> Visitor<'de> for NameVisitor {
            type Value = Name<'de>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a string")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Name<'de>, E> {
                Ok(Name(Cow::Owned(text.to_owned())))
            }
        }
        deserializer.deserialize_str(NameVisitor)
    }
}

impl<'de> DeserializeSeed<'de> for Nullable<'_> {
    type Value = Option<Value<'de>>;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        struct NullableVisitor<'f>(ValueSeed<'f>);
        impl<'de> Visitor<'de> for NullableVisitor<'_> {
            type Value = Option<Value<'de>>;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value or null")
            }
            fn visit_unit<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_none<E>(self) -> Result<Self::Value, E> {
                Ok(None)
            }
            fn visit_some<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
                self.0.deserialize(deserializer).map(Some)
            }
        }
        deserializer.deserialize_option(NullableVisitor(self.0))
    }
}

impl<'de> DeserializeSeed<'de> for ValueSeed<'_> {
    type Value = Value<'de>;
    fn deserialize<D: de::Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.kind {
            Kind::Structure(shape) => {
                StructureSeed { shape, fault: self.fault }.deserialize(deserializer).map(Value::Structure)
            }
            Kind::Text { .. }
            | Kind::Enum(_)
            | Kind::Blob { .. }
            | Kind::Integer { .. }
            | Kind::Boolean
            | Kind::Timestamp
            | Kind::List { .. }
            | Kind::Map => deserializer.deserialize_any(ValueVisitor(self)),
        }
    }
}

struct ValueVisitor<'f>(ValueSeed<'f>);

impl ValueVisitor<'_> {
    fn wrong<E: de::Error>(&self, found: &'static str) -> E {
        let expected = match self.0.kind {
            Kind::Text { .. } | Kind::Enum(_) | Kind::Blob { .. } => "a string",
            Kind::Integer { .. } => "an integer",
            Kind::Boolean => "a boolean",
            Kind::Timestamp => "a timestamp",
            Kind::List { .. } => "a list",
            Kind::Map => "a map",
            Kind::Structure(_) => "a structure",
        };
        refuse(self.0.fault, SerializationFault::WrongType { found, expected })
    }

    fn text<'de, E: de::Error>(self, text: Cow<'de, str>) -> Result<Value<'de>, E> {
        match self.0.kind {
            Kind::Text { .. } | Kind::Enum(_) => Ok(Value::Text(text)),
            Kind::Blob { .. } => base64::engine::general_purpose::STANDARD
                .decode(text.as_bytes())
                .map(|bytes| Value::Blob(SecretBytes::from(bytes)))
                .map_err(|_| refuse(self.0.fault, SerializationFault::NotBase64)),
            Kind::Integer { .. }
            | Kind::Boolean
            | Kind::Timestamp
            | Kind::List { .. }
            | Kind::Map
            | Kind::Structure(_) => Err(self.wrong("A string")),
        }
    }
}

impl<'de> Visitor<'de> for ValueVisitor<'_> {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Self::Value, E> {
        Err(self.wrong("Null"))
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Self::Value, E> {
        if matches!(self.0.kind, Kind::Boolean) {
            Ok(Value::Boolean(value))
        } else {
            Err(self.wrong("A boolean"))
        }
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Self::Value, E> {
        match self.0.kind {
            Kind::Integer { .. } => Ok(Value::Integer(value)),
            Kind::Timestamp => Ok(Value::Timestamp(value.saturating_mul(1000))),
            Kind::Text { .. }
            | Kind::Enum(_)
            | Kind::Blob { .. }
            | Kind::Boolean
            | Kind::List { .. }
            | Kind::Map
            | Kind::Structure(_) => Err(self.wrong("A number")),
        }
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Self::Value, E> {
        // Far beyond every bound of the model, so that the bound is what the caller hears of.
        self.visit_i64(i64::try_from(value).unwrap_or(i64::MAX))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Self::Value, E> {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a saturating cast is meant: bounds are checked afterwards"
        )]
        match self.0.kind {
            Kind::Integer { .. } if value.fract() == 0.0 => Ok(Value::Integer(value as i64)),
            Kind::Timestamp => Ok(Value::Timestamp((value * 1000.0) as i64)),
            Kind::Integer { .. }
            | Kind::Text { .. }
            | Kind::Enum(_)
            | Kind::Blob { .. }
            | Kind::Boolean
            | Kind::List { .. }
            | Kind::Map
            | Kind::Structure(_) => Err(self.wrong("A number")),
        }
    }

    fn visit_borrowed_str<E: de::Error>(self, text: &'de str) -> Result<Self::Value, E> {
        self.text(Cow::Borrowed(text))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Self::Value, E> {
        self.text(Cow::Owned(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let Kind::List { element, .. } = self.0.kind else { return Err(self.wrong("A list")) };
        let mut elements = Vec::new();
        while let Some(value) = list.next_element_seed(ValueSeed { kind: element, fault: self.0.fault })? {
            elements.push(value);
        }
        Ok(Value::List(elements))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        if !matches!(self.0.kind, Kind::Map) {
            return Err(self.wrong("A map"));
        }
        let mut entries = BTreeMap::new();
        while let Some(Name(name)) = map.next_key()? {
            let value = ValueSeed { kind: &MAP_VALUE, fault: self.0.fault };
            let Value::Text(value) = map.next_value_seed(value)? else {
                return Err(de::Error::custom("not a text"));
            };
            if entries.insert(name, value).is_some() {
                return Err(refuse(self.0.fault, SerializationFault::DuplicateName));
            }
        }
        Ok(Value::Map(entries))
    }
}

static MAP_VALUE: Kind = Kind::Text { min: 0, max: usize::MAX, pattern: None };
