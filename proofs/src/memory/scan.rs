//! Searches bytes for many needles at once, and the memory image of a process for them.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::FileExt as _;

use super::secret::Needle;

const PAGE: usize = 4096;
/// Read at once.
const CHUNK: usize = 1 << 20;

/// Needles by their beginnings.
#[derive(Debug)]
pub(crate) struct Haystack<'n> {
    needles: &'n [Needle],
    /// By the first two bytes: whether any needle begins so.
    begins: Vec<bool>,
    by_start: BTreeMap<[u8; 4], Vec<usize>>,
    longest: usize,
}

/// What kind of memory a mapping is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Region {
    /// Locked and left out of core files: the arena of long-lived keys.
    Arena,
    /// The main heap.
    Heap,
    /// The stack of a thread.
    Stack,
    /// Anonymous: heaps of the allocator for other threads, and large allocations.
    Anonymous,
    /// Backed by a file.
    File,
}

/// A needle in memory.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Hit {
    /// Index of the needle.
    pub(crate) needle: usize,
    pub(crate) region: Region,
    pub(crate) address: u64,
}

#[derive(Debug)]
struct Mapping {
    from: u64,
    to: u64,
    readable: bool,
    name: String,
    flags: String,
}

impl<'n> Haystack<'n> {
    /// Prepares needles of at least four bytes.
    pub(crate) fn new(needles: &'n [Needle]) -> Self {
        let mut begins = vec![false; 1 << 16];
        let mut by_start: BTreeMap<[u8; 4], Vec<usize>> = BTreeMap::new();
        for (number, needle) in needles.iter().enumerate() {
            let Some(start) = needle.bytes.first_chunk::<4>() else { continue };
            by_start.entry(*start).or_default().push(number);
            let [first, second, ..] = *start;
            if let Some(begins) = begins.get_mut(usize::from(first) << 8 | usize::from(second)) {
                *begins = true;
            }
        }
        let longest = needles.iter().map(|needle| needle.bytes.len()).max().unwrap_or(0);
        Self { needles, begins, by_start, longest }
    }

    /// Every needle in these bytes, with its offset.
    pub(crate) fn find(&self, bytes: &[u8]) -> Vec<(usize, usize)> {
        let mut found = Vec::new();
        let mut at = 0;
        for page in bytes.chunks(PAGE) {
            // Most memory is zero, and a needle never begins with a page of it.
            if ZEROS.get(..page.len()) != Some(page) {
                self.find_from(bytes, at, page.len(), &mut found);
            }
            at += page.len();
        }
        found
    }

    fn find_from(&self, bytes: &[u8], from: usize, len: usize, found: &mut Vec<(usize, usize)>) {
        let Some(window) = bytes.get(from..) else { return };
        let starts = window.iter().zip(window.iter().skip(1)).take(len).enumerate();
        for (offset, (first, second)) in starts {
            let begins = self.begins.get(usize::from(*first) << 8 | usize::from(*second));
            if begins != Some(&true) {
                continue;
            }
            let Some(rest) = window.get(offset..) else { continue };
            let Some(start) = rest.first_chunk::<4>() else { continue };
            for number in self.by_start.get(start).into_iter().flatten() {
                if self.needles.get(*number).is_some_and(|needle| rest.starts_with(&needle.bytes)) {
                    found.push((*number, from + offset));
                }
            }
        }
    }

    /// Every needle in the memory of a process.
    ///
    /// # Errors
    /// When the kernel does not let this process read it.
    pub(crate) fn find_in_process(&self, process: u32) -> io::Result<Vec<Hit>> {
        let mappings = mappings(&fs::read_to_string(format!("/proc/{process}/smaps"))?);
        let stacks = stack_pointers(process)?;
        let memory = File::open(format!("/proc/{process}/mem"))?;
        let mut hits = Vec::new();
        for mapping in mappings.iter().filter(|mapping| mapping.readable) {
            let region = mapping.region(&stacks);
            for (needle, address) in self.find_in_mapping(&memory, mapping) {
                hits.push(Hit { needle, region, address });
            }
        }
        Ok(hits)
    }

    fn find_in_mapping(&self, memory: &File, mapping: &Mapping) -> Vec<(usize, u64)> {
        let (mut found, mut from) = (Vec::new(), mapping.from);
        let mut chunk = vec![0; CHUNK];
        while from < mapping.to {
            let len = usize::try_from(mapping.to - from).unwrap_or(CHUNK).min(CHUNK);
            let Some(target) = chunk.get_mut(..len) else { break };
            // Pages that went away since, and special ones, are no data.
            let Ok(read) = memory.read_at(target, from) else { break };
            let bytes = chunk.get(..read).unwrap_or_default();
            found.extend(self.find(bytes).into_iter().map(|(needle, at)| (needle, from + at as u64)));
            // The next chunk overlaps, so that no needle falls between two.
            let overlap = if read == CHUNK { self.longest.saturating_sub(1) } else { 0 };
            if read == 0 {
                break;
            }
            from += (read - overlap) as u64;
        }
        found.sort_unstable();
        found.dedup();
        found
    }
}

static ZEROS: [u8; PAGE] = [0; PAGE];

impl Mapping {
    fn region(&self, stacks: &[u64]) -> Region {
        let flag = |flag: &str| self.flags.split(' ').any(|found| found == flag);
        if flag("lo") && flag("dd") {
            return Region::Arena;
        }
        let is_stack = stacks.iter().any(|pointer| (self.from..self.to).contains(pointer));
        match self.name.as_str() {
            _ if is_stack => Region::Stack,
            "[heap]" => Region::Heap,
            "[stack]" => Region::Stack,
            name if name.starts_with('/') => Region::File,
            _ => Region::Anonymous,
        }
    }
}

fn mappings(smaps: &str) -> Vec<Mapping> {
    let mut mappings: Vec<Mapping> = Vec::new();
    for line in smaps.lines() {
        let mut words = line.split_whitespace();
        let bounds = words.next().and_then(|range| range.split_once('-')).and_then(|(from, to)| {
            Some((u64::from_str_radix(from, 16).ok()?, u64::from_str_radix(to, 16).ok()?))
        });
        if let Some((from, to)) = bounds {
            let readable = words.next().is_some_and(|rights| rights.starts_with('r'));
            let name = words.nth(3).unwrap_or_default().to_owned();
            mappings.push(Mapping { from, to, readable, name, flags: String::new() });
        } else if let (Some(flags), Some(mapping)) = (line.strip_prefix("VmFlags:"), mappings.last_mut()) {
            flags.trim().clone_into(&mut mapping.flags);
        }
    }
    // The kernel's own pages hold no data of the process and may not be readable.
    mappings.retain(|mapping| !["[vvar]", "[vvar_vclock]", "[vsyscall]"].contains(&mapping.name.as_str()));
    mappings
}

/// The stack pointer of every thread (proc_pid_syscall(5): the field before the last).
fn stack_pointers(process: u32) -> io::Result<Vec<u64>> {
    let mut pointers = Vec::new();
    for task in fs::read_dir(format!("/proc/{process}/task"))? {
        let text = fs::read_to_string(task?.path().join("syscall")).unwrap_or_default();
        let pointer = text.split_whitespace().rev().nth(1).and_then(|word| word.strip_prefix("0x"));
        pointers.extend(pointer.and_then(|digits| u64::from_str_radix(digits, 16).ok()));
    }
    Ok(pointers)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::chance::Chance;

    fn needle(bytes: &[u8]) -> Needle {
        Needle { secret: 0, form: "raw", bytes: bytes.to_vec() }
    }

    #[test]
    fn needles_are_found_wherever_they_lie() {
        let needles = [needle(&[9; 24]), needle(b"abcdefghijklmnopqrstuvwx")];
        let haystack = Haystack::new(&needles);
        for at in [0, 1, PAGE - 25, PAGE - 24, PAGE - 10, PAGE, 3 * PAGE - 24] {
            let mut bytes = vec![0; 3 * PAGE];
            bytes[at..at + 24].copy_from_slice(&needles[1].bytes);
            assert_eq!(haystack.find(&bytes), [(1, at)]);
        }
        assert!(haystack.find(&vec![0; 3 * PAGE]).is_empty());
        assert!(haystack.find(b"abcdefghijklmnopqrstuvw").is_empty());
    }

    #[test]
    fn a_needle_planted_in_this_process_is_found_and_a_wiped_one_is_not() {
        let (mut kept, mut wiped) = (Chance::new(11), Chance::new(12));
        // The needles themselves lie in memory: they are held inverted, and turned only for the search in a copy.
        let planted: Vec<u8> = kept.bytes::<32>().to_vec();
        let mut gone: Vec<u8> = wiped.bytes::<32>().to_vec();
        gone.fill(0);
        std::hint::black_box(&mut gone);
        let needles = [needle(&Chance::new(11).bytes::<32>())];
        let haystack = Haystack::new(&needles);
        let hits = haystack.find_in_process(std::process::id()).unwrap();
        let address = planted.as_ptr() as u64;
        assert!(hits.iter().any(|hit| hit.address == address), "{address:x} not in {hits:?}");
        assert!(!hits.iter().any(|hit| hit.address == gone.as_ptr() as u64));
    }

    #[test]
    fn the_arena_is_known_by_its_flags() {
        let smaps = "7f00-7f10 rw-p 00000000 00:00 0\nVmFlags: rd wr mr mw me lo ac dd\n\
                     7f20-7f30 rw-p 00000000 00:00 0    [heap]\nVmFlags: rd wr mr mw me ac\n\
                     7f40-7f50 ---p 00000000 00:00 0\nVmFlags: mr mw me\n\
                     7f60-7f70 r--p 00000000 fe:00 7   /lib/x.so\nVmFlags: rd\n\
                     7f80-7f90 rw-p 00000000 00:00 0\nVmFlags: rd wr\n";
        let regions: Vec<(Region, bool)> =
            mappings(smaps).iter().map(|mapping| (mapping.region(&[0x7f85]), mapping.readable)).collect();
        let expected = [
            (Region::Arena, true),
            (Region::Heap, true),
            (Region::Anonymous, false),
            (Region::File, true),
            (Region::Stack, true),
        ];
        assert_eq!(regions, expected);
    }
}
