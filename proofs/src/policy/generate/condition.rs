//! Draws the Condition element: operators that fit their keys, and values that are the request's or nearly so.

use serde_json::{Map, Value, json};

use super::{Draw, Place};
use crate::policy::case::Known;
use crate::policy::vocabulary as words;
use crate::policy::vocabulary::{Sort, Word};

impl Draw {
    pub(super) fn condition(&mut self, place: Place) -> Value {
        let mut condition = Map::new();
        for _ in 0..=self.chance.below(2) {
            let (operator, key, wanted) = self.pair(place);
            let block = condition.entry(operator).or_insert_with(|| json!({}));
            if let Some(block) = block.as_object_mut() {
                block.insert(key, wanted);
            }
        }
        Value::Object(condition)
    }

    fn pair(&mut self, place: Place) -> (String, String, Value) {
        if self.flip(15) {
            return self.pair_about_the_caller();
        }
        let Some(word) = self.chance.pick(words::WORDS) else { return Default::default() };
        let key = if self.flip(15) { word.name.to_uppercase() } else { word.name.to_owned() };
        if self.flip(10) {
            let wanted = self.one(&["true", "false"]);
            return (
                "Null".to_owned(),
                key,
                if self.flip(20) { json!(wanted == "true") } else { json!(wanted) },
            );
        }
        // Refused in key policies, as an empty set would satisfy ForAllValues.
        let refused =
            ["kms:EncryptionContext:", "aws:ResourceTag/"].iter().any(|start| word.name.starts_with(start));
        let sets = !(place == Place::Key && refused);
        let sort = if self.flip(5) { Sort::Text } else { word.sort };
        let operator = self.operator(words::operators(sort), sets, word.many);
        let wanted = self.list(|draw| draw.wanted(word));
        (operator, key, wanted)
    }

    fn operator(&mut self, operators: &[&str], sets: bool, many: bool) -> String {
        let mut operator = self.one(operators);
        if self.flip(25) {
            operator.push_str("IfExists");
        }
        if sets && self.flip(if many { 90 } else { 8 }) {
            operator = format!("{}:{operator}", self.one(&["ForAnyValue", "ForAllValues"]));
        }
        if self.flip(3) { operator.to_lowercase() } else { operator }
    }

    fn pair_about_the_caller(&mut self) -> (String, String, Value) {
        let key = self.one(&[
            "aws:PrincipalArn",
            "aws:PrincipalArn",
            "aws:userid",
            "aws:username",
            "aws:PrincipalAccount",
            "kms:CallerAccount",
        ]);
        let sort = if key == "aws:PrincipalArn" { Sort::Arn } else { Sort::Text };
        let operator = self.operator(words::operators(sort), true, false);
        let wanted = self.list(|draw| {
            let number = draw.chance.below(words::CALLER_COUNT);
            let somebody =
                words::caller(number).filter(|_| draw.flip(40)).unwrap_or_else(|| draw.case.caller.clone());
            let about = words::about(&somebody);
            let known = about.iter().find(|(name, _)| *name == key);
            match known {
                Some((_, Known::One(value))) if sort == Sort::Text || draw.flip(60) => json!(value),
                _ if sort == Sort::Arn => json!(draw.one(words::PRINCIPAL_ARNS)),
                _ => json!(draw.one(&["alice", "b*", "*"])),
            }
        });
        (operator, key, wanted)
    }

    fn wanted(&mut self, word: &Word) -> Value {
        let known = self.case.context.iter().find(|(name, _)| name.eq_ignore_ascii_case(word.name));
        let very = known.map(|(_, known)| match known {
            Known::One(value) => value.clone(),
            Known::Many(values) => values.first().cloned().unwrap_or_default(),
        });
        let text = match (very, self.chance.below(3)) {
            (Some(very), 0) => very,
            (_, 1) => self.one(word.known),
            _ => self.one(word.wanted),
        };
        // Numbers and booleans may stand without quotation marks.
        match word.sort {
            Sort::Bool if self.flip(20) => text.parse().map_or(json!(text), |bare: bool| json!(bare)),
            Sort::Number if self.flip(20) => text.parse().map_or(json!(text), |bare: i64| json!(bare)),
            Sort::Text
            | Sort::Bool
            | Sort::Number
            | Sort::Moment
            | Sort::Arn
            | Sort::Address
            | Sort::Binary => json!(text),
        }
    }
}
