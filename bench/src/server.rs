//! A server as a process of its own: started, its address read from what it prints, ended when dropped.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::pin::Pins;
use crate::{Failure, echo};

/// What `keyreeve dev` prints before its address.
const KEYREEVE_READY: &str = "AWS_ENDPOINT_URL_KMS=http://";
/// Settings of the person who measures must not change what is measured.
const ENVIRONMENT_REMOVED: [&str; 5] =
    ["KEYREEVE_DATA", "KEYREEVE_PORT", "KEYREEVE_LISTEN", "KEYREEVE_OBSERVE", "RUST_LOG"];

/// When a server answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AuditLog {
    /// Once the record is on disk.
    Durable,
    /// Before.
    Buffered,
}

/// A running server.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
    /// Kept open: a server that writes into a closed pipe would be told so.
    _output: BufReader<ChildStdout>,
}

impl Server {
    /// The bare echo.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn echo(pins: Option<&Pins>) -> Result<Self, Failure> {
        Self::start(&std::env::current_exe()?, &["echo"], echo::READY, pins)
    }

    /// The real thing, with its keys in memory.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn keyreeve(binary: &Path, pins: Option<&Pins>) -> Result<Self, Failure> {
        Self::start(binary, &["dev", "--ephemeral", "--port", "0"], KEYREEVE_READY, pins)
    }

    /// The real thing, with its keys in this folder.
    ///
    /// # Errors
    /// When it does not start.
    pub(crate) fn keyreeve_on(
        binary: &Path,
        data: &Path,
        log: AuditLog,
        pins: Option<&Pins>,
    ) -> Result<Self, Failure> {
        let data = data.to_str().ok_or("a folder whose name is no text")?;
        let mut arguments = vec!["dev", "--data", data, "--port", "0"];
        if log == AuditLog::Buffered {
            arguments.push("--audit-buffered");
        }
        Self::start(binary, &arguments, KEYREEVE_READY, pins)
    }

    fn start(binary: &Path, arguments: &[&str], ready: &str, pins: Option<&Pins>) -> Result<Self, Failure> {
        let mut command = match pins {
            // taskset becomes the program, so that the process id is the server's.
            Some(pins) => {
                let mut command = Command::new("taskset");
                command.args([OsStr::new("--cpu-list"), pins.server.as_ref(), binary.as_os_str()]);
                command
            }
            None => Command::new(binary),
        };
        for name in ENVIRONMENT_REMOVED {
            command.env_remove(name);
        }
        let mut child = command
            .args(arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .map_err(|error| format!("cannot start {}: {error}", binary.display()))?;
        let output = child.stdout.take().ok_or("a child without output")?;
        let mut server =
            Self { child, address: SocketAddr::from(([0; 4], 0)), _output: BufReader::new(output) };
        server.address = address(&mut server._output, ready)
            .ok_or_else(|| format!("{} ended before it was ready", binary.display()))?;
        Ok(server)
    }

    /// Where it answers.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process id.
    pub(crate) fn process(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Both fail only when it has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The keyreeve that was built beside this program.
///
/// # Errors
/// When there is none: says how to build it.
pub(crate) fn beside_this_program() -> Result<PathBuf, Failure> {
    let binary = std::env::current_exe()?.with_file_name("keyreeve");
    if binary.exists() {
        Ok(binary)
    } else {
        Err(format!(
            "there is no {}: build it first (cargo build --release -p keyreeve), or say --binary PATH",
            binary.display()
        )
        .into())
    }
}

fn address(output: &mut BufReader<ChildStdout>, ready: &str) -> Option<SocketAddr> {
    let mut line = String::new();
    while output.read_line(&mut line).ok()? > 0 {
        if let Some((_, address)) = line.split_once(ready) {
            return address.trim().parse().ok();
        }
        line.clear();
    }
    None
}
