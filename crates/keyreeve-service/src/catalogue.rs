//! The catalogue: one row for every operation of every service. No handler names its own permission; whoever reviews
//! security reads this table. Tests iterate it.

mod row;

pub use row::{Api, Effect, Logged, LoggedAnswer, Row, Scope};

use keyreeve_model::algorithm::KeyUsage;
use keyreeve_model::key_state::StateRule;

use crate::corridor::walk;
use crate::identity::{Group, InstanceProfile, ManagedPolicy, Role, User};
use crate::operations::*;

const ACCOUNT: Scope = Scope::Account;
/// The key by id or ARN only.
const KEY: Scope = Scope::Key { aliases: false, makes_managed: false };
/// The key by id, ARN or alias.
const KEY_OR_ALIAS: Scope = Scope::Key { aliases: true, makes_managed: false };
const KEY_OR_ALIAS_ON_FIRST_USE: Scope = Scope::Key { aliases: true, makes_managed: true };
const ALIAS: Scope = Scope::Alias;

use LoggedAnswer::Whole;

const ALGORITHM: &[(&str, &str)] = &[("EncryptionAlgorithm", r#""SYMMETRIC_DEFAULT""#)];
const ALGORITHMS: &[(&str, &str)] = &[
    ("SourceEncryptionAlgorithm", r#""SYMMETRIC_DEFAULT""#),
    ("DestinationEncryptionAlgorithm", r#""SYMMETRIC_DEFAULT""#),
];
const MESSAGE_TYPE: &[(&str, &str)] = &[("MessageType", r#""RAW""#)];
const NEW_KEY: &[(&str, &str)] = &[
    ("Policy", r#""""#),
    ("Description", r#""""#),
    ("Origin", r#""AWS_KMS""#),
    ("MultiRegion", "false"),
    ("BypassPolicyLockoutSafetyCheck", "false"),
    ("Tags", "[]"),
];

const NEW_REPLICA: &[(&str, &str)] =
    &[("Description", r#""""#), ("BypassPolicyLockoutSafetyCheck", "false"), ("Tags", "[]")];

use KeyUsage::{EncapsulateDecapsulate, EncryptDecrypt, GenerateVerifyMac, KeyAgreement, SignVerify};

/// Every operation.
#[rustfmt::skip]
pub static CATALOGUE: &[Row] = &[
    Row::new("CancelKeyDeletion", &["kms:CancelKeyDeletion"], KEY, &cancel_key_deletion::INPUT, walk::<cancel_key_deletion::CancelKeyDeletion>).changes().states(StateRule::Cancel).logs(Whole),
    Row::new("CreateAlias", &["kms:CreateAlias"], ALIAS, &create_alias::INPUT, walk::<create_alias::CreateAlias>).changes().states(StateRule::NotDeleting),
    Row::new("CreateGrant", &["kms:CreateGrant"], KEY, &create_grant::INPUT, walk::<create_grant::CreateGrant>).changes().states(StateRule::Grant).across_accounts().logs(LoggedAnswer::Only(&["GrantId"])),
    Row::new("CreateKey", &["kms:CreateKey"], ACCOUNT, &create_key::INPUT, walk::<create_key::CreateKey>).changes().tagging("kms:TagResource").filling(NEW_KEY).logs(Whole),
    Row::new("Decapsulate", &["kms:Decapsulate"], KEY_OR_ALIAS, &decapsulate::INPUT, walk::<decapsulate::Decapsulate>).uses(EncapsulateDecapsulate),
    Row::new("Decrypt", &["kms:Decrypt"], KEY_OR_ALIAS, &decrypt::INPUT, walk::<decrypt::Decrypt>).uses(EncryptDecrypt).filling(ALGORITHM),
    Row::new("DeleteAlias", &["kms:DeleteAlias"], ALIAS, &delete_alias::INPUT, walk::<delete_alias::DeleteAlias>).changes(),
    Row::new("DeleteImportedKeyMaterial", &["kms:DeleteImportedKeyMaterial"], KEY, &delete_imported_key_material::INPUT, walk::<delete_imported_key_material::DeleteImportedKeyMaterial>).changes().imported_only().states(StateRule::DeleteMaterial).logs(LoggedAnswer::Only(&["KeyMaterialId"])),
    Row::new("DeriveSharedSecret", &["kms:DeriveSharedSecret"], KEY_OR_ALIAS, &derive_shared_secret::INPUT, walk::<derive_shared_secret::DeriveSharedSecret>).uses(KeyAgreement),
    Row::new("DescribeKey", &["kms:DescribeKey"], KEY_OR_ALIAS_ON_FIRST_USE, &describe_key::INPUT, walk::<describe_key::DescribeKey>).across_accounts(),
    Row::new("DisableKey", &["kms:DisableKey"], KEY, &disable_key::INPUT, walk::<disable_key::DisableKey>).changes().states(StateRule::Toggle),
    Row::new("DisableKeyRotation", &["kms:DisableKeyRotation"], KEY, &disable_key_rotation::INPUT, walk::<disable_key_rotation::DisableKeyRotation>).changes().states(StateRule::Rotation),
    Row::new("EnableKey", &["kms:EnableKey"], KEY, &enable_key::INPUT, walk::<enable_key::EnableKey>).changes().states(StateRule::Toggle),
    Row::new("EnableKeyRotation", &["kms:EnableKeyRotation"], KEY, &enable_key_rotation::INPUT, walk::<enable_key_rotation::EnableKeyRotation>).changes().states(StateRule::Rotation),
    Row::new("Encapsulate", &["kms:Encapsulate"], KEY_OR_ALIAS, &encapsulate::INPUT, walk::<encapsulate::Encapsulate>).uses(EncapsulateDecapsulate),
    Row::new("Encrypt", &["kms:Encrypt"], KEY_OR_ALIAS, &encrypt::INPUT, walk::<encrypt::Encrypt>).uses(EncryptDecrypt).filling(ALGORITHM),
    Row::new("GenerateDataKey", &["kms:GenerateDataKey"], KEY_OR_ALIAS, &generate_data_key::INPUT, walk::<generate_data_key::GenerateDataKey>).uses(EncryptDecrypt),
    Row::new("GenerateDataKeyPair", &["kms:GenerateDataKeyPair"], KEY_OR_ALIAS, &generate_data_key_pair::INPUT, walk::<generate_data_key_pair::GenerateDataKeyPair>).uses(EncryptDecrypt),
    Row::new("GenerateDataKeyPairWithoutPlaintext", &["kms:GenerateDataKeyPairWithoutPlaintext"], KEY_OR_ALIAS, &generate_data_key_pair_without_plaintext::INPUT, walk::<generate_data_key_pair_without_plaintext::GenerateDataKeyPairWithoutPlaintext>).uses(EncryptDecrypt),
    Row::new("GenerateDataKeyWithoutPlaintext", &["kms:GenerateDataKeyWithoutPlaintext"], KEY_OR_ALIAS, &generate_data_key_without_plaintext::INPUT, walk::<generate_data_key_without_plaintext::GenerateDataKeyWithoutPlaintext>).uses(EncryptDecrypt),
    Row::new("GenerateMac", &["kms:GenerateMac"], KEY_OR_ALIAS, &generate_mac::INPUT, walk::<generate_mac::GenerateMac>).uses(GenerateVerifyMac),
    Row::new("GenerateRandom", &["kms:GenerateRandom"], ACCOUNT, &generate_random::INPUT, walk::<generate_random::GenerateRandom>),
    Row::new("GetKeyLastUsage", &["kms:GetKeyLastUsage"], KEY, &get_key_last_usage::INPUT, walk::<get_key_last_usage::GetKeyLastUsage>),
    Row::new("GetKeyPolicy", &["kms:GetKeyPolicy"], KEY, &get_key_policy::INPUT, walk::<get_key_policy::GetKeyPolicy>),
    Row::new("GetKeyRotationStatus", &["kms:GetKeyRotationStatus"], KEY, &get_key_rotation_status::INPUT, walk::<get_key_rotation_status::GetKeyRotationStatus>).across_accounts(),
    Row::new("GetParametersForImport", &["kms:GetParametersForImport"], KEY, &get_parameters_for_import::INPUT, walk::<get_parameters_for_import::GetParametersForImport>).imported_only().states(StateRule::ImportParameters),
    Row::new("GetPublicKey", &["kms:GetPublicKey"], KEY_OR_ALIAS, &get_public_key::INPUT, walk::<get_public_key::GetPublicKey>).states(StateRule::PublicKey).across_accounts(),
    Row::new("ImportKeyMaterial", &["kms:ImportKeyMaterial"], KEY, &import_key_material::INPUT, walk::<import_key_material::ImportKeyMaterial>).changes().imported_only().states(StateRule::Import).logs(LoggedAnswer::Only(&["KeyMaterialId"])),
    Row::new("ListAliases", &["kms:ListAliases"], ACCOUNT, &list_aliases::INPUT, walk::<list_aliases::ListAliases>),
    Row::new("ListGrants", &["kms:ListGrants"], KEY, &list_grants::INPUT, walk::<list_grants::ListGrants>).across_accounts(),
    Row::new("ListKeyPolicies", &["kms:ListKeyPolicies"], KEY, &list_key_policies::INPUT, walk::<list_key_policies::ListKeyPolicies>),
    Row::new("ListKeyRotations", &["kms:ListKeyRotations"], KEY, &list_key_rotations::INPUT, walk::<list_key_rotations::ListKeyRotations>),
    Row::new("ListKeys", &["kms:ListKeys"], ACCOUNT, &list_keys::INPUT, walk::<list_keys::ListKeys>),
    Row::new("ListResourceTags", &["kms:ListResourceTags"], KEY, &list_resource_tags::INPUT, walk::<list_resource_tags::ListResourceTags>),
    Row::new("ListRetirableGrants", &["kms:ListRetirableGrants"], ACCOUNT, &list_retirable_grants::INPUT, walk::<list_retirable_grants::ListRetirableGrants>),
    Row::new("PutKeyPolicy", &["kms:PutKeyPolicy"], KEY, &put_key_policy::INPUT, walk::<put_key_policy::PutKeyPolicy>).changes(),
    Row::new("ReEncrypt", &["kms:ReEncryptFrom", "kms:ReEncryptTo"], KEY_OR_ALIAS, &re_encrypt::INPUT, walk::<re_encrypt::ReEncrypt>).uses(EncryptDecrypt).filling(ALGORITHMS),
    Row::new("ReplicateKey", &["kms:ReplicateKey"], KEY, &replicate_key::INPUT, walk::<replicate_key::ReplicateKey>).changes().making("kms:CreateKey").tagging("kms:TagResource").states(StateRule::Replicate).filling(NEW_REPLICA).logs(Whole),
    Row::new("RetireGrant", &["kms:RetireGrant"], KEY, &retire_grant::INPUT, walk::<retire_grant::RetireGrant>).changes().across_accounts().without_parameters(),
    Row::new("RevokeGrant", &["kms:RevokeGrant"], KEY, &revoke_grant::INPUT, walk::<revoke_grant::RevokeGrant>).changes().across_accounts(),
    Row::new("RotateKeyOnDemand", &["kms:RotateKeyOnDemand"], KEY, &rotate_key_on_demand::INPUT, walk::<rotate_key_on_demand::RotateKeyOnDemand>).changes().states(StateRule::Crypto),
    Row::new("ScheduleKeyDeletion", &["kms:ScheduleKeyDeletion"], KEY, &schedule_key_deletion::INPUT, walk::<schedule_key_deletion::ScheduleKeyDeletion>).changes().states(StateRule::Schedule).filling(&[("PendingWindowInDays", "30")]).logs(Whole),
    Row::new("Sign", &["kms:Sign"], KEY_OR_ALIAS, &sign::INPUT, walk::<sign::Sign>).uses(SignVerify).filling(MESSAGE_TYPE),
    Row::new("TagResource", &["kms:TagResource"], KEY, &tag_resource::INPUT, walk::<tag_resource::TagResource>).changes().states(StateRule::NotDeleting),
    Row::new("UntagResource", &["kms:UntagResource"], KEY, &untag_resource::INPUT, walk::<untag_resource::UntagResource>).changes().states(StateRule::NotDeleting),
    Row::new("UpdateAlias", &["kms:UpdateAlias"], ALIAS, &update_alias::INPUT, walk::<update_alias::UpdateAlias>).changes().states(StateRule::NotDeleting),
    Row::new("UpdateKeyDescription", &["kms:UpdateKeyDescription"], KEY, &update_key_description::INPUT, walk::<update_key_description::UpdateKeyDescription>).changes().states(StateRule::NotDeleting),
    Row::new("UpdatePrimaryRegion", &["kms:UpdatePrimaryRegion"], KEY, &update_primary_region::INPUT, walk::<update_primary_region::UpdatePrimaryRegion>).changes().states(StateRule::Crypto),
    Row::new("Verify", &["kms:Verify"], KEY_OR_ALIAS, &verify::INPUT, walk::<verify::Verify>).uses(SignVerify).filling(MESSAGE_TYPE),
    Row::new("VerifyMac", &["kms:VerifyMac"], KEY_OR_ALIAS, &verify_mac::INPUT, walk::<verify_mac::VerifyMac>).uses(GenerateVerifyMac),
    Row::new("AssumeRole", &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"], ACCOUNT, &sts::assume_role::INPUT, walk::<sts::assume_role::AssumeRole>).sts().across_accounts().logs(Whole),
    Row::new("AssumeRoleWithWebIdentity", &["sts:AssumeRoleWithWebIdentity"], ACCOUNT, &sts::assume_role_with_web_identity::INPUT, walk::<sts::assume_role_with_web_identity::AssumeRoleWithWebIdentity>).sts().across_accounts().unsigned().logs(Whole),
    Row::new("GetAccessKeyInfo", &["sts:GetAccessKeyInfo"], ACCOUNT, &sts::get_access_key_info::INPUT, walk::<sts::get_access_key_info::GetAccessKeyInfo>).sts(),
    Row::new("GetCallerIdentity", &[], ACCOUNT, &sts::get_caller_identity::INPUT, walk::<sts::get_caller_identity::GetCallerIdentity>).sts(),
    Row::new("GetSessionToken", &[], ACCOUNT, &sts::get_session_token::INPUT, walk::<sts::get_session_token::GetSessionToken>).sts().logs(Whole),
    Row::new("CreateUser", &["iam:CreateUser"], ACCOUNT, &iam::user::CREATE, walk::<iam::user::CreateUser>).changes().iam(),
    Row::new("DeleteUser", &["iam:DeleteUser"], ACCOUNT, &iam::user::DELETE, walk::<iam::user::DeleteUser>).changes().iam(),
    Row::new("GetUser", &["iam:GetUser"], ACCOUNT, &iam::user::GET, walk::<iam::user::GetUser>).iam(),
    Row::new("ListUsers", &["iam:ListUsers"], ACCOUNT, &iam::user::LIST, walk::<iam::user::ListUsers>).iam(),
    Row::new("CreatePolicy", &["iam:CreatePolicy"], ACCOUNT, &iam::managed_policy::CREATE, walk::<iam::managed_policy::CreatePolicy>).changes().iam(),
    Row::new("DeletePolicy", &["iam:DeletePolicy"], ACCOUNT, &iam::managed_policy::POLICY_ARN, walk::<iam::managed_policy::DeletePolicy>).changes().iam(),
    Row::new("GetPolicy", &["iam:GetPolicy"], ACCOUNT, &iam::managed_policy::POLICY_ARN, walk::<iam::managed_policy::GetPolicy>).iam(),
    Row::new("ListPolicies", &["iam:ListPolicies"], ACCOUNT, &iam::policy_list::LIST, walk::<iam::policy_list::ListPolicies>).iam(),
    Row::new("CreatePolicyVersion", &["iam:CreatePolicyVersion"], ACCOUNT, &iam::policy_version::CREATE, walk::<iam::policy_version::CreatePolicyVersion>).changes().iam(),
    Row::new("DeletePolicyVersion", &["iam:DeletePolicyVersion"], ACCOUNT, &iam::policy_version::VERSION, walk::<iam::policy_version::DeletePolicyVersion>).changes().iam(),
    Row::new("GetPolicyVersion", &["iam:GetPolicyVersion"], ACCOUNT, &iam::policy_version::VERSION, walk::<iam::policy_version::GetPolicyVersion>).iam(),
    Row::new("ListPolicyVersions", &["iam:ListPolicyVersions"], ACCOUNT, &iam::policy_version::LIST, walk::<iam::policy_version::ListPolicyVersions>).iam(),
    Row::new("SetDefaultPolicyVersion", &["iam:SetDefaultPolicyVersion"], ACCOUNT, &iam::policy_version::VERSION, walk::<iam::policy_version::SetDefaultPolicyVersion>).changes().iam(),
    Row::new("AddClientIDToOpenIDConnectProvider", &["iam:AddClientIDToOpenIDConnectProvider"], ACCOUNT, &iam::oidc_provider::CLIENT, walk::<iam::oidc_provider::AddClientIDToOpenIDConnectProvider>).changes().iam(),
    Row::new("CreateOpenIDConnectProvider", &["iam:CreateOpenIDConnectProvider"], ACCOUNT, &iam::oidc_provider::CREATE, walk::<iam::oidc_provider::CreateOpenIDConnectProvider>).changes().iam(),
    Row::new("DeleteOpenIDConnectProvider", &["iam:DeleteOpenIDConnectProvider"], ACCOUNT, &iam::oidc_provider::PROVIDER_ARN, walk::<iam::oidc_provider::DeleteOpenIDConnectProvider>).changes().iam(),
    Row::new("GetOpenIDConnectProvider", &["iam:GetOpenIDConnectProvider"], ACCOUNT, &iam::oidc_provider::PROVIDER_ARN, walk::<iam::oidc_provider::GetOpenIDConnectProvider>).iam(),
    Row::new("ListOpenIDConnectProviderTags", &["iam:ListOpenIDConnectProviderTags"], ACCOUNT, &iam::oidc_tags::LIST, walk::<iam::oidc_tags::ListOpenIDConnectProviderTags>).iam(),
    Row::new("ListOpenIDConnectProviders", &["iam:ListOpenIDConnectProviders"], ACCOUNT, &iam::oidc_provider::LIST, walk::<iam::oidc_provider::ListOpenIDConnectProviders>).iam(),
    Row::new("RemoveClientIDFromOpenIDConnectProvider", &["iam:RemoveClientIDFromOpenIDConnectProvider"], ACCOUNT, &iam::oidc_provider::CLIENT, walk::<iam::oidc_provider::RemoveClientIDFromOpenIDConnectProvider>).changes().iam(),
    Row::new("TagOpenIDConnectProvider", &["iam:TagOpenIDConnectProvider"], ACCOUNT, &iam::oidc_tags::TAG, walk::<iam::oidc_tags::TagOpenIDConnectProvider>).changes().iam(),
    Row::new("UntagOpenIDConnectProvider", &["iam:UntagOpenIDConnectProvider"], ACCOUNT, &iam::oidc_tags::UNTAG, walk::<iam::oidc_tags::UntagOpenIDConnectProvider>).changes().iam(),
    Row::new("UpdateOpenIDConnectProviderThumbprint", &["iam:UpdateOpenIDConnectProviderThumbprint"], ACCOUNT, &iam::oidc_provider::UPDATE_THUMBPRINT, walk::<iam::oidc_provider::UpdateOpenIDConnectProviderThumbprint>).changes().iam(),
    Row::new("GetContextKeysForCustomPolicy", &["iam:GetContextKeysForCustomPolicy"], ACCOUNT, &iam::simulation::CUSTOM_KEYS, walk::<iam::simulation::GetContextKeysForCustomPolicy>).iam(),
    Row::new("GetContextKeysForPrincipalPolicy", &["iam:GetContextKeysForPrincipalPolicy"], ACCOUNT, &iam::simulation::PRINCIPAL_KEYS, walk::<iam::simulation::GetContextKeysForPrincipalPolicy>).iam(),
    Row::new("SimulateCustomPolicy", &["iam:SimulateCustomPolicy"], ACCOUNT, &iam::simulation::CUSTOM, walk::<iam::simulation::SimulateCustomPolicy>).iam(),
    Row::new("SimulatePrincipalPolicy", &["iam:SimulatePrincipalPolicy"], ACCOUNT, &iam::simulation::PRINCIPAL, walk::<iam::simulation::SimulatePrincipalPolicy>).iam(),
    Row::new("AddRoleToInstanceProfile", &["iam:AddRoleToInstanceProfile", "iam:PassRole"], ACCOUNT, &iam::instance_profile::WITH_ROLE, walk::<iam::instance_profile::AddRoleToInstanceProfile>).changes().iam(),
    Row::new("AttachGroupPolicy", &["iam:AttachGroupPolicy"], ACCOUNT, &iam::attached_policy::GROUP_AND_ARN, walk::<iam::attached_policy::Attach<Group>>).changes().iam(),
    Row::new("AttachRolePolicy", &["iam:AttachRolePolicy"], ACCOUNT, &iam::attached_policy::ROLE_AND_ARN, walk::<iam::attached_policy::Attach<Role>>).changes().iam(),
    Row::new("AttachUserPolicy", &["iam:AttachUserPolicy"], ACCOUNT, &iam::attached_policy::USER_AND_ARN, walk::<iam::attached_policy::Attach<User>>).changes().iam(),
    Row::new("CreateInstanceProfile", &["iam:CreateInstanceProfile"], ACCOUNT, &iam::instance_profile::CREATE, walk::<iam::instance_profile::CreateInstanceProfile>).changes().iam(),
    Row::new("CreateRole", &["iam:CreateRole"], ACCOUNT, &iam::role::CREATE, walk::<iam::role::CreateRole>).changes().iam(),
    Row::new("CreateServiceLinkedRole", &["iam:CreateServiceLinkedRole"], ACCOUNT, &iam::service_linked_role::CREATE, walk::<iam::service_linked_role::CreateServiceLinkedRole>).changes().iam(),
    Row::new("DeleteGroupPolicy", &["iam:DeleteGroupPolicy"], ACCOUNT, &iam::inline_policy::GROUP_AND_POLICY, walk::<iam::inline_policy::Delete<Group>>).changes().iam(),
    Row::new("DeleteInstanceProfile", &["iam:DeleteInstanceProfile"], ACCOUNT, &iam::instance_profile::NAME, walk::<iam::instance_profile::DeleteInstanceProfile>).changes().iam(),
    Row::new("DeleteRole", &["iam:DeleteRole"], ACCOUNT, &iam::role::NAME, walk::<iam::role::DeleteRole>).changes().iam(),
    Row::new("DeleteRolePolicy", &["iam:DeleteRolePolicy"], ACCOUNT, &iam::inline_policy::ROLE_AND_POLICY, walk::<iam::inline_policy::Delete<Role>>).changes().iam(),
    Row::new("DeleteUserPolicy", &["iam:DeleteUserPolicy"], ACCOUNT, &iam::inline_policy::USER_AND_POLICY, walk::<iam::inline_policy::Delete<User>>).changes().iam(),
    Row::new("DetachGroupPolicy", &["iam:DetachGroupPolicy"], ACCOUNT, &iam::attached_policy::GROUP_AND_ARN, walk::<iam::attached_policy::Detach<Group>>).changes().iam(),
    Row::new("DetachRolePolicy", &["iam:DetachRolePolicy"], ACCOUNT, &iam::attached_policy::ROLE_AND_ARN, walk::<iam::attached_policy::Detach<Role>>).changes().iam(),
    Row::new("DetachUserPolicy", &["iam:DetachUserPolicy"], ACCOUNT, &iam::attached_policy::USER_AND_ARN, walk::<iam::attached_policy::Detach<User>>).changes().iam(),
    Row::new("GetGroupPolicy", &["iam:GetGroupPolicy"], ACCOUNT, &iam::inline_policy::GROUP_AND_POLICY, walk::<iam::inline_policy::Get<Group>>).iam(),
    Row::new("GetInstanceProfile", &["iam:GetInstanceProfile"], ACCOUNT, &iam::instance_profile::NAME, walk::<iam::instance_profile::GetInstanceProfile>).iam(),
    Row::new("GetRole", &["iam:GetRole"], ACCOUNT, &iam::role::NAME, walk::<iam::role::GetRole>).iam(),
    Row::new("GetRolePolicy", &["iam:GetRolePolicy"], ACCOUNT, &iam::inline_policy::ROLE_AND_POLICY, walk::<iam::inline_policy::Get<Role>>).iam(),
    Row::new("GetUserPolicy", &["iam:GetUserPolicy"], ACCOUNT, &iam::inline_policy::USER_AND_POLICY, walk::<iam::inline_policy::Get<User>>).iam(),
    Row::new("ListAttachedGroupPolicies", &["iam:ListAttachedGroupPolicies"], ACCOUNT, &iam::attached_policy::LIST_GROUP, walk::<iam::attached_policy::ListAttached<Group>>).iam(),
    Row::new("ListAttachedRolePolicies", &["iam:ListAttachedRolePolicies"], ACCOUNT, &iam::attached_policy::LIST_ROLE, walk::<iam::attached_policy::ListAttached<Role>>).iam(),
    Row::new("ListAttachedUserPolicies", &["iam:ListAttachedUserPolicies"], ACCOUNT, &iam::attached_policy::LIST_USER, walk::<iam::attached_policy::ListAttached<User>>).iam(),
    Row::new("ListEntitiesForPolicy", &["iam:ListEntitiesForPolicy"], ACCOUNT, &iam::policy_entities::INPUT, walk::<iam::policy_entities::ListEntitiesForPolicy>).iam(),
    Row::new("ListGroupPolicies", &["iam:ListGroupPolicies"], ACCOUNT, &iam::inline_policy::LIST_GROUP, walk::<iam::inline_policy::List<Group>>).iam(),
    Row::new("ListInstanceProfiles", &["iam:ListInstanceProfiles"], ACCOUNT, &iam::user::LIST, walk::<iam::instance_profile::ListInstanceProfiles>).iam(),
    Row::new("ListInstanceProfilesForRole", &["iam:ListInstanceProfilesForRole"], ACCOUNT, &iam::instance_profile::OF_ROLE, walk::<iam::instance_profile::ListInstanceProfilesForRole>).iam(),
    Row::new("ListRolePolicies", &["iam:ListRolePolicies"], ACCOUNT, &iam::inline_policy::LIST_ROLE, walk::<iam::inline_policy::List<Role>>).iam(),
    Row::new("ListRoles", &["iam:ListRoles"], ACCOUNT, &iam::user::LIST, walk::<iam::role::ListRoles>).iam(),
    Row::new("ListUserPolicies", &["iam:ListUserPolicies"], ACCOUNT, &iam::inline_policy::LIST_USER, walk::<iam::inline_policy::List<User>>).iam(),
    Row::new("PutGroupPolicy", &["iam:PutGroupPolicy"], ACCOUNT, &iam::inline_policy::PUT_GROUP, walk::<iam::inline_policy::Put<Group>>).changes().iam(),
    Row::new("PutRolePolicy", &["iam:PutRolePolicy"], ACCOUNT, &iam::inline_policy::PUT_ROLE, walk::<iam::inline_policy::Put<Role>>).changes().iam(),
    Row::new("PutUserPolicy", &["iam:PutUserPolicy"], ACCOUNT, &iam::inline_policy::PUT_USER, walk::<iam::inline_policy::Put<User>>).changes().iam(),
    Row::new("RemoveRoleFromInstanceProfile", &["iam:RemoveRoleFromInstanceProfile"], ACCOUNT, &iam::instance_profile::WITH_ROLE, walk::<iam::instance_profile::RemoveRoleFromInstanceProfile>).changes().iam(),
    Row::new("UpdateAssumeRolePolicy", &["iam:UpdateAssumeRolePolicy"], ACCOUNT, &iam::role_update::UPDATE_TRUST, walk::<iam::role_update::UpdateAssumeRolePolicy>).changes().iam(),
    Row::new("UpdateRole", &["iam:UpdateRole"], ACCOUNT, &iam::role_update::UPDATE, walk::<iam::role_update::UpdateRole>).changes().iam(),
    Row::new("UpdateRoleDescription", &["iam:UpdateRoleDescription"], ACCOUNT, &iam::role_update::UPDATE_DESCRIPTION, walk::<iam::role_update::UpdateRoleDescription>).changes().iam(),
    Row::new("UpdateUser", &["iam:UpdateUser"], ACCOUNT, &iam::user::UPDATE, walk::<iam::user::UpdateUser>).changes().iam(),
    Row::new("AddUserToGroup", &["iam:AddUserToGroup"], ACCOUNT, &iam::group_members::INPUT, walk::<iam::group_members::AddUserToGroup>).changes().iam(),
    Row::new("CreateGroup", &["iam:CreateGroup"], ACCOUNT, &iam::group::CREATE, walk::<iam::group::CreateGroup>).changes().iam(),
    Row::new("DeleteGroup", &["iam:DeleteGroup"], ACCOUNT, &iam::group::DELETE, walk::<iam::group::DeleteGroup>).changes().iam(),
    Row::new("GetGroup", &["iam:GetGroup"], ACCOUNT, &iam::group::GET, walk::<iam::group::GetGroup>).iam(),
    Row::new("ListGroups", &["iam:ListGroups"], ACCOUNT, &iam::group::LIST, walk::<iam::group::ListGroups>).iam(),
    Row::new("ListGroupsForUser", &["iam:ListGroupsForUser"], ACCOUNT, &iam::group_members::LIST, walk::<iam::group_members::ListGroupsForUser>).iam(),
    Row::new("RemoveUserFromGroup", &["iam:RemoveUserFromGroup"], ACCOUNT, &iam::group_members::INPUT, walk::<iam::group_members::RemoveUserFromGroup>).changes().iam(),
    Row::new("UpdateGroup", &["iam:UpdateGroup"], ACCOUNT, &iam::group::UPDATE, walk::<iam::group::UpdateGroup>).changes().iam(),
    Row::new("CreateAccessKey", &["iam:CreateAccessKey"], ACCOUNT, &iam::access_key::CREATE, walk::<iam::access_key::CreateAccessKey>).changes().iam(),
    Row::new("DeleteAccessKey", &["iam:DeleteAccessKey"], ACCOUNT, &iam::access_key::DELETE, walk::<iam::access_key::DeleteAccessKey>).changes().iam(),
    Row::new("GetAccessKeyLastUsed", &["iam:GetAccessKeyLastUsed"], ACCOUNT, &iam::access_key::LAST_USED, walk::<iam::access_key::GetAccessKeyLastUsed>).iam(),
    Row::new("ListAccessKeys", &["iam:ListAccessKeys"], ACCOUNT, &iam::access_key::LIST, walk::<iam::access_key::ListAccessKeys>).iam(),
    Row::new("UpdateAccessKey", &["iam:UpdateAccessKey"], ACCOUNT, &iam::access_key::UPDATE, walk::<iam::access_key::UpdateAccessKey>).changes().iam(),
    Row::new("TagUser", &["iam:TagUser"], ACCOUNT, iam::tags::TagEntity::<User>::INPUT, walk::<iam::tags::TagEntity<User>>).changes().iam(),
    Row::new("UntagUser", &["iam:UntagUser"], ACCOUNT, iam::tags::UntagEntity::<User>::INPUT, walk::<iam::tags::UntagEntity<User>>).changes().iam(),
    Row::new("ListUserTags", &["iam:ListUserTags"], ACCOUNT, iam::tags::ListEntityTags::<User>::INPUT, walk::<iam::tags::ListEntityTags<User>>).iam(),
    Row::new("TagRole", &["iam:TagRole"], ACCOUNT, iam::tags::TagEntity::<Role>::INPUT, walk::<iam::tags::TagEntity<Role>>).changes().iam(),
    Row::new("UntagRole", &["iam:UntagRole"], ACCOUNT, iam::tags::UntagEntity::<Role>::INPUT, walk::<iam::tags::UntagEntity<Role>>).changes().iam(),
    Row::new("ListRoleTags", &["iam:ListRoleTags"], ACCOUNT, iam::tags::ListEntityTags::<Role>::INPUT, walk::<iam::tags::ListEntityTags<Role>>).iam(),
    Row::new("TagInstanceProfile", &["iam:TagInstanceProfile"], ACCOUNT, iam::tags::TagEntity::<InstanceProfile>::INPUT, walk::<iam::tags::TagEntity<InstanceProfile>>).changes().iam(),
    Row::new("ListInstanceProfileTags", &["iam:ListInstanceProfileTags"], ACCOUNT, iam::tags::ListEntityTags::<InstanceProfile>::INPUT, walk::<iam::tags::ListEntityTags<InstanceProfile>>).iam(),
    Row::new("TagPolicy", &["iam:TagPolicy"], ACCOUNT, iam::tags::TagEntity::<ManagedPolicy>::INPUT, walk::<iam::tags::TagEntity<ManagedPolicy>>).changes().iam(),
    Row::new("UntagPolicy", &["iam:UntagPolicy"], ACCOUNT, iam::tags::UntagEntity::<ManagedPolicy>::INPUT, walk::<iam::tags::UntagEntity<ManagedPolicy>>).changes().iam(),
    Row::new("ListPolicyTags", &["iam:ListPolicyTags"], ACCOUNT, iam::tags::ListEntityTags::<ManagedPolicy>::INPUT, walk::<iam::tags::ListEntityTags<ManagedPolicy>>).iam(),
    Row::new("UntagInstanceProfile", &["iam:UntagInstanceProfile"], ACCOUNT, iam::tags::UntagEntity::<InstanceProfile>::INPUT, walk::<iam::tags::UntagEntity<InstanceProfile>>).changes().iam(),
    Row::new("PutUserPermissionsBoundary", &["iam:PutUserPermissionsBoundary"], ACCOUNT, iam::boundary::PutBoundary::<User>::INPUT, walk::<iam::boundary::PutBoundary<User>>).changes().iam(),
    Row::new("DeleteUserPermissionsBoundary", &["iam:DeleteUserPermissionsBoundary"], ACCOUNT, iam::boundary::DeleteBoundary::<User>::INPUT, walk::<iam::boundary::DeleteBoundary<User>>).changes().iam(),
    Row::new("PutRolePermissionsBoundary", &["iam:PutRolePermissionsBoundary"], ACCOUNT, iam::boundary::PutBoundary::<Role>::INPUT, walk::<iam::boundary::PutBoundary<Role>>).changes().iam(),
    Row::new("DeleteRolePermissionsBoundary", &["iam:DeleteRolePermissionsBoundary"], ACCOUNT, iam::boundary::DeleteBoundary::<Role>::INPUT, walk::<iam::boundary::DeleteBoundary<Role>>).changes().iam(),
    Row::new("ListMFADevices", &["iam:ListMFADevices"], ACCOUNT, iam::absent_credentials::ListAbsent::<iam::absent_credentials::MfaDevices>::INPUT, walk::<iam::absent_credentials::ListAbsent<iam::absent_credentials::MfaDevices>>).iam(),
    Row::new("ListSigningCertificates", &["iam:ListSigningCertificates"], ACCOUNT, iam::absent_credentials::ListAbsent::<iam::absent_credentials::SigningCertificates>::INPUT, walk::<iam::absent_credentials::ListAbsent<iam::absent_credentials::SigningCertificates>>).iam(),
    Row::new("ListSSHPublicKeys", &["iam:ListSSHPublicKeys"], ACCOUNT, iam::absent_credentials::ListAbsent::<iam::absent_credentials::SshPublicKeys>::INPUT, walk::<iam::absent_credentials::ListAbsent<iam::absent_credentials::SshPublicKeys>>).iam(),
    Row::new("ListServiceSpecificCredentials", &["iam:ListServiceSpecificCredentials"], ACCOUNT, iam::absent_credentials::ListAbsent::<iam::absent_credentials::ServiceSpecificCredentials>::INPUT, walk::<iam::absent_credentials::ListAbsent<iam::absent_credentials::ServiceSpecificCredentials>>).iam(),
    Row::new("GetLoginProfile", &["iam:GetLoginProfile"], ACCOUNT, &iam::absent_credentials::LOGIN_PROFILE, walk::<iam::absent_credentials::GetLoginProfile>).iam(),
    Row::new("DeleteLoginProfile", &["iam:DeleteLoginProfile"], ACCOUNT, &iam::absent_credentials::LOGIN_PROFILE, walk::<iam::absent_credentials::DeleteLoginProfile>).changes().iam(),
    Row::new("CreateAccountAlias", &["iam:CreateAccountAlias"], ACCOUNT, &iam::account::ALIAS, walk::<iam::account::CreateAccountAlias>).changes().iam(),
    Row::new("DeleteAccountAlias", &["iam:DeleteAccountAlias"], ACCOUNT, &iam::account::ALIAS, walk::<iam::account::DeleteAccountAlias>).changes().iam(),
    Row::new("ListAccountAliases", &["iam:ListAccountAliases"], ACCOUNT, &iam::account::LIST_ALIASES, walk::<iam::account::ListAccountAliases>).iam(),
    Row::new("GetAccountSummary", &["iam:GetAccountSummary"], ACCOUNT, &iam::account::SUMMARY, walk::<iam::account::GetAccountSummary>).iam(),
    Row::new("GetAccountAuthorizationDetails", &["iam:GetAccountAuthorizationDetails"], ACCOUNT, &iam::account_details::INPUT, walk::<iam::account_details::GetAccountAuthorizationDetails>).iam(),
    Row::new("AddTags", &["cloudtrail:AddTags"], ACCOUNT, &cloudtrail::tags::ADD, walk::<cloudtrail::tags::AddTags>).changes().cloudtrail(),
    Row::new("CreateTrail", &["cloudtrail:CreateTrail"], ACCOUNT, &cloudtrail::trail::CREATE, walk::<cloudtrail::trail::CreateTrail>).changes().cloudtrail(),
    Row::new("DeleteTrail", &["cloudtrail:DeleteTrail"], ACCOUNT, &cloudtrail::trail::NAME, walk::<cloudtrail::trail::DeleteTrail>).changes().cloudtrail(),
    Row::new("DescribeTrails", &["cloudtrail:DescribeTrails"], ACCOUNT, &cloudtrail::describe::DESCRIBE, walk::<cloudtrail::describe::DescribeTrails>).cloudtrail(),
    Row::new("GetEventSelectors", &["cloudtrail:GetEventSelectors"], ACCOUNT, &cloudtrail::describe::SELECTORS, walk::<cloudtrail::describe::GetEventSelectors>).cloudtrail(),
    Row::new("GetTrail", &["cloudtrail:GetTrail"], ACCOUNT, &cloudtrail::trail::NAME, walk::<cloudtrail::describe::GetTrail>).cloudtrail(),
    Row::new("GetTrailStatus", &["cloudtrail:GetTrailStatus"], ACCOUNT, &cloudtrail::trail::NAME, walk::<cloudtrail::status::GetTrailStatus>).cloudtrail(),
    Row::new("ListPublicKeys", &["cloudtrail:ListPublicKeys"], ACCOUNT, &cloudtrail::list_public_keys::INPUT, walk::<cloudtrail::list_public_keys::ListPublicKeys>).cloudtrail(),
    Row::new("ListTags", &["cloudtrail:ListTags"], ACCOUNT, &cloudtrail::tags::LIST, walk::<cloudtrail::tags::ListTags>).cloudtrail(),
    Row::new("ListTrails", &["cloudtrail:ListTrails"], ACCOUNT, &cloudtrail::describe::LIST, walk::<cloudtrail::describe::ListTrails>).cloudtrail(),
    Row::new("LookupEvents", &["cloudtrail:LookupEvents"], ACCOUNT, &cloudtrail::lookup_events::INPUT, walk::<cloudtrail::lookup_events::LookupEvents>).cloudtrail(),
    Row::new("RemoveTags", &["cloudtrail:RemoveTags"], ACCOUNT, &cloudtrail::tags::ADD, walk::<cloudtrail::tags::RemoveTags>).changes().cloudtrail(),
    Row::new("StartLogging", &["cloudtrail:StartLogging"], ACCOUNT, &cloudtrail::trail::NAME, walk::<cloudtrail::logging::StartLogging>).changes().cloudtrail(),
    Row::new("StopLogging", &["cloudtrail:StopLogging"], ACCOUNT, &cloudtrail::trail::NAME, walk::<cloudtrail::logging::StopLogging>).changes().cloudtrail(),
    Row::new("UpdateTrail", &["cloudtrail:UpdateTrail"], ACCOUNT, &cloudtrail::trail::UPDATE, walk::<cloudtrail::trail::UpdateTrail>).changes().cloudtrail(),
    Row::new("CreateAccount", &["keyreeve:CreateAccount"], Scope::Deployment, &operator::create_account::INPUT, walk::<operator::create_account::CreateAccount>).changes().operator(),
    Row::new("SetAccount", &["keyreeve:SetAccount"], Scope::Deployment, &operator::set_account::INPUT, walk::<operator::set_account::SetAccount>).changes().operator(),
    Row::new("Explain", &["keyreeve:Explain"], Scope::Deployment, &operator::explain::INPUT, walk::<operator::explain::Explain>).operator(),
    Row::new("RegisterService", &["keyreeve:RegisterService"], Scope::Deployment, &operator::register_service::INPUT, walk::<operator::register_service::RegisterService>).changes().operator(),
    Row::new("VerifyAudit", &["keyreeve:VerifyAudit"], Scope::Deployment, &operator::verify_audit::INPUT, walk::<operator::verify_audit::VerifyAudit>).operator(),
    Row::new("ListServices", &["keyreeve:ListServices"], Scope::Deployment, &operator::list_services::INPUT, walk::<operator::list_services::ListServices>).operator(),
    Row::new("UnregisterService", &["keyreeve:UnregisterService"], Scope::Deployment, &operator::unregister_service::INPUT, walk::<operator::unregister_service::UnregisterService>).changes().operator(),
    Row::new("ListAccounts", &["keyreeve:ListAccounts"], Scope::Deployment, &operator::list_accounts::INPUT, walk::<operator::list_accounts::ListAccounts>).operator(),
    Row::new("DescribeAnyKey", &["keyreeve:DescribeAnyKey"], Scope::Deployment, &operator::describe_any_key::INPUT, walk::<operator::describe_any_key::DescribeAnyKey>).operator(),
    Row::new("DescribeKeyUsage", &["keyreeve:DescribeKeyUsage"], Scope::Deployment, &operator::describe_key_usage::INPUT, walk::<operator::describe_key_usage::DescribeKeyUsage>).operator(),
    Row::new("ListAllKeys", &["keyreeve:ListAllKeys"], Scope::Deployment, &operator::list_all_keys::INPUT, walk::<operator::list_all_keys::ListAllKeys>).operator(),
    Row::new("AcceptRollback", &["keyreeve:AcceptRollback"], Scope::Deployment, &operator::accept_rollback::INPUT, walk::<operator::accept_rollback::AcceptRollback>).changes().operator(),
    Row::new("BackupStatus", &["keyreeve:BackupStatus"], Scope::Deployment, &operator::backup_status::INPUT, walk::<operator::backup_status::BackupStatus>).operator(),
    Row::new("RootRotate", &["keyreeve:RootRotate"], Scope::Deployment, &operator::root_rotate::INPUT, walk::<operator::root_rotate::RootRotate>).changes().operator(),
    Row::new("RootRotationStatus", &["keyreeve:RootRotationStatus"], Scope::Deployment, &operator::root_rotation_status::INPUT, walk::<operator::root_rotation_status::RootRotationStatus>).operator(),
    Row::new("StartBackup", &["keyreeve:StartBackup"], Scope::Deployment, &operator::start_backup::INPUT, walk::<operator::start_backup::StartBackup>).operator(),
    Row::new("InitRegion", &["keyreeve:InitRegion"], Scope::Deployment, &operator::region::init_region::INPUT, walk::<operator::region::init_region::InitRegion>).changes().operator(),
    Row::new("TrustRegion", &["keyreeve:TrustRegion"], Scope::Deployment, &operator::region::trust_region::INPUT, walk::<operator::region::trust_region::TrustRegion>).changes().logs(LoggedAnswer::Whole).operator(),
    Row::new("UntrustRegion", &["keyreeve:UntrustRegion"], Scope::Deployment, &operator::region::untrust_region::INPUT, walk::<operator::region::untrust_region::UntrustRegion>).changes().operator(),
    Row::new("ListRegions", &["keyreeve:ListRegions"], Scope::Deployment, &operator::region::list_regions::INPUT, walk::<operator::region::list_regions::ListRegions>).operator(),
    Row::new("RegionStatus", &["keyreeve:RegionStatus"], Scope::Deployment, &operator::region::region_status::INPUT, walk::<operator::region::region_status::RegionStatus>).operator(),
    Row::new("AddOperatorKey", &["keyreeve:AddOperatorKey"], Scope::Deployment, &operator::region::add_operator_key::INPUT, walk::<operator::region::add_operator_key::AddOperatorKey>).changes().logs(LoggedAnswer::Whole).operator(),
    Row::new("RemoveOperatorKey", &["keyreeve:RemoveOperatorKey"], Scope::Deployment, &operator::region::remove_operator_key::INPUT, walk::<operator::region::remove_operator_key::RemoveOperatorKey>).changes().logs(LoggedAnswer::Whole).operator(),
    Row::new("ListOperatorKeys", &["keyreeve:ListOperatorKeys"], Scope::Deployment, &operator::region::list_operator_keys::INPUT, walk::<operator::region::list_operator_keys::ListOperatorKeys>).operator(),
    Row::new("RequestConfirmation", &["keyreeve:RequestConfirmation"], Scope::Deployment, &operator::region::request_confirmation::INPUT, walk::<operator::region::request_confirmation::RequestConfirmation>).operator(),
    Row::new("TakeHome", &["keyreeve:TakeHome"], Scope::Deployment, &operator::region::take_home::INPUT, walk::<operator::region::take_home::TakeHome>).changes().logs(LoggedAnswer::Whole).operator(),
    Row::new("ForcePromote", &["keyreeve:ForcePromote"], Scope::Deployment, &operator::region::force_promote::INPUT, walk::<operator::region::force_promote::ForcePromote>).changes().logs(LoggedAnswer::Whole).operator(),
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
    fn one_operation_needs_no_signature_and_two_no_permission() {
        let unsigned: Vec<_> = CATALOGUE.iter().filter(|row| !row.signed).map(|row| row.name).collect();
        assert_eq!(unsigned, ["AssumeRoleWithWebIdentity"]);
        let free: Vec<_> =
            CATALOGUE.iter().filter(|row| row.actions.is_empty()).map(|row| row.name).collect();
        assert_eq!(free, ["GetCallerIdentity", "GetSessionToken"]);
    }

    #[test]
    fn only_operators_act_on_the_deployment() {
        for row in CATALOGUE {
            assert_eq!(row.api == Api::Operator, row.scope == Scope::Deployment, "{}", row.name);
        }
    }
}
