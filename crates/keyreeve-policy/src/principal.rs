//! Who asks. Cheap to clone: what is longer than a number is shared.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use keyreeve_model::region::AccountId;

/// An authenticated principal.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Principal {
    /// The root user of an account.
    Root(AccountId),
    /// An IAM user.
    User(Arc<User>),
    /// A session of an assumed role.
    Session(Arc<RoleSession>),
    /// A registered service that acts as itself.
    Service(Arc<ServicePrincipal>),
    /// The caller of AssumeRoleWithWebIdentity, and nobody else.
    Federated(Arc<WebIdentity>),
    /// A process on the server's own machine, through the admin socket; the number is its Unix user id.
    Operator(u32),
}

/// An IAM user.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct User {
    /// Account of the user.
    pub account: AccountId,
    /// ARN with the path: `arn:aws:iam::<account>:user/<path><name>`.
    pub arn: Box<str>,
    /// Name without the path.
    pub name: Box<str>,
    /// Unique id, `AIDA…`.
    pub id: Box<str>,
}

/// A session of an assumed role.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoleSession {
    /// Account of the role.
    pub account: AccountId,
    /// ARN of the session: `arn:aws:sts::<account>:assumed-role/<role name>/<session name>`.
    pub arn: Box<str>,
    /// ARN of the role, with its path.
    pub role_arn: Box<str>,
    /// Name of the role without the path.
    pub role_name: Box<str>,
    /// Unique id of the role, `AROA…`.
    pub role_id: Box<str>,
    /// Name of the session.
    pub name: Box<str>,
}

/// A service that an operator registered.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ServicePrincipal {
    /// Such as `s3.eu-central-1.amazonaws.com`.
    pub name: Box<str>,
    /// Account of the role or certificate that was registered.
    pub account: AccountId,
}

impl ServicePrincipal {
    /// Whether this is one of the service's names: its own, or the one that it has in every Region.
    pub fn is_called(&self, name: &str) -> bool {
        let is_global = || name.strip_suffix(SERVICE_DOMAIN) == self.name.split('.').next();
        *self.name == *name || is_global()
    }
}

/// What the names of services end with.
const SERVICE_DOMAIN: &str = ".amazonaws.com";

/// `s3.amazonaws.com` of `s3.eu-central-1.amazonaws.com`: the name that a service has in every Region.
pub fn global_service_name(name: &str) -> String {
    format!("{}{SERVICE_DOMAIN}", name.split('.').next().unwrap_or_default())
}

/// Somebody whom an OpenID Connect provider vouches for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WebIdentity {
    /// ARN of the provider: `arn:aws:iam::<account>:oidc-provider/<host and path>`.
    pub provider: Box<str>,
    /// The token's `sub`.
    pub subject: Box<str>,
}

impl Principal {
    /// The account whose resources the principal names without an ARN; operators and web identities have none.
    pub fn account(&self) -> Option<AccountId> {
        match self {
            Self::Root(account) => Some(*account),
            Self::User(user) => Some(user.account),
            Self::Session(session) => Some(session.account),
            Self::Service(service) => Some(service.account),
            Self::Federated(_) | Self::Operator(_) => None,
        }
    }

    /// `aws:PrincipalArn`: for a session the ARN of its **role**, with the path.
    pub fn principal_arn(&self) -> Cow<'_, str> {
        match self {
            Self::User(user) => Cow::Borrowed(&user.arn),
            Self::Session(session) => Cow::Borrowed(&session.role_arn),
            Self::Service(service) => Cow::Borrowed(&service.name),
            Self::Root(_) | Self::Federated(_) | Self::Operator(_) => Cow::Owned(self.to_string()),
        }
    }

    /// `aws:userid`: the account of a root user, `AIDA…`, `AROA…:<session name>`.
    pub fn user_id(&self) -> Cow<'_, str> {
        match self {
            Self::Root(account) => Cow::Owned(account.to_string()),
            Self::User(user) => Cow::Borrowed(&user.id),
            Self::Session(session) => Cow::Owned(format!("{}:{}", session.role_id, session.name)),
            Self::Service(service) => Cow::Borrowed(&service.name),
            Self::Federated(identity) => Cow::Owned(format!("{}:{}", identity.provider, identity.subject)),
            Self::Operator(uid) => Cow::Owned(uid.to_string()),
        }
    }
}

/// The caller's ARN, as AWS prints it in messages and records.
impl fmt::Display for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root(account) => write!(f, "arn:aws:iam::{account}:root"),
            Self::User(user) => f.write_str(&user.arn),
            Self::Session(session) => f.write_str(&session.arn),
            Self::Service(service) => f.write_str(&service.name),
            Self::Federated(identity) => write!(f, "{}:{}", identity.provider, identity.subject),
            Self::Operator(uid) => write!(f, "arn:keyreeve:operator:::uid/{uid}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_service_has_a_name_of_its_region_and_one_of_every_region() {
        let service = |name: &str| ServicePrincipal { name: name.into(), account: AccountId::ZERO };
        for (own, asked, expected) in [
            ("s3.eu-central-1.amazonaws.com", "s3.eu-central-1.amazonaws.com", true),
            ("s3.eu-central-1.amazonaws.com", "s3.amazonaws.com", true),
            ("s3.eu-central-1.amazonaws.com", "s3.us-east-1.amazonaws.com", false),
            ("s3.eu-central-1.amazonaws.com", "sqs.amazonaws.com", false),
            ("s3.eu-central-1.amazonaws.com", "s3", false),
            ("s3.amazonaws.com", "s3.amazonaws.com", true),
            ("s3.amazonaws.com", "s3.eu-central-1.amazonaws.com", false),
        ] {
            assert_eq!(service(own).is_called(asked), expected, "{own} {asked}");
        }
        assert_eq!(global_service_name("s3.eu-central-1.amazonaws.com"), "s3.amazonaws.com");
        assert_eq!(global_service_name("s3.amazonaws.com"), "s3.amazonaws.com");
    }

    #[test]
    fn principals_have_the_names_that_aws_gives_them() {
        let account = AccountId::parse("111122223333").unwrap();
        let arn = "arn:aws:iam::111122223333:user/team/Alice";
        let alice = User { account, arn: arn.into(), name: "Alice".into(), id: "AIDA1".into() };
        let role = "arn:aws:iam::111122223333:role/app/Worker";
        let session_arn = "arn:aws:sts::111122223333:assumed-role/Worker/s1";
        let session = RoleSession {
            account,
            arn: session_arn.into(),
            role_arn: role.into(),
            role_name: "Worker".into(),
            role_id: "AROA1".into(),
            name: "s1".into(),
        };
        let service = ServicePrincipal { name: "s3.amazonaws.com".into(), account };
        let carol = WebIdentity { provider: "p".into(), subject: "carol".into() };
        let root = "arn:aws:iam::111122223333:root";
        for (principal, own, printed, arn, id) in [
            (Principal::Root(account), Some(account), root, root, "111122223333"),
            (Principal::User(Arc::new(alice)), Some(account), arn, arn, "AIDA1"),
            (Principal::Session(Arc::new(session)), Some(account), session_arn, role, "AROA1:s1"),
            (
                Principal::Service(Arc::new(service)),
                Some(account),
                "s3.amazonaws.com",
                "s3.amazonaws.com",
                "s3.amazonaws.com",
            ),
            (Principal::Federated(Arc::new(carol)), None, "p:carol", "p:carol", "p:carol"),
            (
                Principal::Operator(7),
                None,
                "arn:keyreeve:operator:::uid/7",
                "arn:keyreeve:operator:::uid/7",
                "7",
            ),
        ] {
            assert_eq!(principal.account(), own, "{principal}");
            assert_eq!(principal.to_string(), printed);
            assert_eq!(principal.principal_arn(), arn);
            assert_eq!(principal.user_id(), id);
        }
    }
}
