//! A service to be called with JSON values. Every answer and every error is held against the model on the way.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_audit::Journal;
use keyreeve_crypto::keyring::Keyring;
use keyreeve_model::error::WireError;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::{DAY_MILLIS, Timestamp};
use keyreeve_policy::principal::Principal;
use keyreeve_service::caller::Caller;
use keyreeve_service::catalogue::{Api, find};
use keyreeve_service::clock::Clock;
use keyreeve_service::identity::Owner;
use keyreeve_service::premises::Premises;
use keyreeve_service::{Service, ServiceParts};
use keyreeve_store::{Commit, CommitId, MemoryStore, Revision, Store};
use serde_json::Value;
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::model;

pub(crate) const REGION: &str = "eu-central-1";
pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const OTHER_ACCOUNT: &str = "444455556666";
/// 2026-01-01T00:00:00Z.
pub(crate) const START_SECONDS: i64 = 1_767_225_600;

#[derive(Debug)]
pub(crate) struct TestClock(AtomicI64);

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) struct Rig {
    pub(crate) service: Arc<Service>,
    pub(crate) store: Arc<MemoryStore>,
    clock: Arc<TestClock>,
    runtime: Runtime,
}

pub(crate) fn runtime() -> Runtime {
    Builder::new_current_thread().enable_time().build().unwrap()
}

/// The root user of an account in a Region.
pub(crate) fn root_of(account: &str, region: &str) -> Caller {
    Caller::bare(
        Principal::Root(AccountId::parse(account).unwrap()),
        Region::parse(region).unwrap(),
        Uuid::from_u128(0x1234),
    )
}

pub(crate) fn root() -> Caller {
    root_of(ACCOUNT, REGION)
}

/// The root user of the other account.
pub(crate) fn stranger() -> Caller {
    root_of(OTHER_ACCOUNT, REGION)
}

/// Calls an operation of the KMS API, whatever thread and runtime this is.
pub(crate) async fn call_bytes(
    service: &Service,
    caller: &Caller,
    operation: &str,
    body: &[u8],
) -> Result<Value, WireError> {
    let row = find(Api::Kms, operation).unwrap();
    match service.call(caller, row, body).await {
        Ok(answer) => Ok(model::checked_answer(operation, &answer)),
        Err(error) => {
            let wire = error.wire();
            model::check_declared(operation, &wire);
            Err(wire)
        }
    }
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self::over(|store| store)
    }

    /// A service that reaches its store through something.
    pub(crate) fn over<S: Store>(through: impl FnOnce(Arc<MemoryStore>) -> Arc<S>) -> Self {
        let clock = Arc::new(TestClock(AtomicI64::new(START_SECONDS * 1000)));
        let store = Arc::new(MemoryStore::new());
        let keyring = Keyring::generate(clock.now()).unwrap();
        let audit = Arc::new(Journal::ephemeral().unwrap());
        let parts = ServiceParts { store: through(store.clone()), keyring, clock: clock.clone(), audit };
        Self { service: Arc::new(Service::new(parts)), store, clock, runtime: runtime() }
    }

    /// The same service in a deployment; `stored` is the commit that stored the keyring.
    pub(crate) fn at(self, premises: Arc<dyn Premises>, stored: Revision) -> Self {
        let service = Arc::try_unwrap(self.service).unwrap().at(premises, stored);
        Self { service: Arc::new(service), ..self }
    }

    /// The same store and keys in a process that has just started: no cache remembers anything.
    pub(crate) fn restarted(&self) -> Self {
        let keyring = Keyring::generate(self.clock.now()).unwrap();
        let (store, clock, audit) =
            (self.store.clone(), self.clock.clone(), Arc::clone(self.service.audit()));
        let parts = ServiceParts { store, keyring, clock, audit };
        let service = Arc::new(Service::new(parts));
        service.records().set_keyring(self.service.records().keyring());
        Self { service, store: self.store.clone(), clock: self.clock.clone(), runtime: runtime() }
    }

    /// The same store with another log, which is empty.
    pub(crate) fn with_new_log(&self) -> Self {
        let keyring = Keyring::generate(self.clock.now()).unwrap();
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let audit = Arc::new(Journal::ephemeral().unwrap());
        let service = Arc::new(Service::new(ServiceParts { store, keyring, clock, audit }));
        service.records().set_keyring(self.service.records().keyring());
        Self { service, store: self.store.clone(), clock: self.clock.clone(), runtime: runtime() }
    }

    /// The store as if there had never been a log.
    pub(crate) fn forget_audit(&self) {
        let rows = self.block_on(self.store.scan("audit/", None, 1000)).unwrap().rows;
        let commit = Commit::new(CommitId::new([9; 16]));
        let commit = rows.into_iter().fold(commit, |commit, (path, _)| commit.delete(path));
        self.block_on(self.store.commit(commit)).unwrap();
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn clock(&self) -> &TestClock {
        &self.clock
    }

    pub(crate) fn pass_days(&self, days: i64) {
        self.clock.0.fetch_add(days * DAY_MILLIS, Ordering::Relaxed);
    }

    pub(crate) fn pass_millis(&self, millis: i64) {
        self.clock.0.fetch_add(millis, Ordering::Relaxed);
    }

    pub(crate) fn try_bytes(
        &self,
        caller: &Caller,
        operation: &str,
        body: &[u8],
    ) -> Result<Value, WireError> {
        self.block_on(call_bytes(&self.service, caller, operation, body))
    }

    pub(crate) fn try_as(&self, caller: &Caller, operation: &str, body: &Value) -> Result<Value, WireError> {
        self.try_bytes(caller, operation, body.to_string().as_bytes())
    }

    /// The answer to the root user of the account.
    pub(crate) fn ok(&self, operation: &str, body: Value) -> Value {
        self.ok_as(&root(), operation, body)
    }

    pub(crate) fn ok_as(&self, caller: &Caller, operation: &str, body: Value) -> Value {
        let answer = self.try_as(caller, operation, &body);
        answer.unwrap_or_else(|error| panic!("{operation} {}: {error:?}", short(&body)))
    }

    /// Holds that the request is refused with this type and exactly this text ("" is no text at all).
    pub(crate) fn refuses(&self, operation: &str, body: Value, code: &str, message: &str) {
        self.refuses_as(&root(), operation, body, code, message);
    }

    pub(crate) fn refuses_as(
        &self,
        caller: &Caller,
        operation: &str,
        body: Value,
        code: &str,
        message: &str,
    ) {
        let answer = self.try_as(caller, operation, &body);
        let error = match answer {
            Ok(answer) => panic!("{operation} {}: {code} expected, not {}", short(&body), short(&answer)),
            Err(error) => error,
        };
        let text = error.message.unwrap_or_default();
        assert_eq!((error.code, text.as_str()), (code, message), "{operation} {}", short(&body));
    }

    /// Calls an operation of IAM; no answer is null.
    pub(crate) fn try_iam_as(
        &self,
        caller: &Caller,
        operation: &str,
        body: &Value,
    ) -> Result<Value, WireError> {
        self.try_api_as(caller, Api::Iam, operation, body)
    }

    /// Calls an operation of another API than KMS; no answer is null.
    pub(crate) fn try_api_as(
        &self,
        caller: &Caller,
        api: Api,
        operation: &str,
        body: &Value,
    ) -> Result<Value, WireError> {
        let row = find(api, operation).unwrap();
        let model = match api {
            Api::Iam => &*model::IAM_MODEL,
            Api::Sts => &*model::STS_MODEL,
            Api::CloudTrail => &*model::CLOUDTRAIL_MODEL,
            Api::Kms | Api::Operator => panic!("{operation} is called in another way"),
        };
        match self.block_on(self.service.call(caller, row, body.to_string().as_bytes())) {
            Ok(answer) => Ok(model::checked_answer_by(model, operation, &answer)),
            Err(error) => {
                let wire = error.wire();
                model::check_declared_by(model, operation, &wire);
                Err(wire)
            }
        }
    }

    /// The answer of IAM to the root user of the account.
    pub(crate) fn iam(&self, operation: &str, body: Value) -> Value {
        let answer = self.try_iam_as(&root(), operation, &body);
        answer.unwrap_or_else(|error| panic!("{operation} {}: {error:?}", short(&body)))
    }

    /// Holds that IAM refuses the root user with this code and exactly this text.
    pub(crate) fn iam_refuses(&self, operation: &str, body: Value, code: &str, message: &str) {
        let error = self.try_iam_as(&root(), operation, &body).expect_err(operation);
        let text = error.message.unwrap_or_default();
        assert_eq!((error.code, text.as_str()), (code, message), "{operation} {}", short(&body));
    }

    /// A user of the account, as it signs now.
    pub(crate) fn user(&self, name: &str) -> Caller {
        let user = self.iam("GetUser", serde_json::json!({"UserName": name}));
        let account = AccountId::parse(ACCOUNT).unwrap();
        let owner = Owner::User { account, name: name.to_owned(), id: text(&user, "/User/UserId") };
        let signer = self.block_on(self.service.identity().signer(&owner)).unwrap();
        let (principal, profile) = signer.unwrap();
        Caller { profile, ..Caller::bare(principal, Region::parse(REGION).unwrap(), Uuid::from_u128(0x1234)) }
    }

    /// Calls a command of an operator, who may.
    pub(crate) fn operate(&self, command: &str, body: Value) -> Value {
        let caller =
            Caller::bare(Principal::Operator(0), Region::parse(REGION).unwrap(), Uuid::from_u128(0x1234));
        let row = find(Api::Operator, command).unwrap();
        let answer = self.block_on(self.service.call(&caller, row, body.to_string().as_bytes())).unwrap();
        if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() }
    }

    /// The root user with what its account says of it now.
    pub(crate) fn root_user(&self, account: &str) -> Caller {
        let owner = Owner::Root(AccountId::parse(account).unwrap());
        let (principal, profile) = self.block_on(self.service.identity().signer(&owner)).unwrap().unwrap();
        Caller { profile, ..Caller::bare(principal, Region::parse(REGION).unwrap(), Uuid::from_u128(0x1234)) }
    }

    /// A user with what policies say of it now; it is made when it is not there.
    pub(crate) fn user_of(&self, account: &str, name: &str) -> Caller {
        let arn = format!("arn:aws:iam::{account}:user/{name}");
        let find = || self.block_on(self.service.identity().principal_of(&arn)).unwrap();
        let (principal, profile) = find().unwrap_or_else(|| {
            let made = self.try_iam_as(
                &self.root_user(account),
                "CreateUser",
                &serde_json::json!({"UserName": name}),
            );
            made.unwrap();
            find().unwrap()
        });
        Caller { profile, ..Caller::bare(principal, Region::parse(REGION).unwrap(), Uuid::from_u128(0x1234)) }
    }

    /// Puts the one inline policy of a user.
    pub(crate) fn user_policy(&self, account: &str, name: &str, document: &str) {
        let body = serde_json::json!({"UserName": name, "PolicyName": "p", "PolicyDocument": document});
        self.try_iam_as(&self.root_user(account), "PutUserPolicy", &body).unwrap();
    }

    /// Whether each of two operations of IAM succeeds for the root user when both are asked for at the same moment.
    pub(crate) fn both(&self, one: (&str, &Value), other: (&str, &Value)) -> (bool, bool) {
        let asked = |(operation, body): (&str, &Value)| {
            let (row, body) = (find(Api::Iam, operation).unwrap(), body.to_string());
            runtime().block_on(self.service.call(&root(), row, body.as_bytes())).is_ok()
        };
        std::thread::scope(|scope| {
            let one = scope.spawn(move || asked(one));
            let other = asked(other);
            (one.join().unwrap(), other)
        })
    }

    /// Creates a key and answers its ARN.
    pub(crate) fn key(&self, body: Value) -> String {
        text(&self.ok("CreateKey", body), "/KeyMetadata/Arn")
    }

    /// Creates a key of this spec and usage.
    pub(crate) fn key_of(&self, spec: &str, usage: &str) -> String {
        self.key(serde_json::json!({"KeySpec": spec, "KeyUsage": usage}))
    }

    pub(crate) fn state(&self, key: &str) -> String {
        text(&self.ok("DescribeKey", serde_json::json!({"KeyId": key})), "/KeyMetadata/KeyState")
    }
}

/// As much of a body as a reader wants to see of it.
fn short(value: &Value) -> String {
    value.to_string().chars().take(400).collect()
}

/// The text at a JSON pointer.
pub(crate) fn text(answer: &Value, pointer: &str) -> String {
    answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer} in {answer}"))
        .to_owned()
}

/// The bytes of a blob at a JSON pointer.
pub(crate) fn blob(answer: &Value, pointer: &str) -> Vec<u8> {
    STANDARD.decode(text(answer, pointer)).unwrap()
}

/// Bytes as a blob.
pub(crate) fn b64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// The bare id in a key ARN.
pub(crate) fn id_of(arn: &str) -> &str {
    arn.rsplit_once('/').unwrap().1
}
