//! The clock of all three Regions. `keyreeve serve` has only the machine's; libfaketime moves it on from outside, so that
//! waiting periods of days end within a history. <https://github.com/wolfcw/libfaketime>

use std::fs;
use std::path::{Path, PathBuf};

use crate::failure::Failure;

/// Where packages put the library.
const LIBRARIES: &[&str] = &[
    "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib/aarch64-linux-gnu/faketime/libfaketime.so.1",
    "/usr/lib64/faketime/libfaketime.so.1",
    "/usr/lib/faketime/libfaketime.so.1",
];

/// A file that says how far ahead the clock is.
#[derive(Debug, Clone)]
pub(super) struct Clock {
    library: &'static str,
    file: PathBuf,
    /// Seconds.
    pub(super) ahead: i64,
}

impl Clock {
    /// The machine's time, so far.
    pub(super) fn in_folder(folder: &Path) -> Result<Self, Failure> {
        let library = LIBRARIES.iter().copied().find(|path| Path::new(path).exists()).ok_or_else(|| {
            Failure::Setting("libfaketime is not installed (Debian: `apt-get install faketime`)".to_owned())
        })?;
        let mut clock = Self { library, file: folder.join("clock"), ahead: 0 };
        clock.pass(0)?;
        Ok(clock)
    }

    /// Time passes, at once and for all who were started with this clock.
    pub(super) fn pass(&mut self, seconds: i64) -> Result<(), Failure> {
        self.ahead += seconds;
        // Never half written: it is read at every look at the clock.
        let anew = self.file.with_extension("new");
        fs::write(&anew, format!("+{}", self.ahead)).map_err(Failure::file(&anew))?;
        fs::rename(&anew, &self.file).map_err(Failure::file(&self.file))
    }

    /// What a process is started with.
    pub(super) fn environment(&self) -> [(&'static str, String); 5] {
        let on = || "1".to_owned();
        [
            ("LD_PRELOAD", self.library.to_owned()),
            ("FAKETIME_TIMESTAMP_FILE", self.file.to_string_lossy().into_owned()),
            ("FAKETIME_NO_CACHE", on()),
            // Timeouts are the machine's.
            ("FAKETIME_DONT_FAKE_MONOTONIC", on()),
            ("NO_FAKE_STAT", on()),
        ]
    }

    /// Removes what the library leaves of a process that was killed.
    pub(super) fn clean_up_after(process: u32) {
        for name in [format!("faketime_shm_{process}"), format!("sem.faketime_sem_{process}")] {
            drop(fs::remove_file(Path::new("/dev/shm").join(name)));
        }
    }
}
