//! The accept loop, with warp's filters on hyper's HTTP/1 connections.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::time::Duration;

use futures_util::future::join_all;
use http::{HeaderValue, StatusCode, Uri, Version, header};
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use rustix::io::Errno;
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use warp::reply::Response;
use warp::{Filter, Rejection};

use super::address::is_trusted_proxy;
use crate::adapters::inbound::transport::admission::{Admission, AdmissionPermit};
use crate::adapters::inbound::transport::settings::TransportSettings;

/// The longest head of a request, and the most headers in it. What hyper keeps of a head that has
/// begun is bounded by this and by [`TransportSettings::max_pending`].
const MAX_HEAD_BYTES: usize = 16 * 1_024;
const MAX_HEADERS: usize = 100;

/// How long to wait before accepting again when the system has no room for another socket.
const BACK_OFF: Duration = Duration::from_millis(100);

/// How long a plain HTTP connection may take to finish once it is asked to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// How long a plain HTTP connection may live, in handshake timeouts. Without this bound a client
/// that sends a request and never reads the answer would stay for ever.
const MAX_LIFETIME: u32 = 12;

/// The answer when there are too many pending sockets; hyper never sees those.
const TOO_MANY: &[u8] =
    b"HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n";

/// The peer of the socket that a request came on, carried as a request extension.
#[derive(Debug, Clone, Copy)]
pub(super) struct ClientSocket(pub(super) SocketAddr);

/// Serves `filter` on all `listeners` until `stop`, then waits for the plain HTTP connections to
/// end, which takes a second at most. It does not wait for upgraded connections.
///
/// `filter` ends in `.map(warp::Reply::into_response)`; a request that it rejects gets warp's
/// usual answer, which is 404 if nothing matched.
pub async fn serve<F>(
    listeners: Vec<TcpListener>,
    filter: F,
    settings: &TransportSettings,
    stop: &CancellationToken,
) where
    F: Filter<Extract = (Response,), Error = Rejection> + Clone + Send + Sync + 'static,
    F::Future: Send,
{
    let service = TowerToHyperService::new(warp::service(filter));
    let pending = Admission::new(settings.max_pending, settings.max_pending_per_address);
    let tasks = TaskTracker::new();
    let handshake_timeout = settings.handshake_timeout;
    let loops = listeners.iter().map(|listener| {
        accept(listener, stop, |stream, address| {
            let is_proxy = is_trusted_proxy(address.ip(), &settings.trusted_proxies);
            let Some(permit) = pending.admit((!is_proxy).then(|| address.ip())) else {
                // It fits into the empty send buffer.
                let _ = stream.try_write(TOO_MANY);
                return;
            };
            let inner = service.clone();
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(ClientSocket(address));
                ensure_path(request.uri_mut());
                let answer = names_one_host(&request).then(|| inner.call(request));
                async {
                    match answer {
                        Some(answer) => answer.await.map(close_after),
                        None => Ok(close_after(bad_host())),
                    }
                }
            });
            let stop = stop.clone();
            tasks.spawn(plain_http(stream, service, handshake_timeout, stop, permit));
        })
    });
    join_all(loops).await;
    tasks.close();
    tasks.wait().await;
}

/// Gives a request without a path (`CONNECT a:80`, `GET a`) one that nothing matches: warp panics
/// if there is none.
fn ensure_path(uri: &mut Uri) {
    if uri.path_and_query().is_none() {
        *uri = Uri::from_static("/-");
    }
}

/// Whether the request has one `Host`, or is of a version before it had to (RFC 9112, section 3.2).
fn names_one_host(request: &Request<Incoming>) -> bool {
    match request.headers().get_all(header::HOST).iter().count() {
        0 => request.version() == Version::HTTP_10,
        count => count == 1,
    }
}

fn bad_host() -> Response {
    let mut response = Response::new("a request needs the header Host, once\n".into());
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
}

/// Closes the connection after a plain answer: a client that asks for health or for the page needs
/// nothing more, and an idle socket would keep its place among the pending ones.
fn close_after(mut response: Response) -> Response {
    if response.status() != StatusCode::SWITCHING_PROTOCOLS {
        let close = HeaderValue::from_static("close");
        response.headers_mut().append(header::CONNECTION, close);
    }
    response
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
                // at once, until sockets are free.
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

/// Serves requests on one socket until it is upgraded, ends, or has lived too long.
async fn plain_http<S>(
    stream: TcpStream,
    service: S,
    handshake_timeout: Duration,
    stop: CancellationToken,
    _permit: AdmissionPermit,
) where
    S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Send,
    S::Future: Send,
{
    // Small frames must not wait for the acknowledgement of others.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "a client left before it said anything");
        return;
    }
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(handshake_timeout)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .serve_connection(TokioIo::new(stream), service)
        .with_upgrades();
    let mut connection = pin!(connection);
    tokio::select! {
        ended = connection.as_mut() => {
            if let Err(error) = ended {
                tracing::debug!(%error, "a plain HTTP connection failed");
            }
            return;
        }
        () = stop.cancelled() => {}
        () = sleep(handshake_timeout * MAX_LIFETIME) => {}
    }
    connection.as_mut().graceful_shutdown();
    let _ = timeout(DRAIN_TIMEOUT, connection).await;
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
