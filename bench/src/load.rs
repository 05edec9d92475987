//! The load: keep-alive connections that send prepared requests, each the next as soon as it has its answer.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::runtime::Builder;
use tokio::task::JoinSet;

use crate::figures::Window;
use crate::server::Server;
use crate::{Failure, answer, cpu};

/// Prepared requests, shared by all connections.
pub(crate) type Pool = Arc<[Vec<u8>]>;

/// How long load runs before a window begins, so that connections, caches and key parsing are not in it.
const WARM_UP: Duration = Duration::from_millis(300);
/// How often a window is looked at for a failure.
const LOOK: Duration = Duration::from_millis(50);
const ANSWER_CAPACITY: usize = 16 * 1024;

/// What the load's threads and the window share.
#[derive(Debug, Default)]
struct Shared {
    completed: AtomicU64,
    stop: AtomicBool,
}

/// Loads a server with a pool for one window.
///
/// # Errors
/// The first answer that is not 200, or what the network or the kernel says.
pub(crate) fn window(
    server: &Server,
    pool: &Pool,
    connections: u16,
    length: Duration,
) -> Result<Window, Failure> {
    let threads = std::thread::available_parallelism()?.get().min(usize::from(connections));
    let shared = Arc::new(Shared::default());
    std::thread::scope(|scope| {
        let drivers: Vec<_> = (0..threads)
            .map(|thread| {
                let mine = (thread..usize::from(connections)).step_by(threads);
                let job =
                    Job { address: server.address(), pool: Arc::clone(pool), shared: Arc::clone(&shared) };
                scope.spawn(move || drive(&job, mine))
            })
            .collect();
        let counted = count(server, &shared, length);
        shared.stop.store(true, Relaxed);
        for driver in drivers {
            driver.join().map_err(|_panic| "a thread of the load panicked")??;
        }
        counted
    })
}

/// Counts while the load runs: nothing begins or ends in the window but requests.
fn count(server: &Server, shared: &Shared, length: Duration) -> Result<Window, Failure> {
    sleep(WARM_UP, shared);
    let (begun, cpu, completed) =
        (Instant::now(), cpu::Snapshot::of(server.process())?, shared.completed.load(Relaxed));
    sleep(length, shared);
    let completed = shared.completed.load(Relaxed) - completed;
    let (wall, cpu) = (begun.elapsed(), cpu::Snapshot::of(server.process())?.since(&cpu));
    if shared.stop.load(Relaxed) {
        // The load has failed and says why itself.
        return Err("the load ended early".into());
    }
    Window::new(completed, wall, cpu)
}

/// Sleeps, unless the load has failed.
fn sleep(length: Duration, shared: &Shared) {
    let until = Instant::now() + length;
    while !shared.stop.load(Relaxed) {
        match until.checked_duration_since(Instant::now()) {
            None | Some(Duration::ZERO) => return,
            Some(left) => std::thread::sleep(left.min(LOOK)),
        }
    }
}

struct Job {
    address: SocketAddr,
    pool: Pool,
    shared: Arc<Shared>,
}

/// One thread's connections, until told to stop; a failure of one stops all.
fn drive(job: &Job, connections: impl Iterator<Item = usize>) -> Result<(), Failure> {
    let outcome = Builder::new_current_thread().enable_all().build()?.block_on(async {
        let mut running = JoinSet::new();
        for connection in connections {
            let (pool, shared) = (Arc::clone(&job.pool), Arc::clone(&job.shared));
            // Far apart in the pool, so that no two send the same request at the same time.
            let first = connection * 127;
            let stream = TcpStream::connect(job.address).await?;
            stream.set_nodelay(true)?;
            running.spawn(converse(stream, pool, first, shared));
        }
        while let Some(ended) = running.join_next().await {
            ended??;
        }
        Ok(())
    });
    if outcome.is_err() {
        job.shared.stop.store(true, Relaxed);
    }
    outcome
}

async fn converse(
    mut stream: TcpStream,
    pool: Pool,
    first: usize,
    shared: Arc<Shared>,
) -> Result<(), Failure> {
    let mut answer = Vec::with_capacity(ANSWER_CAPACITY);
    for request in pool.iter().cycle().skip(first) {
        exchange(&mut stream, request, &mut answer).await?;
        shared.completed.fetch_add(1, Relaxed);
        if shared.stop.load(Relaxed) {
            break;
        }
    }
    Ok(())
}

/// Sends a request and reads its answer; answers where the body begins.
///
/// # Errors
/// Any status but 200, a connection that closed, more bytes than one answer.
pub(crate) async fn exchange(
    stream: &mut TcpStream,
    request: &[u8],
    answer: &mut Vec<u8>,
) -> Result<usize, Failure> {
    stream.write_all(request).await?;
    answer.clear();
    loop {
        if stream.read_buf(answer).await? == 0 {
            return Err("the server closed a connection".into());
        }
        if let Some(extent) = answer::extent(answer)? {
            if extent.total != answer.len() {
                return Err("the server sent more than one answer to one request".into());
            }
            return Ok(extent.body_at);
        }
    }
}
