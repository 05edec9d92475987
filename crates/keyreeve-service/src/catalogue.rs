//! The catalogue: one row for every operation of every service. No handler names its own permission; whoever reviews
//! security reads this table. Tests iterate it.

use keyreeve_model::algorithm::KeyUsage;
use keyreeve_model::key_state::StateRule;
use keyreeve_policy::evidence::Effect;

use crate::corridor::{Walk, walk};
use crate::input::shape::Structure;
use crate::operations::*;

/// Which API an operation belongs to; also the service name in a request's signature.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Api {
    /// `TrentService.<Operation>`, JSON 1.1.
    Kms,
    /// STS, query protocol.
    Sts,
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

/// One operation.
#[derive(Debug)]
pub struct Row {
    /// Which API.
    pub api: Api,
    /// Name, as the target header says it.
    pub name: &'static str,
    /// IAM actions: one, or one for each key.
    pub actions: &'static [&'static str],
    /// On what.
    pub scope: Scope,
    /// Whether AWS lets other accounts call it.
    pub other_accounts: bool,
    /// Key states in which it is allowed.
    pub states: StateRule,
    /// Usage that the key must have.
    pub usage: Option<KeyUsage>,
    /// Reads, uses or changes.
    pub effect: Effect,
    /// Shape of its input.
    pub input: &'static Structure,
    /// The corridor, for this operation.
    pub(crate) run: Walk,
}

impl Row {
    const fn new(
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
            scope,
            other_accounts: false,
            states: StateRule::Any,
            usage: None,
            effect: Effect::Reads,
            input,
            run,
        }
    }

    const fn changes(mut self) -> Self {
        self.effect = Effect::Changes;
        self
    }

    const fn states(mut self, states: StateRule) -> Self {
        self.states = states;
        self
    }

    const fn across_accounts(mut self) -> Self {
        self.other_accounts = true;
        self
    }

    /// Uses key material: other accounts, usable states, one usage.
    const fn uses(mut self, usage: KeyUsage) -> Self {
        self.effect = Effect::Uses;
        self.states = StateRule::Crypto;
        self.usage = Some(usage);
        self.across_accounts()
    }

    const fn sts(mut self) -> Self {
        self.api = Api::Sts;
        self
    }

    const fn operator(mut self) -> Self {
        self.api = Api::Operator;
        self
    }
}

const ACCOUNT: Scope = Scope::Account;
/// The key by id or ARN only.
const KEY: Scope = Scope::Key { aliases: false, makes_managed: false };
/// The key by id, ARN or alias.
const KEY_OR_ALIAS: Scope = Scope::Key { aliases: true, makes_managed: false };
const KEY_OR_ALIAS_ON_FIRST_USE: Scope = Scope::Key { aliases: true, makes_managed: true };
const ALIAS: Scope = Scope::Alias;

use KeyUsage::{EncapsulateDecapsulate, EncryptDecrypt, GenerateVerifyMac, KeyAgreement, SignVerify};

/// Every operation.
#[rustfmt::skip]
pub static CATALOGUE: &[Row] = &[
    Row::new("CancelKeyDeletion", &["kms:CancelKeyDeletion"], KEY, &cancel_key_deletion::INPUT, walk::<cancel_key_deletion::CancelKeyDeletion>).changes().states(StateRule::Cancel),
    Row::new("CreateAlias", &["kms:CreateAlias"], ALIAS, &create_alias::INPUT, walk::<create_alias::CreateAlias>).changes().states(StateRule::NotDeleting),
    Row::new("CreateKey", &["kms:CreateKey"], ACCOUNT, &create_key::INPUT, walk::<create_key::CreateKey>).changes(),
    Row::new("Decapsulate", &["kms:Decapsulate"], KEY_OR_ALIAS, &decapsulate::INPUT, walk::<decapsulate::Decapsulate>).uses(EncapsulateDecapsulate),
    Row::new("Decrypt", &["kms:Decrypt"], KEY_OR_ALIAS, &decrypt::INPUT, walk::<decrypt::Decrypt>).uses(EncryptDecrypt),
    Row::new("DeleteAlias", &["kms:DeleteAlias"], ALIAS, &delete_alias::INPUT, walk::<delete_alias::DeleteAlias>).changes(),
    Row::new("DeriveSharedSecret", &["kms:DeriveSharedSecret"], KEY_OR_ALIAS, &derive_shared_secret::INPUT, walk::<derive_shared_secret::DeriveSharedSecret>).uses(KeyAgreement),
    Row::new("DescribeKey", &["kms:DescribeKey"], KEY_OR_ALIAS_ON_FIRST_USE, &describe_key::INPUT, walk::<describe_key::DescribeKey>).across_accounts(),
    Row::new("DisableKey", &["kms:DisableKey"], KEY, &disable_key::INPUT, walk::<disable_key::DisableKey>).changes().states(StateRule::Toggle),
    Row::new("EnableKey", &["kms:EnableKey"], KEY, &enable_key::INPUT, walk::<enable_key::EnableKey>).changes().states(StateRule::Toggle),
    Row::new("Encapsulate", &["kms:Encapsulate"], KEY_OR_ALIAS, &encapsulate::INPUT, walk::<encapsulate::Encapsulate>).uses(EncapsulateDecapsulate),
    Row::new("Encrypt", &["kms:Encrypt"], KEY_OR_ALIAS, &encrypt::INPUT, walk::<encrypt::Encrypt>).uses(EncryptDecrypt),
    Row::new("GenerateDataKey", &["kms:GenerateDataKey"], KEY_OR_ALIAS, &generate_data_key::INPUT, walk::<generate_data_key::GenerateDataKey>).uses(EncryptDecrypt),
    Row::new("GenerateDataKeyPair", &["kms:GenerateDataKeyPair"], KEY_OR_ALIAS, &generate_data_key_pair::INPUT, walk::<generate_data_key_pair::GenerateDataKeyPair>).uses(EncryptDecrypt),
    Row::new("GenerateDataKeyPairWithoutPlaintext", &["kms:GenerateDataKeyPairWithoutPlaintext"], KEY_OR_ALIAS, &generate_data_key_pair_without_plaintext::INPUT, walk::<generate_data_key_pair_without_plaintext::GenerateDataKeyPairWithoutPlaintext>).uses(EncryptDecrypt),
    Row::new("GenerateDataKeyWithoutPlaintext", &["kms:GenerateDataKeyWithoutPlaintext"], KEY_OR_ALIAS, &generate_data_key_without_plaintext::INPUT, walk::<generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext>).uses(EncryptDecrypt),
    Row::new("GenerateMac", &["kms:GenerateMac"], KEY_OR_ALIAS, &generate_mac::INPUT, walk::<generate_mac::GenerateMac>).uses(GenerateVerifyMac),
    Row::new("GenerateRandom", &["kms:GenerateRandom"], ACCOUNT, &generate_random::INPUT, walk::<generate_random::GenerateRandom>),
    Row::new("GetKeyLastUsage", &["kms:GetKeyLastUsage"], KEY, &get_key_last_usage::INPUT, walk::<get_key_last_usage::GetKeyLastUsage>),
    Row::new("GetKeyPolicy", &["kms:GetKeyPolicy"], KEY, &get_key_policy::INPUT, walk::<get_key_policy::GetKeyPolicy>),
    Row::new("GetKeyRotationStatus", &["kms:GetKeyRotationStatus"], KEY, &get_key_rotation_status::INPUT, walk::<get_key_rotation_status::GetKeyRotationStatus>).across_accounts(),
    Row::new("GetPublicKey", &["kms:GetPublicKey"], KEY_OR_ALIAS, &get_public_key::INPUT, walk::<get_public_key::GetPublicKey>).states(StateRule::PublicKey).across_accounts(),
    Row::new("ListAliases", &["kms:ListAliases"], ACCOUNT, &list_aliases::INPUT, walk::<list_aliases::ListAliases>),
    Row::new("ListKeyPolicies", &["kms:ListKeyPolicies"], KEY, &list_key_policies::INPUT, walk::<list_key_policies::ListKeyPolicies>),
    Row::new("ListKeys", &["kms:ListKeys"], ACCOUNT, &list_keys::INPUT, walk::<list_keys::ListKeys>),
    Row::new("ListResourceTags", &["kms:ListResourceTags"], KEY, &list_resource_tags::INPUT, walk::<list_resource_tags::ListResourceTags>),
    Row::new("PutKeyPolicy", &["kms:PutKeyPolicy"], KEY, &put_key_policy::INPUT, walk::<put_key_policy::PutKeyPolicy>).changes(),
    Row::new("ReEncrypt", &["kms:ReEncryptFrom", "kms:ReEncryptTo"], KEY_OR_ALIAS, &re_encrypt::INPUT, walk::<re_encrypt::ReEncrypt>).uses(EncryptDecrypt),
    Row::new("ScheduleKeyDeletion", &["kms:ScheduleKeyDeletion"], KEY, &schedule_key_deletion::INPUT, walk::<schedule_key_deletion::ScheduleKeyDeletion>).changes().states(StateRule::Schedule),
    Row::new("Sign", &["kms:Sign"], KEY_OR_ALIAS, &sign::INPUT, walk::<sign::Sign>).uses(SignVerify),
    Row::new("TagResource", &["kms:TagResource"], KEY, &tag_resource::INPUT, walk::<tag_resource::TagResource>).changes().states(StateRule::NotDeleting),
    Row::new("UntagResource", &["kms:UntagResource"], KEY, &untag_resource::INPUT, walk::<untag_resource::UntagResource>).changes().states(StateRule::NotDeleting),
    Row::new("UpdateAlias", &["kms:UpdateAlias"], ALIAS, &update_alias::INPUT, walk::<update_alias::UpdateAlias>).changes().states(StateRule::NotDeleting),
    Row::new("UpdateKeyDescription", &["kms:UpdateKeyDescription"], KEY, &update_key_description::INPUT, walk::<update_key_description::UpdateKeyDescription>).changes().states(StateRule::NotDeleting),
    Row::new("Verify", &["kms:Verify"], KEY_OR_ALIAS, &verify::INPUT, walk::<verify::Verify>).uses(SignVerify),
    Row::new("VerifyMac", &["kms:VerifyMac"], KEY_OR_ALIAS, &verify_mac::INPUT, walk::<verify_mac::VerifyMac>).uses(GenerateVerifyMac),
    Row::new("GetCallerIdentity", &["sts:GetCallerIdentity"], ACCOUNT, &sts::get_caller_identity::INPUT, walk::<sts::get_caller_identity::GetCallerIdentity>).sts(),
    Row::new("CreateAccount", &["keyreeve:CreateAccount"], Scope::Deployment, &operator::create_account::INPUT, walk::<operator::create_account::CreateAccount>).changes().operator(),
    Row::new("ListAccounts", &["keyreeve:ListAccounts"], Scope::Deployment, &operator::list_accounts::INPUT, walk::<operator::list_accounts::ListAccounts>).operator(),
    Row::new("DescribeAnyKey", &["keyreeve:DescribeAnyKey"], Scope::Deployment, &operator::describe_any_key::INPUT, walk::<operator::describe_any_key::DescribeAnyKey>).operator(),
    Row::new("ListAllKeys", &["keyreeve:ListAllKeys"], Scope::Deployment, &operator::list_all_keys::INPUT, walk::<operator::list_all_keys::ListAllKeys>).operator(),
    Row::new("AcceptRollback", &["keyreeve:AcceptRollback"], Scope::Deployment, &operator::accept_rollback::INPUT, walk::<operator::accept_rollback::AcceptRollback>).changes().operator(),
    Row::new("BackupStatus", &["keyreeve:BackupStatus"], Scope::Deployment, &operator::backup_status::INPUT, walk::<operator::backup_status::BackupStatus>).operator(),
    Row::new("RootRotate", &["keyreeve:RootRotate"], Scope::Deployment, &operator::root_rotate::INPUT, walk::<operator::root_rotate::RootRotate>).changes().operator(),
    Row::new("RootRotationStatus", &["keyreeve:RootRotationStatus"], Scope::Deployment, &operator::root_rotation_status::INPUT, walk::<operator::root_rotation_status::RootRotationStatus>).operator(),
    Row::new("StartBackup", &["keyreeve:StartBackup"], Scope::Deployment, &operator::start_backup::INPUT, walk::<operator::start_backup::StartBackup>).operator(),
];

/// The row of an operation of an API.
pub fn find(api: Api, name: &str) -> Option<&'static Row> {
    CATALOGUE.iter().find(|row| row.api == api && row.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_within_an_api() {
        for (index, row) in CATALOGUE.iter().enumerate() {
            let twin =
                CATALOGUE.iter().skip(index + 1).find(|other| other.api == row.api && other.name == row.name);
            assert!(twin.is_none(), "{}", row.name);
        }
    }

    #[test]
    fn inputs_have_fewer_members_than_the_reader_can_mark() {
        for row in CATALOGUE {
            assert!(row.input.members.len() < 64, "{}", row.name);
        }
    }

    #[test]
    fn only_operators_act_on_the_deployment() {
        for row in CATALOGUE {
            assert_eq!(row.api == Api::Operator, row.scope == Scope::Deployment, "{}", row.name);
        }
    }
}
