//! A deployment in which every condition key can have a value: keys with tags and aliases, a user, a session of a role and
//! a service that say all of themselves that they can.

use std::sync::Arc;

use keyreeve_model::error::WireError;
use keyreeve_model::region::AccountId;
use keyreeve_model::timestamp::Timestamp;
use keyreeve_policy::evidence::{NamedPolicy, PolicyKind};
use keyreeve_policy::policy::{Grammar, Policy};
use keyreeve_policy::principal::{Principal, ServicePrincipal};
use keyreeve_service::caller::{Caller, Connection, Forwarding};
use keyreeve_service::catalogue::{Api, Row};
use keyreeve_service::identity::{Profile, Session};
use serde_json::{Value, json};

use crate::importing::import_token;
use crate::kit::Kit;
use crate::rig::{ACCOUNT, OTHER_ACCOUNT, Rig, START_SECONDS, b64, root, text};
use crate::shaped;

pub(crate) const SERVICE: &str = "s3.eu-central-1.amazonaws.com";
pub(crate) const SOURCE_ARN: &str = "arn:aws:s3:eu-central-1:444455556666:bucket";
pub(crate) const ORGANIZATION: &str = "o-a1b2c3d4e5";
/// Days from the beginning of the world, when every key was used, to its requests.
pub(crate) const UNUSED_DAYS: i64 = 9;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Who {
    User,
    /// A session of a role, from a web identity.
    Session,
    /// A service on behalf of the user.
    Via,
    /// A service as itself, for a resource.
    Service,
}

pub(crate) struct World {
    pub(crate) rig: Rig,
    pub(crate) kit: Kit,
    /// A ciphertext under `{"Stage": "test"}`.
    pub(crate) in_context: Value,
    callers: [Caller; 4],
}

/// A policy that leaves everything to IAM, and allows everything to the service.
fn delegation(actions: &[&str], resource: Option<&str>) -> String {
    let principal = json!({"AWS": ACCOUNT, "Service": SERVICE});
    let mut statement = json!({"Effect": "Allow", "Principal": principal, "Action": actions});
    if let Some(resource) = resource {
        statement["Resource"] = json!(resource);
    }
    json!({"Version": "2012-10-17", "Statement": statement}).to_string()
}

fn key_policy() -> String {
    delegation(&["kms:*"], Some("*"))
}

impl World {
    pub(crate) fn new() -> Self {
        let rig = Rig::new();
        let kit = Kit::multi_region(&rig);
        for (index, key) in kit.keys().into_iter().enumerate() {
            rig.ok("CreateAlias", json!({"AliasName": alias_name(index), "TargetKeyId": key}));
            rig.ok("PutKeyPolicy", json!({"KeyId": key, "Policy": key_policy()}));
            rig.ok("TagResource", json!({"KeyId": key, "Tags": [{"TagKey": "Owner", "TagValue": "Carol"}]}));
        }
        let in_context =
            json!({"KeyId": kit.symmetric, "Plaintext": b64("x"), "EncryptionContext": {"Stage": "test"}});
        let in_context = rig.ok("Encrypt", in_context)["CiphertextBlob"].clone();
        rig.operate("SetAccount", json!({"AccountId": ACCOUNT, "OrganizationId": ORGANIZATION}));
        let tags = json!([{"Key": "Department", "Value": "payments"}]);
        rig.iam("CreateUser", json!({"UserName": "Alice", "Path": "/people/", "Tags": tags}));
        let trust = delegation(&["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], None);
        let role = json!({"RoleName": "Worker", "AssumeRolePolicyDocument": trust, "Tags": tags});
        rig.iam("CreateRole", role);
        let callers = [Who::User, Who::Session, Who::Via, Who::Service].map(|who| caller(&rig, who));
        rig.pass_days(UNUSED_DAYS);
        Self { rig, kit, in_context, callers }
    }

    /// A caller as it is known, with one identity policy.
    pub(crate) fn caller(&self, who: Who, statements: &[Value]) -> Caller {
        let caller = &self.callers[who as usize];
        let document = json!({"Version": "2012-10-17", "Statement": statements}).to_string();
        let policy = Policy::parse(&document, Grammar::Identity)
            .unwrap_or_else(|fault| panic!("{document}: {fault:?}"));
        let known = &caller.profile;
        let mut profile = Profile::bare(known.principal.clone());
        profile.identity =
            vec![NamedPolicy { kind: PolicyKind::Identity, name: "p".into(), policy: Arc::new(policy) }];
        (profile.tags, profile.organization) = (known.tags.clone(), known.organization.clone());
        Caller { profile: Arc::new(profile), ..caller.clone() }
    }

    pub(crate) fn call(&self, caller: &Caller, row: &Row, body: &Value) -> Result<Value, WireError> {
        match row.api {
            Api::Kms => self.rig.try_as(caller, row.name, body),
            Api::Iam | Api::Sts | Api::CloudTrail | Api::Operator => {
                self.rig.try_api_as(caller, row.api, row.name, body)
            }
        }
    }

    /// A valid request, that finds what it is about as long as it is not allowed twice.
    pub(crate) fn body(&self, row: &Row) -> Value {
        let mut body = match row.api {
            Api::Kms => self.kit.body(row.name),
            Api::Iam | Api::Sts | Api::CloudTrail | Api::Operator => shaped::body(row, ACCOUNT),
        };
        match row.name {
            "CreateAlias" | "UpdateAlias" | "DeleteAlias" => {
                let alias = json!({"AliasName": "alias/moving"});
                drop(self.rig.try_as(&root(), "DeleteAlias", &alias));
                body["AliasName"] = alias["AliasName"].clone();
                if row.name != "CreateAlias" {
                    let made = json!({"AliasName": alias["AliasName"], "TargetKeyId": self.kit.symmetric});
                    self.rig.ok("CreateAlias", made);
                }
            }
            "PutKeyPolicy" => body["Policy"] = json!(key_policy()),
            // Tokens live for a day, and more has passed.
            "ImportKeyMaterial" => body["ImportToken"] = json!(import_token(&self.rig, &self.kit.imported)),
            "RetireGrant" | "RevokeGrant" => body["GrantId"] = json!(self.grant()),
            "AssumeRole" => {
                body = json!({
                    "RoleArn": format!("arn:aws:iam::{ACCOUNT}:role/Worker"), "RoleSessionName": "work",
                    "DurationSeconds": 900, "ExternalId": "x-17", "SourceIdentity": "Carol",
                    "Tags": [{"Key": "Team", "Value": "red"}], "TransitiveTagKeys": ["Team"],
                });
            }
            _ => {}
        }
        body
    }

    /// A grant that every principal of the account may retire whom its policies let.
    fn grant(&self) -> String {
        let root = format!("arn:aws:iam::{ACCOUNT}:root");
        let body = json!({
            "KeyId": self.kit.symmetric, "GranteePrincipal": format!("arn:aws:iam::{OTHER_ACCOUNT}:root"),
            "RetiringPrincipal": root, "Operations": ["Decrypt"],
            "Constraints": {"EncryptionContextSubset": {"Stage": "test"}},
        });
        text(&self.rig.ok("CreateGrant", body), "/GrantId")
    }

    /// One of the aliases of a key.
    pub(crate) fn alias_of(&self, key: &str) -> String {
        alias_name(self.kit.keys().iter().position(|known| *known == key).unwrap())
    }
}

fn alias_name(index: usize) -> String {
    format!("alias/team/{index}")
}

fn caller(rig: &Rig, who: Who) -> Caller {
    let account = AccountId::parse(ACCOUNT).unwrap();
    let connection = Connection {
        tls: None,
        source_ip: Some("203.0.113.7".parse().unwrap()),
        secure: true,
        user_agent: Some("aws-cli/2.31".into()),
        referer: Some("https://console.example.com/".into()),
    };
    let user = Caller { connection, ..rig.user("Alice") };
    let forwarding = |on_behalf| {
        let (source_arn, source_account) = (Some(SOURCE_ARN.into()), AccountId::parse(OTHER_ACCOUNT));
        Some(Arc::new(Forwarding { service: SERVICE.into(), on_behalf, source_arn, source_account }))
    };
    match who {
        Who::User => user,
        Who::Session => {
            let arn = format!("arn:aws:sts::{ACCOUNT}:assumed-role/Worker/work");
            let (principal, profile) =
                rig.block_on(rig.service.identity().principal_of(&arn)).unwrap().unwrap();
            Caller { principal, profile, session: Some(Arc::new(session())), ..user }
        }
        Who::Via => Caller { forwarding: forwarding(true), ..user },
        Who::Service => {
            let principal = Principal::Service(Arc::new(ServicePrincipal { name: SERVICE.into(), account }));
            let profile = Arc::new(Profile::bare(Some(principal.clone())));
            Caller { principal, profile, forwarding: forwarding(false), ..user }
        }
    }
}

fn session() -> Session {
    Session {
        issued: Timestamp::from_millis(START_SECONDS * 1000),
        expires: Timestamp::from_millis(i64::MAX),
        policies: None,
        tags: vec![("dEPARTMENT".to_owned(), "research".to_owned())],
        transitive_tags: Vec::new(),
        source_identity: Some("Carol".to_owned()),
        federated_provider: Some(format!("arn:aws:iam::{ACCOUNT}:oidc-provider/id.example.com")),
    }
}

/// A request that is asked about.
pub(crate) struct Asked<'a> {
    pub(crate) world: &'a World,
    pub(crate) row: &'static Row,
    /// The action of the row whose condition is walked.
    pub(crate) action: &'static str,
    pub(crate) caller: Caller,
    pub(crate) body: Value,
}

impl Asked<'_> {
    /// The text of a member.
    pub(crate) fn text(&self, member: &str) -> String {
        text(&self.body, &format!("/{member}"))
    }

    /// The key that the action is asked for.
    fn key(&self) -> &str {
        match self.action {
            "kms:ReEncryptTo" => &self.world.kit.other,
            _ => self.world.kit.key(self.row),
        }
    }

    /// One of its aliases.
    pub(crate) fn alias(&self) -> String {
        self.world.alias_of(self.key())
    }

    /// A member of the key's description; of a key that is to be made, the default.
    pub(crate) fn of_key(&self, member: &str, default: &str) -> String {
        if self.row.name == "CreateKey" {
            return default.to_owned();
        }
        text(
            &self.world.rig.ok("DescribeKey", json!({"KeyId": self.key()})),
            &format!("/KeyMetadata/{member}"),
        )
    }
}
