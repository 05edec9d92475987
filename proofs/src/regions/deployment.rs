//! One Region as a process: `keyreeve serve` on its own folder, with its own root key, store, certificate and audit log.

use std::fs::{self, File};
use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use base64::Engine as _;
use keyreeve_crypto::digest::sha256_of_parts;
use serde_json::Value;

use super::clock::Clock;
use super::links::Link;
use crate::failure::Failure;
use crate::server::last_lines;

const CLIENTS: &str = "Serving KMS on http://";
const REGIONS: &str = "Other Regions on https://";
/// The last line that it prints before it serves.
const LAST: &str = "Operators on ";

const CONFIG: &[&str] = &["--config", "keyreeve.toml"];

/// A Region, whether its process runs or not.
#[derive(Debug)]
pub(super) struct Deployment {
    /// Its name, such as `eu-central-1`.
    pub(super) name: &'static str,
    binary: PathBuf,
    folder: PathBuf,
    running: Option<Running>,
    clock: Clock,
    /// Where it answers other Regions; the same over restarts.
    pub(super) region_address: SocketAddr,
}

#[derive(Debug)]
struct Running {
    child: Child,
    /// Kept open: a closed pipe would be an event that users do not cause.
    _output: BufReader<ChildStdout>,
    address: SocketAddr,
}

impl Deployment {
    /// Makes the folder and everything in it.
    pub(super) fn make(
        binary: &Path,
        folder: &Path,
        name: &'static str,
        clock: &Clock,
    ) -> Result<Self, Failure> {
        let folder = folder.join(name);
        fs::create_dir_all(&folder).map_err(Failure::file(&folder))?;
        let region_address = free_address()?;
        let config = format!(
            "[deployment]\ndata = \"data\"\nregions = [\"{name}\"]\n[listen]\naddresses = [\"127.0.0.1:0\"]\n[unseal]\n\
             key_file = \"root.key\"\n[region]\nlisten = \"{region_address}\"\nendpoint = \"https://{region_address}\"\n"
        );
        let file = folder.join("keyreeve.toml");
        fs::write(&file, config).map_err(Failure::file(&file))?;
        let (binary, clock) = (binary.to_owned(), clock.clone());
        let made = Self { name, binary, folder, running: None, clock, region_address };
        made.run(&["init"])?;
        Ok(made)
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.binary);
        command.args(arguments).current_dir(&self.folder);
        // Settings of whoever runs the proof must not reach the server.
        command.env_clear().env("HOME", &self.folder).stdin(Stdio::null());
        command
    }

    /// What a command about this deployment printed.
    pub(super) fn run(&self, arguments: &[&str]) -> Result<String, Failure> {
        self.run_alone(&[arguments, CONFIG].concat())
    }

    /// What a command printed that needs no deployment.
    pub(super) fn run_alone(&self, arguments: &[&str]) -> Result<String, Failure> {
        let refused =
            |said| Failure::Server(format!("`keyreeve {}` in {}: {said}", arguments.join(" "), self.name));
        self.try_alone(arguments)?.map_err(refused)
    }

    /// What a command about this deployment printed, or why it was refused.
    pub(super) fn attempt(&self, arguments: &[&str]) -> Result<Result<String, String>, Failure> {
        self.try_alone(&[arguments, CONFIG].concat())
    }

    fn try_alone(&self, arguments: &[&str]) -> Result<Result<String, String>, Failure> {
        let output = self.command(arguments).output().map_err(Failure::file(&self.binary))?;
        Ok(if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        })
    }

    /// The JSON that a command printed.
    pub(super) fn json(&self, arguments: &[&str]) -> Result<Value, Failure> {
        let arguments = [arguments, &["--json"]].concat();
        let printed = self.run(&arguments)?;
        let odd =
            |error| Failure::Server(format!("`keyreeve {}` prints no JSON: {error}", arguments.join(" ")));
        serde_json::from_str(&printed).map_err(odd)
    }

    fn log(&self) -> PathBuf {
        self.folder.join("server.log")
    }

    /// Starts the process, and waits until it answers.
    pub(super) fn start(&mut self) -> Result<(), Failure> {
        let path = self.log();
        let log = File::options().append(true).create(true).open(&path).map_err(Failure::file(&path))?;
        let mut command = self.command(&[&["serve"], CONFIG].concat());
        command.envs(self.clock.environment());
        command.stdout(Stdio::piped()).stderr(log);
        let mut child = command.spawn().map_err(Failure::file(&self.binary))?;
        let output = child.stdout.take().ok_or_else(|| Failure::Setting("no pipe".to_owned()))?;
        let mut output = BufReader::new(output);
        let (mut address, mut line, mut among) = (None, String::new(), false);
        while !line.starts_with(LAST) {
            line.clear();
            if !matches!(output.read_line(&mut line), Ok(1..)) {
                let ended = child.wait().map_err(Failure::file(&path))?;
                let last = last_lines(&path);
                return Err(Failure::Broken(format!(
                    "{} does not start ({ended}); its log ends:\n{last}",
                    self.name
                )));
            }
            if let Some(rest) = line.strip_prefix(CLIENTS) {
                address = rest.trim().parse().ok();
            }
            among |= line.starts_with(REGIONS);
        }
        let address =
            address.filter(|_| among).ok_or_else(|| Failure::Server("odd lines at the start".to_owned()))?;
        self.running = Some(Running { child, _output: output, address });
        Ok(())
    }

    /// kill -9.
    pub(super) fn kill(&mut self) -> Result<(), Failure> {
        let Some(mut running) = self.running.take() else { return Ok(()) };
        if let Ok(Some(status)) = running.child.try_wait() {
            let last = last_lines(&self.log());
            return Err(Failure::Broken(format!(
                "{} ended by itself ({status}); its log ends:\n{last}",
                self.name
            )));
        }
        let path = self.log();
        running.child.kill().map_err(Failure::file(&path))?;
        running.child.wait().map(drop).map_err(Failure::file(&path))?;
        Clock::clean_up_after(running.child.id());
        Ok(())
    }

    /// Where it answers clients, while it runs.
    pub(super) fn address(&self) -> Option<SocketAddr> {
        self.running.as_ref().map(|running| running.address)
    }

    /// Trusts another Region, which it finds at the end of a link.
    pub(super) fn trust(&self, other: &Self, link: &Link, home: bool) -> Result<(), Failure> {
        let mut reply = other.json(&["region", "init"])?;
        let mut introduction = reply.get_mut("Introduction").map(Value::take).unwrap_or_default();
        let endpoint = format!("https://{}", link.address);
        if let Some(members) = introduction.as_object_mut() {
            members.insert("Endpoint".to_owned(), endpoint.into());
        }
        let file = self.folder.join(format!("{}.json", other.name));
        fs::write(&file, introduction.to_string()).map_err(Failure::file(&file))?;
        let file = file.to_string_lossy();
        let print = fingerprint(&introduction);
        let mut arguments = vec!["region", "trust", &file, "--fingerprint", &print];
        if home {
            arguments.push("--home");
        }
        self.run(&arguments).map(drop)
    }
}

/// A proof that fails must not leave servers behind.
impl Drop for Running {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
        Clock::clean_up_after(self.child.id());
    }
}

/// An address that nobody has now.
fn free_address() -> Result<SocketAddr, Failure> {
    let listener = std::net::TcpListener::bind(("127.0.0.1", 0));
    let address = listener.and_then(|listener| listener.local_addr());
    address.map_err(|error| Failure::Setting(format!("no free port: {error}")))
}

/// As `keyreeve region init` prints it, of an introduction whose endpoint was changed.
fn fingerprint(introduction: &Value) -> String {
    let members = ["Format", "Region", "Endpoint", "CertificatePin", "TransportKey"];
    let texts = members.map(|name| introduction.get(name).and_then(Value::as_str).unwrap_or_default());
    let digits = hex::encode(sha256_of_parts(texts.map(str::as_bytes)));
    let groups = digits.as_bytes().chunks(4).take(8).map(|group| String::from_utf8_lossy(group).into_owned());
    groups.collect::<Vec<_>>().join("-")
}

/// A secret that a key encrypts, and bytes in general, as AWS JSON has them.
pub(super) fn base64(bytes: &[u8]) -> String {
    base64::engine::general_purpose::STANDARD.encode(bytes)
}
