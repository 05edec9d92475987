//! GenerateMac and VerifyMac.

use keyreeve_model::algorithm::MacAlgorithm;
use serde_json::{Value, json};

use crate::rig::{Rig, b64, blob};

#[test]
fn every_spec_has_its_own_algorithm_and_no_other() {
    let rig = Rig::new();
    for (bits, len) in [(224, 28), (256, 32), (384, 48), (512, 64)] {
        let spec = format!("HMAC_{bits}");
        let key = rig.key_of(&spec, "GENERATE_VERIFY_MAC");
        for algorithm in MacAlgorithm::ALL {
            let mut body = json!({"KeyId": key, "Message": b64("m"), "MacAlgorithm": algorithm});
            if algorithm.as_str() == format!("HMAC_SHA_{bits}") {
                let made = rig.ok("GenerateMac", body.clone());
                assert_eq!(blob(&made, "/Mac").len(), len);
                body["Mac"] = made["Mac"].clone();
                assert_eq!(rig.ok("VerifyMac", body)["MacValid"], true);
            } else {
                let text = format!("Algorithm {algorithm} is incompatible with key spec {spec}.");
                rig.refuses("GenerateMac", body.clone(), "InvalidKeyUsageException", &text);
                body["Mac"] = json!(b64("x"));
                rig.refuses("VerifyMac", body, "InvalidKeyUsageException", &text);
            }
        }
    }
}

#[test]
fn a_mac_that_is_not_wholly_right_is_invalid_and_nothing_is_told() {
    let rig = Rig::new();
    let (key, other) =
        (rig.key_of("HMAC_256", "GENERATE_VERIFY_MAC"), rig.key_of("HMAC_256", "GENERATE_VERIFY_MAC"));
    let request = |key: &str, message: &str| json!({"KeyId": key, "Message": b64(message), "MacAlgorithm": "HMAC_SHA_256"});
    let mac = blob(&rig.ok("GenerateMac", request(&key, "m")), "/Mac");
    let with = |mut body: Value, mac: &[u8]| {
        body["Mac"] = json!(b64(mac));
        body
    };
    rig.ok("VerifyMac", with(request(&key, "m"), &mac));
    let mut flipped = mac.clone();
    flipped[31] ^= 1;
    for body in [
        with(request(&key, "m"), &flipped),
        with(request(&key, "m"), &mac[..16]),
        with(request(&key, "m"), &[&mac[..], &[0]].concat()),
        with(request(&key, "n"), &mac),
        with(request(&other, "m"), &mac),
    ] {
        rig.refuses("VerifyMac", body, "KMSInvalidMacException", "");
    }
}
