//! What every operation is: a shape, a request, the keys it names, a proof that it may, and its act.

use std::future::Future;

use keyreeve_model::error::KmsError;
use serde::Serialize;

use crate::desk::Desk;
use crate::input::Input;

/// An operation. It never names its own permission: its row in the catalogue does.
pub(crate) trait Operation: Sized + Send + Sync + 'static {
    /// Its input, parsed.
    type Request: Send + Sync;
    /// The proof it needs to run.
    type Proof: Proof<Self>;
    /// Its answer.
    type Reply: Serialize + Send;

    /// What an input that breaks the model is answered, where AWS has an error of its own for it.
    fn reworded(error: KmsError) -> KmsError {
        error
    }

    /// From members to typed fields. After this, no function re-checks a length.
    fn parse(input: &mut Input<'_>, desk: &Desk<'_>) -> Result<Self::Request, KmsError>;

    /// Which keys the request names.
    fn names(request: &Self::Request) -> <Self::Proof as Proof<Self>>::Names;

    /// Does it. May run again from the start when another request changed the same rows meanwhile.
    fn run<'a>(
        desk: &'a Desk<'a>,
        request: &'a Self::Request,
        proof: Self::Proof,
    ) -> impl Future<Output = Result<Self::Reply, KmsError>> + Send + 'a;
}

/// A proof that policy, key state and key usage allow the operation `O`. Only the gatehouse makes one.
pub(crate) trait Proof<O: Operation>: Sized + Send {
    /// What the request names, to be resolved.
    type Names: Send;

    /// Resolves and judges.
    fn judge<'a>(
        desk: &'a Desk<'a>,
        names: Self::Names,
    ) -> impl Future<Output = Result<Self, KmsError>> + Send + 'a;
}

/// Whether a request stops before its effect. AWS gives the verdict after every check.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct DryRun(pub(crate) bool);

impl DryRun {
    /// To be asked after the last check and before the effect.
    pub(crate) const fn before_effect(self) -> Result<(), KmsError> {
        if self.0 { Err(KmsError::DryRun) } else { Ok(()) }
    }
}

/// An answer without a body.
#[derive(Debug)]
pub(crate) struct Empty;

impl Serialize for Empty {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_unit()
    }
}
