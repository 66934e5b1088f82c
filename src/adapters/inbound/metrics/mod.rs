//! The metrics for Prometheus, on a port of their own (protocol, section 8).
//!
//! When somebody asks, the figures are read from the parts that have them. Nothing is registered
//! anywhere, so servers in one process share nothing.

mod exporter;
mod families;
mod sheet;
mod sources;

use std::sync::Arc;
use std::time::Duration;

use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, CONTENT_TYPE};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use prometheus_client::encoding::prometheus_text;
use tokio::net::TcpListener;
use tokio::time::{MissedTickBehavior, interval};
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter as _, Rejection};

pub use sources::Sources;

use self::exporter::Exporter;
use super::http::{refusal, secure};
use super::transport::listen::{Host, ListenError, bind, local_addresses};
use super::transport::{self, PlainConnection, Shutdown, Transport, TransportSettings, WebPages};
use crate::application::memory::MemoryBudget;

/// The only address on this port.
const PATH: &str = "/metrics";

const METHODS: HeaderValue = HeaderValue::from_static("GET, HEAD");

/// How often the projects are counted.
const COUNTED: Duration = Duration::from_secs(60);

/// How many connections are served at once; as many more may be about to ask. All others are
/// refused.
const CONNECTIONS: usize = 16;

/// How long a connection may take to ask, and then to take its answer. After that, its place is
/// free for others.
const PATIENCE: Duration = Duration::from_secs(2);

/// The memory of these connections. They have their own, because the figures are wanted most when
/// clients have taken all of theirs.
const MEMORY_BYTES: usize = 4 << 20;

/// Listens where the metrics are to be served, if they are configured.
///
/// # Errors
/// The port cannot be bound.
pub fn listen(at: Option<(Host, u16)>) -> Result<Vec<TcpListener>, ListenError> {
    at.map_or(Ok(Vec::new()), |(host, port)| bind(&host, port))
}

/// Serves the figures of one server on `listeners` until `shutdown` stops it.
pub async fn serve(listeners: Vec<TcpListener>, sources: Sources, shutdown: Shutdown) {
    let addresses = local_addresses(&listeners).unwrap_or_default();
    let settings = TransportSettings {
        max_connections: CONNECTIONS,
        max_pending: CONNECTIONS,
        handshake_timeout: PATIENCE,
        message_timeout: PATIENCE,
        waits_for_slow_readers: false,
        web_pages: WebPages {
            loopback_only: addresses.iter().all(|own| own.ip().is_loopback()),
            ..WebPages::default()
        },
        ..TransportSettings::default()
    };
    let memory = MemoryBudget::new(MEMORY_BYTES);
    let transport = Transport::new(settings, memory, shutdown, ());
    let exporter = Exporter::new(sources);
    let served = Arc::clone(&exporter);
    let filter = warp::method()
        .and(warp::path::full())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<PlainConnection>())
        .and_then(
            move |method: Method,
                  path: FullPath,
                  headers: HeaderMap,
                  connection: PlainConnection| {
                let exporter = Arc::clone(&served);
                async move {
                    let asked = (&method, path.as_str(), &headers);
                    let mut answer = answer(&exporter, asked, &connection).await;
                    secure(&mut answer);
                    // The client does not ask again soon, and others need its place.
                    let close = HeaderValue::from_static("close");
                    answer.headers_mut().insert(CONNECTION, close);
                    Ok::<_, Rejection>(answer)
                }
            },
        );
    let counting = async {
        let mut interval = interval(COUNTED);
        interval.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            interval.tick().await;
            exporter.count_projects().await;
        }
    };
    tokio::select! {
        () = transport::serve(listeners, filter, &transport) => {}
        () = counting => {}
    }
}

async fn answer(
    exporter: &Arc<Exporter>,
    (method, path, headers): (&Method, &str, &HeaderMap),
    connection: &PlainConnection,
) -> Response {
    if let Some(refused) = connection.page_refusal(headers) {
        return refused;
    }
    if let Some(full) = connection.enter(headers) {
        return full;
    }
    if path != PATH {
        return refusal(StatusCode::NOT_FOUND, "the metrics are at /metrics");
    }
    if method != Method::GET && method != Method::HEAD {
        let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED, "this address has GET, HEAD");
        answer.headers_mut().insert(ALLOW, METHODS);
        return answer;
    }
    let Some(text) = exporter.text().await else {
        return refusal(StatusCode::SERVICE_UNAVAILABLE, "there is no thread for it");
    };
    let mut answer = Response::new(text.into());
    let headers = answer.headers_mut();
    let of_prometheus = HeaderValue::from_static(prometheus_text::CONTENT_TYPE);
    headers.insert(CONTENT_TYPE, of_prometheus);
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
