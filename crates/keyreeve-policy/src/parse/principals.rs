//! Principal and NotPrincipal.

use std::collections::BTreeMap;

use keyreeve_model::error::PolicyFault;

use super::{fault, known, object, strings};
use crate::json::Node;
use crate::principal_pattern::PrincipalPattern;

const KINDS: &[&str] = &["AWS", "Federated", "Service", "CanonicalUser"];

pub(super) fn principals(
    node: &Node,
    place: &str,
    pins: &BTreeMap<String, String>,
) -> Result<Box<[PrincipalPattern]>, PolicyFault> {
    if matches!(node, Node::Text(text) if text == "*") {
        return Ok(Box::new([PrincipalPattern::Everyone]));
    }
    let place = format!("{place}: Principal");
    let kinds = object(node, &place)?;
    known(kinds, KINDS, &place)?;
    let mut patterns = Vec::new();
    for (kind, names) in kinds {
        for name in strings(names, &format!("{place} {kind}"))? {
            let pattern = principal(kind, name).ok_or(PolicyFault::Principal)?;
            patterns.push(pin(pattern, pins));
        }
    }
    if patterns.is_empty() {
        return Err(fault(format!("{place} names nobody.")));
    }
    Ok(patterns.into_boxed_slice())
}

fn principal(kind: &str, name: &str) -> Option<PrincipalPattern> {
    if kind == "AWS" {
        return PrincipalPattern::parse_aws(name);
    }
    if name.is_empty() || name.contains(['*', '?']) {
        return None;
    }
    match kind {
        "Service" => name.contains('.').then(|| PrincipalPattern::Service(name.into())),
        "Federated" => Some(PrincipalPattern::Federated(name.into())),
        "CanonicalUser" => Some(PrincipalPattern::CanonicalUser(name.into())),
        _ => None,
    }
}

fn pin(mut pattern: PrincipalPattern, pins: &BTreeMap<String, String>) -> PrincipalPattern {
    if let PrincipalPattern::User { arn, id } | PrincipalPattern::Role { arn, id } = &mut pattern {
        *id = pins.get(&**arn).map(|pin| pin.as_str().into());
    }
    pattern
}
