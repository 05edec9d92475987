//! The real binary as a child: started on a data folder, killed without notice, or stopped politely.

use std::fs::File;
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal};

use crate::failure::Failure;

/// How to start it.
#[derive(Debug, Clone)]
pub(crate) struct Launch {
    /// The `keyreeve` binary.
    pub(crate) binary: PathBuf,
    /// Its data folder, absolute.
    pub(crate) data: PathBuf,
    /// Where its standard error goes (appended).
    pub(crate) log: PathBuf,
    /// Further variables of its environment.
    pub(crate) environment: Vec<(String, String)>,
}

/// A server that was started, whether it answers yet or not.
#[derive(Debug)]
pub(crate) struct Starting {
    child: Child,
    log: PathBuf,
}

/// A server that answers.
#[derive(Debug)]
pub(crate) struct Server {
    child: Child,
    /// Kept open: a closed pipe would be an event that users do not cause.
    output: BufReader<ChildStdout>,
    /// What it printed up to the line with its endpoint.
    pub(crate) greeting: String,
    /// Where it answers.
    pub(crate) address: SocketAddr,
    log: PathBuf,
}

/// Signals that are sent before the proof gives up.
const SIGNALS_MAX: usize = 2000;
const ENDPOINT: &str = "AWS_ENDPOINT_URL_KMS=http://";

impl Launch {
    /// A launch on `data` with `server.log` beside it.
    pub(crate) fn on(binary: &Path, data: &Path, log: &Path) -> Self {
        let (binary, data, log) = (binary.to_owned(), data.to_owned(), log.to_owned());
        Self { binary, data, log, environment: Vec::new() }
    }

    /// The command, without input and output.
    pub(crate) fn command(&self) -> Command {
        let mut command = Command::new(&self.binary);
        command.arg("dev").arg("--data").arg(&self.data).args(["--port", "0"]);
        // Settings of whoever runs the proof must not reach the server.
        for name in ["KEYREEVE_DATA", "KEYREEVE_PORT", "KEYREEVE_LISTEN", "KEYREEVE_OBSERVE", "RUST_LOG"] {
            command.env_remove(name);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    /// Starts the process.
    pub(crate) fn spawn(&self) -> Result<Starting, Failure> {
        self.spawn_command(self.command())
    }

    /// Starts the process from a command made of [`Self::command`].
    pub(crate) fn spawn_command(&self, mut command: Command) -> Result<Starting, Failure> {
        let log = File::options().append(true).create(true).open(&self.log);
        let log = log.map_err(Failure::file(&self.log))?;
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log);
        let child = command.spawn().map_err(|error| {
            let advice = "build it first with `cargo build -p keyreeve`, or name it with --binary";
            Failure::Setting(format!("cannot start {}: {error}: {advice}", self.binary.display()))
        })?;
        Ok(Starting { child, log: self.log.clone() })
    }

    /// Starts the process and waits until it answers.
    pub(crate) fn start(&self) -> Result<Server, Failure> {
        self.spawn()?.ready()
    }
}

impl Starting {
    /// Waits for the line that names the endpoint.
    pub(crate) fn ready(mut self) -> Result<Server, Failure> {
        let output = self.child.stdout.take().ok_or_else(|| Failure::Setting("no pipe".to_owned()))?;
        let mut output = BufReader::new(output);
        let mut greeting = String::new();
        loop {
            let from = greeting.len();
            let read = output.read_line(&mut greeting);
            let line = greeting.get(from..).unwrap_or_default();
            if let Some((_, address)) = line.split_once(ENDPOINT) {
                let address = address.trim().parse();
                let address = address.map_err(|_| Failure::Server(format!("odd endpoint: {line}")))?;
                return Ok(Server { child: self.child, output, greeting, address, log: self.log });
            }
            if !matches!(read, Ok(1..)) {
                let status = self.child.wait().map_err(Failure::file(&self.log))?;
                let last = last_lines(&self.log);
                return Err(Failure::Broken(format!("it does not start ({status}); its log ends:\n{last}")));
            }
        }
    }

    /// kill -9, before or after it answers.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        end(&mut self.child, &self.log).map(drop)
    }
}

impl Server {
    /// Its process id.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// kill -9.
    pub(crate) fn kill(mut self) -> Result<(), Failure> {
        end(&mut self.child, &self.log).map(drop)
    }

    /// Sends SIGTERM and waits for the graceful end.
    pub(crate) fn stop(mut self) -> Result<(), Failure> {
        let status = self.signal(Signal::TERM)?;
        if status.success() {
            return Ok(());
        }
        Err(Failure::Server(format!("{status} after SIGTERM; its log ends:\n{}", last_lines(&self.log))))
    }

    fn send(&self, signal: Signal) -> Result<(), Failure> {
        let Some(pid) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw) else { return Ok(()) };
        let sent = rustix::process::kill_process(pid, signal);
        sent.map_err(|error| Failure::Setting(format!("cannot send a signal: {error}")))
    }

    /// Sends a signal that ends it, and waits.
    pub(crate) fn signal(&mut self, signal: Signal) -> Result<ExitStatus, Failure> {
        self.send(signal)?;
        self.child.wait().map_err(Failure::file(&self.log))
    }

    /// Sends a signal until it ends: at the first SIGSEGV, Rust's handler only restores the default action, and expects
    /// the faulty instruction to fault again.
    pub(crate) fn insist(&mut self, signal: Signal) -> Result<ExitStatus, Failure> {
        for _ in 0..SIGNALS_MAX {
            self.send(signal)?;
            if let Some(status) = self.child.try_wait().map_err(Failure::file(&self.log))? {
                return Ok(status);
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        Err(Failure::Server(format!("{signal:?} does not end it")))
    }

    /// The rest of what it printed; to be asked after its end.
    pub(crate) fn rest_of_output(&mut self) -> String {
        let mut text = String::new();
        while matches!(self.output.read_line(&mut text), Ok(1..)) {}
        text
    }
}

fn end(child: &mut Child, log: &Path) -> Result<ExitStatus, Failure> {
    child.kill().map_err(Failure::file(log))?;
    let status = child.wait().map_err(Failure::file(log))?;
    if status.signal() == Some(9) {
        return Ok(status);
    }
    // It ended by itself before the kill arrived: nothing that was asked of it makes it do that.
    Err(Failure::Broken(format!("it ended by itself ({status}); its log ends:\n{}", last_lines(log))))
}

/// A proof that fails must not leave servers behind.
impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// The end of a log.
pub(crate) fn last_lines(log: &Path) -> String {
    let text =
        std::fs::read(log).map(|bytes| String::from_utf8_lossy(&bytes).into_owned()).unwrap_or_default();
    let lines: Vec<&str> = text.lines().collect();
    lines.get(lines.len().saturating_sub(12)..).unwrap_or_default().join("\n")
}
