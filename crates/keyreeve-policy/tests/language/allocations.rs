//! A decision by policies without conditions and variables allocates nothing, whoever asks and whatever comes out.

use keyreeve_model::region::AccountId;
use keyreeve_policy::context::NoContext;
use keyreeve_policy::default_key_policy;
use keyreeve_policy::evaluate::evaluate;
use keyreeve_policy::evidence::{Evidence, PolicyKind, Resource};
use keyreeve_policy::grant::GrantUse;
use keyreeve_policy::principal::Principal;

use crate::question::{KEY, ROLE, alice, named, own, session};

#[test]
fn a_decision_without_conditions_allocates_nothing() {
    let role = format!(
        r#"{{"Statement":[{{"Effect":"Allow","Principal":{{"AWS":["{ROLE}","AROAEXAMPLEWORKER001:x"]}},"Action":["kms:Enc*","kms:Sign"],"Resource":"*"}},
        {{"Effect":"Deny","NotPrincipal":{{"AWS":["{ROLE}","111122223333"]}},"NotAction":"kms:D*","Resource":"arn:aws:kms:*:*:key/*"}}]}}"#
    );
    let key_policies = [
        named(PolicyKind::KeyPolicy, &role),
        named(PolicyKind::KeyPolicy, &default_key_policy("aws", own())),
    ];
    let allow = r#"{"Statement":{"Effect":"Allow","Action":"kms:*","Resource":"arn:aws:kms:us-*:*:key/*"}}"#;
    let identity = [named(PolicyKind::Identity, allow)];
    let guards = [named(PolicyKind::Guard, allow)];
    let boundary = named(PolicyKind::Boundary, allow);
    let grant = GrantUse { id: "g", to_account: false, to_session: false };
    let (mut allowed, mut denied) = (0, 0);
    for caller in [alice(), session(), Principal::Root(own()), Principal::Root(AccountId::ZERO)] {
        for policy in &key_policies {
            for grant in [None, Some(&grant)] {
                for action in ["kms:Encrypt", "kms:Decrypt"] {
                    let evidence = Evidence {
                        principal: &caller,
                        action,
                        resource: Resource::Key { arn: KEY, owner: own(), policy },
                        context: &NoContext,
                        guards: &guards,
                        identity: &identity,
                        boundary: Some(&boundary),
                        sessions: None,
                        grant,
                        other_accounts: true,
                    };
                    let mut outcome = false;
                    let count = allocation_counter::measure(|| outcome = evaluate(&evidence).is_allow());
                    assert_eq!(count.count_total, 0, "{evidence:?}");
                    if outcome { allowed += 1 } else { denied += 1 }
                }
            }
        }
    }
    assert!(allowed > 0 && denied > 0, "{allowed} {denied}");
}
