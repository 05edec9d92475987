//! What commands say to a running server: one HTTP/1.1 request over its admin socket, and the answer. Blocking, as a
//! command has nothing else to do.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};

use keyreeve_model::region::Region;
use serde_json::Value;

use crate::doors::{OPERATION_HEADER, REGION_HEADER};

/// Why a command was not done.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// Nobody listens.
    #[error(
        "no server answers at {}: start it with `keyreeve serve --config FILE` (or `keyreeve dev`), or say where it is \
         with --config, --data or --socket",
        .0.display()
    )]
    NotRunning(PathBuf),
    /// The socket is another user's.
    #[error("{} belongs to another user: run this as the user that runs the server, or as root", .0.display())]
    NotAllowed(PathBuf),
    /// The path is longer than the system allows.
    #[error("the path {} is too long for a socket (107 bytes): set listen.admin_socket to a shorter one", .0.display())]
    PathTooLong(PathBuf),
    /// The connection broke.
    #[error("the server at {} did not answer: {source}; see its log", .path.display())]
    Broken {
        /// The socket.
        path: PathBuf,
        /// What happened.
        source: io::Error,
    },
    /// What answered is not HTTP/1.1 as this version speaks it.
    #[error("what answers at {} is not this version of Keyreeve", .0.display())]
    Foreign(PathBuf),
    /// The server does not know the command.
    #[error("the running server does not know {0}: it is of another version; restart it with this one")]
    UnknownOperation(String),
    /// The server refused.
    #[error("{}", if .message.is_empty() { .code } else { .message })]
    Refused {
        /// The error's type.
        code: String,
        /// Its text, which may be empty.
        message: String,
    },
}

/// A server's admin socket.
#[derive(Debug, Clone)]
pub struct AdminClient {
    socket: PathBuf,
}

/// Longest answer: a page of a thousand keys with long descriptions stays below it.
const ANSWER_BYTES_MAX: u64 = 64 * 1024 * 1024;

impl AdminClient {
    /// The server that listens at this socket.
    pub const fn new(socket: PathBuf) -> Self {
        Self { socket }
    }

    /// Runs a command. Waits for as long as it takes.
    ///
    /// # Errors
    /// [`AdminError`]: sentences for whoever runs it.
    pub fn call(&self, operation: &str, region: Option<&Region>, input: &Value) -> Result<Value, AdminError> {
        let mut stream = UnixStream::connect(&self.socket).map_err(|error| self.unreachable(error))?;
        let broken = |source| AdminError::Broken { path: self.socket.clone(), source };
        stream.write_all(&request(operation, region, input)).map_err(broken)?;
        let mut answer = Vec::new();
        stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).map_err(broken)?;
        if answer.is_empty() {
            return Err(broken(ErrorKind::UnexpectedEof.into()));
        }
        let (status, body) = parse(&answer).ok_or_else(|| AdminError::Foreign(self.socket.clone()))?;
        let body = match body {
            b"" => Value::Null,
            json => serde_json::from_slice(json).map_err(|_| AdminError::Foreign(self.socket.clone()))?,
        };
        if status == 200 { Ok(body) } else { Err(refusal(operation, &body)) }
    }

    /// The socket.
    pub fn socket(&self) -> &Path {
        &self.socket
    }

    fn unreachable(&self, source: io::Error) -> AdminError {
        let path = self.socket.clone();
        if matches!(source.kind(), ErrorKind::NotFound | ErrorKind::ConnectionRefused) {
            return AdminError::NotRunning(path);
        }
        if source.kind() == ErrorKind::PermissionDenied {
            return AdminError::NotAllowed(path);
        }
        if source.kind() == ErrorKind::InvalidInput {
            return AdminError::PathTooLong(path);
        }
        AdminError::Broken { path, source }
    }
}

fn request(operation: &str, region: Option<&Region>, input: &Value) -> Vec<u8> {
    let body = input.to_string();
    let region = region.map(|region| format!("{REGION_HEADER}: {region}\r\n")).unwrap_or_default();
    let length = body.len();
    format!(
        "POST / HTTP/1.1\r\nhost: keyreeve\r\nconnection: close\r\ncontent-type: application/json\r\n\
         content-length: {length}\r\n{OPERATION_HEADER}: {operation}\r\n{region}\r\n{body}"
    )
    .into_bytes()
}

/// Status and whole body. The server always tells the body's length; an answer that was cut short is none.
fn parse(answer: &[u8]) -> Option<(u16, &[u8])> {
    let end = answer.windows(4).position(|window| window == b"\r\n\r\n")?;
    let (head, body) = (std::str::from_utf8(answer.get(..end)?).ok()?, answer.get(end + 4..)?);
    let mut lines = head.split("\r\n");
    let status = lines.next()?.strip_prefix("HTTP/1.1 ")?.get(..3)?.parse().ok()?;
    let length = lines.filter_map(|line| line.split_once(':'));
    let length = length.filter(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length: usize = length.map(|(_, value)| value.trim()).next()?.parse().ok()?;
    (body.len() == length).then_some((status, body))
}

fn refusal(operation: &str, body: &Value) -> AdminError {
    let text = |name| body.get(name).and_then(Value::as_str);
    let code = text("__type").unwrap_or("an unknown error").to_owned();
    if code == "UnknownOperationException" {
        return AdminError::UnknownOperation(operation.to_owned());
    }
    let message = text("message").or_else(|| text("Message")).unwrap_or_default().to_owned();
    AdminError::Refused { code, message }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_taken_whole_or_not_at_all() {
        for (answer, expected) in [
            ("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", Some((200, "{}"))),
            ("HTTP/1.1 400 Bad Request\r\nx: y\r\ncontent-length:0\r\n\r\n", Some((400, ""))),
            ("HTTP/1.1 200 OK\r\ncontent-length: 3\r\n\r\n{}", None),
            ("HTTP/1.1 200 OK\r\n\r\n{}", None),
            ("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n", None),
            ("SSH-2.0-OpenSSH\r\n\r\n", None),
        ] {
            let expected = expected.map(|(status, body): (u16, &str)| (status, body.as_bytes()));
            assert_eq!(parse(answer.as_bytes()), expected, "{answer}");
        }
    }

    #[test]
    fn where_nobody_listens_the_error_says_how_to_start_a_server() {
        let folder = tempfile::tempdir().unwrap();
        let client = AdminClient::new(folder.path().join("admin.sock"));
        let error = client.call("ListAccounts", None, &Value::Null).unwrap_err();
        assert!(error.to_string().contains("start it with `keyreeve serve"), "{error}");
        let long = AdminClient::new(folder.path().join("x".repeat(200)));
        let error = long.call("ListAccounts", None, &Value::Null).unwrap_err();
        assert!(error.to_string().contains("too long"), "{error}");
    }
}
