//! Keys: key policies, the caller's own policies, grants, guards.

use super::*;

#[test]
fn a_key_policy_rules_its_key() {
    let root = Principal::Root(own());
    check(vec![
        ("nothing names the user", Case::new(alice(), ""), "no KeyPolicy"),
        ("identity policies alone never suffice", Case::new(alice(), "").identity(ALLOW), "no KeyPolicy"),
        ("user named", Case::new(alice(), ALICE), "allow KeyPolicy"),
        ("user named by id", Case::new(alice(), "AIDAEXAMPLEALICE0001"), "allow KeyPolicy"),
        ("everyone", Case::new(alice(), "*"), "allow KeyPolicy"),
        ("delegated, no policy", Case::new(alice(), "111122223333"), "no Identity"),
        ("delegated, policy", Case::new(alice(), "111122223333").identity(ALLOW), "allow Identity"),
        (
            "delegated, one of two policies",
            Case::new(alice(), "111122223333").identity(OTHER).identity(ALLOW),
            "allow Identity",
        ),
        ("delegated, other policy", Case::new(alice(), "111122223333").identity(OTHER), "no Identity"),
        (
            "root user, account statement",
            Case::new(root.clone(), "arn:aws:iam::111122223333:root"),
            "allow KeyPolicy",
        ),
        ("root user, without", Case::new(root.clone(), ""), "no KeyPolicy"),
        ("root user, only a user named", Case::new(root, ALICE), "no KeyPolicy"),
        ("operators use no keys", Case::new(Principal::Operator(0), "*"), "no Identity"),
    ]);
}

#[test]
fn boundaries_and_session_policies_limit_roles_but_not_direct_names() {
    let delegated = || Case::new(session(), "111122223333").identity(ALLOW);
    check(vec![
        ("role", Case::new(session(), ROLE), "allow KeyPolicy"),
        ("role by id", Case::new(session(), "AROAEXAMPLEWORKER001"), "allow KeyPolicy"),
        ("role, boundary", Case::new(session(), ROLE).boundary(OTHER), "no Boundary"),
        ("role by id, boundary", Case::new(session(), "AROAEXAMPLEWORKER001").boundary(OTHER), "no Boundary"),
        ("role, session", Case::new(session(), ROLE).session(OTHER), "no Session"),
        ("role, both allow", Case::new(session(), ROLE).session(ALLOW).boundary(ALLOW), "allow KeyPolicy"),
        ("session", Case::new(session(), SESSION), "allow KeyPolicy"),
        (
            "session, both do not allow",
            Case::new(session(), SESSION).session(OTHER).boundary(OTHER),
            "allow KeyPolicy",
        ),
        ("session by id", Case::new(session(), "AROAEXAMPLEWORKER001:s1").session(OTHER), "allow KeyPolicy"),
        ("another session", Case::new(session(), "AROAEXAMPLEWORKER001:s2"), "no KeyPolicy"),
        ("everyone", Case::new(session(), "*").session(OTHER).boundary(OTHER), "allow KeyPolicy"),
        ("user, boundary", Case::new(alice(), ALICE).boundary(OTHER), "allow KeyPolicy"),
        ("delegated", delegated(), "allow Identity"),
        ("delegated, boundary", delegated().boundary(OTHER), "no Boundary"),
        ("delegated, session", delegated().session(OTHER), "no Session"),
        ("delegated, one session policy of two", delegated().session(OTHER).session(ALLOW), "allow Identity"),
        ("a boundary grants nothing", Case::new(alice(), "111122223333").boundary(ALLOW), "no Identity"),
        (
            "a session policy grants nothing",
            Case::new(session(), "111122223333").session(ALLOW),
            "no Identity",
        ),
    ]);
    let mut none = delegated();
    none.sessions = Some(vec![]);
    assert_eq!(none.outcome(), "no Session", "an empty list of session policies allows nothing");
}

#[test]
fn an_explicit_deny_wins_wherever_it_stands() {
    let denying = r#"{"Statement":[{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"},
        {"Sid":"No encryption","Effect":"Deny","Principal":{"AWS":"111122223333"},"Action":"kms:Encrypt","Resource":"*"}]}"#;
    check(vec![
        ("key policy", Case::new(alice(), "*").policy(denying), "explicit KeyPolicy"),
        (
            "key policy, session of the account",
            Case::new(session(), "*").policy(denying),
            "explicit KeyPolicy",
        ),
        (
            "key policy, root user",
            Case::new(Principal::Root(own()), "*").policy(denying),
            "explicit KeyPolicy",
        ),
        (
            "key policy, grant",
            Case::new(alice(), "*").policy(denying).grant(false, false),
            "explicit KeyPolicy",
        ),
        ("foreign key policy", Case::new(alice(), "*").policy(denying).on_foreign_key(), "other account"),
        ("identity", Case::new(alice(), ALICE).identity(ALLOW).identity(DENY), "explicit Identity"),
        ("boundary", Case::new(alice(), ALICE).boundary(DENY), "explicit Boundary"),
        ("session", Case::new(session(), SESSION).session(DENY), "explicit Session"),
        ("guard", Case::new(alice(), ALICE).guard(ALLOW).guard(DENY), "explicit Guard"),
        ("guard first", Case::new(alice(), ALICE).guard(DENY).identity(DENY), "explicit Guard"),
        ("root user and guard", Case::new(Principal::Root(own()), "*").guard(DENY), "explicit Guard"),
    ]);
}

#[test]
fn every_guard_must_allow_and_services_have_none() {
    check(vec![
        ("allows", Case::new(alice(), ALICE).guard(ALLOW), "allow KeyPolicy"),
        ("does not", Case::new(alice(), ALICE).guard(OTHER), "no Guard"),
        ("one of two does not", Case::new(alice(), ALICE).guard(ALLOW).guard(OTHER), "no Guard"),
        ("root user", Case::new(Principal::Root(own()), "*").guard(OTHER), "no Guard"),
        ("grants no more", Case::new(alice(), "").guard(ALLOW), "no KeyPolicy"),
        ("service", Case::new(service(), "s3.us-east-1.amazonaws.com").guard(DENY), "allow KeyPolicy"),
    ]);
}

#[test]
fn between_accounts_both_sides_must_allow() {
    let user = |principal| Case::new(alice(), principal).on_foreign_key();
    let mut closed = user(ALICE).identity(ALLOW);
    closed.other_accounts = false;
    check(vec![
        ("both", user(ALICE).identity(ALLOW), "allow KeyPolicy"),
        ("account and identity", user("111122223333").identity(ALLOW), "allow KeyPolicy"),
        ("everyone and identity", user("*").identity(ALLOW), "allow KeyPolicy"),
        ("key only", user(ALICE), "no Identity"),
        ("everyone only", user("*"), "no Identity"),
        ("identity only", user("").identity(ALLOW), "other account"),
        ("neither", user(""), "other account"),
        ("the key's own account does not count", user("444455556666").identity(ALLOW), "other account"),
        ("boundary", user(ALICE).identity(ALLOW).boundary(OTHER), "no Boundary"),
        (
            "session named, session policy",
            Case::new(session(), SESSION).on_foreign_key().identity(ALLOW).session(OTHER),
            "no Session",
        ),
        ("role", Case::new(session(), ROLE).on_foreign_key().identity(ALLOW), "allow KeyPolicy"),
        ("guard", user(ALICE).identity(ALLOW).guard(OTHER), "no Guard"),
        ("root user", Case::new(Principal::Root(own()), "111122223333").on_foreign_key(), "allow KeyPolicy"),
        ("root user, not named", Case::new(Principal::Root(own()), "").on_foreign_key(), "other account"),
        ("an operation for the own account only", closed, "other account"),
        ("service", Case::new(service(), "s3.us-east-1.amazonaws.com").on_foreign_key(), "allow KeyPolicy"),
        ("service, not named", Case::new(service(), "").on_foreign_key(), "other account"),
    ]);
}

#[test]
fn grants_add_to_the_key_policy() {
    check(vec![
        ("user", Case::new(alice(), "").grant(false, false), "allow grant"),
        ("user, boundary", Case::new(alice(), "").grant(false, false).boundary(OTHER), "allow grant"),
        ("role", Case::new(session(), "").grant(false, false), "allow grant"),
        ("role, boundary", Case::new(session(), "").grant(false, false).boundary(OTHER), "no Boundary"),
        ("role, session", Case::new(session(), "").grant(false, false).session(OTHER), "no Session"),
        (
            "session, session policy",
            Case::new(session(), "").grant(false, true).session(OTHER),
            "allow grant",
        ),
        ("account", Case::new(alice(), "").grant(true, false), "no Identity"),
        ("account, identity", Case::new(alice(), "").grant(true, false).identity(ALLOW), "allow grant"),
        ("account, root user", Case::new(Principal::Root(own()), "").grant(true, false), "allow grant"),
        ("service", Case::new(service(), "").grant(false, false), "allow grant"),
        ("delegated without identity", Case::new(alice(), "111122223333").grant(false, false), "allow grant"),
        ("foreign", Case::new(alice(), "").on_foreign_key().grant(false, false), "no Identity"),
        (
            "foreign, identity",
            Case::new(alice(), "").on_foreign_key().grant(false, false).identity(ALLOW),
            "allow grant",
        ),
        (
            "foreign, session",
            Case::new(session(), "").on_foreign_key().grant(false, true).identity(ALLOW).session(OTHER),
            "no Session",
        ),
        ("foreign, service", Case::new(service(), "").on_foreign_key().grant(false, false), "allow grant"),
        (
            "a denial by identity policy wins",
            Case::new(alice(), "").grant(false, false).identity(DENY),
            "explicit Identity",
        ),
    ]);
}

#[test]
fn services_are_named_as_services() {
    check(vec![
        ("named", Case::new(service(), "s3.us-east-1.amazonaws.com"), "allow KeyPolicy"),
        ("another Region", Case::new(service(), "s3.eu-central-1.amazonaws.com"), "no KeyPolicy"),
        ("everyone", Case::new(service(), "*"), "allow KeyPolicy"),
        (
            "the registered account is not the service",
            Case::new(service(), "111122223333").identity(ALLOW),
            "no KeyPolicy",
        ),
        ("a user is no service", Case::new(alice(), "s3.us-east-1.amazonaws.com"), "no KeyPolicy"),
    ]);
}

#[test]
fn not_principal_denies_all_but_those_listed() {
    let policy = |listed: &str| {
        format!(
            r#"{{"Statement":[{{"Effect":"Allow","Principal":"*","Action":"kms:*","Resource":"*"}},
            {{"Effect":"Deny","NotPrincipal":{{"AWS":[{listed}]}},"Action":"kms:*","Resource":"*"}}]}}"#
        )
    };
    let case = |caller: Principal, listed: &str| Case::new(caller, "*").policy(&policy(listed));
    let account = r#""111122223333""#;
    check(vec![
        ("listed", case(alice(), &format!(r#""{ALICE}""#)), "allow KeyPolicy"),
        ("not listed", case(session(), &format!(r#""{ALICE}""#)), "explicit KeyPolicy"),
        ("role listed", case(session(), &format!(r#""{ROLE}""#)), "allow KeyPolicy"),
        ("session listed", case(session(), &format!(r#""{SESSION}""#)), "allow KeyPolicy"),
        ("the account does not spare its users", case(alice(), account), "explicit KeyPolicy"),
        ("the account spares its root user", case(Principal::Root(own()), account), "allow KeyPolicy"),
        (
            "a boundary spares nobody",
            case(alice(), &format!(r#""{ALICE}""#)).boundary(ALLOW),
            "explicit KeyPolicy",
        ),
        ("services", case(service(), &format!(r#""{ALICE}""#)), "explicit KeyPolicy"),
    ]);
    let allow =
        r#"{"Statement":{"Effect":"Allow","NotPrincipal":{"AWS":"ARN"},"Action":"kms:*","Resource":"*"}}"#;
    check(vec![
        ("allow all but", Case::new(session(), "").policy(&allow.replace("ARN", ALICE)), "allow KeyPolicy"),
        ("but not those", Case::new(alice(), "").policy(&allow.replace("ARN", ALICE)), "no KeyPolicy"),
        (
            "allow is not changed by a boundary",
            Case::new(alice(), "").policy(&allow.replace("ARN", ALICE)).boundary(ALLOW),
            "no KeyPolicy",
        ),
    ]);
}

#[test]
fn statements_match_by_action_and_resource() {
    let statement = |rest: &str| {
        format!(r#"{{"Version":"2012-10-17","Statement":{{"Effect":"Allow","Principal":"*",{rest}}}}}"#)
    };
    for (rest, allowed) in [
        (r#""Action":"kms:encrypt","Resource":"*""#, true),
        (r#""Action":"KMS:E?crypt","Resource":"*""#, true),
        (r#""Action":"*","Resource":"*""#, true),
        (r#""Action":"*:*","Resource":"*""#, true),
        (r#""Action":"*:Encrypt","Resource":"*""#, true),
        (r#""Action":["kms:Decrypt","kms:Describe*"],"Resource":"*""#, false),
        (r#""NotAction":"kms:Decrypt","Resource":"*""#, true),
        (r#""NotAction":["kms:Decrypt","kms:E*"],"Resource":"*""#, false),
        (r#""Action":"kms:*""#, false),
        (
            r#""Action":"kms:*","Resource":"arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab""#,
            true,
        ),
        (r#""Action":"kms:*","Resource":"arn:aws:kms:*:*:key/1234*""#, true),
        (r#""Action":"kms:*","Resource":"arn:aws:kms:*""#, true),
        (r#""Action":"kms:*","Resource":"arn:aws:kms:us-east-1""#, false),
        (r#""Action":"kms:*","Resource":"arn:aws:kms:us*:key/1234*""#, false),
        (r#""Action":"kms:*","Resource":"arn:aws:kms:us-east-1:444455556666:key/*""#, false),
        (r#""Action":"kms:*","Resource":"arn:aws:KMS:us-east-1:111122223333:key/*""#, false),
        (r#""Action":"kms:*","Resource":"arn:aws:kms:us-east-1:111122223333:alias/*""#, false),
        (r#""Action":"kms:*","NotResource":"arn:aws:kms:us-east-1:111122223333:alias/*""#, true),
        (r#""Action":"kms:*","NotResource":"*""#, false),
        (r#""Action":"kms:*","Resource":"arn:aws:kms:*:*:key/${aws:username}""#, false),
        (r#""Action":"kms:*","NotResource":"arn:aws:kms:*:*:key/${aws:username}""#, true),
        (r#""Action":"kms:*","Resource":"arn:aws:kms:*:*:key/${aws:username, '1234'}*""#, true),
    ] {
        let case = Case::new(alice(), "").policy(&statement(rest));
        assert_eq!(case.outcome(), if allowed { "allow KeyPolicy" } else { "no KeyPolicy" }, "{rest}");
    }
}

#[test]
fn a_pinned_name_does_not_match_a_namesake() {
    let text = key_policy(ALICE);
    for (pin, expected) in [("AIDAEXAMPLEALICE0001", true), ("AIDAEXAMPLEALICE0000", false)] {
        let pins = [(ALICE.to_owned(), pin.to_owned())].into();
        let policy = Policy::parse_pinned(&text, Grammar::KeyPolicy, &pins).unwrap();
        let principal = alice();
        let request = Request {
            principal: &principal,
            action: "kms:Encrypt",
            resource: KEY,
            context: &NoContext,
            bounded: false,
        };
        assert_eq!(policy.statements()[0].check(&request).is_ok(), expected, "{pin}");
    }
}
