//! What has no policy of its own, roles, and the lockout check.

use super::*;

/// `kind` of resource, caller, and whether the caller's policies allow, without any policy on the resource.
#[test]
fn without_a_policy_on_the_resource_the_callers_own_decide() {
    let (everything, deployment) = (Resource::Everything, Resource::Deployment);
    let alias = "arn:aws:kms:us-east-1:111122223333:alias/a";
    let owned = |owner| Resource::Owned { arn: alias, owner };
    let missing = |owner| Resource::Missing { arn: KEY, owner };
    let (root, operator) = (Principal::Root(own()), Principal::Operator(0));
    for (resource, caller, identity, expected) in [
        (everything, alice(), "", "no Identity"),
        (everything, alice(), ALLOW, "allow Identity"),
        (everything, alice(), OTHER, "no Identity"),
        (everything, root.clone(), "", "allow root"),
        (everything, service(), "", "no Identity"),
        (everything, operator.clone(), "", "no Identity"),
        (owned(own()), alice(), ALLOW, "allow Identity"),
        (owned(own()), alice(), "", "no Identity"),
        (owned(own()), root.clone(), "", "allow root"),
        (owned(foreign()), root.clone(), "", "other account"),
        (owned(foreign()), alice(), ALLOW, "other account"),
        (missing(own()), alice(), ALLOW, "allow Identity"),
        (missing(own()), alice(), "", "other account"),
        (missing(own()), root.clone(), "", "allow root"),
        (missing(foreign()), root.clone(), "", "other account"),
        (missing(foreign()), alice(), ALLOW, "other account"),
        (missing(own()), alice(), DENY, "explicit Identity"),
        (deployment, operator, "", "allow operator"),
        (deployment, root, "", "no Identity"),
        (deployment, alice(), ALLOW, "no Identity"),
    ] {
        let identity: Vec<NamedPolicy> =
            if identity.is_empty() { vec![] } else { vec![named(PolicyKind::Identity, identity)] };
        let evidence = plain(&caller, "kms:Encrypt", resource, &NoContext, &identity);
        assert_eq!(words(&evaluate(&evidence)), expected, "{caller} {resource:?}");
    }
}

fn plain<'a>(
    principal: &'a Principal,
    action: &'a str,
    resource: Resource<'a>,
    context: &'a dyn Context,
    identity: &'a [NamedPolicy],
) -> Evidence<'a> {
    let (guards, boundary, sessions, grant) = (&[] as &[NamedPolicy], None, None, None);
    Evidence {
        principal,
        action,
        resource,
        context,
        guards,
        identity,
        boundary,
        sessions,
        grant,
        other_accounts: true,
    }
}

#[test]
fn a_role_is_assumed_by_whom_its_trust_policy_names() {
    const ASSUME: &str = r#"{"Statement":{"Effect":"Allow","Action":"sts:AssumeRole","Resource":"*"}}"#;
    let trust = |principal: &str, action: &str, condition: &str| {
        format!(
            r#"{{"Statement":{{"Effect":"Allow","Principal":{principal},"Action":"{action}"{condition}}}}}"#
        )
    };
    let aws = |name: &str| trust(&format!(r#"{{"AWS":"{name}"}}"#), "sts:AssumeRole", "");
    let web = |principal: &str, condition: &str| trust(principal, "sts:AssumeRoleWithWebIdentity", condition);
    let provider = format!(r#"{{"Federated":"{PROVIDER}"}}"#);
    let subject = r#","Condition":{"StringEquals":{"id.example.com:sub":"carol"}}"#;
    let (assume, by_token) = ("sts:AssumeRole", "sts:AssumeRoleWithWebIdentity");
    for (caller, action, trust, identity, owner, expected) in [
        (alice(), assume, aws(ALICE), "", own(), "allow TrustPolicy"),
        (alice(), assume, aws("111122223333"), "", own(), "no Identity"),
        (alice(), assume, aws("111122223333"), ASSUME, own(), "allow Identity"),
        (alice(), assume, aws("999999999999"), ASSUME, own(), "no TrustPolicy"),
        (alice(), assume, aws(ALICE), "", foreign(), "no Identity"),
        (alice(), assume, aws(ALICE), ASSUME, foreign(), "allow TrustPolicy"),
        (alice(), assume, aws("999999999999"), ASSUME, foreign(), "other account"),
        (
            service(),
            assume,
            trust(r#"{"Service":"s3.us-east-1.amazonaws.com"}"#, assume, ""),
            "",
            own(),
            "allow TrustPolicy",
        ),
        (web_identity(), by_token, web(&provider, ""), "", own(), "allow TrustPolicy"),
        (web_identity(), by_token, web(&provider, subject), "", own(), "allow TrustPolicy"),
        (
            web_identity(),
            by_token,
            web(&provider, &subject.replace("carol", "dave")),
            "",
            own(),
            "no TrustPolicy",
        ),
        (web_identity(), by_token, web(&provider.replace("id.", "no."), ""), "", own(), "no TrustPolicy"),
        (web_identity(), by_token, web(r#""*""#, ""), "", own(), "no TrustPolicy"),
        (web_identity(), assume, aws("111122223333"), "", own(), "no TrustPolicy"),
    ] {
        let trust = named(PolicyKind::TrustPolicy, &trust);
        let context = MapContext::new().with("id.example.com:sub", "carol");
        let identity: Vec<NamedPolicy> =
            if identity.is_empty() { vec![] } else { vec![named(PolicyKind::Identity, identity)] };
        let resource = Resource::Role { arn: ROLE, owner, trust: &trust };
        let evidence = plain(&caller, action, resource, &context, &identity);
        assert_eq!(words(&evaluate(&evidence)), expected, "{caller} {}", trust.policy.text());
    }
}

#[test]
fn whoever_puts_a_key_policy_must_be_able_to_put_another() {
    let text = |effect: &str, principal: &str, action: &str, rest: &str| {
        format!(r#"{{"Effect":"{effect}","Principal":{{"AWS":"{principal}"}},"Action":"{action}"{rest}}}"#)
    };
    let all = r#","Resource":"*""#;
    let condition = r#","Resource":"*","Condition":{"Bool":{"aws:MultiFactorAuthPresent":"true"}}"#;
    let root = Principal::Root(own());
    for (caller, statements, expected) in [
        (root.clone(), vec![text("Allow", "111122223333", "kms:*", all)], true),
        (alice(), vec![text("Allow", "111122223333", "kms:Put*", all)], true),
        (alice(), vec![text("Allow", ALICE, "kms:PutKeyPolicy", all)], true),
        (session(), vec![text("Allow", ROLE, "kms:*", all)], true),
        (session(), vec![text("Allow", SESSION, "kms:*", all)], true),
        (root.clone(), vec![text("Allow", ALICE, "kms:*", all)], false),
        (alice(), vec![text("Allow", "111122223333", "kms:Encrypt", all)], false),
        (alice(), vec![text("Allow", "444455556666", "kms:*", all)], false),
        (alice(), vec![text("Allow", "111122223333", "kms:*", "")], false),
        (alice(), vec![text("Allow", ALICE, "kms:*", condition)], false),
        (alice(), vec![text("Allow", ALICE, "kms:*", all), text("Deny", "*", "kms:Put*", all)], false),
        (alice(), vec![text("Allow", ALICE, "kms:*", all), text("Deny", "*", "kms:Encrypt", all)], true),
        (Principal::Root(foreign()), vec![text("Allow", "*", "kms:*", all)], false),
    ] {
        let text = format!(r#"{{"Statement":[{}]}}"#, statements.join(","));
        let policy = Policy::parse(&text, Grammar::KeyPolicy).unwrap();
        assert_eq!(keeps_control(&caller, own(), KEY, &policy, &NoContext), expected, "{caller} {text}");
    }
    let default = Policy::parse(&crate::default_key_policy("aws", own()), Grammar::KeyPolicy).unwrap();
    assert!(keeps_control(&alice(), own(), KEY, &default, &NoContext));
}
