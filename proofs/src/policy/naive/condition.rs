//! The second opinion's reading of conditions, wildcards and variables: slow and obvious.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html>,
//! <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html>.

use std::cmp::Ordering;
use std::net::IpAddr;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value};

use super::many;
use crate::policy::case::{Case, Known};
use crate::policy::explained::{Quirk, Quirks};

/// A policy being read for a request.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) case: &'a Case,
    pub(super) quirks: Quirks,
    /// Whether the policy's version knows variables.
    pub(super) variables: bool,
}

/// One sign of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sign {
    Char(char),
    One,
    Run,
}

/// A wildcard match without variables.
pub(super) fn glob(pattern: &str, text: &str) -> bool {
    run(&signs(pattern), &text.chars().collect::<Vec<_>>())
}

fn signs(pattern: &str) -> Vec<Sign> {
    let sign = |c| match c {
        '*' => Sign::Run,
        '?' => Sign::One,
        c => Sign::Char(c),
    };
    pattern.chars().map(sign).collect()
}

fn run(pattern: &[Sign], text: &[char]) -> bool {
    match (pattern.split_first(), text.split_first()) {
        (None, None) => true,
        (Some((Sign::Run, rest)), _) => {
            (0..=text.len()).any(|at| text.get(at..).is_some_and(|text| run(rest, text)))
        }
        (Some((Sign::One, rest)), Some((_, text))) => run(rest, text),
        (Some((Sign::Char(wanted), rest)), Some((have, text))) => wanted == have && run(rest, text),
        _ => false,
    }
}

impl Reading<'_> {
    /// Whether every pair of every block holds.
    pub(super) fn holds(&self, condition: &Map<String, Value>) -> bool {
        let blocks = condition.iter().filter_map(|(operator, block)| Some((operator, block.as_object()?)));
        blocks
            .flat_map(|(operator, block)| block.iter().map(move |(key, wanted)| (operator, key, wanted)))
            .all(|(operator, key, wanted)| {
                let bare = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                let wanted: Vec<String> = many(Some(wanted)).into_iter().map(bare).collect();
                self.pair(&operator.to_lowercase(), key, &wanted)
            })
    }

    fn known(&self, key: &str) -> Option<&Known> {
        self.case.context.iter().find(|(name, _)| name.eq_ignore_ascii_case(key)).map(|(_, known)| known)
    }

    fn pair(&self, operator: &str, key: &str, wanted: &[String]) -> bool {
        let have: Vec<&String> = match self.known(key) {
            None => Vec::new(),
            Some(Known::One(value)) => vec![value],
            Some(Known::Many(values)) => values.iter().collect(),
        };
        let (set, operator) = operator.split_once(':').unwrap_or(("", operator));
        let many = matches!(self.known(key), Some(Known::Many(_)));
        if operator == "null" {
            let absent = have.is_empty() && !(many && self.quirks.has(Quirk::EmptySetIsThere));
            return wanted.iter().any(|wanted| wanted.eq_ignore_ascii_case("true") == absent);
        }
        if many && set.is_empty() && self.quirks.has(Quirk::ManyNeedSet) {
            return false;
        }
        let (operator, if_exists) = match operator.strip_suffix("ifexists") {
            Some(operator) => (operator, true),
            None => (operator, false),
        };
        let positive = operator.replacen("not", "", 1);
        let negated = positive != operator;
        if have.is_empty() {
            let any = set == "foranyvalue" && self.quirks.has(Quirk::ForAnyValueIfExists);
            return (if_exists && !any) || set == "forallvalues" || (negated && set.is_empty());
        }
        let one = |have: &&String| wanted.iter().any(|wanted| self.value(&positive, negated, have, wanted));
        match set {
            "forallvalues" => have.iter().all(|have| one(have) != negated),
            "foranyvalue" => have.iter().any(|have| one(have) != negated),
            _ => have.iter().any(one) != negated,
        }
    }

    /// What a value matches whose variable has none.
    pub(super) fn null(&self, negated: bool) -> bool {
        negated && self.quirks.has(Quirk::NullNeverHolds)
    }

    /// Whether the value matches; `negated` tells whether that is for the worse.
    fn value(&self, operator: &str, negated: bool, have: &str, wanted: &str) -> bool {
        let null = self.null(negated);
        // Without wildcards, `${*}` is `*`; as text (the quirk) it is what its own parts say.
        let text = |wanted: &str| match self.quirks.has(Quirk::SignsStayText) {
            true => ["*", "?", "$"].iter().fold(wanted.to_owned(), |text, sign| {
                text.replace(&format!("${{{sign}}}"), &format!("${{$}}{{{sign}}}"))
            }),
            false => wanted.to_owned(),
        };
        let plain = |change: fn(&str) -> String| {
            self.expand(&text(wanted)).map_or(null, |signs| change(&literal(&signs)) == change(have))
        };
        let unreadable = negated && self.quirks.has(Quirk::UnreadableNeverHolds);
        let ordered = |ordering: Option<Ordering>, family: &str| {
            ordering.map_or(unreadable, |ordering| match operator.strip_prefix(family) {
                Some("equals") => ordering.is_eq(),
                Some("lessthan") => ordering.is_lt(),
                Some("lessthanequals") => ordering.is_le(),
                Some("greaterthan") => ordering.is_gt(),
                _ => ordering.is_ge(),
            })
        };
        match operator {
            "stringequals" => plain(str::to_owned),
            "stringequalsignorecase" => plain(str::to_lowercase),
            "stringlike" => {
                self.expand(wanted).map_or(null, |signs| run(&signs, &have.chars().collect::<Vec<_>>()))
            }
            "bool" => ["true", "false"].contains(&&*have.to_lowercase()) && plain(str::to_lowercase),
            "arnequals" | "arnlike" if have.split(':').count() < 6 => unreadable,
            "arnequals" | "arnlike" => self.arn(wanted, have, null),
            "ipaddress" if self.quirks.has(Quirk::AddressText) => {
                address(have, have).map_or(unreadable, |_| text_address(have, wanted, negated))
            }
            "ipaddress" => address(have, wanted).unwrap_or(unreadable),
            "binaryequals" => STANDARD.decode(wanted).is_ok_and(|bytes| STANDARD.decode(have) == Ok(bytes)),
            _ if operator.starts_with("date") => {
                let thousand = self.quirks.has(Quirk::EpochMilliseconds);
                let moment = |text| moment(text, thousand);
                ordered(moment(have).zip(moment(wanted)).map(|(have, wanted)| have.cmp(&wanted)), "date")
            }
            _ => {
                let number = |text: &str| text.parse::<f64>().ok();
                ordered(number(have).and_then(|have| have.partial_cmp(&number(wanted)?)), "numeric")
            }
        }
    }

    /// Part by part, each with wildcards; the last may hold colons.
    pub(super) fn arn(&self, wanted: &str, have: &str, null: bool) -> bool {
        let Some(wanted) = self.expand(wanted) else {
            let five: Vec<&str> = wanted.splitn(6, ':').take(5).collect();
            return null && self.arn(&format!("{}:*", five.join(":")), have, false);
        };
        let wanted: Vec<&[Sign]> = wanted.splitn(6, |sign| *sign == Sign::Char(':')).collect();
        let have: Vec<Vec<char>> = have.splitn(6, ':').map(|part| part.chars().collect()).collect();
        wanted.len() == 6
            && have.len() == 6
            && wanted.iter().zip(&have).all(|(wanted, have)| run(wanted, have))
    }

    /// The pattern with its variables replaced, literally. `None` when a variable has no value.
    fn expand(&self, text: &str) -> Option<Vec<Sign>> {
        let Some((before, (inside, after))) =
            text.split_once("${").and_then(|(before, rest)| Some((before, rest.split_once('}')?)))
        else {
            return Some(signs(text));
        };
        if !self.variables {
            return Some(signs(text));
        }
        let (key, default) = inside.split_once(", ").unwrap_or((inside, ""));
        let value = match (self.known(key), inside) {
            (_, "*" | "?" | "$") => inside.to_owned(),
            (Some(Known::One(value)), _) if value.is_empty() && self.quirks.has(Quirk::EmptyValueIsNone) => {
                let default = default.strip_prefix('\'').and_then(|default| default.strip_suffix('\''));
                default.unwrap_or("\0").to_owned()
            }
            (Some(Known::One(value)), _) => value.clone(),
            _ => default.strip_prefix('\'')?.strip_suffix('\'')?.to_owned(),
        };
        let value = value.chars().map(Sign::Char);
        Some(signs(before).into_iter().chain(value).chain(self.expand(after)?).collect())
    }
}

/// The text of a pattern whose wildcards are no wildcards.
fn literal(signs: &[Sign]) -> String {
    let char = |sign: &Sign| match sign {
        Sign::Char(char) => *char,
        Sign::One => '?',
        Sign::Run => '*',
    };
    signs.iter().map(char).collect()
}

fn address(have: &str, wanted: &str) -> Option<bool> {
    let bits = |text: &str| match text.parse::<IpAddr>().ok()?.to_canonical() {
        IpAddr::V4(address) => Some((u128::from(address.to_bits()) << 96, 32)),
        IpAddr::V6(address) => Some((address.to_bits(), 128)),
    };
    let (network, prefix) = wanted.split_once('/').unwrap_or((wanted, ""));
    let ((have, have_size), (network_bits, size)) = (bits(have)?, bits(network)?);
    // The prefix of a mapped network counts its first 96 bits.
    let mapped = if network.contains(':') && size == 32 { 96 } else { 0 };
    let prefix: u32 =
        if prefix.is_empty() { size } else { prefix.parse::<u32>().ok()?.checked_sub(mapped)? };
    let shift = 128_u32.checked_sub(prefix)?;
    Some(have_size == size && (have ^ network_bits).checked_shr(shift).unwrap_or(0) == 0)
}

/// As [`Quirk::AddressText`] has it.
fn text_address(have: &str, wanted: &str, negated: bool) -> bool {
    match wanted.split_once('/') {
        None if have.contains(':') != wanted.contains(':') => negated,
        None => have == wanted,
        Some((network, "0")) if network.contains('.') => address(have, network).unwrap_or(false),
        Some(_) => address(have, wanted).unwrap_or(false),
    }
}

/// A year, month, day or moment with its zone; or seconds since 1970 (with the quirk, milliseconds).
fn moment(text: &str, thousand: bool) -> Option<jiff::Timestamp> {
    match text.parse() {
        Ok(number) if thousand => return jiff::Timestamp::from_millisecond(number).ok(),
        Ok(number) if text.len() != 4 => return jiff::Timestamp::from_second(number).ok(),
        _ => {}
    }
    let rest = match text.len() {
        4 => "-01-01T00:00Z",
        7 => "-01T00:00Z",
        10 => "T00:00Z",
        _ => "",
    };
    format!("{text}{rest}").parse().ok()
}
