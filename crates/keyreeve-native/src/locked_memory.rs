//! The locked arena: slots for long-lived symmetric keys on pages that are neither swapped nor dumped.
//! It protects at rest and against stray reads (guard pages); it does not hide keys from this process itself.
//! Linux: mlock(2), madvise(2) MADV_DONTDUMP and MADV_WIPEONFORK.

use std::ptr::NonNull;
use std::sync::{Mutex, PoisonError};

use rustix::io::Errno;
use rustix::mm::{Advice, MapFlags, MprotectFlags, ProtFlags};
use zeroize::Zeroize as _;

/// Bytes of one slot: a cache line, enough for any key of the hierarchy.
pub const SLOT_BYTES: usize = 64;
/// Bytes that the arena grows by; small, as RLIMIT_MEMLOCK may be.
const REGION_BYTES: usize = 64 * 1024;

/// One slot of the arena: `len` bytes that only its owner reaches; zeroised when dropped.
pub struct LockedSlot {
    // INVARIANT (exclusive): while this value lives, the address is not on the free list.
    start: NonNull<u8>,
    len: usize,
}

/// Whether every page of the arena has the protection that it should have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protection {
    /// Locked, left out of core files, wiped in a forked child.
    Full,
    /// The kernel refused a part of it, most often for RLIMIT_MEMLOCK; keys may reach swap.
    Reduced,
}

/// Why there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AllocateError {
    /// More bytes than [`SLOT_BYTES`].
    #[error("a locked slot holds at most {SLOT_BYTES} bytes, not {0}")]
    TooLong(usize),
    /// The kernel maps no more memory.
    #[error("no memory for the locked arena: {0}")]
    NoMemory(Errno),
}

/// A zeroed slot of `len` bytes.
///
/// # Errors
/// [`AllocateError`]; refused locking is not an error but a [`Protection`].
pub fn allocate(len: usize) -> Result<LockedSlot, AllocateError> {
    if len > SLOT_BYTES {
        return Err(AllocateError::TooLong(len));
    }
    let mut arena = ARENA.lock().unwrap_or_else(PoisonError::into_inner);
    if arena.free.is_empty() {
        arena.grow().map_err(AllocateError::NoMemory)?;
    }
    // A grown arena has free slots; the error cannot arise.
    let Slot(start) = arena.free.pop().ok_or(AllocateError::NoMemory(Errno::NOMEM))?;
    Ok(LockedSlot { start, len })
}

/// How well the arena is protected, after making sure that it has a page.
///
/// # Errors
/// [`AllocateError::NoMemory`].
pub fn protection() -> Result<Protection, AllocateError> {
    drop(allocate(0)?);
    let arena = ARENA.lock().unwrap_or_else(PoisonError::into_inner);
    Ok(if arena.reduced { Protection::Reduced } else { Protection::Full })
}

impl LockedSlot {
    /// The bytes.
    pub const fn bytes(&self) -> &[u8] {
        // SAFETY: the slot is mapped for the process's life, initialised (mmap zeroes), `len` is at most
        // SLOT_BYTES, and no one else has the address while `self` lives.
        unsafe { std::slice::from_raw_parts(self.start.as_ptr(), self.len) }
    }

    /// The bytes, to be written.
    pub const fn bytes_mut(&mut self) -> &mut [u8] {
        // SAFETY: as in `bytes`; `&mut self` excludes every other reference.
        unsafe { std::slice::from_raw_parts_mut(self.start.as_ptr(), self.len) }
    }
}

impl Drop for LockedSlot {
    fn drop(&mut self) {
        self.bytes_mut().zeroize();
        ARENA.lock().unwrap_or_else(PoisonError::into_inner).free.push(Slot(self.start));
    }
}

impl std::fmt::Debug for LockedSlot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "LockedSlot({} bytes)", self.len)
    }
}

// SAFETY: the slot owns its bytes alone, as a box would; shared access only reads.
unsafe impl Send for LockedSlot {}
// SAFETY: `&LockedSlot` gives `&[u8]` only.
unsafe impl Sync for LockedSlot {}

/// The address of a free slot.
struct Slot(NonNull<u8>);
// SAFETY: an address on the free list belongs to nobody, so any thread may take it.
unsafe impl Send for Slot {}

/// Regions are never unmapped: keys come and go, the arena stays at its high-water mark.
struct Arena {
    free: Vec<Slot>,
    reduced: bool,
}

static ARENA: Mutex<Arena> = Mutex::new(Arena { free: Vec::new(), reduced: false });

impl Arena {
    /// Adds one region: guard page, slots, guard page.
    fn grow(&mut self) -> Result<(), Errno> {
        let page = rustix::param::page_size();
        let data_len = REGION_BYTES.next_multiple_of(page);
        // SAFETY: an anonymous private mapping at an address of the kernel's choice touches no memory of ours.
        let base = unsafe {
            rustix::mm::mmap_anonymous(
                std::ptr::null_mut(),
                data_len + 2 * page,
                ProtFlags::empty(),
                MapFlags::PRIVATE,
            )
        }?;
        let data = base.wrapping_byte_add(page);
        // SAFETY: the range lies inside the mapping made above, which nothing refers to yet.
        let opened =
            unsafe { rustix::mm::mprotect(data, data_len, MprotectFlags::READ | MprotectFlags::WRITE) };
        if let Err(errno) = opened {
            // SAFETY: as above; the whole mapping goes.
            let _unused_address_space = unsafe { rustix::mm::munmap(base, data_len + 2 * page) };
            return Err(errno);
        }
        self.reduced |= protect(data, data_len).is_err();
        let slots =
            (0..data_len / SLOT_BYTES).rev().map(|index| data.cast::<u8>().wrapping_add(index * SLOT_BYTES));
        self.free.extend(slots.filter_map(NonNull::new).map(Slot));
        Ok(())
    }
}

/// Locks the pages and keeps them out of core files and forked children; tries everything, reports the first refusal.
fn protect(data: *mut std::ffi::c_void, len: usize) -> Result<(), Errno> {
    // SAFETY: the caller passes whole pages of its own mapping; locking and these advices change no content.
    let (locked, undumped, unforked) = unsafe {
        (
            rustix::mm::mlock(data, len),
            rustix::mm::madvise(data, len, Advice::LinuxDontDump),
            rustix::mm::madvise(data, len, Advice::LinuxWipeOnFork),
        )
    };
    locked.and(undumped).and(unforked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_slot_is_zeroed_writable_and_as_long_as_asked() {
        let mut slot = allocate(32).unwrap();
        assert_eq!(slot.bytes(), [0; 32]);
        slot.bytes_mut().fill(0xa5);
        assert_eq!(slot.bytes(), [0xa5; 32]);
    }

    #[test]
    fn a_slot_comes_back_zeroed() {
        // More than a region, so that slots that were just written are certainly handed out again.
        for _ in 0..2 {
            let mut slots: Vec<_> = (0..2000).map(|_| allocate(SLOT_BYTES).unwrap()).collect();
            for slot in &mut slots {
                assert_eq!(slot.bytes(), [0; SLOT_BYTES]);
                slot.bytes_mut().fill(0xff);
            }
        }
    }

    #[test]
    fn slots_do_not_overlap_across_threads() {
        let slots: Vec<LockedSlot> = std::thread::scope(|scope| {
            let workers: Vec<_> = (0..4)
                .map(|_| scope.spawn(|| (0..1500).map(|_| allocate(1).unwrap()).collect::<Vec<_>>()))
                .collect();
            workers.into_iter().flat_map(|worker| worker.join().unwrap()).collect()
        });
        let starts: BTreeSet<usize> =
            slots.iter().map(|slot| slot.start.as_ptr() as usize / SLOT_BYTES).collect();
        assert_eq!(starts.len(), 6000);
    }

    #[test]
    fn more_than_a_slot_is_refused() {
        assert_eq!(allocate(SLOT_BYTES + 1).unwrap_err(), AllocateError::TooLong(SLOT_BYTES + 1));
    }

    #[test]
    fn a_page_of_the_arena_is_marked_locked_and_undumped_by_the_kernel() {
        let slot = allocate(1).unwrap();
        if protection().unwrap() == Protection::Reduced {
            return; // This machine refuses; `serve` reports it.
        }
        let smaps = std::fs::read_to_string("/proc/self/smaps").unwrap_or_default();
        let Some(flags) = vm_flags(&smaps, slot.start.as_ptr() as usize) else { return };
        assert!(flags.contains(" lo") && flags.contains(" dd"), "{flags}");
    }

    /// The `VmFlags` line of the mapping that holds the address, where the kernel prints one.
    fn vm_flags(smaps: &str, address: usize) -> Option<&str> {
        let mut inside = false;
        for line in smaps.lines() {
            let range = line.split(' ').next().and_then(|range| range.split_once('-'));
            let bounds = range.and_then(|(low, high)| {
                Some((usize::from_str_radix(low, 16).ok()?, usize::from_str_radix(high, 16).ok()?))
            });
            if let Some((low, high)) = bounds {
                inside = (low..high).contains(&address);
            }
            if inside && line.starts_with("VmFlags:") {
                return Some(line);
            }
        }
        None
    }
}
