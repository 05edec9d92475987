//! What a row of the catalogue says of an operation, and the words by which the table says it.

use keyreeve_model::algorithm::{KeyUsage, Origin};
use keyreeve_model::key_state::StateRule;

use crate::corridor::Walk;
use crate::input::shape::Structure;

/// Which API an operation belongs to; also the service name in a request's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `TrentService.<Operation>`, JSON 1.1.
    Kms,
    /// STS, query protocol.
    Sts,
    /// IAM, query protocol.
    Iam,
    /// `CloudTrail_20131101.<Operation>`, JSON 1.1.
    CloudTrail,
    /// Operators, through the admin socket.
    Operator,
}

/// What an operation acts on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// The account as a whole: creating and listing. Identity policies alone decide.
    Account,
    /// One key or two.
    Key {
        /// Whether an alias may stand for it.
        aliases: bool,
        /// Whether asking for `alias/aws/<service>` makes that key.
        makes_managed: bool,
    },
    /// An alias and its key.
    Alias,
    /// The deployment: operators only.
    Deployment,
}

impl Scope {
    /// Whether an alias may stand for the key.
    pub const fn takes_aliases(self) -> bool {
        matches!(self, Self::Key { aliases: true, .. })
    }

    /// Whether asking makes AWS managed keys.
    pub const fn makes_managed_keys(self) -> bool {
        matches!(self, Self::Key { makes_managed: true, .. })
    }
}

/// What an operation does to what it is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    /// Describes or lists.
    Reads,
    /// Uses key material.
    Uses,
    /// Changes stored state.
    Changes,
}

/// What the record of an operation shows of its request and its answer.
#[derive(Debug, Clone, Copy)]
pub struct Logged {
    /// Whether the parameters are shown; secrets and blobs among them never are.
    pub parameters: bool,
    /// Defaults that are shown where a request leaves a member out: name and JSON.
    pub filled: &'static [(&'static str, &'static str)],
    /// What is shown of the answer.
    pub answer: LoggedAnswer,
}

/// What a record shows of an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoggedAnswer {
    /// Nothing: CloudTrail shows answers of changes only.
    Nothing,
    /// The ARN of the key.
    Key,
    /// The ARN of the key and these members.
    Only(&'static [&'static str]),
    /// Everything that is no secret.
    Whole,
}

/// One operation.
#[derive(Debug)]
pub struct Row {
    /// Which API.
    pub api: Api,
    /// Name, as the target header says it.
    pub name: &'static str,
    /// IAM actions: one, or one for each key; none where AWS asks for no permission.
    pub actions: &'static [&'static str],
    /// The action that is asked for as well, on `*`, when what is made shall have tags.
    pub tagging: Option<&'static str>,
    /// The action that is asked for as well, on `*`, in the other Region where something is made.
    pub making: Option<&'static str>,
    /// On what.
    pub scope: Scope,
    /// Whether AWS lets other accounts call it.
    pub other_accounts: bool,
    /// Key states in which it is allowed.
    pub states: StateRule,
    /// Origin that the key must have, whatever its state.
    pub origin: Option<Origin>,
    /// Usage that the key must have.
    pub usage: Option<KeyUsage>,
    /// Reads, uses or changes.
    pub effect: Effect,
    /// Whether it must be signed; what need not be proves in its members who asks.
    pub signed: bool,
    /// Shape of its input.
    pub input: &'static Structure,
    /// What its record shows.
    pub logged: Logged,
    /// The corridor, for this operation.
    pub(crate) run: Walk,
}

impl Row {
    pub(super) const fn new(
        name: &'static str,
        actions: &'static [&'static str],
        scope: Scope,
        input: &'static Structure,
        run: Walk,
    ) -> Self {
        Self {
            api: Api::Kms,
            name,
            actions,
            tagging: None,
            making: None,
            scope,
            other_accounts: false,
            states: StateRule::Any,
            origin: None,
            usage: None,
            effect: Effect::Reads,
            signed: true,
            input,
            logged: Logged { parameters: true, filled: &[], answer: LoggedAnswer::Nothing },
            run,
        }
    }

    pub(super) const fn changes(mut self) -> Self {
        self.effect = Effect::Changes;
        self.logged.answer =
            if matches!(self.scope, Scope::Key { .. }) { LoggedAnswer::Key } else { LoggedAnswer::Nothing };
        self
    }

    /// Its record shows this of the answer.
    pub(super) const fn logs(mut self, answer: LoggedAnswer) -> Self {
        self.logged.answer = answer;
        self
    }

    /// Its record shows these defaults.
    pub(super) const fn filling(mut self, filled: &'static [(&'static str, &'static str)]) -> Self {
        self.logged.filled = filled;
        self
    }

    /// Its record shows no parameters.
    pub(super) const fn without_parameters(mut self) -> Self {
        self.logged.parameters = false;
        self
    }

    pub(super) const fn tagging(mut self, action: &'static str) -> Self {
        self.tagging = Some(action);
        self
    }

    pub(super) const fn making(mut self, action: &'static str) -> Self {
        self.making = Some(action);
        self
    }

    pub(super) const fn states(mut self, states: StateRule) -> Self {
        self.states = states;
        self
    }

    pub(super) const fn across_accounts(mut self) -> Self {
        self.other_accounts = true;
        self
    }

    /// Uses key material: other accounts, usable states, one usage.
    pub(super) const fn uses(mut self, usage: KeyUsage) -> Self {
        self.effect = Effect::Uses;
        self.states = StateRule::Crypto;
        self.usage = Some(usage);
        self.across_accounts()
    }

    /// For keys with imported material only.
    pub(super) const fn imported_only(mut self) -> Self {
        self.origin = Some(Origin::External);
        self
    }

    pub(super) const fn sts(mut self) -> Self {
        self.api = Api::Sts;
        self
    }

    pub(super) const fn iam(mut self) -> Self {
        self.api = Api::Iam;
        self.shows_answers_of_changes()
    }

    pub(super) const fn shows_answers_of_changes(mut self) -> Self {
        if matches!(self.effect, Effect::Changes) {
            self.logged.answer = LoggedAnswer::Whole;
        }
        self
    }

    pub(super) const fn cloudtrail(mut self) -> Self {
        self.api = Api::CloudTrail;
        self.shows_answers_of_changes()
    }

    pub(super) const fn unsigned(mut self) -> Self {
        self.signed = false;
        self
    }

    pub(super) const fn operator(mut self) -> Self {
        self.api = Api::Operator;
        self
    }
}
