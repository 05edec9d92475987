//! Passphrases: how strong one must be, and Argon2id, which makes each guess expensive.
//! RFC 9106 §4 recommends 64 MiB and 3 passes where 2 GiB are too much; we take 256 MiB.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use zeroize::Zeroizing;

use super::error::RootKeyError;
use crate::secret::{SecretArray, SecretBytes};

/// Fewest characters of a passphrase.
pub const PASSPHRASE_CHARS_MIN: usize = 16;
/// Fewest different characters of a passphrase: refuses one key held down.
const PASSPHRASE_DISTINCT_MIN: usize = 6;
/// Least memory, in KiB.
pub(super) const MEMORY_KIB_MIN: u32 = 64 * 1024;
/// Fewest passes.
pub(super) const PASSES_MIN: u32 = 3;
/// Bounds on what an envelope may ask of the machine that reads it.
const MEMORY_KIB_MAX: u32 = 4 * 1024 * 1024;
const PASSES_MAX: u32 = 64;
const LANES_MAX: u32 = 64;

/// Bytes of the salt.
pub(super) const SALT_LEN: usize = 16;

/// What one guess of the passphrase costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Argon2Cost {
    memory_kib: u32,
    passes: u32,
    lanes: u32,
}

impl Argon2Cost {
    /// 256 MiB, 3 passes, 4 lanes.
    pub const DEFAULT: Self = Self { memory_kib: 256 * 1024, passes: 3, lanes: 4 };
    /// The least that RFC 9106 §4 recommends: 64 MiB, 3 passes, 4 lanes.
    pub const LEAST: Self = Self { memory_kib: MEMORY_KIB_MIN, passes: PASSES_MIN, lanes: 4 };
    #[cfg(test)]
    pub(super) const TEST: Self = Self { memory_kib: 64, passes: 1, lanes: 1 };

    /// A cost within the bounds.
    ///
    /// # Errors
    /// [`RootKeyError::PassphraseCost`].
    pub fn new(memory_kib: u32, passes: u32, lanes: u32) -> Result<Self, RootKeyError> {
        let cost = Self { memory_kib, passes, lanes };
        if memory_kib < MEMORY_KIB_MIN || passes < PASSES_MIN || !cost.is_affordable() {
            return Err(RootKeyError::PassphraseCost);
        }
        Ok(cost)
    }

    /// Whether a reader of a foreign envelope goes along with it.
    pub(super) const fn is_affordable(self) -> bool {
        self.memory_kib <= MEMORY_KIB_MAX && self.passes <= PASSES_MAX && self.lanes <= LANES_MAX
    }

    pub(super) const fn numbers(self) -> [u32; 3] {
        [self.memory_kib, self.passes, self.lanes]
    }
}

/// Refuses a passphrase that is too easily guessed. It must be UTF-8, as it is typed.
pub(super) fn check_strength(passphrase: &SecretBytes) -> Result<(), RootKeyError> {
    let text = std::str::from_utf8(passphrase.expose_secret()).map_err(|_| RootKeyError::PassphraseWeak)?;
    // Without a set, which would copy the characters to the heap; the first 64 suffice.
    let distinct = text
        .chars()
        .take(64)
        .enumerate()
        .filter(|(at, c)| !text.chars().take(*at).any(|earlier| earlier == *c));
    if text.chars().count() < PASSPHRASE_CHARS_MIN || distinct.count() < PASSPHRASE_DISTINCT_MIN {
        return Err(RootKeyError::PassphraseWeak);
    }
    Ok(())
}

/// Stretches the passphrase into 32 bytes. Takes as long as the cost says; never call it where requests run.
pub(super) fn stretch(
    passphrase: &SecretBytes,
    salt: &[u8; SALT_LEN],
    cost: Argon2Cost,
) -> Result<SecretArray<32>, RootKeyError> {
    let params = Params::new(cost.memory_kib, cost.passes, cost.lanes, Some(32));
    let params = params.map_err(|_| RootKeyError::PassphraseCost)?;
    let mut memory = Zeroizing::new(Vec::<Block>::new());
    let out_of_memory = |_| RootKeyError::PassphraseMemory { memory_kib: cost.memory_kib };
    memory.try_reserve_exact(params.block_count()).map_err(out_of_memory)?;
    memory.resize(params.block_count(), Block::default());
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    SecretArray::try_init_with(|stretched| {
        let stretch = argon2.hash_password_into_with_memory(
            passphrase.expose_secret(),
            salt,
            stretched,
            &mut memory[..],
        );
        stretch.map_err(|_| RootKeyError::PassphraseCost)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn weak_passphrases_are_refused() {
        for (text, strong) in [
            ("", false),
            ("correct horse", false),
            ("aaaaaaaaaaaaaaaaaaaaaaaa", false),
            ("abcabcabcabcabcabcabc", false),
            ("correct horse battery", true),
            ("größenwahnsinnige", true),
        ] {
            let passphrase = SecretBytes::from(text.as_bytes().to_vec());
            assert_eq!(check_strength(&passphrase).is_ok(), strong, "{text}");
        }
        assert!(check_strength(&SecretBytes::from(vec![0xff; 40])).is_err());
    }

    #[test]
    fn costs_stay_between_the_rfc_and_what_a_machine_affords() {
        for (memory_kib, passes, lanes, ok) in [
            (MEMORY_KIB_MIN, PASSES_MIN, 1, true),
            (MEMORY_KIB_MIN - 1, PASSES_MIN, 1, false),
            (MEMORY_KIB_MIN, PASSES_MIN - 1, 1, false),
            (MEMORY_KIB_MAX + 1, PASSES_MIN, 1, false),
            (MEMORY_KIB_MIN, PASSES_MAX + 1, 1, false),
            (MEMORY_KIB_MIN, PASSES_MIN, LANES_MAX + 1, false),
        ] {
            assert_eq!(
                Argon2Cost::new(memory_kib, passes, lanes).is_ok(),
                ok,
                "{memory_kib} {passes} {lanes}"
            );
        }
        let zero_lanes = Argon2Cost { lanes: 0, ..Argon2Cost::TEST };
        assert!(stretch(&SecretBytes::from(b"x".to_vec()), &[0; SALT_LEN], zero_lanes).is_err());
    }

    #[test]
    fn passphrase_salt_and_cost_each_change_the_result() {
        let stretch = |text: &str, salt, cost| {
            *stretch(&SecretBytes::from(text.as_bytes().to_vec()), &[salt; SALT_LEN], cost)
                .unwrap()
                .expose_secret()
        };
        let base = stretch("a", 1, Argon2Cost::TEST);
        assert_eq!(base, stretch("a", 1, Argon2Cost::TEST));
        assert_ne!(base, stretch("b", 1, Argon2Cost::TEST));
        assert_ne!(base, stretch("a", 2, Argon2Cost::TEST));
        assert_ne!(base, stretch("a", 1, Argon2Cost { passes: 2, ..Argon2Cost::TEST }));
    }
}
