//! Principals as policies name them: what each form is, and whom it matches.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html>

use keyreeve_model::region::AccountId;

use crate::principal::Principal;

/// One principal of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PrincipalPattern {
    /// `*`: every authenticated principal.
    Everyone,
    /// An account, as twelve digits or as the ARN of its root user: delegates to the account's own policies.
    Account(AccountId),
    /// `arn:…:iam::<account>:user/…`.
    User {
        /// The ARN, with the path.
        arn: Box<str>,
        /// Unique id when the policy was put: it alone counts then, so that a rename is followed and a namesake is not.
        id: Option<Box<str>>,
    },
    /// `arn:…:iam::<account>:role/…`: matches the role's sessions.
    Role {
        /// The ARN, with the path.
        arn: Box<str>,
        /// Unique id when the policy was put: it alone counts then, so that a rename is followed and a namesake is not.
        id: Option<Box<str>>,
    },
    /// `arn:…:sts::<account>:assumed-role/<role>/<session>`.
    Session {
        /// The ARN.
        arn: Box<str>,
    },
    /// `arn:…:sts::<account>:federated-user/<name>`: nobody yet, as GetFederationToken is not offered.
    FederatedUser {
        /// The ARN.
        arn: Box<str>,
    },
    /// `AIDA…`, `AROA…` or `AROA…:<session>`.
    UniqueId(Box<str>),
    /// `<service>.amazonaws.com`, or a form with a Region.
    Service(Box<str>),
    /// An identity provider.
    Federated(Box<str>),
    /// The canonical id of S3: matches nobody here.
    CanonicalUser(Box<str>),
}

/// How a pattern names a caller: the stronger, the less else limits it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Naming {
    /// The account: only as far as the caller's own policies go.
    Account,
    /// The role of a session: within its boundary and session policy.
    Role,
    /// `*`.
    Everyone,
    /// This very user, session, service or web identity.
    Direct,
}

impl PrincipalPattern {
    /// Parses a value of the `AWS` kind.
    pub(crate) fn parse_aws(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::Everyone);
        }
        if let Some(account) = AccountId::parse(text) {
            return Some(Self::Account(account));
        }
        if is_unique_id(text) {
            return Some(Self::UniqueId(text.into()));
        }
        parse_arn(text)
    }

    /// The ARN or unique id that must exist when the policy is put; accounts, services and everyone have none.
    pub fn entity(&self) -> Option<&str> {
        match self {
            Self::User { arn, .. }
            | Self::Role { arn, .. }
            | Self::Session { arn }
            | Self::FederatedUser { arn } => Some(arn),
            Self::UniqueId(id) => Some(id),
            Self::Everyone
            | Self::Account(_)
            | Self::Service(_)
            | Self::Federated(_)
            | Self::CanonicalUser(_) => None,
        }
    }

    /// How this pattern names the principal, if it does.
    pub(crate) fn names(&self, principal: &Principal) -> Option<Naming> {
        match (self, principal) {
            (_, Principal::Operator(_)) => None,
            (Self::Everyone, _) => Some(Naming::Everyone),
            (Self::Account(account), Principal::Root(own)) if account == own => Some(Naming::Account),
            (Self::Account(account), Principal::User(user)) if *account == user.account => {
                Some(Naming::Account)
            }
            (Self::Account(account), Principal::Session(session)) if *account == session.account => {
                Some(Naming::Account)
            }
            (Self::User { arn, id }, Principal::User(user)) if is(arn, id, &user.arn, &user.id) => {
                Some(Naming::Direct)
            }
            (Self::Role { arn, id }, Principal::Session(session))
                if is(arn, id, &session.role_arn, &session.role_id) =>
            {
                Some(Naming::Role)
            }
            (Self::Session { arn }, Principal::Session(session)) if *arn == session.arn => {
                Some(Naming::Direct)
            }
            (Self::UniqueId(id), Principal::User(user)) if *id == user.id => Some(Naming::Direct),
            (Self::UniqueId(id), Principal::Session(session)) => match id.strip_prefix(&*session.role_id) {
                Some("") => Some(Naming::Role),
                Some(rest) if rest.strip_prefix(':') == Some(&*session.name) => Some(Naming::Direct),
                Some(_) | None => None,
            },
            (Self::Service(name), Principal::Service(service)) if service.is_called(name) => {
                Some(Naming::Direct)
            }
            (Self::Federated(provider), Principal::Federated(identity)) if *provider == identity.provider => {
                Some(Naming::Direct)
            }
            _ => None,
        }
    }
}

/// Whether a name is this entity's: by its id where it is pinned to one, as an entity keeps it when it is renamed and no
/// namesake ever has it.
fn is(arn: &str, pin: &Option<Box<str>>, own_arn: &str, own_id: &str) -> bool {
    match pin {
        Some(pin) => **pin == *own_id,
        None => arn == own_arn,
    }
}

/// `AIDA…`, `AROA…` and their kin, with a session name or without.
fn is_unique_id(text: &str) -> bool {
    let (id, session) = text.split_once(':').map_or((text, None), |(id, session)| (id, Some(session)));
    id.len() >= 16
        && id.starts_with('A')
        && id.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
        && session.is_none_or(|name| !name.is_empty() && !name.contains(['*', '?', ':']))
}

fn parse_arn(text: &str) -> Option<PrincipalPattern> {
    let mut parts = text.splitn(6, ':');
    let (head, partition, service) = (parts.next()?, parts.next()?, parts.next()?);
    let (region, account, resource) = (parts.next()?, AccountId::parse(parts.next()?)?, parts.next()?);
    if head != "arn" || !partition.starts_with("aws") || !region.is_empty() || resource.contains(['*', '?']) {
        return None;
    }
    if (service, resource) == ("iam", "root") {
        return Some(PrincipalPattern::Account(account));
    }
    let (kind, name) = resource.split_once('/')?;
    if name.is_empty() || name.ends_with('/') {
        return None;
    }
    match (service, kind) {
        ("iam", "user") => Some(PrincipalPattern::User { arn: text.into(), id: None }),
        ("iam", "role") => Some(PrincipalPattern::Role { arn: text.into(), id: None }),
        ("sts", "federated-user") => Some(PrincipalPattern::FederatedUser { arn: text.into() }),
        ("sts", "assumed-role") if name.matches('/').count() == 1 && !name.starts_with('/') => {
            Some(PrincipalPattern::Session { arn: text.into() })
        }
        _ => None,
    }
}
