//! The scalar shapes of the KMS service model that several operations share.
//! Source: botocore 1.44.5, `kms/2014-11-01`; held to `model/kms.json` by the model oracle.

use keyreeve_model::algorithm::{
    DataKeySpec, DryRunModifier, EncapsulationAlgorithm, EncryptionAlgorithm, KeyAgreementAlgorithm,
    KeyUsage, MacAlgorithm, MessageType, Origin, SigningAlgorithm,
};
use keyreeve_model::grant::GrantOperation;
use keyreeve_model::import::{ExpirationModel, ImportType, WrappingAlgorithm, WrappingKeySpec};
use keyreeve_model::key_spec::{DataKeyPairSpec, KeySpec};
use keyreeve_model::limits::{
    CIPHERTEXT_BYTES_MAX, GRANT_TOKENS_MAX, NUMBER_OF_BYTES_MAX, PLAINTEXT_BYTES_MAX,
    ROTATION_PERIOD_DAYS_MAX, ROTATION_PERIOD_DAYS_MIN,
};
use keyreeve_model::rotation::IncludeKeyMaterial;

use super::shape::{Kind, Member, Pattern, Structure};

const fn text(min: usize, max: usize) -> Kind {
    Kind::Text { min, max, pattern: None }
}

const fn matching(min: usize, max: usize, pattern: &'static Pattern) -> Kind {
    Kind::Text { min, max, pattern: Some(pattern) }
}

/// `KeyIdType`.
pub static KEY_ID: Kind = text(1, 2048);
/// `RegionType`.
pub static REGION: Kind = matching(1, 32, &REGION_NAME);
/// `PlaintextType`.
pub static PLAINTEXT: Kind = Kind::Blob { min: 1, max: PLAINTEXT_BYTES_MAX };
/// `CiphertextType`.
pub static CIPHERTEXT: Kind = Kind::Blob { min: 1, max: CIPHERTEXT_BYTES_MAX };
/// `PublicKeyType`.
pub static PUBLIC_KEY: Kind = Kind::Blob { min: 1, max: 8192 };
/// `EncryptionContextType`.
pub static ENCRYPTION_CONTEXT: Kind = Kind::Map;
/// `BooleanType` and `NullableBooleanType`.
pub static BOOLEAN: Kind = Kind::Boolean;
/// `GrantTokenType`.
pub static GRANT_TOKEN: Kind = text(1, 8192);
/// `GrantTokenList`.
pub static GRANT_TOKENS: Kind = Kind::List { element: &GRANT_TOKEN, min: 0, max: GRANT_TOKENS_MAX };
/// `GrantIdType`.
pub static GRANT_ID: Kind = text(1, 128);
/// `GrantNameType`.
pub static GRANT_NAME: Kind = matching(1, 256, &ALIAS);
/// `GrantOperation`.
pub static GRANT_OPERATION: Kind = Kind::Enum(GrantOperation::WIRE_NAMES);
/// `GrantOperationList`.
pub static GRANT_OPERATIONS: Kind = Kind::List { element: &GRANT_OPERATION, min: 0, max: usize::MAX };
/// `PrincipalIdType`.
pub static PRINCIPAL_ID: Kind = matching(1, 256, &PRINCIPAL);
/// `ServicePrincipalType`.
pub static SERVICE_PRINCIPAL: Kind = matching(1, 128, &SERVICE);
/// `GrantConstraintSourceArnType`.
pub static SOURCE_ARN: Kind = matching(20, 512, &RESOURCE_ARN);
/// `GrantConstraints`.
pub static GRANT_CONSTRAINTS: Kind = Kind::Structure(&Structure {
    members: &[
        Member::optional("EncryptionContextSubset", &ENCRYPTION_CONTEXT),
        Member::optional("EncryptionContextEquals", &ENCRYPTION_CONTEXT),
        Member::optional("SourceArn", &SOURCE_ARN),
    ],
});
/// `NumberOfBytesType`.
pub static NUMBER_OF_BYTES: Kind = Kind::Integer { min: 1, max: NUMBER_OF_BYTES_MAX };
/// `LimitType`.
pub static LIMIT: Kind = Kind::Integer { min: 1, max: 1000 };
/// `MarkerType`.
pub static MARKER: Kind = matching(1, 1024, &LATIN_1);
/// `DescriptionType`.
pub static DESCRIPTION: Kind = text(0, 8192);
/// `PolicyType`.
pub static POLICY: Kind = matching(1, 131_072, &POLICY_TEXT);
/// `PolicyNameType`.
pub static POLICY_NAME: Kind = matching(1, 128, &WORD);
/// `AliasNameType`.
pub static ALIAS_NAME: Kind = matching(1, 256, &ALIAS);
/// `PendingWindowInDaysType`.
pub static PENDING_WINDOW: Kind = Kind::Integer { min: 1, max: 365 };
/// `AlgorithmSpec`.
pub static WRAPPING_ALGORITHM: Kind = Kind::Enum(WrappingAlgorithm::WIRE_NAMES);
/// `WrappingKeySpec`.
pub static WRAPPING_KEY_SPEC: Kind = Kind::Enum(WrappingKeySpec::WIRE_NAMES);
/// `ImportType`.
pub static IMPORT_TYPE: Kind = Kind::Enum(ImportType::WIRE_NAMES);
/// `ExpirationModelType`.
pub static EXPIRATION_MODEL: Kind = Kind::Enum(ExpirationModel::WIRE_NAMES);
/// `DateType`.
pub static DATE: Kind = Kind::Timestamp;
/// `BackingKeyIdType`.
pub static KEY_MATERIAL_ID: Kind = matching(64, 64, &LOWER_HEX);
/// `KeyMaterialDescriptionType`.
pub static KEY_MATERIAL_DESCRIPTION: Kind = matching(0, 256, &MATERIAL_TEXT);
/// `RotationPeriodInDaysType`.
pub static ROTATION_PERIOD: Kind =
    Kind::Integer { min: ROTATION_PERIOD_DAYS_MIN as i64, max: ROTATION_PERIOD_DAYS_MAX as i64 };
/// `IncludeKeyMaterial`.
pub static INCLUDE_KEY_MATERIAL: Kind = Kind::Enum(IncludeKeyMaterial::WIRE_NAMES);
/// `CustomKeyStoreIdType`.
pub static CUSTOM_KEY_STORE_ID: Kind = text(1, 64);
/// `XksKeyIdType`.
pub static XKS_KEY_ID: Kind = matching(1, 128, &XKS_KEY);
/// `TagKeyType`.
pub static TAG_KEY: Kind = text(1, 128);
/// `TagValueType`.
pub static TAG_VALUE: Kind = text(0, 256);
/// `Tag`.
pub static TAG: Kind = Kind::Structure(&Structure {
    members: &[Member::required("TagKey", &TAG_KEY), Member::required("TagValue", &TAG_VALUE)],
});
/// `TagList`.
pub static TAGS: Kind = Kind::List { element: &TAG, min: 0, max: usize::MAX };
/// `TagKeyList`.
pub static TAG_KEYS: Kind = Kind::List { element: &TAG_KEY, min: 0, max: usize::MAX };
/// `KeySpec`.
pub static KEY_SPEC: Kind = Kind::Enum(KeySpec::WIRE_NAMES);
/// `CustomerMasterKeySpec`: frozen before the post-quantum specs.
pub static CUSTOMER_MASTER_KEY_SPEC: Kind = Kind::Enum(&[
    "RSA_2048",
    "RSA_3072",
    "RSA_4096",
    "ECC_NIST_P256",
    "ECC_NIST_P384",
    "ECC_NIST_P521",
    "ECC_SECG_P256K1",
    "SYMMETRIC_DEFAULT",
    "HMAC_224",
    "HMAC_256",
    "HMAC_384",
    "HMAC_512",
    "SM2",
]);
/// `DataKeySpec`.
pub static DATA_KEY_SPEC: Kind = Kind::Enum(DataKeySpec::WIRE_NAMES);
/// `DataKeyPairSpec`.
pub static DATA_KEY_PAIR_SPEC: Kind = Kind::Enum(DataKeyPairSpec::WIRE_NAMES);
/// `KeyUsageType`.
pub static KEY_USAGE: Kind = Kind::Enum(KeyUsage::WIRE_NAMES);
/// `OriginType`.
pub static ORIGIN: Kind = Kind::Enum(Origin::WIRE_NAMES);
/// `EncryptionAlgorithmSpec`.
pub static ENCRYPTION_ALGORITHM: Kind = Kind::Enum(EncryptionAlgorithm::WIRE_NAMES);
/// `SigningAlgorithmSpec`.
pub static SIGNING_ALGORITHM: Kind = Kind::Enum(SigningAlgorithm::WIRE_NAMES);
/// `MacAlgorithmSpec`.
pub static MAC_ALGORITHM: Kind = Kind::Enum(MacAlgorithm::WIRE_NAMES);
/// `KeyAgreementAlgorithmSpec`.
pub static KEY_AGREEMENT_ALGORITHM: Kind = Kind::Enum(KeyAgreementAlgorithm::WIRE_NAMES);
/// `EncapsulationAlgorithmSpec`.
pub static ENCAPSULATION_ALGORITHM: Kind = Kind::Enum(EncapsulationAlgorithm::WIRE_NAMES);
/// `MessageType`.
pub static MESSAGE_TYPE: Kind = Kind::Enum(MessageType::WIRE_NAMES);
/// `DryRunModifierType`.
pub static DRY_RUN_MODIFIER: Kind = Kind::Enum(DryRunModifier::WIRE_NAMES);
/// `DryRunModifierList`.
pub static DRY_RUN_MODIFIERS: Kind = Kind::List { element: &DRY_RUN_MODIFIER, min: 0, max: usize::MAX };
/// `ResourceOwnerType`.
pub static RESOURCE_OWNER: Kind = Kind::Enum(&["SELF", "OTHER_ACCOUNTS_VIA_RAM"]);
/// `ResourceOwnersList`.
pub static RESOURCE_OWNERS: Kind = Kind::List { element: &RESOURCE_OWNER, min: 1, max: 2 };
/// `KeyEncryptionMechanism`.
pub static KEY_ENCRYPTION_MECHANISM: Kind = Kind::Enum(&["RSAES_OAEP_SHA_256"]);
/// `AttestationDocumentType`.
pub static ATTESTATION_DOCUMENT: Kind = Kind::Blob { min: 1, max: 262_144 };
/// `RecipientInfo`.
pub static RECIPIENT: Kind = Kind::Structure(&Structure {
    members: &[
        Member::optional("KeyEncryptionAlgorithm", &KEY_ENCRYPTION_MECHANISM),
        Member::optional("AttestationDocument", &ATTESTATION_DOCUMENT),
    ],
});

static LATIN_1: Pattern = Pattern {
    expression: r"[\u0020-\u00FF]*",
    matches: |text| text.chars().all(|c| ('\u{20}'..='\u{FF}').contains(&c)),
};
static POLICY_TEXT: Pattern = Pattern {
    expression: r"[\u0009\u000A\u000D\u0020-\u00FF]+",
    matches: |text| {
        !text.is_empty() && text.chars().all(|c| matches!(c, '\t' | '\n' | '\r' | '\u{20}'..='\u{FF}'))
    },
};
static REGION_NAME: Pattern =
    Pattern { expression: r"^([a-z]+-){2,3}\d+$", matches: keyreeve_model::region::is_region_name };
static WORD: Pattern = Pattern {
    expression: r"[\w]+",
    matches: |text| !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_'),
};
static ALIAS: Pattern = Pattern {
    expression: r"^[a-zA-Z0-9:/_-]+$",
    matches: |text| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b':' | b'/' | b'_' | b'-');
        !text.is_empty() && text.bytes().all(allowed)
    },
};
static LOWER_HEX: Pattern = Pattern {
    expression: r"^[a-f0-9]+$",
    matches: |text| !text.is_empty() && text.bytes().all(|b| matches!(b, b'a'..=b'f' | b'0'..=b'9')),
};
static MATERIAL_TEXT: Pattern = Pattern {
    expression: r"^[a-zA-Z0-9:/_\s.-]+$",
    matches: |text| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b":/_.- \t\n\x0b\x0c\r".contains(&b);
        !text.is_empty() && text.bytes().all(allowed)
    },
};
static XKS_KEY: Pattern = Pattern {
    expression: r"^[a-zA-Z0-9-_.]+$",
    matches: |text| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.');
        !text.is_empty() && text.bytes().all(allowed)
    },
};
static PRINCIPAL: Pattern = Pattern {
    expression: r"^[\w+=,.@:/-]+$",
    matches: |text| {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_+=,.@:/-".contains(&b);
        !text.is_empty() && text.bytes().all(allowed)
    },
};
static SERVICE: Pattern = Pattern {
    expression: r"^([A-Za-z0-9\-]+)\.([A-Za-z0-9\-]+)(\.[A-Za-z0-9\-]+)+$",
    matches: |text| {
        let label =
            |label: &str| !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
        text.split('.').count() >= 3 && text.split('.').all(label)
    },
};
static RESOURCE_ARN: Pattern = Pattern {
    expression: r"^arn:aws[a-z0-9-]*:[a-z0-9-]+:[a-z0-9-]*:[0-9]{12}:.+$",
    matches: |text| {
        let plain =
            |part: &str| part.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        let parts: Vec<&str> = text.splitn(6, ':').collect();
        let &["arn", partition, service, region, account, resource] = parts.as_slice() else { return false };
        partition.strip_prefix("aws").is_some_and(plain)
            && !service.is_empty()
            && plain(service)
            && plain(region)
            && account.len() == 12
            && account.bytes().all(|b| b.is_ascii_digit())
            && !resource.is_empty()
            && !resource.contains(['\n', '\r', '\u{85}', '\u{2028}', '\u{2029}'])
    },
};
