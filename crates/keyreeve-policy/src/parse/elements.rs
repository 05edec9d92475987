//! Sid, Action and Resource.

use keyreeve_model::error::PolicyFault;

use super::{Entries, exactly_one, fault, string, strings};
use crate::glob::tokens;
use crate::json::Node;
use crate::policy::Grammar;
use crate::statement::{ActionPattern, Actions, ResourcePattern, Resources};
use crate::template::{Template, Variables, Wildcards};

/// Letters and digits; in a key policy anything else as well, such as spaces.
pub(super) fn sid(node: &Node, place: &str, grammar: Grammar) -> Result<Box<str>, PolicyFault> {
    let sid = string(node, &format!("{place}: Sid"))?;
    if grammar != Grammar::KeyPolicy && !sid.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Err(fault(format!("{place}: Sid {sid} may hold letters and digits only.")));
    }
    Ok(sid.into())
}

pub(super) fn actions(entries: &Entries, place: &str) -> Result<Actions, PolicyFault> {
    let (negated, node) = exactly_one(entries, "Action", "NotAction", place)?;
    let names = strings(node, &format!("{place}: {}", if negated { "NotAction" } else { "Action" }))?;
    let patterns = names.into_iter().map(|name| action(name, place)).collect::<Result<_, _>>()?;
    Ok(Actions { negated, patterns })
}

fn action(text: &str, place: &str) -> Result<ActionPattern, PolicyFault> {
    if text == "*" {
        return Ok(ActionPattern::Every);
    }
    let Some((service, name)) = text.split_once(':') else {
        return Err(fault(format!("{place}: action {text} has no service prefix.")));
    };
    let plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    if service.is_empty() || !(plain(service) || service == "*") {
        return Err(fault(format!("{place}: {service} in action {text} is no service prefix.")));
    }
    if name.is_empty() || !name.split(['*', '?']).all(plain) {
        return Err(fault(format!("{place}: {text} is no action.")));
    }
    if text == "*:*" {
        Ok(ActionPattern::Every)
    } else if text.contains(['*', '?']) {
        Ok(ActionPattern::Glob(tokens(text).collect()))
    } else {
        Ok(ActionPattern::Exact(text.into()))
    }
}

pub(super) fn resources(
    entries: &Entries,
    place: &str,
    variables: Variables,
) -> Result<Resources, PolicyFault> {
    let (negated, node) = exactly_one(entries, "Resource", "NotResource", place)?;
    let texts = strings(node, &format!("{place}: {}", if negated { "NotResource" } else { "Resource" }))?;
    let patterns =
        texts.into_iter().map(|text| resource(text, place, variables)).collect::<Result<_, _>>()?;
    Ok(Resources::Listed { negated, patterns })
}

fn resource(text: &str, place: &str, variables: Variables) -> Result<ResourcePattern, PolicyFault> {
    let wrong = |why: String| fault(format!("{place}: Resource {text}: {why}."));
    if text != "*" && !text.starts_with("arn:") {
        return Err(wrong("must be an ARN or \"*\"".to_owned()));
    }
    let mut parts: Vec<&str> = text.splitn(6, ':').collect();
    let complete = parts.len() == 6;
    let tail = parts.pop().unwrap_or_default();
    if complete && parts.get(2).is_some_and(|service| service.contains(['*', '?'])) {
        return Err(wrong("the service of an ARN has no wildcards".to_owned()));
    }
    let early = parts.iter().any(|part| part.contains("${")) || (!complete && tail.contains("${"));
    if early && variables == Variables::Yes {
        return Err(wrong("policy variables stand after the fifth colon of an ARN only".to_owned()));
    }
    Ok(ResourcePattern {
        head: parts.into_iter().map(|part| tokens(part).collect()).collect(),
        tail: Template::parse(tail, Wildcards::Yes, variables).map_err(wrong)?,
    })
}
