//! The accept loop, with warp's filters on hyper's HTTP/1 connections.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use futures_util::future::join_all;
use hyper_util::service::TowerToHyperService;
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::address::is_trusted_proxy;
use super::handshake::HandshakeError;
use super::plain::PlainConnection;
use super::upgrade::Transport;

/// How long to wait before accepting again when the system has no room for another socket.
const BACK_OFF: Duration = Duration::from_millis(100);

/// The answer when there are too many pending sockets; hyper never sees those.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// Serves `filter` on all `listeners` until `transport` is stopped, then waits for the plain HTTP
/// connections to end, which takes a second at most. It does not wait for upgraded connections.
///
/// `filter` ends in `.map(warp::Reply::into_response)`; a request that it rejects gets warp's
/// usual answer, which is 404 if nothing matched.
pub async fn serve<H, F>(listeners: Vec<TcpListener>, filter: F, transport: &Transport<H>)
where
    F: Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static,
    F::Future: Send,
{
    let shared = &transport.shared;
    let settings = &shared.settings;
    let service = TowerToHyperService::new(warp::service(filter));
    let tasks = TaskTracker::new();
    let loops = listeners.iter().map(|listener| {
        accept(listener, &shared.shutdown.stop, |stream, address| {
            let is_proxy = is_trusted_proxy(address.ip(), &settings.trusted_proxies);
            let Some(permit) = shared.pending.admit((!is_proxy).then(|| address.ip())) else {
                shared.traffic.refused.of(HandshakeError::Pending).one();
                // It fits into the empty send buffer.
                let _ = stream.try_write(TOO_MANY);
                return;
            };
            let connection = PlainConnection::new(shared, address, permit);
            tasks.spawn(connection.serve(stream, service.clone()));
        })
    });
    tokio::select! {
        _ = join_all(loops) => {}
        () = shared.traffic.stalls.watch() => {}
    }
    tasks.close();
    tasks.wait().await;
}

/// Hands every socket that `listener` accepts to `take`.
async fn accept(
    listener: &TcpListener,
    stop: &CancellationToken,
    take: impl Fn(TcpStream, SocketAddr),
) {
    let mut exhausted = false;
    loop {
        let accepted = tokio::select! {
            biased;
            () = stop.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, address)) => {
                exhausted = false;
                take(stream, address);
            }
            Err(error) if is_client_error(&error) => {}
            Err(error) => {
                // The client stays in the kernel's queue, so accepting again at once would fail
                // until sockets are free.
                if !exhausted {
                    tracing::warn!(%error, exhausted = is_exhausted(&error), "cannot accept");
                }
                exhausted = true;
                tokio::select! {
                    () = stop.cancelled() => return,
                    () = sleep(BACK_OFF) => {}
                }
            }
        }
    }
}

/// Whether only the client that was to be accepted has failed.
fn is_client_error(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset, Interrupted};
    matches!(
        error.kind(),
        ConnectionAborted | ConnectionRefused | ConnectionReset | Interrupted
    )
}

/// Whether the system has no room for another socket.
fn is_exhausted(error: &io::Error) -> bool {
    [Errno::MFILE, Errno::NFILE, Errno::NOBUFS, Errno::NOMEM]
        .iter()
        .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
}
