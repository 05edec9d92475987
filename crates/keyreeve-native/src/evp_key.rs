//! An owned AWS-LC `EVP_PKEY` of one checked type: parsing, encoding, raw parts. Not an algorithm.
//! AWS-LC: `include/openssl/evp.h`, `include/openssl/bytestring.h`.

use aws_lc_sys as lc;
use std::ffi::c_int;
use std::mem::MaybeUninit;
use std::ptr::{NonNull, null_mut};
use zeroize::Zeroizing;

use crate::{Unspecified, succeeded};

/// A parsed key. AWS-LC zeroises what it held when the last reference goes (`OPENSSL_free` cleanses).
pub(crate) struct EvpKey(NonNull<lc::EVP_PKEY>);

// SAFETY: an EVP_PKEY has an atomic reference count, and evp.h permits concurrent use by functions that do not mutate
// it. After construction this type calls no function that does (contexts only take a reference).
unsafe impl Send for EvpKey {}
// SAFETY: as above.
unsafe impl Sync for EvpKey {}

impl Drop for EvpKey {
    fn drop(&mut self) {
        // SAFETY: the pointer came from AWS-LC, is owned by this value and is freed once.
        unsafe { lc::EVP_PKEY_free(self.0.as_ptr()) }
    }
}

impl EvpKey {
    /// Takes ownership of what an AWS-LC constructor returned; null means that it failed.
    fn adopt(pointer: *mut lc::EVP_PKEY) -> Result<Self, Unspecified> {
        NonNull::new(pointer).map(Self).ok_or(Unspecified)
    }

    /// Parses PKCS#8 (RFC 5208, RFC 5958) with nothing after it.
    pub(crate) fn from_pkcs8(der: &[u8]) -> Result<Self, Unspecified> {
        Self::parse(der, lc::EVP_parse_private_key)
    }

    /// Parses a `SubjectPublicKeyInfo` (RFC 5280) with nothing after it.
    pub(crate) fn from_spki(der: &[u8]) -> Result<Self, Unspecified> {
        Self::parse(der, lc::EVP_parse_public_key)
    }

    fn parse(
        der: &[u8],
        parser: unsafe extern "C" fn(*mut lc::CBS) -> *mut lc::EVP_PKEY,
    ) -> Result<Self, Unspecified> {
        let mut cbs = MaybeUninit::uninit();
        // SAFETY: CBS_init writes every field of the CBS; `der` outlives it, and nothing is written through it.
        let mut cbs = unsafe {
            lc::CBS_init(cbs.as_mut_ptr(), der.as_ptr(), der.len());
            cbs.assume_init()
        };
        // SAFETY: `cbs` is initialised; both parsers read from it and return an owned key or null.
        let key = Self::adopt(unsafe { parser(&raw mut cbs) })?;
        // SAFETY: `cbs` is initialised and was only advanced.
        if unsafe { lc::CBS_len(&raw const cbs) } == 0 { Ok(key) } else { Err(Unspecified) }
    }

    /// Makes a fresh key of the KEM parameter set.
    pub(crate) fn generate_kem(nid: c_int) -> Result<Self, Unspecified> {
        // SAFETY: the type is a constant of AWS-LC; a null engine means none; the result is owned.
        let context = Context::adopt(unsafe { lc::EVP_PKEY_CTX_new_id(lc::EVP_PKEY_KEM, null_mut()) })?;
        let mut key = null_mut();
        // SAFETY: the context is live; `key` is a valid place for one owned pointer and starts null.
        unsafe {
            succeeded(lc::EVP_PKEY_CTX_kem_set_params(context.as_ptr(), nid))?;
            succeeded(lc::EVP_PKEY_keygen_init(context.as_ptr()))?;
            succeeded(lc::EVP_PKEY_keygen(context.as_ptr(), &raw mut key))?;
        }
        Self::adopt(key)
    }

    /// The parameter set of an ML-DSA key.
    pub(crate) fn ml_dsa_nid(&self) -> Option<c_int> {
        // SAFETY: the key is live; the type is checked before the type-specific read.
        unsafe {
            (lc::EVP_PKEY_id(self.as_ptr()) == lc::EVP_PKEY_PQDSA)
                .then(|| lc::EVP_PKEY_pqdsa_get_type(self.as_ptr()))
        }
    }

    /// The parameter set of an ML-KEM key.
    pub(crate) fn ml_kem_nid(&self) -> Option<c_int> {
        // SAFETY: as in `ml_dsa_nid`.
        unsafe {
            (lc::EVP_PKEY_id(self.as_ptr()) == lc::EVP_PKEY_KEM)
                .then(|| lc::EVP_PKEY_kem_get_type(self.as_ptr()))
        }
    }

    /// The seed of an Ed25519 key.
    pub(crate) fn ed25519_seed(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        // SAFETY: the key is live.
        if unsafe { lc::EVP_PKEY_id(self.as_ptr()) } != lc::EVP_PKEY_ED25519 {
            return Err(Unspecified);
        }
        self.raw_private()
    }

    /// A context for one operation with this key.
    pub(crate) fn context(&self) -> Result<Context, Unspecified> {
        // SAFETY: the key is live and the context takes its own reference; a null engine means none.
        Context::adopt(unsafe { lc::EVP_PKEY_CTX_new(self.as_ptr(), null_mut()) })
    }

    /// PKCS#8 DER, in seed form where the key knows its seed.
    pub(crate) fn to_pkcs8(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        self.marshal(lc::EVP_marshal_private_key)
    }

    /// SPKI DER.
    pub(crate) fn to_spki(&self) -> Result<Vec<u8>, Unspecified> {
        Ok(std::mem::take(&mut *self.marshal(lc::EVP_marshal_public_key)?))
    }

    fn marshal(
        &self,
        writer: unsafe extern "C" fn(*mut lc::CBB, *const lc::EVP_PKEY) -> c_int,
    ) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let mut cbb = MaybeUninit::<lc::CBB>::uninit();
        // SAFETY: CBB_init initialises the CBB, or zeroes it and fails.
        succeeded(unsafe { lc::CBB_init(cbb.as_mut_ptr(), 0) })?;
        let (mut data, mut len) = (null_mut(), 0);
        // SAFETY: the CBB is initialised and the key live. CBB_finish hands its buffer over and empties the CBB, so
        // that CBB_cleanup is right on both ways out; it cleanses what it frees.
        let written = unsafe {
            let written = succeeded(writer(cbb.as_mut_ptr(), self.as_ptr()))
                .and_then(|()| succeeded(lc::CBB_finish(cbb.as_mut_ptr(), &raw mut data, &raw mut len)));
            lc::CBB_cleanup(cbb.as_mut_ptr());
            written
        };
        written?;
        let data = NonNull::new(data).ok_or(Unspecified)?;
        // SAFETY: CBB_finish gave `len` initialised bytes at `data`, owned by us; they are copied, then freed once with
        // AWS-LC's own function, which cleanses them.
        unsafe {
            let bytes = Zeroizing::new(std::slice::from_raw_parts(data.as_ptr(), len).to_vec());
            lc::OPENSSL_free(data.as_ptr().cast());
            Ok(bytes)
        }
    }

    /// The public key as its algorithm's standard encodes it.
    pub(crate) fn raw_public(&self) -> Result<Vec<u8>, Unspecified> {
        Ok(std::mem::take(&mut *self.raw_part(lc::EVP_PKEY_get_raw_public_key)?))
    }

    /// The private key in expanded form.
    pub(crate) fn raw_private(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        self.raw_part(lc::EVP_PKEY_get_raw_private_key)
    }

    /// The seed, where the key was made from one.
    pub(crate) fn seed(&self) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        self.raw_part(lc::EVP_PKEY_get_private_seed)
    }

    fn raw_part(
        &self,
        reader: unsafe extern "C" fn(*const lc::EVP_PKEY, *mut u8, *mut usize) -> c_int,
    ) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
        let mut len = 0;
        // SAFETY: the key is live; with a null buffer these functions only write the length.
        succeeded(unsafe { reader(self.as_ptr(), null_mut(), &raw mut len) })?;
        let mut bytes = Zeroizing::new(vec![0; len]);
        // SAFETY: the buffer holds the `len` bytes that the function is told of.
        succeeded(unsafe { reader(self.as_ptr(), bytes.as_mut_ptr(), &raw mut len) })?;
        bytes.truncate(len);
        Ok(bytes)
    }

    const fn as_ptr(&self) -> *mut lc::EVP_PKEY {
        self.0.as_ptr()
    }
}

/// An owned `EVP_PKEY_CTX`, for one operation on one thread.
pub(crate) struct Context(NonNull<lc::EVP_PKEY_CTX>);

impl Context {
    fn adopt(pointer: *mut lc::EVP_PKEY_CTX) -> Result<Self, Unspecified> {
        NonNull::new(pointer).map(Self).ok_or(Unspecified)
    }

    /// The live pointer, valid as long as `self`.
    pub(crate) const fn as_ptr(&self) -> *mut lc::EVP_PKEY_CTX {
        self.0.as_ptr()
    }
}

impl Drop for Context {
    fn drop(&mut self) {
        // SAFETY: the pointer came from AWS-LC, is owned by this value and is freed once.
        unsafe { lc::EVP_PKEY_CTX_free(self.0.as_ptr()) }
    }
}
