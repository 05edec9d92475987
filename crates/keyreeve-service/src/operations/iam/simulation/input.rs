//! The scenario of a simulation: what both operations have in common, from the members of the request to the answer.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulateCustomPolicy.html>

use std::collections::BTreeSet;
use std::sync::Arc;

use keyreeve_model::error::KmsError;
use keyreeve_model::region::AccountId;
use keyreeve_policy::context::MapContext;
use keyreeve_policy::principal::{Principal, User};

use super::Reply;
use super::evaluation::{EVERYTHING, Policies, Simulation, invalid, keys_of};
use super::sources::{Holder, Sourced, invalid_entity};
use crate::desk::Desk;
use crate::input::Input;
use crate::operations::iam::paging::Paging;

/// A condition key of the simulated requests.
#[derive(Debug)]
struct Entry {
    name: String,
    values: Vec<String>,
    /// Whether its type is a list.
    list: bool,
}

/// What is simulated, but for the policies of a user, group or role.
pub(crate) struct Scenario {
    inputs: Vec<Sourced>,
    boundary: Option<Sourced>,
    actions: Vec<String>,
    resources: Vec<String>,
    resource_policy: Option<Sourced>,
    owner: Option<AccountId>,
    caller: Option<Principal>,
    entries: Vec<Entry>,
    paging: Paging,
}

impl Scenario {
    /// Reads the members that both operations have.
    ///
    /// # Errors
    /// InvalidInput.
    pub(super) fn parse(input: &mut Input<'_>) -> Result<Self, KmsError> {
        let resource_policy = input.text("ResourcePolicy");
        let resource_policy =
            resource_policy.map(|text| Sourced::input("ResourcePolicy".to_owned(), "resource", text));
        Ok(Self {
            inputs: Sourced::inputs("PolicyInputList", input.texts("PolicyInputList")),
            boundary: boundary(input)?,
            actions: actions(input)?,
            resources: resources(input, resource_policy.is_some())?,
            resource_policy,
            owner: input.text("ResourceOwner").map(|arn| owner(&arn)).transpose()?,
            caller: input.text("CallerArn").map(|arn| caller(&arn)).transpose()?,
            entries: input.structures("ContextEntries").into_iter().filter_map(entry).collect(),
            paging: Paging::parse(input)?,
        })
    }

    /// Simulates, with the policies of a holder or with those of the request alone.
    ///
    /// # Errors
    /// InvalidInput.
    pub(super) async fn run(&self, desk: &Desk<'_>, holder: Option<Holder>) -> Result<Reply, KmsError> {
        let simulation = self.simulation(desk, holder)?;
        let (range, end) = self.paging.window(simulation.len(), simulation.page_max())?;
        let evaluation_results = desk.off_thread(move || Ok(simulation.run(range))).await?;
        Ok(Reply { evaluation_results, end })
    }

    fn simulation(&self, desk: &Desk<'_>, holder: Option<Holder>) -> Result<Simulation, KmsError> {
        let own = holder.as_ref().map(|holder| &holder.principal);
        let (Some(principal), true) = (self.caller.as_ref().or(own), self.has_caller(own)) else {
            if self.resource_policy.is_some() {
                return Err(invalid("Invalid caller - Caller cannot be null or empty."));
            }
            return self.with_principal(desk, nobody(desk.caller.account()), holder);
        };
        let principal = principal.clone();
        self.with_principal(desk, principal, holder)
    }

    /// AWS: the caller must be named where a resource has a policy, unless the policies are those of a user.
    fn has_caller(&self, own: Option<&Principal>) -> bool {
        self.caller.is_some() || self.resource_policy.is_none() || matches!(own, Some(Principal::User(_)))
    }

    fn with_principal(
        &self,
        desk: &Desk<'_>,
        principal: Principal,
        holder: Option<Holder>,
    ) -> Result<Simulation, KmsError> {
        let (context, given) = self.context(desk, holder.as_ref());
        let (mut identity, own_boundary, guard) = match holder {
            Some(holder) => (holder.identity, holder.boundary, holder.guard),
            None => (Vec::new(), None, None),
        };
        identity.extend(self.inputs.iter().cloned());
        let boundary = self.boundary.clone().or(own_boundary);
        let guards: Vec<Sourced> = guard.into_iter().collect();
        let all = guards.iter().chain(&self.resource_policy).chain(&identity).chain(&boundary);
        let mut missing = keys_of(all.map(|policy| policy.document.as_str()));
        missing.retain(|key| !given.contains(&key.to_lowercase()));
        let resource = self.resource_policy.as_ref();
        Ok(Simulation {
            owner: self.owner.or(principal.account()).unwrap_or(desk.caller.account()),
            principal,
            context,
            actions: self.actions.clone(),
            resources: self.resources.clone(),
            policies: Policies::compile(&guards, resource, &identity, boundary.as_ref())?,
            missing,
        })
    }

    /// What is known about the simulated requests, and the names of these keys in lower case. What the request says
    /// wins over what is known anyway.
    fn context(&self, desk: &Desk<'_>, holder: Option<&Holder>) -> (MapContext, BTreeSet<String>) {
        let known = known(desk, holder);
        let mut given: BTreeSet<String> = known.iter().map(|(name, _)| name.to_lowercase()).collect();
        let mut context =
            known.into_iter().fold(MapContext::new(), |context, (name, value)| context.with(&name, value));
        for Entry { name, values, list } in &self.entries {
            given.insert(name.to_lowercase());
            context = match (values.as_slice(), list) {
                ([only], false) => context.with(name, only.clone()),
                (several, _) => context.with_many(name, several.iter().cloned()),
            };
        }
        (context, given)
    }
}

/// Keys that need not be given: the time, and what the holder of the policies is.
fn known(desk: &Desk<'_>, holder: Option<&Holder>) -> Vec<(String, String)> {
    let mut known = vec![
        ("aws:CurrentTime".to_owned(), desk.now.to_iso_8601()),
        ("aws:EpochTime".to_owned(), desk.now.as_seconds().to_string()),
    ];
    let Some(Holder { principal, tags, .. }) = holder else { return known };
    let kind = match principal {
        Principal::User(user) => {
            known.push(("aws:username".to_owned(), user.name.to_string()));
            "User"
        }
        Principal::Session(_) => "AssumedRole",
        Principal::Service(_) => "Service",
        Principal::Root(_) | Principal::Federated(_) | Principal::Operator(_) => return known,
    };
    known.push(("aws:PrincipalType".to_owned(), kind.to_owned()));
    known.push(("aws:PrincipalArn".to_owned(), principal.principal_arn().into_owned()));
    known.push(("aws:userid".to_owned(), principal.user_id().into_owned()));
    known.extend(principal.account().map(|account| ("aws:PrincipalAccount".to_owned(), account.to_string())));
    known.extend(tags.iter().map(|(key, value)| (format!("aws:PrincipalTag/{key}"), value.clone())));
    known
}

fn boundary(input: &mut Input<'_>) -> Result<Option<Sourced>, KmsError> {
    let name = "PermissionsBoundaryPolicyInputList";
    let mut boundaries = Sourced::inputs(name, input.texts(name));
    match (boundaries.pop(), boundaries.is_empty()) {
        (boundary, true) => Ok(boundary),
        (_, false) => Err(invalid("Only one permissions boundary can be in effect at a time.")),
    }
}

fn actions(input: &mut Input<'_>) -> Result<Vec<String>, KmsError> {
    let actions = input.texts("ActionNames");
    let whole = |action: &String| {
        action.split_once(':').is_some_and(|(service, name)| !service.is_empty() && !name.is_empty())
            && !action.contains(['*', '?'])
    };
    match actions.iter().find(|action| !whole(action)) {
        Some(action) => Err(invalid(&format!("Invalid action name: {action}"))),
        None => Ok(actions),
    }
}

fn resources(input: &mut Input<'_>, have_policy: bool) -> Result<Vec<String>, KmsError> {
    let mut resources = input.texts("ResourceArns");
    if resources.is_empty() {
        resources.push(EVERYTHING.to_owned());
    }
    let valid = |arn: &String| match arn.as_str() {
        // A policy belongs to one resource.
        EVERYTHING => !have_policy,
        arn => arn.starts_with("arn:") && arn.splitn(6, ':').count() == 6,
    };
    match resources.iter().find(|arn| !valid(arn)) {
        Some(arn) => Err(invalid_entity(arn)),
        None => Ok(resources),
    }
}

fn owner(arn: &str) -> Result<AccountId, KmsError> {
    let account = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split(':').next());
    account.and_then(AccountId::parse).ok_or_else(|| invalid_entity(arn))
}

/// AWS: a simulated caller is a user.
fn caller(arn: &str) -> Result<Principal, KmsError> {
    let parts = arn.strip_prefix("arn:aws:iam::").and_then(|rest| rest.split_once(":user/"));
    let user = parts.and_then(|(account, rest)| {
        let name = rest.rsplit('/').next().filter(|name| !name.is_empty())?;
        Some(user(AccountId::parse(account)?, arn, name))
    });
    user.ok_or_else(|| invalid_entity(arn))
}

/// A user who is known by name only: no unique id matches it.
fn user(account: AccountId, arn: &str, name: &str) -> Principal {
    Principal::User(Arc::new(User { account, arn: arn.into(), name: name.into(), id: "".into() }))
}

/// Who bears policies that nobody has.
fn nobody(account: AccountId) -> Principal {
    user(account, &format!("arn:aws:iam::{account}:user/simulation"), "simulation")
}

fn entry(mut entry: Input<'_>) -> Option<Entry> {
    let name = entry.text("ContextKeyName")?;
    let list = entry.text("ContextKeyType").is_some_and(|kind| kind.ends_with("List"));
    Some(Entry { name, values: entry.texts("ContextKeyValues"), list })
}
