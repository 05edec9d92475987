//! A compiled statement, and whether it bears on a request: action first, as most statements fail there.

use crate::condition::Condition;
use crate::context::Context;
use crate::glob::{Case, Token, matches};
use crate::principal::Principal;
use crate::principal_pattern::{Naming, PrincipalPattern};
use crate::template::Template;

/// Allow or Deny.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
pub enum Effect {
    /// `Allow`
    Allow,
    /// `Deny`
    Deny,
}

/// One statement.
#[derive(Debug)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) effect: Effect,
    pub(crate) principals: Principals,
    pub(crate) actions: Actions,
    pub(crate) resources: Resources,
    pub(crate) conditions: Box<[Condition]>,
}

/// Whom a statement is about.
#[derive(Debug)]
pub(crate) enum Principals {
    /// Identity policies: whoever has the policy.
    Bearer,
    Named(Box<[PrincipalPattern]>),
    AllBut(Box<[PrincipalPattern]>),
}

/// Which actions.
#[derive(Debug)]
pub(crate) struct Actions {
    pub(crate) negated: bool,
    pub(crate) patterns: Box<[ActionPattern]>,
}

/// `*`, `service:Name` or `service:pattern`; letter case does not count.
#[derive(Debug)]
pub(crate) enum ActionPattern {
    Every,
    Exact(Box<str>),
    Glob(Box<[Token]>),
}

/// Which resources.
#[derive(Debug)]
pub(crate) enum Resources {
    /// A trust policy: the role that has it.
    Bearer,
    /// A key policy's statement without Resource is accepted and has no effect.
    Absent,
    Listed {
        negated: bool,
        patterns: Box<[ResourcePattern]>,
    },
}

/// An ARN pattern, split at its first five colons: a wildcard does not reach over one of them. With fewer than six
/// parts the last one reaches over all the rest, so that `*` is everything.
#[derive(Debug)]
pub(crate) struct ResourcePattern {
    /// All but the last part.
    pub(crate) head: Box<[Box<[Token]>]>,
    /// The last part, which alone may hold variables.
    pub(crate) tail: Template,
}

/// A question, as statements see it.
#[derive(Clone, Copy)]
pub(crate) struct Request<'a> {
    pub(crate) principal: &'a Principal,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) context: &'a dyn Context,
    /// Whether the caller has a permissions boundary: Deny with NotPrincipal then spares nobody.
    pub(crate) bounded: bool,
}

/// Why a statement does not bear on a request: the first element that does not match.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mismatch<'a> {
    Action,
    Principal,
    Resource,
    Condition(&'a Condition),
}

impl Statement {
    /// How the statement names the caller, if the whole of it matches.
    pub(crate) fn check(&self, request: &Request<'_>) -> Result<Naming, Mismatch<'_>> {
        if !self.actions.match_action(request.action) {
            return Err(Mismatch::Action);
        }
        let naming = self.principals.names(self.effect, request).ok_or(Mismatch::Principal)?;
        if !self.resources.match_resource(request) {
            return Err(Mismatch::Resource);
        }
        match self.conditions.iter().find(|condition| !condition.holds(request.context)) {
            Some(condition) => Err(Mismatch::Condition(condition)),
            None => Ok(naming),
        }
    }

    pub(crate) fn principals(&self) -> &[PrincipalPattern] {
        match &self.principals {
            Principals::Bearer => &[],
            Principals::Named(patterns) | Principals::AllBut(patterns) => patterns,
        }
    }
}

impl Principals {
    fn names(&self, effect: Effect, request: &Request<'_>) -> Option<Naming> {
        match self {
            Self::Bearer => Some(Naming::Direct),
            Self::Named(patterns) => {
                patterns.iter().filter_map(|pattern| pattern.names(request.principal)).max()
            }
            Self::AllBut(patterns) => {
                let spared =
                    !(effect == Effect::Deny && request.bounded) && spares(patterns, request.principal);
                (!spared && !matches!(request.principal, Principal::Operator(_))).then_some(Naming::Everyone)
            }
        }
    }
}

/// Whether NotPrincipal lists the caller itself, or its role. Its account spares the root user alone: AWS asks for the
/// account to be listed beside its principals, and the others of the account stay denied.
fn spares(patterns: &[PrincipalPattern], principal: &Principal) -> bool {
    patterns.iter().filter_map(|pattern| pattern.names(principal)).any(|naming| match naming {
        Naming::Account => matches!(principal, Principal::Root(_)),
        Naming::Role | Naming::Everyone | Naming::Direct => true,
    })
}

impl Actions {
    fn match_action(&self, action: &str) -> bool {
        self.patterns.iter().any(|pattern| pattern.match_action(action)) != self.negated
    }
}

impl ActionPattern {
    fn match_action(&self, action: &str) -> bool {
        match self {
            Self::Every => true,
            Self::Exact(name) => name.eq_ignore_ascii_case(action),
            Self::Glob(pattern) => matches(pattern, action, Case::Ignored),
        }
    }
}

impl Resources {
    fn match_resource(&self, request: &Request<'_>) -> bool {
        let (negated, patterns) = match self {
            Self::Bearer => return true,
            Self::Absent => return false,
            Self::Listed { negated, patterns } => (*negated, patterns),
        };
        patterns.iter().any(|pattern| pattern.match_arn(request.resource, request.context)) != negated
    }
}

impl ResourcePattern {
    /// A pattern with a variable that has no value matches nothing.
    fn match_arn(&self, arn: &str, context: &dyn Context) -> bool {
        let mut parts = arn.splitn(self.head.len() + 1, ':');
        self.head.iter().all(|pattern| parts.next().is_some_and(|part| matches(pattern, part, Case::Exact)))
            && parts.next().is_some_and(|part| {
                self.tail.expand(context).is_some_and(|pattern| matches(&pattern, part, Case::Exact))
            })
    }
}
