//! The bare echo: hyper with the same runtimes as the server (one single-threaded runtime a core, one acceptor), and
//! nothing behind it. What it costs is the floor that no server on hyper gets under.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Handle};

use crate::{Failure, print};

/// What every answer holds, in bytes: as much as Encrypt answers for 32 bytes of plaintext.
const ANSWER_BYTES: usize = 330;
static ANSWER: [u8; ANSWER_BYTES] = [b'a'; ANSWER_BYTES];

/// What it prints before its address, once it answers.
pub(crate) const READY: &str = "echo on ";

/// Serves on a port of loopback that the system chooses, until it is killed.
///
/// # Errors
/// When the system gives no thread or port.
pub(crate) fn serve() -> Result<(), Failure> {
    let count = std::thread::available_parallelism()?.get();
    let workers = (0..count).map(worker).collect::<Result<Vec<_>, _>>()?;
    let acceptor = Builder::new_current_thread().enable_all().build()?;
    acceptor.block_on(async {
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).await?;
        print(&format!("{READY}{}", listener.local_addr()?))?;
        // All connections live equally long here, so that taking turns gives each to the worker with the fewest.
        for worker in workers.iter().cycle() {
            let (stream, _) = listener.accept().await?;
            let stream = stream.into_std()?;
            drop(worker.spawn(connection(stream)));
        }
        Ok(())
    })
}

fn worker(index: usize) -> Result<Handle, Failure> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let handle = runtime.handle().clone();
    std::thread::Builder::new()
        .name(format!("echo-worker-{index}"))
        .spawn(move || runtime.block_on(std::future::pending::<()>()))?;
    Ok(handle)
}

async fn connection(stream: std::net::TcpStream) {
    let Ok(stream) = TcpStream::from_std(stream).and_then(|stream| stream.set_nodelay(true).map(|()| stream))
    else {
        return;
    };
    let connection = http1::Builder::new()
        .half_close(true)
        .header_read_timeout(None)
        .serve_connection(TokioIo::new(stream), service_fn(answer));
    // A client that is gone is no concern of an echo.
    let _ = connection.await;
}

async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, Infallible> {
    // The request is read whole, as a server must before it can check a signature.
    drop(request.into_body().collect().await);
    let mut response = Response::new(Full::new(Bytes::from_static(&ANSWER)));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.1"));
    Ok(response)
}
