//! Policy documents as the simulation looks at them beside their meaning: where each statement stands in the text, and
//! which condition keys are named.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_Statement.html>

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value;

/// A place in a document, lines and columns from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Position {
    line: usize,
    column: usize,
}

/// From where to where a statement reaches. AWS: it begins right after the bracket, comma or colon before it, and ends
/// right after its brace.
pub(super) type Span = (Position, Position);

/// The statements of a document that parses as a policy, in their order.
pub(super) fn statement_spans(text: &str) -> Vec<Span> {
    let mut scan = Scan { depth: 0, at_statement: false, list_depth: None, start: None, spans: Vec::new() };
    let (mut here, mut string) = (Position { line: 1, column: 1 }, None::<StringState>);
    for character in text.chars() {
        here = after(here, character);
        match (&mut string, character) {
            (Some(state), _) => {
                if state.closes(character) {
                    scan.string(&state.text);
                    string = None;
                }
            }
            (None, '"') => string = Some(StringState::default()),
            (None, _) => scan.mark(character, here),
        }
    }
    scan.spans
}

const fn after(here: Position, character: char) -> Position {
    match character {
        '\n' => Position { line: here.line + 1, column: 1 },
        _ => Position { line: here.line, column: here.column + 1 },
    }
}

#[derive(Default)]
struct StringState {
    text: String,
    escaped: bool,
}

impl StringState {
    fn closes(&mut self, character: char) -> bool {
        let closes = character == '"' && !self.escaped;
        self.escaped = character == '\\' && !self.escaped;
        if !closes {
            self.text.push(character);
        }
        closes
    }
}

/// What the scan of a document knows.
struct Scan {
    depth: usize,
    /// Whether the member of the document that is being read is `Statement`.
    at_statement: bool,
    /// Depth within the list of statements, if they are in one.
    list_depth: Option<usize>,
    start: Option<Position>,
    spans: Vec<Span>,
}

impl Scan {
    /// A string outside the statements: perhaps the name of the member that holds them.
    fn string(&mut self, text: &str) {
        if self.depth == 1 && !self.at_statement {
            self.at_statement = text == "Statement";
        }
    }

    /// Depth of what encloses a statement.
    fn statement_depth(&self) -> usize {
        self.list_depth.unwrap_or(1)
    }

    /// A character outside strings.
    fn mark(&mut self, character: char, here: Position) {
        match character {
            ':' if self.depth == 1 && self.at_statement => self.start = Some(here),
            '[' => {
                self.depth += 1;
                if self.at_statement && self.depth == 2 {
                    self.list_depth = Some(2);
                    self.start = Some(here);
                }
            }
            '{' => self.depth += 1,
            ']' => {
                if self.list_depth == Some(self.depth) {
                    self.list_depth = None;
                }
                self.depth = self.depth.saturating_sub(1);
            }
            '}' => {
                self.depth = self.depth.saturating_sub(1);
                if self.at_statement && self.depth == self.statement_depth() && self.depth > 0 {
                    self.spans.extend(self.start.take().map(|start| (start, here)));
                }
            }
            ',' if self.at_statement && self.depth == 1 => self.at_statement = false,
            ',' if self.at_statement && self.list_depth == Some(self.depth) => self.start = Some(here),
            _ => {}
        }
    }
}

/// The condition keys that a document names, in conditions and in policy variables, as it spells them.
pub(super) fn context_keys(text: &str) -> Vec<String> {
    let Ok(document) = serde_json::from_str::<Value>(text) else { return Vec::new() };
    let variables = document.get("Version").and_then(Value::as_str) == Some("2012-10-17");
    let mut keys = Keys { found: Vec::new(), seen: BTreeSet::new(), variables };
    match document.get("Statement") {
        Some(Value::Array(statements)) => statements.iter().for_each(|statement| keys.statement(statement)),
        Some(statement) => keys.statement(statement),
        None => {}
    }
    keys.found
}

struct Keys {
    found: Vec<String>,
    /// What was found, in lower case.
    seen: BTreeSet<String>,
    /// Whether this version of the language has policy variables.
    variables: bool,
}

impl Keys {
    fn add(&mut self, key: &str) {
        if self.seen.insert(key.to_lowercase()) {
            self.found.push(key.to_owned());
        }
    }

    fn statement(&mut self, statement: &Value) {
        let Value::Object(members) = statement else { return };
        for (name, value) in members {
            match (name.as_str(), value) {
                ("Resource" | "NotResource", _) => self.variables_in(value),
                ("Condition", Value::Object(blocks)) => {
                    for (key, values) in blocks.values().filter_map(Value::as_object).flatten() {
                        self.add(key);
                        self.variables_in(values);
                    }
                }
                _ => {}
            }
        }
    }

    fn variables_in(&mut self, value: &Value) {
        match value {
            Value::String(text) if self.variables => {
                let pieces = text.split("${").skip(1);
                for inside in pieces.filter_map(|piece| piece.split_once('}').map(|(inside, _)| inside)) {
                    let name = inside.split(',').next().unwrap_or_default().trim();
                    if !matches!(name, "" | "*" | "?" | "$") {
                        self.add(name);
                    }
                }
            }
            Value::Array(values) => values.iter().for_each(|value| self.variables_in(value)),
            Value::String(_) | Value::Null | Value::Bool(_) | Value::Number(_) | Value::Object(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ADMINISTRATOR: &str = r#"{
  "Version": "2012-10-17",
  "Statement": [
    {
      "Effect": "Allow",
      "Action": "*",
      "Resource": "*"
    }
  ]
}"#;

    fn spans(text: &str) -> Vec<[usize; 4]> {
        let flat = |(start, end): Span| [start.line, start.column, end.line, end.column];
        statement_spans(text).into_iter().map(flat).collect()
    }

    #[test]
    fn statements_stand_where_aws_says() {
        // As AWS answers for AdministratorAccess: from line 3 column 17 to line 8 column 6.
        assert_eq!(spans(ADMINISTRATOR), [[3, 17, 8, 6]]);
    }

    #[test]
    fn every_statement_has_a_span_whatever_stands_around_it() {
        for (text, expected) in [
            (r#"{"Statement":{"a":{"b":1}}}"#, vec![[1, 14, 1, 27]]),
            (
                r#"{"Id":"Statement","Statement":[{},{"x":[{}]}],"z":[{}]}"#,
                vec![[1, 32, 1, 34], [1, 35, 1, 45]],
            ),
            (r#"{"Statement":{"Sid":"}{\"]["},"Version":"x"}"#, vec![[1, 14, 1, 30]]),
            ("{\"Statement\":[{\"a\":[{},{}]},\n{}]}", vec![[1, 15, 1, 28], [1, 29, 2, 3]]),
            (r#"{"Statement":[]}"#, vec![]),
            ("", vec![]),
        ] {
            assert_eq!(spans(text), expected, "{text}");
        }
    }

    #[test]
    fn keys_are_found_in_conditions_and_variables_once() {
        let text = r#"{"Version":"2012-10-17","Statement":[
            {"Resource":"arn:${aws:username}/${*}","Condition":{"StringEquals":{"kms:ViaService":["${aws:PrincipalTag/a, 'x'}"]}}},
            {"NotResource":["${AWS:UserName}"],"Condition":{"Null":{"kms:viaservice":"true","kms:EncryptionContext:A":"true"}}}]}"#;
        let keys = ["aws:username", "kms:ViaService", "aws:PrincipalTag/a", "kms:EncryptionContext:A"];
        assert_eq!(context_keys(text), keys);
        let older = text.replace("2012-10-17", "2008-10-17");
        assert_eq!(context_keys(&older), ["kms:ViaService", "kms:EncryptionContext:A"]);
        assert!(context_keys("{").is_empty());
    }
}
