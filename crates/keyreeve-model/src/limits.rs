//! Every bound of the API, named with its unit.
//! AWS: <https://docs.aws.amazon.com/kms/latest/developerguide/limits.html> and the service model.

/// Bytes of a plaintext or message (`PlaintextType`).
pub const PLAINTEXT_BYTES_MAX: usize = 4096;
/// Bytes of a ciphertext blob (`CiphertextType`).
pub const CIPHERTEXT_BYTES_MAX: usize = 6144;
/// Canonical bytes of an encryption context.
pub const ENCRYPTION_CONTEXT_BYTES_MAX: usize = 8192;
/// Bytes of a key policy (the resource quota; the model allows more).
pub const POLICY_BYTES_MAX: usize = 32 * 1024;
/// Tags on one key.
pub const TAGS_PER_KEY_MAX: usize = 50;
/// Aliases of one key.
pub const ALIASES_PER_KEY_MAX: usize = 50;
/// Customer managed keys of one account in one Region.
pub const KEYS_PER_ACCOUNT_MAX: u64 = 100_000;
/// Grants on one key.
pub const GRANTS_PER_KEY_MAX: u64 = 50_000;
/// Pairs in an encryption context constraint of a grant.
pub const CONSTRAINT_PAIRS_MAX: usize = 8;
/// Characters of a value in an encryption context constraint of a grant.
pub const CONSTRAINT_VALUE_CHARACTERS_MAX: usize = 384;
/// Grant tokens in one request.
pub const GRANT_TOKENS_MAX: usize = 10;
/// Shortest waiting period of ScheduleKeyDeletion, in days.
pub const DELETION_WINDOW_DAYS_MIN: i64 = 7;
/// Longest waiting period of ScheduleKeyDeletion, in days; also the default.
pub const DELETION_WINDOW_DAYS_MAX: i64 = 30;
/// Shortest period of automatic rotation, in days.
pub const ROTATION_PERIOD_DAYS_MIN: u16 = 90;
/// Longest period of automatic rotation, in days.
pub const ROTATION_PERIOD_DAYS_MAX: u16 = 2560;
/// The period that EnableKeyRotation gives where it names none; also that of AWS managed keys.
pub const ROTATION_PERIOD_DAYS_DEFAULT: u16 = 365;
/// Rotations on demand that a key may have in its life.
pub const ON_DEMAND_ROTATIONS_MAX: u16 = 25;
/// For so many seconds before an automatic rotation none on demand begins.
pub const ON_DEMAND_BEFORE_AUTOMATIC_SECONDS: i64 = 20 * 60;
/// Bytes that GenerateRandom and GenerateDataKey give at most.
pub const NUMBER_OF_BYTES_MAX: i64 = 1024;
/// Days that imported material may be valid at most.
pub const IMPORT_VALID_DAYS_MAX: i64 = 365;
/// Seconds for which an import token and its wrapping key are good.
pub const IMPORT_TOKEN_SECONDS: i64 = 24 * 60 * 60;
