//! What seed files are read as, and how a mistake in one is told.

use super::*;

fn file(name: &str) -> SeedFile {
    SeedFile {
        path: PathBuf::from(name),
        region: Region::parse("eu-west-2").unwrap(),
        account: AccountId::parse("111122223333").unwrap(),
    }
}

const ID: &str = "bc436485-5092-42b8-92a3-0aa8b93536dc";

#[test]
fn defaults_come_from_the_file_and_then_from_the_command() {
    let text = format!(
        "region = \"us-east-1\"\n[[keys]]\nid = \"{ID}\"\n[[keys]]\nid = \"mrk-{}\"\nregion = \"eu-north-1\"",
        "0".repeat(32)
    );
    let keys = file("seed.toml").parse(&text).unwrap();
    let places: Vec<_> = keys.iter().map(|key| (key.arn.region.as_str(), key.arn.account.as_str())).collect();
    assert_eq!(places, [("us-east-1", "111122223333"), ("eu-north-1", "111122223333")]);
    assert!(keys.iter().all(|key| key.material.is_none()));
}

#[test]
fn toml_and_json_say_the_same() {
    let toml = format!(
        "[[keys]]\nid = \"{ID}\"\nspec = \"HMAC_256\"\ntags = {{ a = \"b\" }}\nmaterial = \"{}\"",
        "0a".repeat(32)
    );
    let json = format!(
        r#"{{"keys": [{{"id": "{ID}", "spec": "HMAC_256", "tags": {{"a": "b"}}, "material": "{}"}}]}}"#,
        "CgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgoKCgo="
    );
    let [one, two] =
        [("s.toml", toml), ("s.json", json)].map(|(name, text)| file(name).parse(&text).unwrap());
    for keys in [one, two] {
        let [key] = <[SeedKey; 1]>::try_from(keys).unwrap();
        assert_eq!(key.material.unwrap().expose_secret(), [10; 32]);
        assert_eq!(
            (key.spec.to_string(), key.usage.to_string()),
            ("HMAC_256".to_owned(), "GENERATE_VERIFY_MAC".to_owned())
        );
    }
}

#[test]
fn problems_name_the_place_and_what_would_be_right_and_never_a_value() {
    let key = |line: &str| format!("[[keys]]\nid = \"{ID}\"\n{line}");
    for (text, place, what) in [
        (key("materiel = \"s3cret\""), "keys[0].materiel", "did you mean `material`?"),
        (key("spec = \"RSA_2084\""), "keys[0].spec", "did you mean `RSA_2048`?"),
        (key("spec = \"RSA_2048\""), "keys[0].usage", "have several"),
        (key("usage = 7"), "keys[0].usage", "a number is there"),
        (key("material = \"s3cret!\""), "keys[0].material", "hexadecimal or base64"),
        (key("spec = \"ECC_NIST_EDWARDS25519\"\nmaterial = \"s3cret!\""), "keys[0].material", "PEM"),
        (key("aliases = \"s3cret\""), "keys[0].aliases", "a list is needed"),
        (key("tags = { \"aws:x\" = \"s3cret\" }"), "keys[0].tags", "reserved"),
        ("[[keys]]\nid = \"1234\"".to_owned(), "keys[0].id", "a UUID"),
        ("[[key]]\nid = \"1\"".to_owned(), "key", "did you mean `keys`?"),
        ("keys = [\n\"s3cret".to_owned(), "line 2", "TOML"),
    ] {
        let problem = file("seed.toml").parse(&text).unwrap_err();
        assert!(problem.place == place && problem.what.contains(what), "{text}\n{problem}");
        assert!(!problem.to_string().contains("s3cret"), "{problem}");
    }
    let yaml = "Keys:\n  Symmetric:\n    Aes:\n      - Metadata: {KeyId: x}\nAliases: [";
    assert!(file("seed.yaml").parse(yaml).is_err());
    let error = file("seed.txt").parse("").unwrap_err();
    assert!(error.what.contains(".toml"), "{error}");
}

#[test]
fn the_last_backing_key_of_local_kms_is_the_present_one_and_an_alias_needs_its_key() {
    let yaml = |target: &str| {
        format!(
            "Keys:\n  Symmetric:\n    Aes:\n      - Metadata:\n          KeyId: {ID}\n        BackingKeys:\n          - {}\n          \
             - {}\nAliases:\n  - AliasName: alias/a\n    TargetKeyId: {target}\n",
            "0a".repeat(32),
            "0B".repeat(32)
        )
    };
    let keys = file("seed.yml").parse(&yaml(ID)).unwrap();
    let [key] = <[SeedKey; 1]>::try_from(keys).unwrap();
    assert_eq!(key.material.unwrap().expose_secret(), [11; 32]);
    assert_eq!(key.aliases.first().map(|alias| alias.as_str()), Some("alias/a"));
    let problem = file("seed.yml").parse(&yaml("00000000-0000-4000-8000-000000000000")).unwrap_err();
    assert_eq!(problem.place, "Aliases[0].TargetKeyId");
}
