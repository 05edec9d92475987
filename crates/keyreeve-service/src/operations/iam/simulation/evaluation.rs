//! One simulation: its policies compiled, every action put to them on every resource, and the answer as AWS shows it.
//! It asks the same policy engine that decides about real requests.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_EvaluationResult.html>

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::region::AccountId;
use keyreeve_policy::Effect;
use keyreeve_policy::context::MapContext;
use keyreeve_policy::evidence::{Evidence, NamedPolicy, PolicyKind, Resource};
use keyreeve_policy::explain::{PolicyExplanation, explain};
use keyreeve_policy::policy::{Grammar, Policy};
use keyreeve_policy::principal::Principal;
use serde::Serialize;

use super::documents::{Position, Span, context_keys, statement_spans};
use super::sources::Sourced;

/// Statements that are looked at, and missing keys that are listed, for one answer: a page ends sooner when there are
/// more.
const WORK_MAX: usize = 200_000;

/// A simulation, ready to run.
#[derive(Debug)]
pub(super) struct Simulation {
    pub(super) principal: Principal,
    pub(super) context: MapContext,
    pub(super) actions: Vec<String>,
    /// ARNs, or `*` alone.
    pub(super) resources: Vec<String>,
    /// Owner of resources whose ARN names no account.
    pub(super) owner: AccountId,
    pub(super) policies: Policies,
    /// Condition keys that the policies name and the request does not give.
    pub(super) missing: Vec<String>,
}

/// The compiled policies of a simulation.
#[derive(Debug, Default)]
pub(super) struct Policies {
    guards: Vec<NamedPolicy>,
    resource: Option<NamedPolicy>,
    identity: Vec<NamedPolicy>,
    boundary: Option<NamedPolicy>,
    /// Origins of all of them, in the order in which an explanation lists them: guards, resource, identity, boundary.
    origins: Vec<Origin>,
}

/// Where a compiled policy comes from.
#[derive(Debug)]
struct Origin {
    id: String,
    kind: &'static str,
    spans: Vec<Span>,
}

impl Policies {
    /// Compiles; `guards` first, `boundary` last.
    ///
    /// # Errors
    /// InvalidInput for a document that is no policy.
    pub(super) fn compile(
        guards: &[Sourced],
        resource: Option<&Sourced>,
        identity: &[Sourced],
        boundary: Option<&Sourced>,
    ) -> Result<Self, KmsError> {
        let mut origins = Vec::new();
        let mut compile = |sourced: &Sourced, kind: PolicyKind| -> Result<NamedPolicy, KmsError> {
            origins.push(Origin {
                id: sourced.id.clone(),
                kind: sourced.kind,
                spans: statement_spans(&sourced.document),
            });
            let grammar = if kind == PolicyKind::KeyPolicy { Grammar::KeyPolicy } else { Grammar::Identity };
            let policy = Policy::parse(&sourced.document, grammar)
                .map_err(|fault| invalid(&format!("{}: {fault}", sourced.id)))?;
            Ok(NamedPolicy { kind, name: sourced.id.as_str().into(), policy: Arc::new(policy) })
        };
        Ok(Self {
            guards: guards.iter().map(|one| compile(one, PolicyKind::Guard)).collect::<Result<_, _>>()?,
            resource: resource.map(|one| compile(one, PolicyKind::KeyPolicy)).transpose()?,
            identity: identity
                .iter()
                .map(|one| compile(one, PolicyKind::Identity))
                .collect::<Result<_, _>>()?,
            boundary: boundary.map(|one| compile(one, PolicyKind::Boundary)).transpose()?,
            origins,
        })
    }

    fn statements(&self) -> usize {
        self.origins.iter().map(|origin| origin.spans.len()).sum()
    }
}

/// InvalidInput with this text.
pub(super) fn invalid(text: &str) -> KmsError {
    KmsError::Iam(IamError::InvalidInput(text.to_owned()))
}

/// The condition keys that policies name, each once, in their order.
pub(super) fn keys_of<'a>(documents: impl Iterator<Item = &'a str>) -> Vec<String> {
    let (mut seen, mut keys) = (BTreeSet::new(), Vec::new());
    for key in documents.flat_map(context_keys) {
        if seen.insert(key.to_lowercase()) {
            keys.push(key);
        }
    }
    keys
}

/// What came of one action on one resource.
#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct EvaluationResult {
    eval_action_name: String,
    eval_resource_name: String,
    eval_decision: &'static str,
    matched_statements: Vec<MatchedStatement>,
    missing_context_values: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    organizations_decision_detail: Option<OrganizationsDetail>,
    #[serde(skip_serializing_if = "Option::is_none")]
    permissions_boundary_decision_detail: Option<BoundaryDetail>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct MatchedStatement {
    source_policy_id: String,
    source_policy_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    start_position: Option<Position>,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_position: Option<Position>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct OrganizationsDetail {
    allowed_by_organizations: bool,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "PascalCase")]
struct BoundaryDetail {
    allowed_by_permissions_boundary: bool,
}

impl Simulation {
    /// How many results there are in all.
    pub(super) fn len(&self) -> usize {
        self.actions.len().saturating_mul(self.resources.len())
    }

    /// How many results one answer may hold.
    pub(super) fn page_max(&self) -> usize {
        (WORK_MAX / (self.policies.statements() + self.missing.len()).max(1)).max(1)
    }

    /// The results of these numbers: all resources of the first action, then of the second.
    pub(super) fn run(&self, range: Range<usize>) -> Vec<EvaluationResult> {
        let count = self.resources.len().max(1);
        let pairs = range.filter_map(|number| {
            Some((self.actions.get(number / count)?, self.resources.get(number % count)?))
        });
        pairs.map(|(action, resource)| self.evaluate(action, resource)).collect()
    }

    fn evaluate(&self, action: &str, arn: &str) -> EvaluationResult {
        let owner = arn.split(':').nth(4).and_then(AccountId::parse).unwrap_or(self.owner);
        let resource = match &self.policies.resource {
            Some(policy) => Resource::Key { arn, owner, policy },
            None if arn == EVERYTHING => Resource::Everything,
            None => Resource::Owned { arn, owner },
        };
        let explanation = explain(&Evidence {
            principal: &self.principal,
            action,
            resource,
            context: &self.context,
            guards: &self.policies.guards,
            identity: &self.policies.identity,
            boundary: self.policies.boundary.as_ref(),
            sessions: None,
            grant: None,
            other_accounts: true,
        });
        let policies = &explanation.policies;
        let denied = policies.iter().any(|policy| matches(policy, Effect::Deny));
        let (decision, deciding) = match (explanation.allowed, denied) {
            (true, _) => ("allowed", Some(Effect::Allow)),
            (false, true) => ("explicitDeny", Some(Effect::Deny)),
            (false, false) => ("implicitDeny", None),
        };
        let limits = |kind: PolicyKind| {
            let mut of_kind = policies.iter().filter(move |policy| policy.kind == kind).peekable();
            of_kind.peek()?;
            Some(of_kind.all(|policy| matches(policy, Effect::Allow) && !matches(policy, Effect::Deny)))
        };
        EvaluationResult {
            eval_action_name: action.to_owned(),
            eval_resource_name: arn.to_owned(),
            eval_decision: decision,
            matched_statements: deciding.map(|effect| self.matched(policies, effect)).unwrap_or_default(),
            missing_context_values: self.missing.clone(),
            organizations_decision_detail: limits(PolicyKind::Guard)
                .map(|allows| OrganizationsDetail { allowed_by_organizations: allows }),
            permissions_boundary_decision_detail: limits(PolicyKind::Boundary)
                .map(|allows| BoundaryDetail { allowed_by_permissions_boundary: allows }),
        }
    }

    /// The statements that decide: those that deny, or those that grant. What merely limits grants nothing.
    fn matched(&self, policies: &[PolicyExplanation], effect: Effect) -> Vec<MatchedStatement> {
        let grants =
            |policy: &PolicyExplanation| !matches!(policy.kind, PolicyKind::Guard | PolicyKind::Boundary);
        let deciding = policies
            .iter()
            .zip(&self.policies.origins)
            .filter(|(policy, _)| effect == Effect::Deny || grants(policy));
        let matching = deciding.flat_map(|(policy, origin)| {
            let statements = policy.statements.iter().enumerate();
            statements
                .filter(|(_, statement)| statement.matches && statement.effect == effect)
                .map(|(index, _)| origin.statement(index))
        });
        matching.collect()
    }
}

/// What stands for every resource.
pub(super) const EVERYTHING: &str = "*";

fn matches(policy: &PolicyExplanation, effect: Effect) -> bool {
    policy.statements.iter().any(|statement| statement.matches && statement.effect == effect)
}

impl Origin {
    fn statement(&self, index: usize) -> MatchedStatement {
        let span = self.spans.get(index);
        MatchedStatement {
            source_policy_id: self.id.clone(),
            source_policy_type: self.kind,
            start_position: span.map(|(start, _)| *start),
            end_position: span.map(|(_, end)| *end),
        }
    }
}
