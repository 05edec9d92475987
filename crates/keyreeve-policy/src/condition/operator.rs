//! The operators: one table of names. Negated ones are the positive ones with a mark.

use std::fmt;

/// What is compared, and how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Operator {
    StringEquals,
    StringEqualsIgnoreCase,
    StringLike,
    Numeric(Order),
    Date(Order),
    Bool,
    Binary,
    Ip,
    Arn,
    Null,
}

/// How numbers and dates compare: the request's value to the policy's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    Equal,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

impl Order {
    pub(crate) const fn accepts(self, ordering: std::cmp::Ordering) -> bool {
        match self {
            Self::Equal => ordering.is_eq(),
            Self::Less => ordering.is_lt(),
            Self::LessOrEqual => ordering.is_le(),
            Self::Greater => ordering.is_gt(),
            Self::GreaterOrEqual => ordering.is_ge(),
        }
    }
}

/// `ForAllValues:` and `ForAnyValue:`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quantifier {
    None,
    All,
    Any,
}

/// An operator with prefix and suffix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct OperatorName {
    pub(crate) operator: Operator,
    pub(crate) negated: bool,
    pub(crate) quantifier: Quantifier,
    pub(crate) if_exists: bool,
    base: &'static str,
}

const OPERATORS: &[(&str, Operator, bool)] = &[
    ("StringEquals", Operator::StringEquals, false),
    ("StringNotEquals", Operator::StringEquals, true),
    ("StringEqualsIgnoreCase", Operator::StringEqualsIgnoreCase, false),
    ("StringNotEqualsIgnoreCase", Operator::StringEqualsIgnoreCase, true),
    ("StringLike", Operator::StringLike, false),
    ("StringNotLike", Operator::StringLike, true),
    ("NumericEquals", Operator::Numeric(Order::Equal), false),
    ("NumericNotEquals", Operator::Numeric(Order::Equal), true),
    ("NumericLessThan", Operator::Numeric(Order::Less), false),
    ("NumericLessThanEquals", Operator::Numeric(Order::LessOrEqual), false),
    ("NumericGreaterThan", Operator::Numeric(Order::Greater), false),
    ("NumericGreaterThanEquals", Operator::Numeric(Order::GreaterOrEqual), false),
    ("DateEquals", Operator::Date(Order::Equal), false),
    ("DateNotEquals", Operator::Date(Order::Equal), true),
    ("DateLessThan", Operator::Date(Order::Less), false),
    ("DateLessThanEquals", Operator::Date(Order::LessOrEqual), false),
    ("DateGreaterThan", Operator::Date(Order::Greater), false),
    ("DateGreaterThanEquals", Operator::Date(Order::GreaterOrEqual), false),
    ("Bool", Operator::Bool, false),
    ("BinaryEquals", Operator::Binary, false),
    ("IpAddress", Operator::Ip, false),
    ("NotIpAddress", Operator::Ip, true),
    ("ArnEquals", Operator::Arn, false),
    ("ArnNotEquals", Operator::Arn, true),
    ("ArnLike", Operator::Arn, false),
    ("ArnNotLike", Operator::Arn, true),
    ("Null", Operator::Null, false),
];

const QUANTIFIERS: &[(&str, Quantifier)] =
    &[("ForAllValues:", Quantifier::All), ("ForAnyValue:", Quantifier::Any)];

const IF_EXISTS: &str = "IfExists";

impl OperatorName {
    /// Parses a name; letter case does not count. Null takes neither prefix nor suffix.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (quantifier, rest) = QUANTIFIERS
            .iter()
            .find_map(|(prefix, quantifier)| Some((*quantifier, strip_prefix_ignoring_case(text, prefix)?)))
            .unwrap_or((Quantifier::None, text));
        let (rest, if_exists) =
            strip_suffix_ignoring_case(rest, IF_EXISTS).map_or((rest, false), |rest| (rest, true));
        let &(base, operator, negated) =
            OPERATORS.iter().find(|(name, ..)| name.eq_ignore_ascii_case(rest))?;
        let plain = quantifier == Quantifier::None && !if_exists;
        (operator != Operator::Null || plain).then_some(Self {
            operator,
            negated,
            quantifier,
            if_exists,
            base,
        })
    }
}

fn strip_prefix_ignoring_case<'a>(text: &'a str, prefix: &str) -> Option<&'a str> {
    let (head, rest) = text.split_at_checked(prefix.len())?;
    head.eq_ignore_ascii_case(prefix).then_some(rest)
}

fn strip_suffix_ignoring_case<'a>(text: &'a str, suffix: &str) -> Option<&'a str> {
    let (rest, tail) = text.split_at_checked(text.len().checked_sub(suffix.len())?)?;
    tail.eq_ignore_ascii_case(suffix).then_some(rest)
}

/// As AWS spells it.
impl fmt::Display for OperatorName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let prefix = match self.quantifier {
            Quantifier::None => "",
            Quantifier::All => "ForAllValues:",
            Quantifier::Any => "ForAnyValue:",
        };
        let suffix = if self.if_exists { IF_EXISTS } else { "" };
        write!(f, "{prefix}{}{suffix}", self.base)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_parse_in_any_letter_case_and_print_as_aws_spells_them() {
        for (base, operator, negated) in OPERATORS {
            for prefix in ["", "ForAllValues:", "ForAnyValue:"] {
                for suffix in ["", "IfExists"] {
                    let name = format!("{prefix}{base}{suffix}");
                    let parsed = OperatorName::parse(&name.to_lowercase());
                    if *operator == Operator::Null && name != "Null" {
                        assert_eq!(parsed, None, "{name}");
                        continue;
                    }
                    let parsed = parsed.unwrap();
                    assert_eq!(
                        (parsed.operator, parsed.negated, parsed.to_string()),
                        (*operator, *negated, name)
                    );
                }
            }
        }
        for name in
            ["", "IfExists", "Equals", "ForAllValues:", "ForNoValues:StringEquals", "StringEqualsIf", "Ä"]
        {
            assert_eq!(OperatorName::parse(name), None, "{name}");
        }
    }
}
