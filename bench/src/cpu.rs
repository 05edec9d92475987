//! CPU time as the kernel's scheduler counts it, in nanoseconds, user and system together.
//! Source: <https://docs.kernel.org/scheduler/sched-stats.html>, `/proc/<pid>/schedstat`.

use std::collections::HashMap;
use std::fs;
use std::io::ErrorKind;
use std::time::Duration;

use crate::Failure;

/// CPU time of every thread of a process at one moment.
#[derive(Debug, Clone, Default)]
pub(crate) struct Snapshot(HashMap<u32, u64>);

impl Snapshot {
    /// Of a process that runs.
    ///
    /// # Errors
    /// When the process is gone, or the kernel keeps no such statistics.
    pub(crate) fn of(process: u32) -> Result<Self, Failure> {
        let mut threads = HashMap::new();
        for entry in fs::read_dir(format!("/proc/{process}/task"))? {
            let entry = entry?;
            let text = match fs::read_to_string(entry.path().join("schedstat")) {
                Ok(text) => text,
                // The thread ended since the folder was read.
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(error.into()),
            };
            let thread = entry.file_name().to_string_lossy().parse()?;
            threads.insert(thread, on_cpu_ns(&text)?);
        }
        Ok(Self(threads))
    }

    /// CPU time since an earlier snapshot of the same process. Threads that ended in between are not counted: a
    /// server has none, except blocking threads that were idle for seconds.
    pub(crate) fn since(&self, earlier: &Self) -> Duration {
        let ns = self.0.iter().map(|(thread, ns)| ns.saturating_sub(*earlier.0.get(thread).unwrap_or(&0)));
        Duration::from_nanos(ns.sum())
    }
}

/// CPU time of the calling thread.
///
/// # Errors
/// When the kernel keeps no such statistics.
pub(crate) fn of_this_thread() -> Result<Duration, Failure> {
    Ok(Duration::from_nanos(on_cpu_ns(&fs::read_to_string("/proc/thread-self/schedstat")?)?))
}

/// The first of three numbers: time on the CPU, time waiting for one, and how often.
fn on_cpu_ns(text: &str) -> Result<u64, Failure> {
    let first = text.split_ascii_whitespace().next().ok_or("an empty schedstat")?;
    Ok(first.parse()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_number_is_the_time_on_the_cpu() {
        assert_eq!(on_cpu_ns("123 45 6\n").unwrap(), 123);
        assert!(on_cpu_ns("").is_err());
        assert!(on_cpu_ns("x 1 2").is_err());
    }

    #[test]
    fn new_threads_count_from_zero_and_ended_ones_not_at_all() {
        let earlier = Snapshot(HashMap::from([(1, 100), (2, 50)]));
        let later = Snapshot(HashMap::from([(1, 130), (3, 7)]));
        assert_eq!(later.since(&earlier), Duration::from_nanos(37));
    }

    #[test]
    fn work_of_this_process_shows() {
        let (process, thread) = (Snapshot::of(std::process::id()).unwrap(), of_this_thread().unwrap());
        while of_this_thread().unwrap() == thread {}
        assert!(Snapshot::of(std::process::id()).unwrap().since(&process) > Duration::ZERO);
    }
}
