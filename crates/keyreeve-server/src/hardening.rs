//! What a serving process does to itself first: no core dumps, no tracing by others, no new privileges, locked memory.

use keyreeve_native::process;

use crate::serving::RunError;

/// How much memory is kept out of swap.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Memory {
    /// The arena of long-lived keys (`dev`).
    Arena,
    /// Everything (`serve`).
    Everything,
}

/// Hardens the process.
///
/// # Errors
/// [`RunError::Hardening`] says what was tried.
pub(crate) fn apply(memory: Memory) -> Result<(), RunError> {
    let failed = |what| move |source| RunError::Hardening { what, source };
    process::forbid_core_dumps().map_err(failed("cannot forbid core dumps"))?;
    process::forbid_new_privileges().map_err(failed("cannot forbid new privileges"))?;
    match memory {
        Memory::Arena => {
            if process::swap_active().unwrap_or(false) {
                tracing::warn!(
                    "swap is active: request data may reach the disk (serve would refuse to start)"
                );
            }
            Ok(())
        }
        Memory::Everything => lock_everything(),
    }
}

fn lock_everything() -> Result<(), RunError> {
    let Err(source) = process::lock_all_memory() else { return Ok(()) };
    if process::swap_active().unwrap_or(true) {
        let what = "memory cannot be locked while swap is active: raise `ulimit -l` (systemd: LimitMEMLOCK=infinity), or run `swapoff -a`";
        return Err(RunError::Hardening { what, source });
    }
    tracing::warn!(%source, "memory cannot be locked; no swap is active, so nothing reaches the disk");
    Ok(())
}
