//! Work with a key pair or an HMAC key, on the thread that its cost allows.

use keyreeve_crypto::open_key::OpenKey;
use keyreeve_model::algorithm::MacAlgorithm;
use keyreeve_model::error::KmsError;
use keyreeve_model::key_spec::Cost;

use crate::desk::Desk;
use crate::key_access::AuthorizedKey;

/// Runs the work: here when the spec is quick, off the I/O threads when it is slow.
pub(super) async fn run<O, T: Send + 'static>(
    desk: &Desk<'_>,
    key: &AuthorizedKey<O>,
    work: impl FnOnce(&OpenKey) -> Result<T, KmsError> + Send + 'static,
) -> Result<T, KmsError> {
    let material = key.material(desk).await?;
    match key.record().spec.row().cost {
        Cost::Quick => work(material.open_key()?),
        Cost::Slow => desk.off_thread(move || work(material.open_key()?)).await,
    }
}

/// The MAC algorithm must be the key's.
pub(super) fn check_mac<O>(key: &AuthorizedKey<O>, algorithm: MacAlgorithm) -> Result<(), KmsError> {
    let spec = key.record().spec;
    let fits = spec.row().mac.contains(&algorithm);
    if fits { Ok(()) } else { Err(KmsError::Algorithm { algorithm: algorithm.as_str(), spec }) }
}
