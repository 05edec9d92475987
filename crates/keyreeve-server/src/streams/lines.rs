//! One JSON text a line, to standard output or to a Unix socket.

use std::io::{self, Write as _};
use std::path::PathBuf;
use std::sync::mpsc;

use tokio::io::AsyncWriteExt as _;
use tokio::net::UnixStream;
use tokio::sync::oneshot;

use super::sieve::Item;
use super::sink::Sent;

/// Lines, and where each ends.
struct Lines {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Lines {
    fn of(items: &[Item]) -> Self {
        let mut lines = Self { bytes: Vec::new(), ends: Vec::with_capacity(items.len()) };
        for item in items {
            lines.bytes.extend_from_slice(&item.json);
            lines.bytes.push(b'\n');
            lines.ends.push(lines.bytes.len());
        }
        lines
    }

    /// How many lines are whole in this many bytes.
    fn whole_in(&self, bytes: usize) -> usize {
        self.ends.partition_point(|end| *end <= bytes)
    }
}

/// Lines for standard output. Writing there may block, and nobody else may wait for it: a thread of its own does.
#[derive(Debug, Default)]
pub(super) struct StdoutLines {
    writer: Option<mpsc::SyncSender<Work>>,
}

type Work = (Vec<u8>, oneshot::Sender<io::Result<()>>);

impl StdoutLines {
    pub(super) async fn send(&mut self, items: &[Item]) -> Sent {
        match self.write(Lines::of(items).bytes).await {
            Ok(()) => Sent::all(items.len()),
            Err(error) => Sent::some(0, format!("standard output: {error}")),
        }
    }

    async fn write(&mut self, bytes: Vec<u8>) -> io::Result<()> {
        let writer = match &self.writer {
            Some(writer) => writer,
            None => self.writer.insert(start_writer()?),
        };
        let (done, written) = oneshot::channel();
        writer.try_send((bytes, done)).map_err(|_| io::Error::other("its thread is gone"))?;
        written.await.map_err(|_| io::Error::other("its thread is gone"))?
    }
}

fn start_writer() -> io::Result<mpsc::SyncSender<Work>> {
    let (sender, work) = mpsc::sync_channel::<Work>(1);
    let write = move || {
        for (bytes, done) in work {
            let mut out = io::stdout().lock();
            let written = out.write_all(&bytes).and_then(|()| out.flush());
            // Whoever asked may be gone at the stop.
            let _ = done.send(written);
        }
    };
    std::thread::Builder::new().name("keyreeve-stdout".to_owned()).spawn(write)?;
    Ok(sender)
}

/// Lines for a Unix socket, to which this connects as a client. A socket acknowledges nothing: what its buffer took
/// counts as taken.
#[derive(Debug)]
pub(super) struct UnixLines {
    path: PathBuf,
    stream: Option<UnixStream>,
}

impl UnixLines {
    pub(super) const fn new(path: PathBuf) -> Self {
        Self { path, stream: None }
    }

    pub(super) async fn send(&mut self, items: &[Item]) -> Sent {
        let lines = Lines::of(items);
        let mut written = 0;
        match self.write(&lines.bytes, &mut written).await {
            Ok(()) => Sent::all(items.len()),
            Err(error) => {
                // A cut line went with its connection: it is sent anew on the next one.
                self.stream = None;
                Sent::some(lines.whole_in(written), format!("{}: {error}", self.path.display()))
            }
        }
    }

    async fn write(&mut self, bytes: &[u8], written: &mut usize) -> io::Result<()> {
        let stream = match &mut self.stream {
            Some(stream) => stream,
            None => self.stream.insert(UnixStream::connect(&self.path).await?),
        };
        while let Some(rest) = bytes.get(*written..).filter(|rest| !rest.is_empty()) {
            match stream.write(rest).await? {
                0 => return Err(io::ErrorKind::WriteZero.into()),
                some => *written += some,
            }
        }
        Ok(())
    }
}
