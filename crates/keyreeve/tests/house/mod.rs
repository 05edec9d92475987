//! A deployment in a folder: opened in this process for fixtures and checks, and served by the binary in between.

use std::cell::RefCell;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::keyring::Purpose;
use keyreeve_model::error::KmsError;
use keyreeve_model::region::{AccountId, Region};
use keyreeve_policy::principal::Principal;
use keyreeve_server::clock::SystemClock;
use keyreeve_server::deployment::{Deployment, Folder, Mode, Secret, Unsealing};
use keyreeve_service::Service;
use keyreeve_service::caller::Caller;
use keyreeve_service::catalogue::{Api, find};
use keyreeve_service::clock::Clock;
use serde_json::{Value, json};

/// What must still be true after whatever happened.
#[derive(Debug, Clone)]
pub(crate) enum Fixture {
    Ciphertext { key: String, blob: String, plaintext: String },
    Mac { key: String, mac: String },
    Signature { key: String, signature: String },
    Alias { name: String, key: String },
}

pub(crate) struct House {
    pub(crate) deployment: Deployment,
    runtime: tokio::runtime::Runtime,
}

/// Opens the `dev` deployment of a folder, or makes it.
pub(crate) fn open(folder: &Path) -> House {
    open_by(folder, Secret::KeyFile(None), Arc::new(SystemClock))
}

/// As [`open`], unsealed by this and with this clock.
pub(crate) fn open_by(folder: &Path, secret: Secret, clock: Arc<dyn Clock>) -> House {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let unsealing = Unsealing::or_create(secret);
    let folder = Folder::new(folder.to_owned());
    let opened = Deployment::open(&folder, Mode::Dev, &unsealing, clock);
    let deployment = runtime.block_on(opened).unwrap();
    House { deployment, runtime }
}

pub(crate) async fn kms(service: &Service, operation: &str, input: Value) -> Result<Value, KmsError> {
    let caller = Caller::bare(
        Principal::Root(AccountId::ZERO),
        Region::parse("us-east-1").unwrap(),
        uuid::Uuid::nil(),
    );
    let row = find(Api::Kms, operation).unwrap();
    let answer = service.call(&caller, row, input.to_string().as_bytes()).await?;
    Ok(if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() })
}

fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap().to_owned()
}

/// A symmetric key with an alias and a ciphertext; every fourth time an HMAC key and a key pair too.
pub(crate) async fn furnish(service: &Service, number: usize) -> Result<Vec<Fixture>, KmsError> {
    let create = |spec: &str, usage: &str| json!({"KeySpec": spec, "KeyUsage": usage});
    let id = |created: &Value| text(&created["KeyMetadata"], "KeyId");
    let key = id(&kms(service, "CreateKey", create("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT")).await?);
    let plaintext = STANDARD.encode(format!("plaintext {number}"));
    let sealed = kms(service, "Encrypt", json!({"KeyId": key, "Plaintext": plaintext})).await?;
    let name = format!("alias/fixture-{key}");
    kms(service, "CreateAlias", json!({"AliasName": name, "TargetKeyId": key})).await?;
    let mut fixtures = vec![
        Fixture::Ciphertext { key: key.clone(), blob: text(&sealed, "CiphertextBlob"), plaintext },
        Fixture::Alias { name, key },
    ];
    if number.is_multiple_of(4) {
        let key = id(&kms(service, "CreateKey", create("HMAC_256", "GENERATE_VERIFY_MAC")).await?);
        let input = json!({"KeyId": key, "Message": "bWVzc2FnZQ==", "MacAlgorithm": "HMAC_SHA_256"});
        let mac = text(&kms(service, "GenerateMac", input).await?, "Mac");
        fixtures.push(Fixture::Mac { key, mac });
        let key = id(&kms(service, "CreateKey", create("ECC_NIST_P256", "SIGN_VERIFY")).await?);
        let input = json!({"KeyId": key, "Message": "bWVzc2FnZQ==", "SigningAlgorithm": "ECDSA_SHA_256"});
        let signature = text(&kms(service, "Sign", input).await?, "Signature");
        fixtures.push(Fixture::Signature { key, signature });
    }
    Ok(fixtures)
}

pub(crate) async fn check(service: &Service, fixtures: &[Fixture]) {
    for fixture in fixtures {
        match fixture {
            Fixture::Ciphertext { key, blob, plaintext } => {
                let opened = kms(service, "Decrypt", json!({"CiphertextBlob": blob})).await;
                let opened = opened.unwrap_or_else(|error| panic!("{key}: {error}"));
                assert_eq!(text(&opened, "Plaintext"), *plaintext, "{key}");
            }
            Fixture::Mac { key, mac } => {
                let input = json!({"KeyId": key, "Message": "bWVzc2FnZQ==", "MacAlgorithm": "HMAC_SHA_256", "Mac": mac});
                assert_eq!(kms(service, "VerifyMac", input).await.unwrap()["MacValid"], true, "{key}");
            }
            Fixture::Signature { key, signature } => {
                let input = json!({"KeyId": key, "Message": "bWVzc2FnZQ==", "SigningAlgorithm": "ECDSA_SHA_256", "Signature": signature});
                assert_eq!(kms(service, "Verify", input).await.unwrap()["SignatureValid"], true, "{key}");
                let input =
                    json!({"KeyId": key, "Message": "bWVzc2FnZQ==", "SigningAlgorithm": "ECDSA_SHA_256"});
                assert!(kms(service, "Sign", input).await.is_ok(), "{key}");
            }
            Fixture::Alias { name, key } => {
                let described = kms(service, "DescribeKey", json!({"KeyId": name})).await.unwrap();
                assert_eq!(text(&described["KeyMetadata"], "KeyId"), *key);
            }
        }
    }
}

impl House {
    pub(crate) fn service(&self) -> &Service {
        &self.deployment.service
    }

    pub(crate) fn block_on<T>(&self, future: impl Future<Output = T>) -> T {
        self.runtime.block_on(future)
    }

    pub(crate) fn furnish(&self, count: usize) -> Vec<Fixture> {
        self.block_on(async {
            let mut all = Vec::new();
            for number in 0..count {
                all.extend(furnish(self.service(), number).await.unwrap());
            }
            all
        })
    }

    pub(crate) fn check(&self, fixtures: &[Fixture]) {
        self.block_on(check(self.service(), fixtures));
    }

    /// Polls the background work until a future is done, as serving does.
    pub(crate) fn tended<T>(&self, future: impl Future<Output = T>) -> T {
        self.block_on(async {
            // A deadline, not a wait.
            let future = tokio::time::timeout(std::time::Duration::from_secs(300), future);
            tokio::select! {
                done = future => done.unwrap_or_else(|_| panic!("what is waited for never comes")),
                () = self.service().tend() => panic!("tending never ends"),
            }
        })
    }

    /// Lets the background work until only this epoch of the domain keys is left.
    pub(crate) fn tended_to_epoch(&self, epoch: u32) {
        self.tended(async {
            while self.domain_epochs() != [epoch] {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
        });
    }

    /// The epochs of the domain keys in the keyring.
    pub(crate) fn domain_epochs(&self) -> Vec<u32> {
        let keyring = self.service().records().keyring();
        keyring.epochs(Purpose::Domain).map(|epoch| epoch.number).collect()
    }

    /// The epochs of the record keys that the rows claim (bytes 4 to 8 of a sealed value), the keyring aside.
    pub(crate) fn record_epochs(&self) -> std::collections::BTreeSet<u32> {
        let store = self.service().records().store();
        let page = self.block_on(store.scan("", None, 1000)).unwrap();
        assert!(!page.more);
        let rows = page.rows.iter().filter(|(path, _)| path.as_str() != "keyring");
        rows.map(|(_, row)| u32::from_be_bytes(row.value[4..8].try_into().unwrap())).collect()
    }
}

/// A status that is polled until it is no longer `Running`.
pub(crate) async fn settled(deployment: &Deployment, operation: &str) -> Value {
    loop {
        let status = deployment.command(operation, &json!({})).await.unwrap();
        if status["State"] != "Running" {
            return status;
        }
        tokio::time::sleep(std::time::Duration::from_millis(5)).await;
    }
}

/// `keyreeve` with these arguments, to its end.
pub(crate) fn keyreeve(arguments: &[&str]) -> Output {
    command(arguments).output().unwrap()
}

/// Its standard output; it must succeed.
pub(crate) fn told(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).unwrap()
}

/// Its standard error; it must fail.
pub(crate) fn refusal(output: &Output) -> String {
    assert!(!output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    String::from_utf8(output.stderr.clone()).unwrap()
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_keyreeve"));
    command.args(arguments).env("RUST_LOG", "error").stdin(Stdio::null());
    for name in ["KEYREEVE_DATA", "KEYREEVE_CONFIG", "KEYREEVE_SEED", "KMS_REGION", "KMS_ACCOUNT_ID"] {
        command.env_remove(name);
    }
    command
}

/// A serving process, killed on drop.
pub(crate) struct Serving(RefCell<Child>);

/// `keyreeve dev` on a folder, once it answers.
pub(crate) fn dev(folder: &Path, more: &[&str]) -> Serving {
    let folder = folder.to_str().unwrap();
    start(&[&["dev", "--data", folder, "--port", "0"], more].concat())
}

/// `keyreeve serve`, once it answers.
pub(crate) fn serve(config: &str) -> Serving {
    start(&["serve", "--config", config])
}

/// Until its first line: it is printed once the server answers.
fn start(arguments: &[&str]) -> Serving {
    let mut child = command(arguments).stdout(Stdio::piped()).spawn().unwrap();
    let mut line = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut line).unwrap();
    assert!(!line.is_empty(), "it did not become ready");
    Serving(RefCell::new(child))
}

impl Serving {
    /// SIGKILL.
    pub(crate) fn kill(&self) {
        let mut child = self.0.borrow_mut();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.kill();
    }
}

pub(crate) fn path(folder: &tempfile::TempDir, name: &str) -> PathBuf {
    folder.path().join(name)
}
