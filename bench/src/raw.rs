//! The bare calls of AWS-LC, in a loop of this process: what an operation could cost at best.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::rsa::KeySize;
use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, RSA_PSS_SHA256, RsaKeyPair};

use crate::figures::Window;
use crate::{Failure, cpu};

/// A bare call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum RawOperation {
    /// Signs 32 bytes with RSA-2048, PSS, SHA-256.
    Rsa2048Pss,
    /// Signs 32 bytes with ECDSA over P-256, SHA-256.
    P256,
}

impl RawOperation {
    /// As the table names it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Rsa2048Pss => "raw AWS-LC RSA-2048 PSS",
            Self::P256 => "raw AWS-LC P-256",
        }
    }
}

/// Keys for the bare calls, parsed and ready.
pub(crate) struct RawKeys {
    rsa_2048: RsaKeyPair,
    p256: EcdsaKeyPair,
    random: SystemRandom,
}

impl fmt::Debug for RawKeys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RawKeys").finish_non_exhaustive()
    }
}

impl RawKeys {
    /// New keys.
    ///
    /// # Errors
    /// When AWS-LC fails.
    pub(crate) fn generate() -> Result<Self, Failure> {
        Ok(Self {
            rsa_2048: RsaKeyPair::generate(KeySize::Rsa2048)?,
            p256: EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)?,
            random: SystemRandom::new(),
        })
    }

    /// Calls until the window is over.
    ///
    /// # Errors
    /// When AWS-LC fails.
    pub(crate) fn window(&self, operation: RawOperation, length: Duration) -> Result<Window, Failure> {
        let (begun, cpu, mut completed) = (Instant::now(), cpu::of_this_thread()?, 0_u64);
        let mut message = [0; 32];
        while begun.elapsed() < length {
            message[..8].copy_from_slice(&completed.to_le_bytes());
            self.sign(operation, &message)?;
            completed += 1;
        }
        Window::new(completed, begun.elapsed(), cpu::of_this_thread()?.saturating_sub(cpu))
    }

    fn sign(&self, operation: RawOperation, message: &[u8; 32]) -> Result<(), Failure> {
        match operation {
            RawOperation::Rsa2048Pss => {
                let mut signature = [0; 256];
                self.rsa_2048.sign(&RSA_PSS_SHA256, &self.random, message, &mut signature)?;
                black_box(signature);
            }
            RawOperation::P256 => {
                black_box(self.p256.sign(&self.random, message)?);
            }
        }
        Ok(())
    }
}
