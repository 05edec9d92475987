//! A folder with a configuration, the binary, and a client that signs.

use std::fs;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use keyreeve_sigv4::{Credential, Request, SecretAccessKey, Target, sign};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use tempfile::TempDir;

/// What a slow machine gets before a test gives up.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);
pub(crate) const REGION: &str = "eu-central-1";

/// The configuration of every test; lines are added to `[listen]` and the secret is replaced.
const CONFIG: &str = r#"
[deployment]
data = "data"
regions = ["eu-central-1", "eu-west-1"]
[listen]
addresses = ["127.0.0.1:0"]
observe = "127.0.0.1:0"
[unseal]
key_file = "root.key"
"#;

/// A folder of a deployment.
pub(crate) struct Place {
    folder: TempDir,
}

impl Place {
    /// With a configuration and nothing else.
    pub(crate) fn new() -> Self {
        let place = Self { folder: tempfile::tempdir().unwrap() };
        place.configure(CONFIG);
        place
    }

    /// With a deployment that a key file opens.
    pub(crate) fn initialised() -> Self {
        let place = Self::new();
        place.succeeds(&["init", "--config", "keyreeve.toml"]);
        place
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn configure(&self, text: &str) {
        fs::write(self.path("keyreeve.toml"), text).unwrap();
    }

    /// The configuration with one text replaced.
    pub(crate) fn reconfigure(&self, from: &str, to: &str) {
        assert!(CONFIG.contains(from), "{from}");
        self.configure(&CONFIG.replacen(from, to, 1));
    }

    /// Writes a file that only its owner may read.
    pub(crate) fn write_private(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).unwrap();
        self.chmod(name, 0o600);
    }

    pub(crate) fn chmod(&self, name: &str, mode: u32) {
        use std::os::unix::fs::PermissionsExt as _;
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(mode)).unwrap();
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_keyreeve"));
        command.args(arguments).current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().unwrap()
    }

    /// Standard output of a command that must succeed.
    pub(crate) fn succeeds(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let errors = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{arguments:?}: {errors}");
        String::from_utf8(output.stdout).unwrap()
    }

    /// Standard error of a command that must fail.
    pub(crate) fn fails(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        assert!(!output.status.success(), "{arguments:?} succeeded");
        assert!(output.stdout.is_empty(), "{arguments:?}");
        String::from_utf8(output.stderr).unwrap()
    }

    /// Starts a server and waits until it answers.
    pub(crate) fn start(&self, arguments: &[&str]) -> Running {
        let mut command = self.command(arguments);
        let child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        Running::wait_until_ready(child)
    }

    pub(crate) fn serve(&self) -> Running {
        self.start(&["serve", "--config", "keyreeve.toml"])
    }

    /// Credentials of a new account.
    pub(crate) fn account(&self, name: &str) -> Account {
        let json = self.succeeds(&["account", "create", name, "--json", "--data", "data"]);
        let reply: Value = serde_json::from_str(&json).unwrap();
        let member = |name: &str| reply[name].as_str().unwrap().to_owned();
        Account { id: member("AccountId"), key: member("AccessKeyId"), secret: member("SecretAccessKey") }
    }
}

/// A served process; killed when dropped.
pub(crate) struct Running {
    child: Child,
    /// What it printed before it was ready.
    pub(crate) printed: Vec<String>,
    log: Receiver<String>,
}

impl Running {
    fn wait_until_ready(mut child: Child) -> Self {
        let (lines, log) = channel();
        let stderr = BufReader::new(child.stderr.take().unwrap());
        std::thread::spawn(move || {
            stderr.lines().map_while(Result::ok).try_for_each(|line| lines.send(line))
        });
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let last = |line: &String| line.starts_with("Operators on ") || line.contains("Stop with Ctrl-C");
        let mut printed = Vec::new();
        while !printed.last().is_some_and(last) {
            match stdout.next() {
                Some(line) => printed.push(line.unwrap()),
                None => panic!("it ended: {:?}", log.iter().collect::<Vec<String>>()),
            }
        }
        Self { child, printed, log }
    }

    /// The address after a text in what was printed.
    pub(crate) fn address(&self, before: &str) -> String {
        let found = self.printed.iter().find_map(|line| line.split_once(before));
        found.unwrap_or_else(|| panic!("no {before} in {:?}", self.printed)).1.to_owned()
    }

    /// Where KMS answers.
    pub(crate) fn kms(&self) -> String {
        self.address("Serving KMS on http://")
    }

    /// Waits for a line of the log.
    pub(crate) fn logs(&self, text: &str) -> String {
        loop {
            let line = self.log.recv_timeout(PATIENCE).unwrap_or_else(|_| panic!("never logged: {text}"));
            if line.contains(text) {
                return line;
            }
        }
    }

    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).unwrap();
    }

    pub(crate) fn wait(mut self) -> ExitStatus {
        self.child.wait().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An account's root credentials.
pub(crate) struct Account {
    pub(crate) id: String,
    pub(crate) key: String,
    pub(crate) secret: String,
}

impl Account {
    /// Calls KMS.
    pub(crate) fn call(&self, address: &str, region: &str, operation: &str, input: Value) -> (u16, Value) {
        let body = input.to_string();
        let mut stream = connect(address);
        let head = self.signed_head(address, region, operation, &body, "");
        stream.write_all(format!("{head}{body}").as_bytes()).unwrap();
        reply(&mut stream)
    }

    /// Request line and headers, signed for a body.
    pub(crate) fn signed_head(
        &self,
        address: &str,
        region: &str,
        operation: &str,
        body: &str,
        more: &str,
    ) -> String {
        let target = format!("TrentService.{operation}");
        let headers = [("host", address), ("x-amz-target", target.as_str())]
            .map(|(name, value)| (name, value.as_bytes()));
        let request =
            Request { method: "POST", path: "/", query: "", headers: &headers, body: body.as_bytes() };
        let secret = SecretAccessKey::new(self.secret.as_bytes()).unwrap();
        let credential = Credential { access_key_id: &self.key, secret: &secret, session_token: None };
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
        let signed = sign(&request, &credential, &Target { region, service: "kms" }, now.try_into().unwrap());
        let mut head = format!(
            "POST / HTTP/1.1\r\nhost: {address}\r\nx-amz-target: {target}\r\ncontent-length: {}\r\nconnection: close\r\n{more}",
            body.len()
        );
        for (name, value) in signed.unwrap().headers() {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head + "\r\n"
    }
}

pub(crate) fn connect(address: &str) -> TcpStream {
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream
}

/// Reads to the end of the connection: status and JSON.
pub(crate) fn reply(stream: &mut TcpStream) -> (u16, Value) {
    let (status, body) = text_reply(stream);
    (status, serde_json::from_str(&body).unwrap_or(Value::Null))
}

fn text_reply(stream: &mut TcpStream) -> (u16, String) {
    let mut text = String::new();
    stream.read_to_string(&mut text).unwrap();
    let (head, body) = text.split_once("\r\n\r\n").unwrap();
    let status = head.split(' ').nth(1).unwrap().parse().unwrap();
    (status, body.to_owned())
}

pub(crate) fn get(address: &str, path: &str) -> (u16, String) {
    let mut stream = connect(address);
    write!(stream, "GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n").unwrap();
    text_reply(&mut stream)
}

pub(crate) fn exists(path: &Path) -> bool {
    path.try_exists().unwrap()
}
