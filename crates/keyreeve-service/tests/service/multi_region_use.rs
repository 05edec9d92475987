//! Multi-Region keys with all Regions in one process: what one Region makes with a key, every Region opens.

use serde_json::{Value, json};

use crate::multi_region_kit::{EAST, WEST, ok, settle};
use crate::rig::{ACCOUNT, REGION, Rig, b64, blob, root_of, text};

/// A key in several Regions, the first of which has the primary.
struct Everywhere<'a> {
    rig: &'a Rig,
    id: String,
    spec: &'a str,
    algorithm: &'a str,
}

impl<'a> Everywhere<'a> {
    fn new(rig: &'a Rig, regions: &[&str], (spec, usage, algorithm): (&'a str, &'a str, &'a str)) -> Self {
        let body = json!({"KeySpec": spec, "KeyUsage": usage, "MultiRegion": true});
        let made = ok(rig, regions[0], "CreateKey", body);
        let id = text(&made, "/KeyMetadata/KeyId");
        for region in &regions[1..] {
            ok(rig, regions[0], "ReplicateKey", json!({"KeyId": id, "ReplicaRegion": region}));
        }
        settle(rig);
        Self { rig, id, spec, algorithm }
    }

    /// The answer of a Region to a request about the key.
    fn ask(&self, region: &str, operation: &str, members: Value) -> Value {
        let mut body = json!({"KeyId": self.id});
        body.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        ok(self.rig, region, operation, body)
    }

    /// Holds that two Regions answer the same.
    fn same(&self, regions: [&str; 2], operation: &str, members: Value, member: &str) {
        let [one, other] = regions.map(|region| self.ask(region, operation, members.clone())[member].clone());
        assert_eq!(one, other, "{} {operation}", self.spec);
    }

    fn encrypts(&self, [from, to]: [&str; 2]) {
        let members = json!({"Plaintext": b64("message"), "EncryptionAlgorithm": self.algorithm});
        let sealed = self.ask(from, "Encrypt", members)["CiphertextBlob"].clone();
        let members = json!({"CiphertextBlob": sealed, "EncryptionAlgorithm": self.algorithm});
        let opened = self.ask(to, "Decrypt", members);
        assert_eq!(blob(&opened, "/Plaintext"), b"message", "{}", self.spec);
        let arn = text(&opened, "/KeyId");
        assert!(arn.contains(&format!(":{to}:{ACCOUNT}:key/{}", self.id)), "{arn}");
    }

    fn signs(&self, regions: [&str; 2]) {
        let members = json!({"Message": b64("message"), "SigningAlgorithm": self.algorithm});
        let signature = self.ask(regions[0], "Sign", members.clone())["Signature"].clone();
        let mut members = members;
        members["Signature"] = signature;
        assert_eq!(self.ask(regions[1], "Verify", members)["SignatureValid"], true, "{}", self.spec);
        self.same(regions, "GetPublicKey", json!({}), "PublicKey");
    }

    fn agrees(&self, regions: [&str; 2]) {
        // The other party has a pair of its own.
        let pair = json!({"KeySpec": self.spec, "KeyUsage": "KEY_AGREEMENT"});
        let other = text(&ok(self.rig, regions[1], "CreateKey", pair), "/KeyMetadata/KeyId");
        let peer = ok(self.rig, regions[1], "GetPublicKey", json!({"KeyId": other}))["PublicKey"].clone();
        let members = json!({"KeyAgreementAlgorithm": self.algorithm, "PublicKey": peer});
        self.same(regions, "DeriveSharedSecret", members, "SharedSecret");
    }

    fn encapsulates(&self, [from, to]: [&str; 2]) {
        let made = self.ask(from, "Encapsulate", json!({"EncapsulationAlgorithm": self.algorithm}));
        let members = json!({"EncapsulationAlgorithm": self.algorithm,
                             "SharedSecretCiphertextBlob": made["SharedSecretCiphertextBlob"]});
        assert_eq!(self.ask(to, "Decapsulate", members)["SharedSecret"], made["SharedSecret"]);
    }
}

/// Each Region makes something, and the next one opens it.
fn crosses(rig: &Rig, regions: &[&str], (spec, usage, algorithm): (&str, &str, &str)) {
    let key = Everywhere::new(rig, regions, (spec, usage, algorithm));
    let next = regions.iter().cycle().skip(1);
    for pair in regions.iter().zip(next).map(|(from, to)| [*from, *to]) {
        match usage {
            "ENCRYPT_DECRYPT" => key.encrypts(pair),
            "SIGN_VERIFY" => key.signs(pair),
            "GENERATE_VERIFY_MAC" => {
                let members = json!({"Message": b64("message"), "MacAlgorithm": algorithm});
                key.same(pair, "GenerateMac", members, "Mac");
            }
            "KEY_AGREEMENT" => key.agrees(pair),
            _ => key.encapsulates(pair),
        }
    }
}

#[test]
fn what_one_region_makes_every_region_opens_for_every_spec() {
    let rig = Rig::new();
    for spec in [
        ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT", "SYMMETRIC_DEFAULT"),
        ("RSA_2048", "ENCRYPT_DECRYPT", "RSAES_OAEP_SHA_256"),
        ("RSA_2048", "SIGN_VERIFY", "RSASSA_PSS_SHA_256"),
        ("ECC_NIST_P256", "SIGN_VERIFY", "ECDSA_SHA_256"),
        ("ECC_NIST_P384", "SIGN_VERIFY", "ECDSA_SHA_384"),
        ("ECC_NIST_P521", "SIGN_VERIFY", "ECDSA_SHA_512"),
        ("ECC_SECG_P256K1", "SIGN_VERIFY", "ECDSA_SHA_256"),
        ("ECC_NIST_EDWARDS25519", "SIGN_VERIFY", "ED25519_SHA_512"),
        ("ML_DSA_44", "SIGN_VERIFY", "ML_DSA_SHAKE_256"),
        ("HMAC_224", "GENERATE_VERIFY_MAC", "HMAC_SHA_224"),
        ("HMAC_256", "GENERATE_VERIFY_MAC", "HMAC_SHA_256"),
        ("HMAC_384", "GENERATE_VERIFY_MAC", "HMAC_SHA_384"),
        ("HMAC_512", "GENERATE_VERIFY_MAC", "HMAC_SHA_512"),
        ("ECC_NIST_P256", "KEY_AGREEMENT", "ECDH"),
        ("ML_KEM_768", "ENCAPSULATE_DECAPSULATE", "ML_KEM"),
    ] {
        crosses(&rig, &[REGION, WEST, EAST], spec);
    }
}

#[test]
fn sm2_keys_cross_between_the_regions_of_china_and_no_others() {
    let rig = Rig::new();
    let regions = ["cn-north-1", "cn-northwest-1"];
    for spec in [
        ("SM2", "ENCRYPT_DECRYPT", "SM2PKE"),
        ("SM2", "SIGN_VERIFY", "SM2DSA"),
        ("SM2", "KEY_AGREEMENT", "ECDH"),
    ] {
        crosses(&rig, &regions, spec);
    }
    let body = json!({"KeySpec": "SM2", "KeyUsage": "SIGN_VERIFY", "MultiRegion": true});
    let key = text(&ok(&rig, regions[0], "CreateKey", body), "/KeyMetadata/Arn");
    assert!(key.starts_with("arn:aws-cn:kms:cn-north-1:"), "{key}");
    rig.refuses_as(
        &root_of(ACCOUNT, regions[0]),
        "ReplicateKey",
        json!({"KeyId": key, "ReplicaRegion": WEST}),
        "ValidationException",
        "The replica key Region must be in the same AWS partition as the primary key Region.",
    );
}
