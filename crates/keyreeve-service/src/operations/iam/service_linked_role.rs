//! `CreateServiceLinkedRole`: a role that its service alone may assume and change. No service here asks for one: tools
//! make them beside what they need.
//! AWS: <https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_create-service-linked-role.html>

use std::collections::BTreeMap;

use keyreeve_model::error::KmsError;
use keyreeve_model::iam_error::IamError;
use keyreeve_model::timestamp::Timestamp;
use serde_json::json;

use super::role::{RoleReply, RoleView, SESSION_DURATION_DEFAULT};
use super::shapes;
use crate::desk::Desk;
use crate::identity::{Attachments, AuthorizedIam, Entity, IamResource, Naming, Role, SERVICE_LINKED_PATH};
use crate::input::Input;
use crate::input::shape::{Member, Structure};
use crate::operation::Operation;

/// Names that AWS gives to the roles of a service; others are made of the service's own name.
/// AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/using-service-linked-roles.html>
static KNOWN_NAMES: &[(&str, &str)] = &[
    ("autoscaling.amazonaws.com", "AutoScaling"),
    ("cks.kms.amazonaws.com", "KeyManagementServiceCustomKeyStores"),
    ("ecs.amazonaws.com", "ECS"),
    ("eks.amazonaws.com", "AmazonEKS"),
    ("elasticloadbalancing.amazonaws.com", "ElasticLoadBalancing"),
    ("mrk.kms.amazonaws.com", "KeyManagementServiceMultiRegionKeys"),
    ("rds.amazonaws.com", "RDS"),
];

/// Longest name of a role.
const ROLE_NAME_CHARACTERS_MAX: usize = 64;

pub(crate) static CREATE: Structure = Structure {
    members: &[
        Member::required("AWSServiceName", &shapes::NAME_128),
        Member::optional("Description", &shapes::ROLE_DESCRIPTION),
        Member::optional("CustomSuffix", &shapes::CUSTOM_SUFFIX),
    ],
};

pub(crate) struct CreateServiceLinkedRole;

/// `AWSServiceRoleFor…`; nothing where the name is not a service's.
fn role_name(service: &str, suffix: Option<&str>) -> Option<String> {
    let own = service.strip_suffix(".amazonaws.com")?;
    let known = KNOWN_NAMES.iter().find(|(name, _)| *name == service);
    let mut name = "AWSServiceRoleFor".to_owned();
    match known {
        Some((_, known)) => name.push_str(known),
        None => {
            for word in own.split(['.', '-']) {
                let mut letters = word.chars();
                name.extend(letters.next()?.to_uppercase());
                name.push_str(letters.as_str());
            }
        }
    }
    if let Some(suffix) = suffix {
        name.push('_');
        name.push_str(suffix);
    }
    (name.len() <= ROLE_NAME_CHARACTERS_MAX).then_some(name)
}

fn trust_of(service: &str) -> String {
    json!({
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}],
    })
    .to_string()
}

/// A role for a service; nothing where the name is not a service's.
fn role_for(
    service: &str,
    suffix: Option<&str>,
    description: Option<String>,
    now: Timestamp,
) -> Result<Option<Role>, KmsError> {
    let Some(name) = role_name(service, suffix) else { return Ok(None) };
    let path = format!("{SERVICE_LINKED_PATH}{service}/");
    Ok(Some(Role {
        naming: Naming::new(&Role::NOUN, name, Some(path), BTreeMap::new(), now)?,
        attachments: Attachments::default(),
        description,
        max_session_duration: SESSION_DURATION_DEFAULT,
        trust: trust_of(service),
        trust_pins: BTreeMap::new(),
        instance_profiles: Default::default(),
        service: None,
    }))
}

/// The role of multi-Region keys, which the first of an account brings.
pub(crate) fn multi_region_role(now: Timestamp) -> Result<Option<Role>, KmsError> {
    role_for("mrk.kms.amazonaws.com", None, None, now)
}

fn invalid(text: String) -> KmsError {
    KmsError::Iam(IamError::InvalidInput(text))
}

impl Operation for CreateServiceLinkedRole {
    type Request = Role;
    type Proof = AuthorizedIam<Self>;
    type Reply = RoleReply;

    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Role, KmsError> {
        let (service, suffix) = (input.required_text("AWSServiceName")?, input.text("CustomSuffix"));
        role_for(&service, suffix.as_deref(), input.text("Description"), desk.now)?
            .ok_or_else(|| invalid(format!("Service name {service} is not valid for a service-linked role.")))
    }

    fn names(role: &Role) -> IamResource {
        IamResource::new(role)
    }

    async fn run<'a>(
        desk: &'a Desk<'a>,
        role: &'a Role,
        proof: AuthorizedIam<Self>,
    ) -> Result<RoleReply, KmsError> {
        let iam = proof.open(desk);
        let name = &role.naming.name;
        if iam.look::<Role>(name).await?.is_some() {
            return Err(invalid(format!(
                "Service role name {name} has been taken in this account, please try a different suffix."
            )));
        }
        let draft = iam.draft_new(iam.draft()?, role).await?;
        iam.commit(draft).await?;
        Ok(RoleReply { role: RoleView::full(&iam, role).await? })
    }
}

#[cfg(test)]
mod tests {
    use keyreeve_policy::policy::{Grammar, Policy};

    use super::*;

    #[test]
    fn roles_of_services_are_named_after_them() {
        for (service, suffix, name) in [
            ("autoscaling.amazonaws.com", Some("x"), Some("AWSServiceRoleForAutoScaling_x")),
            ("mrk.kms.amazonaws.com", None, Some("AWSServiceRoleForKeyManagementServiceMultiRegionKeys")),
            ("a-b.c.amazonaws.com", None, Some("AWSServiceRoleForABC")),
            ("kms", None, None),
            (".amazonaws.com", None, None),
            ("a..amazonaws.com", None, None),
        ] {
            assert_eq!(role_name(service, suffix).as_deref(), name, "{service}");
        }
        assert_eq!(role_name("x.amazonaws.com", Some(&"s".repeat(64))), None);
    }

    #[test]
    fn their_trust_is_a_trust_policy() {
        Policy::parse(&trust_of("mrk.kms.amazonaws.com"), Grammar::TrustPolicy).unwrap();
    }
}
