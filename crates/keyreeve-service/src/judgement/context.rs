//! Where the values of condition keys come from: the table of keys (`keyreeve-policy`) names a source, this file knows each.

use std::borrow::Cow;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};

use keyreeve_model::alias::AliasName;
use keyreeve_model::encryption_context::EncryptionContext;
use keyreeve_model::grant::{Grant, GrantOperation};
use keyreeve_model::region::Region;
use keyreeve_policy::condition_key::{
    Actions, CallerFact, ClockFact, ConditionKey, ConnectionFact, ForwardingFact, GrantFact, KeyFact,
    RequestFact, Source, TrustFact,
};
use keyreeve_policy::context::{Context, MapContext, Values};
use keyreeve_policy::grant::covers;
use keyreeve_policy::principal::{Principal, global_service_name};

use super::Subject;
use crate::desk::Desk;
use crate::input::Facts;
use crate::key_access::KeyEntry;

/// What is known about one request for one action.
#[derive(Debug)]
pub(crate) struct RequestContext<'a> {
    desk: &'a Desk<'a>,
    action: &'static str,
    subject: Subject<'a>,
    /// How the request names the key.
    pub(crate) naming: KeyNaming<'a>,
    /// What an identity provider says of the caller: `<provider>:sub` and its kin, in lower case.
    pub(crate) claims: &'a [(String, String)],
    /// What an operator assumes of the request when a decision is explained; it wins over what is known.
    pub(crate) given: Option<&'a MapContext>,
    /// The grant that is to be retired.
    pub(crate) grant: Option<&'a Grant>,
    facts: OnceLock<Facts<'a>>,
    /// Whether somebody asked how long the key was not used.
    asks_for_days: AtomicBool,
}

/// What the gatehouse of keys knows beside the key itself.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct KeyNaming<'a> {
    /// The alias that the request used for the key.
    pub(crate) alias: Option<&'a AliasName>,
    /// Whether both keys of ReEncrypt are the same one.
    pub(crate) same_key: Option<bool>,
    /// Whole days since the key was last used, or made; known only where a policy asks for it.
    pub(crate) days_without_usage: Option<i64>,
    /// The Region that is asked for, where it is not the request's own.
    pub(crate) region: Option<&'a Region>,
}

type Found<'v> = Option<Values<'v>>;

fn one<'v>(text: impl Into<Cow<'v, str>>) -> Found<'v> {
    Some(Values::One(text.into()))
}

fn truth<'v>(flag: bool) -> Found<'v> {
    one(if flag { "true" } else { "false" })
}

fn many<'v>(texts: impl IntoIterator<Item = &'v str>) -> Found<'v> {
    Some(Values::Many(texts.into_iter().map(Cow::Borrowed).collect()))
}

/// The value of a pair whose name matches, whatever its letter case: all of them where several do.
fn pick<'v>(pairs: impl IntoIterator<Item = (&'v str, &'v str)>, part: &str) -> Found<'v> {
    let mut values: Vec<Cow<'v, str>> = pairs
        .into_iter()
        .filter(|(name, _)| name.to_lowercase() == part)
        .map(|(_, value)| Cow::Borrowed(value))
        .collect();
    match values.len() {
        0 => None,
        1 => values.pop().map(Values::One),
        _ => Some(Values::Many(values)),
    }
}

impl Context for RequestContext<'_> {
    fn values(&self, key: &ConditionKey) -> Found<'_> {
        if let Some(given) = self.given.and_then(|given| given.values(key)) {
            return Some(given);
        }
        let Some(row) = key.row() else { return self.claim(key.name()) };
        let possible = match row.actions {
            Actions::All => true,
            Actions::Only(actions) => actions.contains(&self.action),
            Actions::OnKeys => self.action.starts_with("kms:"),
        };
        if !possible {
            return None;
        }
        let part = key.part().unwrap_or_default();
        match &row.source {
            Source::Member { names, default } => self.member(names, *default),
            Source::EncryptionContext => pick(self.encryption_context()?, part),
            Source::EncryptionContextKeys => {
                many(self.encryption_context()?.into_iter().map(|(name, _)| name))
            }
            Source::RequestTag => pick(self.request_tags()?, part),
            Source::TagKeys => self.tag_keys(),
            Source::Key(fact) => self.of_key(*fact, part),
            Source::Caller(fact) => self.of_caller(*fact, part),
            Source::Connection(fact) => self.of_connection(*fact),
            Source::Clock(ClockFact::CurrentTime) => one(self.desk.now.to_iso_8601()),
            Source::Clock(ClockFact::EpochTime) => one(self.desk.now.as_seconds().to_string()),
            Source::Forwarding(fact) => self.of_forwarding(*fact),
            Source::Grant(fact) => self.of_grant(*fact),
            Source::Request(fact) => self.of_request(*fact),
            Source::Trust(fact) => self.of_trust(*fact, key.name()),
            Source::Never(_) => None,
        }
    }
}

impl<'a> RequestContext<'a> {
    pub(super) fn new(desk: &'a Desk<'a>, action: &'static str, subject: Subject<'a>) -> Self {
        Self {
            desk,
            action,
            subject,
            naming: KeyNaming::default(),
            claims: &[],
            given: None,
            grant: None,
            facts: OnceLock::new(),
            asks_for_days: AtomicBool::new(false),
        }
    }

    pub(super) fn asks_for_days_without_usage(&self) -> bool {
        self.asks_for_days.load(Ordering::Relaxed)
    }

    /// Whether the constraints of a grant admit the request.
    pub(super) fn covered_by(&self, grant: &Grant, operation: GrantOperation) -> bool {
        let source =
            self.desk.caller.forwarding.as_deref().and_then(|forwarding| forwarding.source_arn.as_deref());
        if constraint(grant).is_none() {
            return covers(grant, operation, None, source);
        }
        let pairs = self.encryption_context().unwrap_or_default();
        let pairs = pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        // A context that is too large was refused before anything was judged.
        let context = EncryptionContext::new(pairs).unwrap_or_default();
        covers(grant, operation, Some(&context), source)
    }

    fn facts(&self) -> &Facts<'a> {
        self.facts.get_or_init(|| Facts::read(self.desk.row.input, self.desk.body))
    }

    fn key(&self) -> Option<&'a KeyEntry> {
        match self.subject {
            Subject::Key(entry) => Some(entry),
            Subject::Everything
            | Subject::Missing { .. }
            | Subject::Owned { .. }
            | Subject::Role { .. }
            | Subject::Deployment => None,
        }
    }

    fn member(&self, names: &[(&str, &'static str)], default: Option<&'static str>) -> Found<'_> {
        let found = names
            .iter()
            .filter(|(action, _)| action.is_empty() || *action == self.action)
            .find_map(|(_, name)| self.facts().scalar(name));
        found.map(Values::One).or_else(|| default.and_then(one))
    }

    /// The context of the request; of CreateGrant and RetireGrant the one that the grant's constraint asks for.
    fn encryption_context(&self) -> Option<Vec<(&str, &str)>> {
        if let Some(grant) = self.grant {
            let (_, context) = constraint(grant)?;
            return Some(
                context.entries().iter().map(|(name, value)| (name.as_str(), value.as_str())).collect(),
            );
        }
        let member = match self.action {
            "kms:ReEncryptFrom" => "SourceEncryptionContext",
            "kms:ReEncryptTo" => "DestinationEncryptionContext",
            "kms:CreateGrant" => {
                return ["EncryptionContextEquals", "EncryptionContextSubset"]
                    .iter()
                    .find_map(|name| self.facts().nested_pairs("Constraints", name));
            }
            _ => "EncryptionContext",
        };
        self.facts().pairs(member)
    }

    fn request_tags(&self) -> Option<Vec<(&str, &str)>> {
        self.facts().pairs("Tags")
    }

    fn tag_keys(&self) -> Found<'_> {
        match self.facts().list("TagKeys") {
            Some(keys) => Some(Values::Many(keys)),
            None => many(self.request_tags()?.into_iter().map(|(name, _)| name)),
        }
    }

    fn of_key(&self, fact: KeyFact, part: &str) -> Found<'_> {
        let entry = self.key();
        match fact {
            KeyFact::Account => match self.subject {
                Subject::Key(entry) => one(entry.arn.account.to_string()),
                Subject::Owned { owner, .. }
                | Subject::Missing { owner, .. }
                | Subject::Role { owner, .. } => one(owner.to_string()),
                Subject::Everything | Subject::Deployment => one(self.desk.caller.account().to_string()),
            },
            // CreateKey has no key yet: its request says what it will be.
            KeyFact::Spec => match entry {
                Some(entry) => one(entry.record.spec.as_str()),
                None => self.created("KeySpec", "CustomerMasterKeySpec", "SYMMETRIC_DEFAULT"),
            },
            KeyFact::Usage => match entry {
                Some(entry) => one(entry.record.usage.as_str()),
                None => self.created("KeyUsage", "KeyUsage", "ENCRYPT_DECRYPT"),
            },
            KeyFact::Origin => match entry {
                Some(entry) => one(entry.record.origin.as_str()),
                None => self.created("Origin", "Origin", "AWS_KMS"),
            },
            KeyFact::MultiRegion => match entry {
                Some(entry) => truth(entry.arn.key_id.is_multi_region()),
                None => self.created("MultiRegion", "MultiRegion", "false"),
            },
            KeyFact::MultiRegionKeyType => match entry {
                Some(entry) if entry.record.is_replica_in(&entry.arn.region) => one("REPLICA"),
                Some(entry) => entry.arn.key_id.is_multi_region().then(|| Values::One("PRIMARY".into())),
                None => (self.created("MultiRegion", "MultiRegion", "false")
                    == Some(Values::One("true".into())))
                .then(|| Values::One("PRIMARY".into())),
            },
            KeyFact::DaysWithoutUsage => {
                self.asks_for_days.store(true, Ordering::Relaxed);
                one(self.naming.days_without_usage?.to_string())
            }
            KeyFact::Aliases => many(entry?.aliases.iter().map(AliasName::as_str)),
            KeyFact::Tag => match entry {
                Some(entry) => {
                    pick(entry.record.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())), part)
                }
                None if self.creates_key() => pick(self.request_tags()?, part),
                None => None,
            },
        }
    }

    /// Whether the request asks for a new key, whose facts are in the request.
    fn creates_key(&self) -> bool {
        matches!(self.subject, Subject::Everything) && self.desk.row.actions.first() == Some(&"kms:CreateKey")
    }

    /// What CreateKey asks for.
    fn created(&self, member: &'static str, older: &'static str, default: &'static str) -> Found<'_> {
        if !self.creates_key() {
            return None;
        }
        let facts = self.facts();
        facts
            .scalar(member)
            .or_else(|| facts.scalar(older))
            .map_or_else(|| one(default), |text| Some(Values::One(text)))
    }

    fn of_caller(&self, fact: CallerFact, part: &str) -> Found<'_> {
        let caller = self.desk.caller;
        let session = caller.session.as_deref();
        match fact {
            CallerFact::PrincipalArn => Some(Values::One(caller.principal.principal_arn())),
            CallerFact::PrincipalAccount | CallerFact::Account => {
                one(caller.principal.account()?.to_string())
            }
            CallerFact::PrincipalType => one(principal_type(&caller.principal)),
            CallerFact::UserId => Some(Values::One(caller.principal.user_id())),
            CallerFact::UserName => match &caller.principal {
                Principal::User(user) => one(&*user.name),
                Principal::Root(_)
                | Principal::Session(_)
                | Principal::Service(_)
                | Principal::Federated(_)
                | Principal::Operator(_) => None,
            },
            CallerFact::Tag => {
                let own = caller.profile.tags.iter().map(|(key, value)| (key.as_str(), value.as_str()));
                let passed = session.map(|session| session.tags.as_slice()).unwrap_or_default();
                // A session's own tag wins over the role's of the same name.
                pick(passed.iter().map(|(key, value)| (key.as_str(), value.as_str())), part)
                    .or_else(|| pick(own, part))
            }
            CallerFact::OrgId => one(caller.profile.organization.as_deref()?),
            CallerFact::IsAwsService => truth(matches!(caller.principal, Principal::Service(_))),
            CallerFact::ServiceName => match &caller.principal {
                Principal::Service(service) => one(&*service.name),
                Principal::Root(_)
                | Principal::User(_)
                | Principal::Session(_)
                | Principal::Federated(_)
                | Principal::Operator(_) => None,
            },
            CallerFact::ServiceNames => match &caller.principal {
                Principal::Service(service) => Some(Values::Many(vec![
                    Cow::Borrowed(&*service.name),
                    global_service_name(&service.name).into(),
                ])),
                Principal::Root(_)
                | Principal::User(_)
                | Principal::Session(_)
                | Principal::Federated(_)
                | Principal::Operator(_) => None,
            },
            CallerFact::TokenIssueTime => one(session?.issued.to_iso_8601()),
            // No factor is ever asked for; for long-term keys the key is absent, as on AWS.
            CallerFact::MfaPresent => session.and_then(|_| truth(false)),
            CallerFact::SourceIdentity => one(session?.source_identity.as_deref()?),
            CallerFact::FederatedProvider => match &caller.principal {
                Principal::Federated(identity) => one(&*identity.provider),
                Principal::Root(_)
                | Principal::User(_)
                | Principal::Session(_)
                | Principal::Service(_)
                | Principal::Operator(_) => one(session?.federated_provider.as_deref()?),
            },
        }
    }

    fn of_connection(&self, fact: ConnectionFact) -> Found<'_> {
        let connection = &self.desk.caller.connection;
        match fact {
            // What a service forwards did not come from the client's own address.
            ConnectionFact::SourceIp => match self.desk.caller.forwarding {
                Some(_) => None,
                None => one(connection.source_ip?.to_string()),
            },
            ConnectionFact::SecureTransport => truth(connection.secure),
            ConnectionFact::UserAgent => one(connection.user_agent.as_deref()?),
            ConnectionFact::Referer => one(connection.referer.as_deref()?),
        }
    }

    fn of_forwarding(&self, fact: ForwardingFact) -> Found<'_> {
        let forwarding = self.desk.caller.forwarding.as_deref();
        let via = forwarding.filter(|forwarding| forwarding.on_behalf);
        // For a resource a service asks as itself; for a principal it asks with that principal's rights.
        let itself = forwarding.filter(|forwarding| !forwarding.on_behalf);
        match fact {
            ForwardingFact::ViaService => one(&*via?.service),
            ForwardingFact::CalledVia => Some(Values::Many(vec![global_service_name(&via?.service).into()])),
            ForwardingFact::CalledViaFirst | ForwardingFact::CalledViaLast => {
                one(global_service_name(&via?.service))
            }
            ForwardingFact::ViaAwsService => truth(via.is_some()),
            ForwardingFact::SourceArn => one(itself?.source_arn.as_deref()?),
            ForwardingFact::SourceAccount => one(itself?.source_account?.to_string()),
        }
    }

    fn of_grant(&self, fact: GrantFact) -> Found<'_> {
        let facts = self.facts();
        match fact {
            GrantFact::ConstraintType if self.grant.is_some() => {
                self.grant.and_then(constraint).and_then(|(kind, _)| one(kind))
            }
            GrantFact::ConstraintType => ["EncryptionContextEquals", "EncryptionContextSubset"]
                .into_iter()
                .find(|name| facts.has_nested("Constraints", name))
                .and_then(one),
            GrantFact::ConstraintSourceArn => one(facts.nested_text("Constraints", "SourceArn")?),
            GrantFact::IsForAwsResource => {
                let via =
                    self.desk.caller.forwarding.as_deref().is_some_and(|forwarding| forwarding.on_behalf);
                truth(via || matches!(self.desk.caller.principal, Principal::Service(_)))
            }
            GrantFact::Operations => facts.list("Operations").map(Values::Many),
            GrantFact::GranteePrincipal => facts.scalar("GranteePrincipal").map(Values::One),
            GrantFact::RetiringPrincipal => facts.scalar("RetiringPrincipal").map(Values::One),
            GrantFact::GranteeServicePrincipal => facts.scalar("GranteeServicePrincipal").map(Values::One),
            GrantFact::RetiringServicePrincipal => facts.scalar("RetiringServicePrincipal").map(Values::One),
        }
    }

    fn of_request(&self, fact: RequestFact) -> Found<'_> {
        match fact {
            RequestFact::Alias => one(self.naming.alias?.as_str()),
            RequestFact::Region => one(self.naming.region.unwrap_or(&self.desk.caller.region).as_str()),
            RequestFact::ReEncryptOnSameKey => truth(self.naming.same_key?),
            // Requests with an attestation document are refused before they are judged.
            RequestFact::Attestation | RequestFact::NitroTpmAttestation => None,
        }
    }

    fn of_trust(&self, fact: TrustFact, name: &str) -> Found<'_> {
        match fact {
            TrustFact::ExternalId => self.facts().scalar("ExternalId").map(Values::One),
            TrustFact::RoleSessionName => self.facts().scalar("RoleSessionName").map(Values::One),
            TrustFact::SourceIdentity => self.facts().scalar("SourceIdentity").map(Values::One),
            TrustFact::TransitiveTagKeys => self.facts().list("TransitiveTagKeys").map(Values::Many),
            TrustFact::DurationSeconds => self.facts().scalar("DurationSeconds").map(Values::One),
            TrustFact::Claim => self.claim(name),
        }
    }

    fn claim(&self, name: &str) -> Found<'_> {
        pick(self.claims.iter().map(|(key, value)| (key.as_str(), value.as_str())), name)
    }
}

/// The encryption context constraint of a grant, and its type.
fn constraint(grant: &Grant) -> Option<(&'static str, &EncryptionContext)> {
    let equals = grant.constraints.equals.as_ref().map(|context| ("EncryptionContextEquals", context));
    equals.or_else(|| grant.constraints.subset.as_ref().map(|context| ("EncryptionContextSubset", context)))
}

/// AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_variables.html#principaltable>
const fn principal_type(principal: &Principal) -> &'static str {
    match principal {
        Principal::Root(_) => "Account",
        Principal::User(_) => "User",
        Principal::Session(_) => "AssumedRole",
        Principal::Service(_) => "Service",
        Principal::Federated(_) => "Federated",
        Principal::Operator(_) => "Anonymous",
    }
}
