//! Which cores the server and the load run on: apart, so that they do not take turns on one. Done by `taskset`
//! (util-linux), as there is no safe call for it in the standard library.

use std::fs;
use std::process::{Command, Stdio};

/// Cores by number, as `taskset --cpu-list` writes them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Pins {
    /// One core.
    pub(crate) server: String,
    /// The others.
    pub(crate) load: String,
}

impl Pins {
    /// Moves this process to the load's cores and answers where the server belongs; `None` where there is no taskset,
    /// or only one core.
    pub(crate) fn take() -> Option<Self> {
        let status = fs::read_to_string("/proc/self/status").ok()?;
        let allowed = status.lines().find_map(|line| line.strip_prefix("Cpus_allowed_list:"))?;
        let pins = Self::split(&cores(allowed)?)?;
        let process = std::process::id().to_string();
        let moved = Command::new("taskset")
            .args(["--cpu-list", "--pid", &pins.load, &process])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status();
        moved.is_ok_and(|status| status.success()).then_some(pins)
    }

    fn split(cores: &[u32]) -> Option<Self> {
        let (server, load) = cores.split_first()?;
        let load: Vec<String> = load.iter().map(u32::to_string).collect();
        (!load.is_empty()).then(|| Self { server: server.to_string(), load: load.join(",") })
    }
}

/// `0-2,5` is 0, 1, 2, 5.
fn cores(list: &str) -> Option<Vec<u32>> {
    let mut cores = Vec::new();
    for part in list.trim().split(',') {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        cores.extend(first.parse::<u32>().ok()?..=last.parse().ok()?);
    }
    Some(cores)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_core_allowed_is_the_servers_and_the_others_the_loads() {
        for (list, expected) in [
            ("\t0-1", Some(("0", "1"))),
            ("2,4-6", Some(("2", "4,5,6"))),
            ("3", None),
            ("", None),
            ("0-x", None),
        ] {
            let pins = cores(list).and_then(|cores| Pins::split(&cores));
            let expected =
                expected.map(|(server, load)| Pins { server: server.to_owned(), load: load.to_owned() });
            assert_eq!(pins, expected, "{list:?}");
        }
    }
}
