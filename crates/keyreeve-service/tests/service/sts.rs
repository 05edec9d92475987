//! STS: who may assume a role, what a session may do and how long, and what ends it.

use keyreeve_service::caller::Principal;
use serde_json::{Value, json};

use crate::rig::{ACCOUNT, REGION, Rig, root, text};
use crate::sts_rig::*;

const ASSUME: &[&str] = &["sts:AssumeRole"];
const ALL: &[&str] = &["sts:AssumeRole", "sts:TagSession", "sts:SetSourceIdentity"];

fn assume(rig: &Rig, caller: &keyreeve_service::caller::Caller, role: &str, more: Value) -> Value {
    sts(rig, caller, "AssumeRole", asking(role, more))
}

#[test]
fn a_session_acts_as_its_role() {
    let rig = Rig::new();
    let user = role_and_user(&rig, "R", ASSUME);
    let answer = assume(&rig, &user, "R", json!({}));
    assert_eq!(text(&answer, "/AssumedRoleUser/Arn"), format!("arn:aws:sts::{ACCOUNT}:assumed-role/R/work"));
    assert_eq!(text(&answer, "/Credentials/Expiration"), "2026-01-01T01:00:00Z");
    assert!(text(&answer, "/Credentials/AccessKeyId").starts_with("ASIA"));
    assert_eq!(answer.get("PackedPolicySize"), None);
    let session = session(&rig, &answer);
    let who = sts(&rig, &session, "GetCallerIdentity", json!({}));
    assert_eq!(who["Arn"], answer["AssumedRoleUser"]["Arn"]);
    assert_eq!(who["UserId"], answer["AssumedRoleUser"]["AssumedRoleId"]);
    rig.ok_as(&session, "CreateKey", json!({}));
    // The user itself may nothing, and still learns who it is.
    assert!(rig.try_as(&user, "CreateKey", &json!({})).is_err());
    assert_eq!(text(&sts(&rig, &user, "GetCallerIdentity", json!({})), "/Arn"), user.principal.to_string());
}

#[test]
fn whom_the_trust_policy_does_not_name_learns_nothing() {
    let rig = Rig::new();
    role_and_user(&rig, "R", ASSUME);
    let bob = rig.user_of(ACCOUNT, "Bob");
    for role in ["R", "Missing"] {
        let text = denied(&bob, "sts:AssumeRole", role);
        refuses(&rig, &bob, "AssumeRole", &asking(role, json!({})), "AccessDeniedException", &text);
    }
    let wrong_path = json!({"RoleArn": role_arn("path/R"), "RoleSessionName": "work"});
    let text = denied(&bob, "sts:AssumeRole", "path/R");
    refuses(&rig, &bob, "AssumeRole", &wrong_path, "AccessDeniedException", &text);
    let text = "Roles may not be assumed by root accounts.";
    refuses(&rig, &root(), "AssumeRole", &asking("R", json!({})), "AccessDeniedException", text);
    let arn = "arn:aws:iam::1:role/whatever";
    let body = json!({"RoleArn": arn, "RoleSessionName": "work"});
    refuses(&rig, &bob, "AssumeRole", &body, "ValidationError", &format!("{arn} is invalid"));
}

#[test]
fn other_accounts_need_their_own_permission_too() {
    let rig = Rig::new();
    let stranger = rig.user_of(ELSEWHERE, "Bob");
    make_role(&rig, "R", &trusts(json!({"AWS": ELSEWHERE}), ASSUME));
    assert!(try_sts(&rig, &stranger, "AssumeRole", &asking("R", json!({}))).is_err());
    let allowed = allows_user(&rig, ELSEWHERE, "sts:AssumeRole");
    let session = session(&rig, &assume(&rig, &allowed, "R", json!({})));
    assert_eq!(session.account().as_str(), ACCOUNT);
    // Where the trust policy does not name the account, its own permission is worth nothing.
    make_role(&rig, "Own", &trusts(json!({"AWS": ACCOUNT}), ASSUME));
    let text = denied(&allowed, "sts:AssumeRole", "Own");
    refuses(&rig, &allowed, "AssumeRole", &asking("Own", json!({})), "AccessDeniedException", &text);
}

#[test]
fn conditions_of_a_trust_policy_see_the_request() {
    let rig = Rig::new();
    let user = rig.user_of(ACCOUNT, "Alice");
    let mut trust = trusts(json!({"AWS": user.principal.to_string()}), ASSUME);
    trust["Statement"][0]["Condition"] =
        json!({"StringEquals": {"sts:ExternalId": "seven", "sts:RoleSessionName": "work"}});
    make_role(&rig, "R", &trust);
    for (more, allowed) in [
        (json!({"ExternalId": "seven"}), true),
        (json!({"ExternalId": "eight"}), false),
        (json!({}), false),
        (json!({"ExternalId": "seven", "RoleSessionName": "play"}), false),
    ] {
        assert_eq!(try_sts(&rig, &user, "AssumeRole", &asking("R", more.clone())).is_ok(), allowed, "{more}");
    }
}

#[test]
fn tags_and_a_source_identity_need_permission_of_their_own() {
    let rig = Rig::new();
    let user = role_and_user(&rig, "Plain", ASSUME);
    make_role(&rig, "Full", &trusts(json!({"AWS": user.principal.to_string()}), ALL));
    let tags = json!({"Tags": [{"Key": "team", "Value": "red"}]});
    let source = json!({"SourceIdentity": "alice@example.com"});
    for (more, action) in [(&tags, "sts:TagSession"), (&source, "sts:SetSourceIdentity")] {
        let text = denied(&user, action, "Plain");
        refuses(&rig, &user, "AssumeRole", &asking("Plain", more.clone()), "AccessDeniedException", &text);
    }
    let answer = assume(&rig, &user, "Full", tags);
    assert_eq!(answer["PackedPolicySize"], json!(1));
    let tagged = session(&rig, &answer);
    assert_eq!(tagged.session.unwrap().tags, [("team".to_owned(), "red".to_owned())]);
    let answer = assume(&rig, &user, "Full", source);
    assert_eq!(answer["SourceIdentity"], "alice@example.com");
}

#[test]
fn session_tags_are_tags_of_the_principal() {
    let rig = Rig::new();
    let user = rig.user_of(ACCOUNT, "Alice");
    make_role(&rig, "R", &trusts(json!({"AWS": user.principal.to_string()}), ALL));
    rig.iam("TagRole", json!({"RoleName": "R", "Tags": [{"Key": "team", "Value": "blue"}]}));
    let policy = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:CreateKey",
        "Resource": "*", "Condition": {"StringEquals": {"aws:PrincipalTag/team": "red"}}}]});
    rig.iam(
        "PutRolePolicy",
        json!({"RoleName": "R", "PolicyName": "p", "PolicyDocument": policy.to_string()}),
    );
    let tags = json!({"Tags": [{"Key": "Team", "Value": "red"}]});
    for (more, allowed) in [(tags, true), (json!({}), false)] {
        let session = session(&rig, &assume(&rig, &user, "R", more));
        assert_eq!(rig.try_as(&session, "CreateKey", &json!({})).is_ok(), allowed);
    }
}

#[test]
fn a_chain_hands_on_transitive_tags_and_the_source_identity_and_lasts_an_hour() {
    let rig = Rig::new();
    let user = role_and_user(&rig, "First", ALL);
    make_role(&rig, "Second", &trusts(json!({"AWS": role_arn("First")}), ALL));
    make_role(&rig, "Bare", &trusts(json!({"AWS": role_arn("First")}), ASSUME));
    let more = json!({
        "Tags": [{"Key": "team", "Value": "red"}, {"Key": "job", "Value": "7"}],
        "TransitiveTagKeys": ["team"], "SourceIdentity": "alice",
    });
    let first = session(&rig, &assume(&rig, &user, "First", more));
    let answer = assume(&rig, &first, "Second", json!({}));
    assert_eq!(answer["SourceIdentity"], "alice");
    let second = session(&rig, &answer).session.unwrap();
    assert_eq!(second.tags, [("team".to_owned(), "red".to_owned())]);
    assert_eq!(second.transitive_tags, ["team"]);
    // What is handed on needs permission as if it were asked for.
    let text = denied(&first, "sts:TagSession", "Bare");
    refuses(&rig, &first, "AssumeRole", &asking("Bare", json!({})), "AccessDeniedException", &text);
    for (more, code) in [
        (json!({"Tags": [{"Key": "TEAM", "Value": "blue"}]}), "ValidationError"),
        (json!({"SourceIdentity": "mallory"}), "AccessDeniedException"),
        (json!({"DurationSeconds": 3601}), "ValidationError"),
    ] {
        let error = try_sts(&rig, &first, "AssumeRole", &asking("Second", more.clone())).unwrap_err();
        assert_eq!(error.code, code, "{more}");
    }
    assert!(
        try_sts(&rig, &first, "AssumeRole", &asking("Second", json!({"SourceIdentity": "alice"}))).is_ok()
    );
}

#[test]
fn a_session_lasts_as_long_as_its_role_allows_and_not_a_second_longer() {
    let rig = Rig::new();
    let user = role_and_user(&rig, "R", ASSUME);
    let text = "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.";
    let long = asking("R", json!({"DurationSeconds": 7200}));
    refuses(&rig, &user, "AssumeRole", &long, "ValidationError", text);
    rig.iam("UpdateRole", json!({"RoleName": "R", "MaxSessionDuration": 7200}));
    let answer = sts(&rig, &user, "AssumeRole", long);
    rig.pass_millis(7_199_999);
    assert!(try_session(&rig, &answer).is_some());
    rig.pass_millis(1);
    assert!(try_session(&rig, &answer).is_none());
}

#[test]
fn session_policies_limit_and_managed_ones_count_as_they_are_now() {
    let rig = Rig::new();
    let user = role_and_user(&rig, "R", ASSUME);
    let allow = |action: &str| {
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": action, "Resource": "*"}]}).to_string()
    };
    let made =
        rig.iam("CreatePolicy", json!({"PolicyName": "P", "PolicyDocument": allow("kms:GenerateRandom")}));
    let arn = text(&made, "/Policy/Arn");
    let more = json!({"Policy": allow("kms:CreateKey"), "PolicyArns": [{"arn": arn}]});
    let answer = assume(&rig, &user, "R", more);
    assert!(answer["PackedPolicySize"].as_u64().unwrap() > 1);
    let may = |operation: &str, body: Value| {
        let session = session(&rig, &answer);
        rig.try_as(&session, operation, &body).is_ok()
    };
    assert!(may("CreateKey", json!({})) && may("GenerateRandom", json!({"NumberOfBytes": 1})));
    assert!(!may("ListKeys", json!({})));
    let changed = json!({"PolicyArn": arn, "PolicyDocument": allow("kms:ListKeys"), "SetAsDefault": true});
    rig.iam("CreatePolicyVersion", changed);
    assert!(may("ListKeys", json!({})) && !may("GenerateRandom", json!({"NumberOfBytes": 1})));
    rig.iam("DeletePolicyVersion", json!({"PolicyArn": arn, "VersionId": "v1"}));
    rig.iam("DeletePolicy", json!({"PolicyArn": arn}));
    assert!(may("CreateKey", json!({})) && !may("ListKeys", json!({})));
}

#[test]
fn session_policies_of_a_wrong_form_are_refused() {
    let rig = Rig::new();
    let user = role_and_user(&rig, "R", ASSUME);
    let long = format!("{{\"Version\":\"{}\"}}", "x".repeat(2048));
    let many: Vec<_> = (0..11).map(|_| json!({"arn": "arn:aws:iam::aws:policy/IAMFullAccess"})).collect();
    let foreign = format!("arn:aws:iam::{ELSEWHERE}:policy/P");
    for (more, code) in [
        (json!({"Policy": "{"}), "MalformedPolicyDocument"),
        (json!({"Policy": long}), "ValidationException"),
        (json!({"PolicyArns": many}), "ValidationException"),
        (json!({"PolicyArns": [{"arn": foreign}]}), "ValidationError"),
        (json!({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/NoSuchPolicy"}]}), "ValidationError"),
    ] {
        let error = try_sts(&rig, &user, "AssumeRole", &asking("R", more.clone())).unwrap_err();
        assert_eq!(error.code, code, "{more}: {error:?}");
    }
    assume(&rig, &user, "R", json!({"PolicyArns": [{"arn": "arn:aws:iam::aws:policy/IAMFullAccess"}]}));
}

#[test]
fn a_session_ends_with_its_role_and_no_namesake_revives_it() {
    let rig = Rig::new();
    let user = role_and_user(&rig, "R", ASSUME);
    let answer = assume(&rig, &user, "R", json!({}));
    assert!(try_session(&rig, &answer).is_some());
    rig.iam("DeleteRolePolicy", json!({"RoleName": "R", "PolicyName": "all"}));
    rig.iam("DeleteRole", json!({"RoleName": "R"}));
    assert!(try_session(&rig, &answer).is_none());
    role_and_user(&rig, "R", ASSUME);
    assert!(try_session(&rig, &answer).is_none());
}

#[test]
fn a_session_of_a_user_ends_with_the_user() {
    let rig = Rig::new();
    let user = rig.user_of(ACCOUNT, "Alice");
    let answer = sts(&rig, &user, "GetSessionToken", json!({"DurationSeconds": 900}));
    assert_eq!(session(&rig, &answer).principal, user.principal);
    rig.iam("DeleteUser", json!({"UserName": "Alice"}));
    assert!(try_session(&rig, &answer).is_none());
    rig.user_of(ACCOUNT, "Alice");
    assert!(try_session(&rig, &answer).is_none());
}

#[test]
fn session_tokens_of_users_and_root_users_beget_no_others() {
    let rig = Rig::new();
    for (caller, expires) in
        [(rig.user_of(ACCOUNT, "Alice"), "2026-01-01T12:00:00Z"), (root(), "2026-01-01T01:00:00Z")]
    {
        let answer = sts(&rig, &caller, "GetSessionToken", json!({}));
        assert_eq!(text(&answer, "/Credentials/Expiration"), expires);
        let session = session(&rig, &answer);
        assert_eq!(session.principal, caller.principal);
        let text = "Cannot call GetSessionToken with session credentials";
        refuses(&rig, &session, "GetSessionToken", &json!({}), "AccessDeniedException", text);
    }
    let error = try_sts(&rig, &root(), "GetSessionToken", &json!({"DurationSeconds": 899})).unwrap_err();
    assert_eq!(error.code, "ValidationException");
}

#[test]
fn the_time_of_issue_is_known_to_policies() {
    let rig = Rig::new();
    let user = role_and_user(&rig, "R", ASSUME);
    let early = assume(&rig, &user, "R", json!({}));
    rig.pass_millis(60_000);
    let late = assume(&rig, &user, "R", json!({}));
    // What AWS's console does to revoke sessions.
    let revoke = json!({"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Action": "*", "Resource": "*",
        "Condition": {"DateLessThan": {"aws:TokenIssueTime": "2026-01-01T00:00:30Z"}}}]});
    rig.iam(
        "PutRolePolicy",
        json!({"RoleName": "R", "PolicyName": "revoke", "PolicyDocument": revoke.to_string()}),
    );
    for (answer, allowed) in [(early, false), (late, true)] {
        let session = session(&rig, &answer);
        assert_eq!(rig.try_as(&session, "ListKeys", &json!({})).is_ok(), allowed);
    }
}

#[test]
fn sessions_survive_a_restart() {
    let rig = Rig::new();
    let user = role_and_user(&rig, "R", ASSUME);
    let answer = assume(&rig, &user, "R", json!({}));
    let restarted = rig.restarted();
    assert!(try_session(&restarted, &answer).is_some());
}

#[test]
fn a_role_that_is_a_service_acts_as_it_unless_its_session_is_limited() {
    let rig = Rig::new();
    let user = role_and_user(&rig, "R", ASSUME);
    let service = format!("s3.{REGION}.amazonaws.com");
    rig.operate("RegisterService", json!({"ServiceName": service, "AccountId": ACCOUNT, "RoleName": "R"}));
    let answer = assume(&rig, &user, "R", json!({}));
    assert_eq!(session(&rig, &answer).principal.to_string(), service);
    let policy =
        json!({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "*", "Resource": "*"}]});
    let limited = assume(&rig, &user, "R", json!({"Policy": policy.to_string()}));
    assert!(matches!(session(&rig, &limited).principal, Principal::Session(_)));
    rig.operate("UnregisterService", json!({"ServiceName": service}));
    assert!(matches!(session(&rig, &answer).principal, Principal::Session(_)));
}

#[test]
fn an_access_key_tells_its_account() {
    let rig = Rig::new();
    let user = rig.user_of(ACCOUNT, "Alice");
    let made = rig.iam("CreateAccessKey", json!({"UserName": "Alice"}));
    let id = text(&made, "/AccessKey/AccessKeyId");
    let stranger = allows_user(&rig, ELSEWHERE, "sts:GetAccessKeyInfo");
    assert_eq!(
        sts(&rig, &stranger, "GetAccessKeyInfo", json!({"AccessKeyId": id})),
        json!({"Account": ACCOUNT})
    );
    assert_eq!(
        try_sts(&rig, &user, "GetAccessKeyInfo", &json!({"AccessKeyId": id})).unwrap_err().code,
        "AccessDeniedException"
    );
    let unknown = "AKIAAAAAAAAAAAAAAAAA";
    let text = format!("The access key {unknown} is not known.");
    refuses(&rig, &stranger, "GetAccessKeyInfo", &json!({"AccessKeyId": unknown}), "ValidationError", &text);
}
