//! From the JSON of an answer to XML: members in their order, lists as `<member>`, maps as `<entry>`.
//! Smithy: <https://smithy.io/2.0/aws/protocols/aws-query-protocol.html#response-serialization>

use std::fmt::{self, Write as _};

use jiff::Timestamp;
use serde_json::{Map, Value};
use uuid::Uuid;

/// Members that are maps; every other object is a structure. A test holds the tables to the models.
const MAPS: [&str; 2] = ["EvalDecisionDetails", "SummaryMap"];
/// Members that are points in time: where the service gives seconds since the epoch, the answer has ISO 8601.
const TIMESTAMPS: [&str; 8] = [
    "CreateDate",
    "EnableDate",
    "Expiration",
    "ExpirationDate",
    "LastUsedDate",
    "PasswordLastUsed",
    "UpdateDate",
    "UploadDate",
];
/// Operations whose result has no members: clients look for the empty element.
const EMPTY_RESULTS: [&str; 1] = ["UpdateRole"];

/// The answer to an operation; `None` when the reply is not a JSON object, which is our fault. An empty reply means that
/// the operation answers nothing but its request id.
pub(super) fn response(namespace: &str, operation: &str, reply: &[u8], request_id: Uuid) -> Option<String> {
    let members: Option<Map<String, Value>> = match reply {
        [] => EMPTY_RESULTS.contains(&operation).then(Map::new),
        json => Some(serde_json::from_slice(json).ok()?),
    };
    let mut xml = String::with_capacity(512 + reply.len() * 2);
    xml.push_str(&format!(r#"<{operation}Response xmlns="{namespace}">"#));
    if let Some(members) = members {
        xml.push_str(&format!("<{operation}Result>"));
        members.iter().for_each(|(name, value)| element(&mut xml, name, value));
        xml.push_str(&format!("</{operation}Result>"));
    }
    xml.push_str(&format!(
        "<ResponseMetadata><RequestId>{request_id}</RequestId></ResponseMetadata></{operation}Response>"
    ));
    Some(xml)
}

/// The answer to a request that is refused.
pub(super) fn refusal(namespace: &str, kind: &str, code: &str, message: &str, request_id: Uuid) -> String {
    format!(
        r#"<ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type><Code>{code}</Code><Message>{}</Message></Error><RequestId>{request_id}</RequestId></ErrorResponse>"#,
        Escaped(message)
    )
}

fn element(xml: &mut String, name: &str, value: &Value) {
    // Writing to a String cannot fail.
    let _ = match value {
        Value::Null => Ok(()),
        Value::Bool(flag) => write!(xml, "<{name}>{flag}</{name}>"),
        Value::Number(number) => match number.as_i64().filter(|_| TIMESTAMPS.contains(&name)) {
            Some(seconds) => write!(xml, "<{name}>{}</{name}>", iso(seconds)),
            None => write!(xml, "<{name}>{number}</{name}>"),
        },
        Value::String(text) => write!(xml, "<{name}>{}</{name}>", Escaped(text)),
        Value::Array(items) => {
            nested(xml, name, |xml| items.iter().for_each(|item| element(xml, "member", item)))
        }
        Value::Object(entries) if MAPS.contains(&name) => nested(xml, name, |xml| {
            for (key, value) in entries {
                xml.push_str(&format!("<entry><key>{}</key>", Escaped(key)));
                element(xml, "value", value);
                xml.push_str("</entry>");
            }
        }),
        Value::Object(members) => nested(xml, name, |xml| {
            members.iter().for_each(|(name, value)| element(xml, name, value));
        }),
    };
}

fn nested(xml: &mut String, name: &str, write_content: impl FnOnce(&mut String)) -> fmt::Result {
    write!(xml, "<{name}>")?;
    write_content(xml);
    write!(xml, "</{name}>")
}

/// `2026-01-02T03:04:05Z`.
fn iso(seconds: i64) -> String {
    Timestamp::from_second(seconds).map_or_else(|_| seconds.to_string(), |timestamp| timestamp.to_string())
}

/// Text as the content of an element.
struct Escaped<'t>(&'t str);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                // A parser makes a line feed of a bare one: XML 1.0 §2.11.
                '\r' => f.write_str("&#xD;")?,
                '\t' | '\n' => f.write_char(character)?,
                // No XML 1.0 document can hold these, not even as a reference: §2.2.
                '\0'..='\u{1f}' | '\u{fffe}' | '\u{ffff}' => f.write_char(char::REPLACEMENT_CHARACTER)?,
                other => f.write_char(other)?,
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
