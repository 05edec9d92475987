//! A service in memory with keys of every usage and state, what they made, and the verdict on an answer.

use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use keyreeve_crypto::keyring::Keyring;
use keyreeve_model::error::{Blame, KmsError};
use keyreeve_model::region::{AccountId, Region};
use keyreeve_model::timestamp::Timestamp;
use keyreeve_service::caller::{Caller, Principal};
use keyreeve_service::catalogue::{Api, Effect, Row, find};
use keyreeve_service::clock::Clock;
use keyreeve_service::{Service, ServiceParts};
use keyreeve_store::MemoryStore;
use serde_json::{Value, json};
use tokio::runtime::{Builder, Runtime};
use uuid::Uuid;

use crate::json::Pool;
use crate::{identities, imports, trails};

#[derive(Debug)]
struct StoppedClock;

impl Clock for StoppedClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000)
    }
}

pub(crate) struct Rig {
    service: Service,
    runtime: Runtime,
    /// Keys that every tape finds enabled, or in the state in which they were made.
    usable: Vec<String>,
    /// A key that every tape finds waiting for its deletion.
    doomed: String,
    pub(crate) pool: Pool,
}

/// Answers that say that the server failed.
const SERVER_FAULTS: &[&str] =
    &["KMSInternalException", "DependencyTimeoutException", "KeyUnavailableException"];
const USABLE: &[(&str, &str)] = &[
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"),
    ("RSA_2048", "ENCRYPT_DECRYPT"),
    ("RSA_2048", "SIGN_VERIFY"),
    ("ECC_NIST_P256", "SIGN_VERIFY"),
    ("ECC_NIST_P256", "KEY_AGREEMENT"),
    ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY"),
    ("ML_DSA_44", "SIGN_VERIFY"),
    ("ML_KEM_512", "ENCAPSULATE_DECAPSULATE"),
    ("HMAC_256", "GENERATE_VERIFY_MAC"),
];
/// Members of the examples whose values are worth sending elsewhere.
const BLOBS: &[&str] =
    &["CiphertextBlob", "Signature", "Mac", "PublicKey", "SharedSecretCiphertextBlob", "Message"];
const ALIAS: &str = "alias/fuzz";
const OTHER_ALIAS: &str = "alias/other";
const NEW_ALIAS: &str = "alias/new";
/// Operations after which the rig is not as the next tape expects it.
const UNDOING: &[&str] =
    &["CancelKeyDeletion", "CreateAlias", "DeleteAlias", "DisableKey", "ScheduleKeyDeletion", "UpdateAlias"];

impl Rig {
    pub(crate) fn new() -> Self {
        let keyring = Keyring::generate(StoppedClock.now()).unwrap();
        let audit = Arc::new(keyreeve_audit::Journal::ephemeral().unwrap());
        let parts = ServiceParts {
            store: Arc::new(MemoryStore::new()),
            keyring,
            clock: Arc::new(StoppedClock),
            audit,
        };
        let runtime = Builder::new_current_thread().enable_time().build().unwrap();
        let mut rig = Self {
            service: Service::new(parts),
            runtime,
            usable: Vec::new(),
            doomed: String::new(),
            pool: Pool::default(),
        };
        rig.usable =
            USABLE.iter().map(|(spec, usage)| rig.key(json!({"KeySpec": spec, "KeyUsage": usage}))).collect();
        rig.usable.push(rig.key(json!({"MultiRegion": true})));
        rig.doomed = rig.key(json!({}));
        rig.mend();
        rig.mend_identities();
        rig.service.trails().deliver_to(Arc::new(trails::EveryBucket));
        rig.mend_trails();
        rig.pool = rig.fill();
        rig
    }

    fn fill(&self) -> Pool {
        let disabled = self.key(json!({}));
        self.ok("DisableKey", json!({"KeyId": disabled}));
        let empty = self.key(json!({"Origin": "EXTERNAL"}));
        let mut keys = self.usable.clone();
        let ids = self.usable.iter().map(|arn| arn.rsplit_once('/').unwrap().1.to_owned());
        keys.extend(ids.collect::<Vec<_>>());
        keys.extend([disabled, self.doomed.clone(), empty.clone()]);
        let arn = |resource: &str| format!("arn:aws:kms:eu-central-1:{resource}");
        keys.extend([
            ALIAS.to_owned(),
            arn("111122223333:alias/fuzz"),
            arn("444455556666:alias/fuzz"),
            "alias/aws/s3".to_owned(),
            arn("444455556666:key/1234abcd-12ab-34cd-56ef-1234567890ab"),
            "arn:aws:kms:us-east-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab".to_owned(),
            "mrk-1234abcd12ab34cd56ef1234567890ab".to_owned(),
        ]);
        let aliases =
            [ALIAS, OTHER_ALIAS, "alias/aws/s3", NEW_ALIAS, "alias/a:b"].map(str::to_owned).to_vec();
        let mut examples = self.examples();
        examples.extend(imports::examples(&self.keyring(), &empty));
        let blobs =
            examples.iter().flat_map(|(_, body)| BLOBS.iter().filter_map(|name| body.get(name)?.as_str()));
        let blobs = blobs.map(|text| STANDARD.decode(text).unwrap()).collect();
        Pool { keys, aliases, markers: self.markers(), policies: policies(), blobs, examples }
    }

    /// What tokens are sealed with.
    pub(crate) fn keyring(&self) -> Arc<Keyring> {
        self.service.records().keyring()
    }

    /// A key that waits for its material.
    pub(crate) fn external(&self) -> String {
        self.key(json!({"Origin": "EXTERNAL"}))
    }

    fn markers(&self) -> Vec<String> {
        ["ListKeys", "ListAliases"]
            .map(|operation| text(&self.ok(operation, json!({"Limit": 1})), "/NextMarker"))
            .to_vec()
    }

    /// Bodies that are answered, for the operations that take what another made.
    fn examples(&self) -> Vec<(&'static str, Value)> {
        let [symmetric, rsa, _, signer, agreement, edwards, ml_dsa, kem, hmac, other] =
            self.usable.as_slice()
        else {
            panic!("the keys of the rig changed")
        };
        let message = STANDARD.encode("message");
        let sign = |key: &str, algorithm: &str| json!({"KeyId": key, "Message": message, "SigningAlgorithm": algorithm});
        let mac = json!({"KeyId": hmac, "Message": message, "MacAlgorithm": "HMAC_SHA_256"});
        let kem = json!({"KeyId": kem, "EncapsulationAlgorithm": "ML_KEM"});
        let context = json!({"KeyId": symmetric, "EncryptionContext": {"a": "a"}, "Plaintext": message});
        let oaep = json!({"KeyId": rsa, "EncryptionAlgorithm": "RSAES_OAEP_SHA_256", "Plaintext": message});
        let peer = json!({"KeyId": agreement, "KeyAgreementAlgorithm": "ECDH"});
        let with = |body: &Value, name: &str, maker: &str, made: &str| {
            let (mut body, answer) = (body.clone(), self.ok(maker, body.clone()));
            body[name] = answer[made].clone();
            body
        };
        let mut decrypt = vec![
            with(
                &json!({"KeyId": symmetric, "Plaintext": message}),
                "CiphertextBlob",
                "Encrypt",
                "CiphertextBlob",
            ),
            with(&context, "CiphertextBlob", "Encrypt", "CiphertextBlob"),
            with(&oaep, "CiphertextBlob", "Encrypt", "CiphertextBlob"),
        ];
        decrypt.iter_mut().for_each(|body| drop(body.as_object_mut().unwrap().remove("Plaintext")));
        let re_encrypt = json!({"CiphertextBlob": decrypt[0]["CiphertextBlob"], "DestinationKeyId": other});
        let signed = [
            sign(signer, "ECDSA_SHA_256"),
            sign(edwards, "ED25519_SHA_512"),
            sign(ml_dsa, "ML_DSA_SHAKE_256"),
        ];
        let mut agree = peer;
        agree["PublicKey"] = self.ok("GetPublicKey", json!({"KeyId": agreement}))["PublicKey"].clone();
        let mut examples = vec![
            ("ReEncrypt", re_encrypt),
            ("GenerateMac", mac.clone()),
            ("VerifyMac", with(&mac, "Mac", "GenerateMac", "Mac")),
            ("Encapsulate", kem.clone()),
            (
                "Decapsulate",
                with(&kem, "SharedSecretCiphertextBlob", "Encapsulate", "SharedSecretCiphertextBlob"),
            ),
            ("DeriveSharedSecret", agree),
            ("Encrypt", context),
            ("Encrypt", oaep),
            ("ReplicateKey", json!({"KeyId": other, "ReplicaRegion": "eu-west-1"})),
            // Where it is.
            ("UpdatePrimaryRegion", json!({"KeyId": other, "PrimaryRegion": "eu-central-1"})),
        ];
        examples.extend(self.grants(symmetric));
        let keys = [(); 2].map(|()| {
            let made = self.ok_of(Api::Iam, "CreateAccessKey", &json!({"UserName": "alice"}));
            text(&made, "/AccessKey/AccessKeyId")
        });
        examples.extend(identities::examples(&keys));
        examples.extend(trails::examples());
        examples.extend(decrypt.into_iter().map(|body| ("Decrypt", body)));
        for body in signed {
            examples.push(("Verify", with(&body, "Signature", "Sign", "Signature")));
            examples.push(("Sign", body));
        }
        examples
    }

    /// Grants, and how to do away with them: several, as a tape that succeeds leaves one fewer.
    fn grants(&self, key: &str) -> Vec<(&'static str, Value)> {
        let root = "arn:aws:iam::111122223333:root";
        let make = json!({"KeyId": key, "GranteePrincipal": root, "Operations": ["Decrypt", "CreateGrant"],
                          "RetiringPrincipal": root, "Constraints": {"EncryptionContextSubset": {"a": "a"}}});
        let mut examples =
            vec![("CreateGrant", make.clone()), ("ListRetirableGrants", json!({"RetiringPrincipal": root}))];
        for _ in 0..4 {
            let made = ["Retire", "Revoke", "Token"].map(|_| self.ok("CreateGrant", make.clone()));
            let of = |answer: &Value| json!({"KeyId": key, "GrantId": answer["GrantId"]});
            examples.push(("RetireGrant", of(&made[0])));
            examples.push(("RevokeGrant", of(&made[1])));
            examples.push(("RetireGrant", json!({"GrantToken": made[2]["GrantToken"]})));
            examples.push(("ListGrants", of(&made[0])));
        }
        examples
    }

    /// Sends a body, and holds that the server did not fail and that an answer is JSON or nothing. Whether it answered.
    pub(crate) fn send(&self, row: &'static Row, body: &[u8]) -> bool {
        let shown = String::from_utf8_lossy(body);
        match self.call(row, body) {
            Ok(answer) if answer.is_empty() => {}
            Ok(answer) => drop(serde_json::from_slice::<Value>(&answer).unwrap()),
            Err(error) => {
                let wire = error.wire();
                let server = wire.blame == Blame::Server || SERVER_FAULTS.contains(&wire.code);
                assert!(!server, "{} {shown}: {error:?}", row.name);
                return false;
            }
        }
        if UNDOING.contains(&row.name) {
            self.mend();
        }
        if row.api == Api::Iam && row.effect == Effect::Changes {
            self.mend_identities();
        }
        if row.api == Api::CloudTrail && row.effect == Effect::Changes {
            self.mend_trails();
        }
        true
    }

    /// Makes again what is missing.
    fn mend_identities(&self) {
        for (operation, body) in identities::making() {
            drop(self.call(find(Api::Iam, operation).unwrap(), body.to_string().as_bytes()));
        }
    }

    /// Leaves the one trail, not logging.
    fn mend_trails(&self) {
        let known = self.runtime.block_on(self.service.trails().all()).unwrap();
        for other in known.iter().filter(|trail| trail.id.name != trails::THERE || trail.run.is_some()) {
            self.ok_of(Api::CloudTrail, "DeleteTrail", &json!({"Name": other.id.name}));
        }
        let (operation, body) = trails::making();
        drop(self.call(find(Api::CloudTrail, operation).unwrap(), body.to_string().as_bytes()));
    }

    /// Brings the usable keys and their aliases back, and the doomed key and the new alias away.
    fn mend(&self) {
        let doomed = json!({"KeyId": self.doomed}).to_string();
        drop(self.call(kms("ScheduleKeyDeletion"), doomed.as_bytes()));
        drop(self.call(kms("DeleteAlias"), json!({"AliasName": NEW_ALIAS}).to_string().as_bytes()));
        for key in &self.usable {
            let body = json!({"KeyId": key}).to_string();
            drop(self.call(kms("CancelKeyDeletion"), body.as_bytes()));
            drop(self.call(kms("EnableKey"), body.as_bytes()));
        }
        for name in [ALIAS, OTHER_ALIAS] {
            let body = json!({"AliasName": name, "TargetKeyId": self.usable[0]}).to_string();
            drop(self.call(kms("CreateAlias"), body.as_bytes()));
            drop(self.call(kms("UpdateAlias"), body.as_bytes()));
        }
    }

    fn call(&self, row: &'static Row, body: &[u8]) -> Result<Vec<u8>, KmsError> {
        let principal = match row.api {
            Api::Kms | Api::Sts | Api::Iam | Api::CloudTrail => {
                Principal::Root(AccountId::parse(identities::ACCOUNT).unwrap())
            }
            Api::Operator => Principal::Operator(0),
        };
        let region = Region::parse("eu-central-1").unwrap();
        // Root users assume no roles.
        let alice = self.runtime.block_on(self.service.identity().principal_of(identities::ALICE)).unwrap();
        let principal = match alice {
            Some((alice, _)) if row.name == "AssumeRole" => alice,
            Some(_) | None => principal,
        };
        let caller = Caller::bare(principal, region, Uuid::from_u128(1));
        self.runtime.block_on(self.service.call(&caller, row, body))
    }

    fn ok(&self, operation: &str, body: Value) -> Value {
        self.ok_of(Api::Kms, operation, &body)
    }

    fn ok_of(&self, api: Api, operation: &str, body: &Value) -> Value {
        let answer = self.call(find(api, operation).unwrap(), body.to_string().as_bytes());
        let answer = answer.unwrap_or_else(|error| panic!("{operation} {body}: {error:?}"));
        if answer.is_empty() { Value::Null } else { serde_json::from_slice(&answer).unwrap() }
    }

    fn key(&self, body: Value) -> String {
        text(&self.ok("CreateKey", body), "/KeyMetadata/Arn")
    }
}

fn kms(operation: &str) -> &'static Row {
    find(Api::Kms, operation).unwrap()
}

fn text(answer: &Value, pointer: &str) -> String {
    answer
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("{pointer} in {answer}"))
        .to_owned()
}

fn policies() -> Vec<String> {
    let owner = AccountId::parse(identities::ACCOUNT).unwrap();
    let default = keyreeve_policy::default_key_policy("aws", owner);
    vec![
        default,
        json!({"Statement": {"Effect": "Deny", "Principal": "*", "Action": "kms:*", "Resource": "*"}})
            .to_string(),
    ]
}
