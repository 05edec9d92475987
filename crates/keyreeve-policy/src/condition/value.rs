//! One value of a condition, compiled for its operator. What does not parse matches nothing.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::arn::ArnPattern;
use super::date::Moment;
use super::decimal::Decimal;
use super::ip::Network;
use super::operator::{Operator, Order};
use crate::context::Context;
use crate::glob::{Case, Token, matches};
use crate::template::{Template, Variables, Wildcards};

/// A compiled value.
#[derive(Debug)]
pub(crate) enum Pattern {
    Text(Template),
    TextIgnoringCase(Template),
    Numeric(Order, Box<str>),
    Date(Order, Moment),
    Bool(Template),
    Null(bool),
    Binary(Box<[u8]>),
    Ip(Network),
    Arn(ArnPattern),
    /// A value that its operator cannot read.
    Nothing,
}

impl Pattern {
    /// Compiles a value.
    ///
    /// # Errors
    /// What is wrong with a policy variable.
    pub(crate) fn parse(operator: Operator, text: &str, variables: Variables) -> Result<Self, String> {
        let template = |wildcards| Template::parse(text, wildcards, variables);
        Ok(match operator {
            Operator::StringEquals => Self::Text(template(Wildcards::No)?),
            Operator::StringEqualsIgnoreCase => Self::TextIgnoringCase(template(Wildcards::No)?),
            Operator::StringLike => Self::Text(template(Wildcards::Yes)?),
            Operator::Numeric(order) => match Decimal::parse(text) {
                Some(_) => Self::Numeric(order, text.into()),
                None => Self::Nothing,
            },
            Operator::Date(order) => {
                Moment::parse(text).map_or(Self::Nothing, |date| Self::Date(order, date))
            }
            Operator::Bool => Self::Bool(template(Wildcards::No)?),
            Operator::Null => parse_bool(text).map_or(Self::Nothing, Self::Null),
            Operator::Binary => {
                STANDARD.decode(text).map_or(Self::Nothing, |bytes| Self::Binary(bytes.into()))
            }
            Operator::Ip => Network::parse(text).map_or(Self::Nothing, Self::Ip),
            Operator::Arn => Self::Arn(ArnPattern::new(template(Wildcards::Yes)?)),
        })
    }

    /// Whether a value of the request matches.
    pub(crate) fn matches(&self, value: &str, context: &dyn Context) -> bool {
        match self {
            Self::Text(template) => {
                template.expand(context).is_some_and(|pattern| matches(&pattern, value, Case::Exact))
            }
            Self::TextIgnoringCase(template) => template
                .expand(context)
                .is_some_and(|pattern| literal_text(&pattern).to_lowercase() == value.to_lowercase()),
            Self::Numeric(order, wanted) => match (Decimal::parse(value), Decimal::parse(wanted)) {
                (Some(have), Some(wanted)) => order.accepts(have.cmp(&wanted)),
                _ => false,
            },
            Self::Date(order, wanted) => {
                Moment::parse(value).is_some_and(|have| order.accepts(have.cmp(wanted)))
            }
            Self::Bool(template) => template.expand(context).is_some_and(|pattern| {
                parse_bool(&literal_text(&pattern)).is_some_and(|wanted| parse_bool(value) == Some(wanted))
            }),
            Self::Null(wanted) => parse_bool(value) == Some(*wanted),
            Self::Binary(wanted) => STANDARD.decode(value).is_ok_and(|have| *have == **wanted),
            Self::Ip(network) => network.holds(value),
            Self::Arn(pattern) => pattern.matches(value, context),
            Self::Nothing => false,
        }
    }
}

fn parse_bool(text: &str) -> Option<bool> {
    if text.eq_ignore_ascii_case("true") {
        Some(true)
    } else if text.eq_ignore_ascii_case("false") {
        Some(false)
    } else {
        None
    }
}

/// The text of a pattern without wildcards.
fn literal_text(pattern: &[Token]) -> String {
    let bytes = pattern.iter().map(|token| match token {
        Token::Byte(byte) => *byte,
        Token::One => b'?',
        Token::Run => b'*',
    });
    String::from_utf8_lossy(&bytes.collect::<Vec<u8>>()).into_owned()
}
