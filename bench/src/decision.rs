//! What a decision costs: a key policy of three statements, beside one HMAC-SHA-256 of 32 bytes in the same process. Each
//! is measured in turn, many times; the least of the windows is what the machine can do undisturbed.

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::hmac;
use keyreeve_model::region::AccountId;
use keyreeve_policy::context::{MapContext, NoContext};
use keyreeve_policy::evaluate::evaluate;
use keyreeve_policy::evidence::{Evidence, NamedPolicy, PolicyKind, Resource};
use keyreeve_policy::policy::{Grammar, Policy};
use keyreeve_policy::principal::{Principal, User};

use crate::Failure;

const KEY: &str = "arn:aws:kms:eu-central-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab";
const ALICE: &str = "arn:aws:iam::111122223333:user/people/Alice";

/// Administrators may manage, a user may use, and nobody may schedule its deletion.
const THREE_STATEMENTS: &str = r#"{"Version": "2012-10-17", "Statement": [
  {"Sid": "admin", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:root"}, "Action": "kms:*", "Resource": "*"},
  {"Sid": "use", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::111122223333:user/people/Alice"},
   "Action": ["kms:Encrypt", "kms:Decrypt", "kms:ReEncrypt*", "kms:GenerateDataKey*", "kms:DescribeKey"], "Resource": "*"},
  {"Sid": "keep", "Effect": "Deny", "Principal": "*", "Action": "kms:ScheduleKeyDeletion", "Resource": "*"}]}"#;

/// The same, where the user's statement asks for a tenant in the encryption context.
fn with_condition() -> String {
    let condition = r#""Condition": {"StringEquals": {"kms:EncryptionContext:tenant": "blue"}}, "Action": ["kms:Encrypt""#;
    THREE_STATEMENTS.replace(r#""Action": ["kms:Encrypt""#, condition)
}

/// Windows of each measurement.
const WINDOWS: usize = 50;
/// Calls in a window.
const CALLS: u32 = 20_000;

/// Measures, and answers a table.
///
/// # Errors
/// When AWS-LC fails, or a decision is not what it must be.
pub(crate) fn run() -> Result<String, Failure> {
    let account = AccountId::parse("111122223333").ok_or("no account")?;
    let user = User { account, arn: ALICE.into(), name: "Alice".into(), id: "AIDAEXAMPLEALICE00001".into() };
    let principal = Principal::User(Arc::new(user));
    let (plain, conditional) = (key_policy(THREE_STATEMENTS)?, key_policy(&with_condition())?);
    let tenant = MapContext::new().with("kms:EncryptionContext:tenant", "blue");
    let mut evidence = Evidence {
        principal: &principal,
        action: "kms:Decrypt",
        resource: Resource::Key { arn: KEY, owner: account, policy: &plain },
        context: &NoContext,
        guards: &[],
        identity: &[],
        boundary: None,
        sessions: None,
        grant: None,
        other_accounts: true,
    };
    let key = hmac::Key::generate(hmac::HMAC_SHA256, &aws_lc_rs::rand::SystemRandom::new())?;
    let (mut mac, mut without, mut with) = (Duration::MAX, Duration::MAX, Duration::MAX);
    for _ in 0..WINDOWS {
        mac = mac.min(window(|| hmac::sign(&key, black_box(&[7; 32]))));
        without = without.min(window(|| evaluate(black_box(&evidence)).is_allow()));
        let asked = evidence;
        evidence.resource = Resource::Key { arn: KEY, owner: account, policy: &conditional };
        evidence.context = &tenant;
        with = with.min(window(|| evaluate(black_box(&evidence)).is_allow()));
        if !evaluate(&evidence).is_allow() {
            return Err("the policy under a condition does not allow what it must".into());
        }
        evidence = asked;
    }
    let mut text =
        String::from("one call, the least of 50 windows, and how many times an HMAC-SHA-256 of 32 bytes\n");
    for (name, time) in
        [("HMAC-SHA-256", mac), ("decision, three statements", without), ("the same under a condition", with)]
    {
        let ns = time.as_secs_f64() * 1e9 / f64::from(CALLS);
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name:<28} {ns:7.0} ns {:6.2}", time.as_secs_f64() / mac.as_secs_f64());
    }
    Ok(text.trim_end().to_owned())
}

fn key_policy(text: &str) -> Result<NamedPolicy, Failure> {
    let policy = Policy::parse(text, Grammar::KeyPolicy).map_err(|fault| fault.to_string())?;
    Ok(NamedPolicy { kind: PolicyKind::KeyPolicy, name: "key policy".into(), policy: Arc::new(policy) })
}

fn window<T>(mut call: impl FnMut() -> T) -> Duration {
    let begun = Instant::now();
    for _ in 0..CALLS {
        black_box(call());
    }
    begun.elapsed()
}
