//! Hardening of the whole process: no core files, no debugger, no new privileges, no swap.
//! Linux: prctl(2), setrlimit(2), mlockall(2), proc_swaps(5).

use std::io;

use rustix::mm::MlockAllFlags;
use rustix::process::{DumpableBehavior, Resource, Rlimit};

/// Leaves no core file and lets no other process of this user attach or read the memory
/// (RLIMIT_CORE = 0, PR_SET_DUMPABLE = 0).
///
/// # Errors
/// The kernel's.
pub fn forbid_core_dumps() -> io::Result<()> {
    rustix::process::setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) })?;
    rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    Ok(())
}

/// Executed programs gain no privilege by set-user-id bits or file capabilities (PR_SET_NO_NEW_PRIVS).
///
/// # Errors
/// The kernel's.
pub fn forbid_new_privileges() -> io::Result<()> {
    rustix::thread::set_no_new_privs(true)?;
    Ok(())
}

/// Locks all pages of the process, present and future, each when it is first touched.
///
/// # Errors
/// The kernel's; most often EPERM or ENOMEM, as RLIMIT_MEMLOCK is too low (systemd: `LimitMEMLOCK=infinity`).
pub fn lock_all_memory() -> io::Result<()> {
    // ONFAULT: address space that is reserved and never touched (thread stacks) costs no memory.
    rustix::mm::mlockall(MlockAllFlags::CURRENT | MlockAllFlags::FUTURE | MlockAllFlags::ONFAULT)?;
    Ok(())
}

/// Whether the machine swaps to any device or file (`/proc/swaps`).
///
/// # Errors
/// From reading the file, save that it is absent: such a kernel has no swap.
pub fn swap_active() -> io::Result<bool> {
    match std::fs::read_to_string("/proc/swaps") {
        Ok(table) => Ok(lists_swap(&table)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

/// The first line is the heading; every further one is an area.
fn lists_swap(table: &str) -> bool {
    table.lines().skip(1).any(|line| !line.trim().is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_below_the_heading_is_active_swap() {
        let heading = "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n";
        assert!(!lists_swap(""));
        assert!(!lists_swap(heading));
        assert!(lists_swap(&format!("{heading}/dev/sda2    partition\t1000\t\t0\t\t-2\n")));
    }

    #[test]
    fn core_dumps_and_new_privileges_are_off_afterwards() {
        forbid_core_dumps().unwrap();
        forbid_new_privileges().unwrap();
        assert_eq!(rustix::process::getrlimit(Resource::Core), Rlimit { current: Some(0), maximum: Some(0) });
        assert_eq!(rustix::process::dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
        assert!(rustix::thread::no_new_privs().unwrap());
    }
}
