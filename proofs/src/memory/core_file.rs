//! The core attempt: a server that is told to dump core, on a machine where others do, leaves none.

use std::fs;
use std::os::unix::process::ExitStatusExt as _;
use std::path::Path;
use std::process::{Command, Stdio};

use rustix::process::Signal;

use crate::failure::Failure;
use crate::server::Launch;

const UNLIMITED: &str = "ulimit -c unlimited; cd \"$1\" || exit 1; shift; exec \"$@\"";

/// Starts a server without a core limit in `folder`, uses it through `work`, ends it by SIGSEGV and looks for a core.
/// Answers whether another program, ended in the same way, does dump core here: without that the attempt says little.
pub(super) async fn attempt(
    launch: &Launch,
    folder: &Path,
    work: impl AsyncFnOnce(std::net::SocketAddr) -> Result<(), Failure>,
) -> Result<bool, Failure> {
    let own = launch.command();
    let mut command = Command::new("sh");
    command.args(["-c", UNLIMITED, "sh"]).arg(folder).arg(own.get_program()).args(own.get_args());
    let mut server = launch.spawn_command(command)?.ready()?;
    work(server.address).await?;
    let status = server.insist(Signal::SEGV)?;
    if status.signal() != Some(Signal::SEGV.as_raw()) {
        return Err(Failure::Server(format!("{status} after SIGSEGV")));
    }
    let left = core_files(folder)?;
    if status.core_dumped() || !left.is_empty() {
        return Err(Failure::Broken(format!("the server leaves a core file ({status}): {left:?}")));
    }
    let mut other = Command::new("sh");
    other.args(["-c", UNLIMITED, "sh"]).arg(folder).args(["sh", "-c", "kill -SEGV $$"]);
    other.stdout(Stdio::null()).stderr(Stdio::null());
    let other = other.status().map_err(|error| Failure::Setting(format!("cannot start sh: {error}")))?;
    Ok(other.core_dumped())
}

fn core_files(folder: &Path) -> Result<Vec<String>, Failure> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).map_err(Failure::file(folder))? {
        let name = entry.map_err(Failure::file(folder))?.file_name().to_string_lossy().into_owned();
        if name.starts_with("core") {
            found.push(name);
        }
    }
    Ok(found)
}
