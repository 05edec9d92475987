//! One question with everything that decides it, as the evaluators and the oracle's process read it (JSON, one line).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One question.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Case {
    /// Who asks.
    pub(crate) caller: Caller,
    /// The IAM action, in whatever letter case.
    pub(crate) action: String,
    /// On what.
    pub(crate) resource: Target,
    /// The policy of the key, or the trust policy of the role; nothing else has one.
    pub(crate) own_policy: Option<Value>,
    /// The caller's identity policies.
    pub(crate) identity: Vec<Value>,
    /// The caller's permissions boundary.
    pub(crate) boundary: Option<Value>,
    /// Session policies, one of which must allow; none when empty.
    pub(crate) sessions: Vec<Value>,
    /// Guards of the caller's account; each must allow.
    pub(crate) guards: Vec<Value>,
    /// Condition keys of the request.
    pub(crate) context: BTreeMap<String, Known>,
    /// A grant on the key. The oracle knows no grants and is asked as if there were none.
    pub(crate) grant: Option<Grant>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Caller {
    /// What the caller is.
    pub(crate) kind: Kind,
    /// Twelve digits.
    pub(crate) account: String,
    /// `arn:aws:iam::A:root`, `arn:aws:iam::A:user/…`, `arn:aws:sts::A:assumed-role/…/…`, or a service's name.
    pub(crate) arn: String,
    /// The role's ARN with its path; empty for others.
    pub(crate) role: String,
    /// Unique id of the user or role; empty for the root user.
    pub(crate) id: String,
}

/// What a caller is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Kind {
    /// The root user of an account.
    Root,
    /// An IAM user.
    User,
    /// A session of an IAM role.
    Session,
    /// A service that acts as itself.
    Service,
}

impl Caller {
    /// The name of the session, of the user, or `root`.
    pub(crate) fn name(&self) -> &str {
        self.arn.rsplit(['/', ':']).next().unwrap_or_default()
    }

    /// The value of `aws:userid`.
    pub(crate) fn user_id(&self) -> String {
        match self.kind {
            Kind::Root => self.account.clone(),
            Kind::Service => self.arn.clone(),
            Kind::User => self.id.clone(),
            Kind::Session => format!("{}:{}", self.id, self.name()),
        }
    }

    /// The ARN of the account's root user, which also names the account.
    pub(crate) fn account_arn(&self) -> String {
        format!("arn:aws:iam::{}:root", self.account)
    }
}

/// On what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Target {
    /// What the resource is.
    pub(crate) kind: TargetKind,
    /// Its ARN, or `*`.
    pub(crate) arn: String,
    /// The account that owns it; of `*`, the caller's.
    pub(crate) owner: String,
}

/// What the resource is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum TargetKind {
    /// A key with its policy.
    Key,
    /// A role with its trust policy.
    Role,
    /// An alias, which has no policy of its own.
    Alias,
    /// No resource of its own, `*`.
    Everything,
}

/// What a request knows about a condition key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub(crate) enum Known {
    /// Of a key with one value.
    One(String),
    /// Of a key with many.
    Many(Vec<String>),
}

/// A grant on the key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Grant {
    /// An ARN, or the unique id of a user or role.
    pub(crate) grantee: String,
    /// Names of grant operations.
    pub(crate) operations: Vec<String>,
    /// The encryption context must be exactly this.
    pub(crate) equals: Option<BTreeMap<String, String>>,
    /// The encryption context must hold all of this.
    pub(crate) subset: Option<BTreeMap<String, String>>,
    /// The encryption context of the request; `None` where the operation has none.
    pub(crate) requested: Option<BTreeMap<String, String>>,
}

/// What was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Decision {
    /// Something allows it and nothing is against it.
    Allowed,
    /// Nothing allows it.
    Implicit,
    /// A statement denies it.
    Explicit,
}

impl Case {
    /// Every policy with its place.
    pub(crate) fn policies(&self) -> impl Iterator<Item = &Value> {
        let many = self.identity.iter().chain(&self.guards).chain(&self.sessions);
        many.chain(&self.own_policy).chain(&self.boundary)
    }

    /// Whether AWS lets other accounts call the operation at all.
    pub(crate) fn other_accounts(&self) -> bool {
        self.action != "kms:PutKeyPolicy"
    }

    /// The operation's name, as grants know it.
    pub(crate) fn operation(&self) -> &str {
        self.action.split_once(':').map_or("", |(_, name)| name)
    }

    /// The question as one line.
    pub(crate) fn line(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}
