//! A plain HTTP connection: its place among the others, and its requests until it ends or is
//! upgraded.

use std::convert::Infallible;
use std::future::poll_fn;
use std::net::{IpAddr, SocketAddr};
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use http::{HeaderMap, HeaderValue, StatusCode, Uri, Version, header};
use hyper::Request;
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::{Service, service_fn};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;
use tokio::time::{sleep_until, timeout};
use warp::reply::Response;

use super::flow::{Answering, Flow};
use super::handshake::HandshakeError;
use super::metered::Metered;
use super::shared::Shared;
use crate::adapters::inbound::transport::admission::{AdmissionPermit, counted_address};
use crate::adapters::inbound::transport::traffic::StatusClass;
#[cfg(test)]
use crate::adapters::inbound::transport::{
    http::web_pages::WebPages,
    settings::{Shutdown, TransportSettings},
};
use crate::application::files::downloads::DownloadClient;
use crate::application::locks::lock;
#[cfg(test)]
use crate::application::memory::MemoryBudget;
use crate::application::memory::{Account, Reservation};
use crate::domain::ClientAddress;

/// The longest head of a request, and the most headers in it. Together with
/// [`TransportSettings::max_pending`], this bounds what hyper keeps of heads that have begun.
///
/// [`TransportSettings::max_pending`]: crate::adapters::inbound::transport::TransportSettings
const MAX_HEAD_BYTES: usize = 16 * 1_024;
const MAX_HEADERS: usize = 100;

/// About how much memory a connection takes while it is idle or sends a short answer.
const CONNECTION_BYTES: usize = 12 * 1_024;

/// How long a plain HTTP connection may take to finish once it is asked to end.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(1);

/// The plain connection that a request came on, carried as a request extension.
#[derive(Debug, Clone)]
pub struct PlainConnection(Arc<State>);

#[derive(Debug)]
struct State {
    shared: Arc<Shared>,
    socket: SocketAddr,
    account: Arc<Account>,
    flow: Arc<Flow>,
    place: Mutex<Place>,
}

impl DownloadClient for State {
    fn stalled_for(&self) -> Duration {
        self.flow.stalled_for()
    }

    fn address(&self) -> ClientAddress {
        counted_address(match &*lock(&self.place) {
            Place::Counted { client, .. } => *client,
            Place::Pending { .. } | Place::Nowhere => self.socket.ip(),
        })
    }
}

/// Where a connection counts.
#[derive(Debug)]
enum Place {
    /// The sockets whose first request is awaited.
    Pending { _permit: AdmissionPermit },
    /// The connections of this client.
    Counted {
        client: IpAddr,
        _permit: AdmissionPermit,
        /// Whether there was enough memory to keep it for further requests.
        is_kept: bool,
        _held: Reservation,
    },
    /// Nowhere: it has given up its place.
    Nowhere,
}

impl PlainConnection {
    pub(super) fn new(shared: &Arc<Shared>, socket: SocketAddr, pending: AdmissionPermit) -> Self {
        let settings = &shared.settings;
        Self(Arc::new(State {
            flow: Flow::new(settings),
            shared: Arc::clone(shared),
            socket,
            account: shared.memory.open_account(),
            place: Mutex::new(Place::Pending { _permit: pending }),
        }))
    }

    /// A connection without limits.
    #[cfg(test)]
    pub(crate) fn alone() -> Self {
        Self::alone_for(WebPages::default())
    }

    /// A connection without limits, of a server that answers these pages.
    #[cfg(test)]
    pub(crate) fn alone_for(web_pages: WebPages) -> Self {
        let settings = TransportSettings {
            web_pages,
            ..TransportSettings::default()
        };
        let shared = Shared::new(settings, MemoryBudget::new(1 << 30), Shutdown::default());
        let permit = shared.pending.admit(None).expect("there is room");
        Self::new(&shared, ([127, 0, 0, 1], 1).into(), permit)
    }

    /// What its requests make the server hold.
    pub fn account(&self) -> &Arc<Account> {
        &self.0.account
    }

    /// Its client, as the socket sees it.
    pub fn download_client(&self) -> Arc<dyn DownloadClient> {
        Arc::<State>::clone(&self.0)
    }

    /// The refusal of a request that comes from a web page that may not ask, or under a name that
    /// the server does not accept.
    pub fn page_refusal(&self, headers: &HeaderMap) -> Option<Response> {
        let shared = &self.0.shared;
        let refused = shared.settings.web_pages.check(headers, false).err();
        refused.map(|why| shared.refuse(why))
    }

    /// Counts this connection as one of the client that sent `headers`, because a proxy sends the
    /// requests of many clients over one connection. Returns the refusal if there are too many.
    pub fn enter(&self, headers: &HeaderMap) -> Option<Response> {
        let client = self.0.shared.client(self.0.socket, headers);
        let mut place = lock(&self.0.place);
        if let Place::Counted {
            client: counted, ..
        } = &*place
        {
            if *counted == client {
                return None;
            }
            *place = Place::Nowhere;
        }
        let Some(permit) = self.0.shared.admission.admit(Some(client)) else {
            return Some(self.0.shared.refuse(HandshakeError::Full));
        };
        let account = &self.0.account;
        let is_kept = account.has_plenty(CONNECTION_BYTES);
        *place = Place::Counted {
            client,
            _permit: permit,
            is_kept,
            _held: account.reserve(CONNECTION_BYTES),
        };
        None
    }

    /// Gives up its place among the connections, for a WebSocket connection to take.
    pub(super) fn make_way(&self) {
        let mut place = lock(&self.0.place);
        if matches!(&*place, Place::Counted { .. }) {
            *place = Place::Nowhere;
        }
    }

    pub(super) fn socket(&self) -> SocketAddr {
        self.0.socket
    }

    /// Whether it may carry another request.
    fn is_kept(&self) -> bool {
        let is_kept = matches!(&*lock(&self.0.place), Place::Counted { is_kept: true, .. });
        is_kept && !self.0.shared.shutdown.draining.is_cancelled()
    }

    /// Serves requests until the connection is upgraded or ends.
    pub(super) async fn serve<S>(self, stream: TcpStream, service: S)
    where
        S: Service<Request<Incoming>, Response = Response, Error = Infallible> + Send,
        S::Future: Send,
    {
        // Small frames must not wait for the acknowledgement of others.
        if let Err(error) = stream.set_nodelay(true) {
            tracing::debug!(%error, "a client left before it said anything");
            return;
        }
        let flow = &self.0.flow;
        let service = service_fn(|mut request: Request<Incoming>| {
            let answering = flow.answer();
            ensure_path(request.uri_mut());
            let shared = &self.0.shared;
            let proxies = &shared.settings.trusted_proxies;
            shared
                .probes
                .note(request.headers(), self.0.socket, proxies);
            request.extensions_mut().insert(self.clone());
            let answer = names_one_host(&request).then(|| service.call(request));
            async {
                let answer = match answer {
                    Some(answer) => answer.await?,
                    None => bad_host(),
                };
                Ok::<_, Infallible>(self.finish(answer, answering))
            }
        });
        let io = TokioIo::new(Metered::new(
            stream,
            Arc::clone(flow),
            Arc::clone(&self.0.shared.traffic),
        ));
        let connection = http1::Builder::new()
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEAD_BYTES)
            .serve_connection(io, service)
            .with_upgrades();
        let serving = async {
            let mut connection = pin!(connection);
            let mut time_is_up = pin!(sleep_until(flow.deadline()));
            let answered = poll_fn(|cx| {
                if let Poll::Ready(ended) = connection.as_mut().poll(cx) {
                    return Poll::Ready(Some(ended));
                }
                // Only the poll above moves the deadline.
                loop {
                    if time_is_up.deadline() != flow.deadline() {
                        time_is_up.as_mut().reset(flow.deadline());
                    }
                    if time_is_up.as_mut().poll(cx).is_pending() {
                        return Poll::Pending;
                    }
                    if time_is_up.deadline() == flow.deadline() {
                        return Poll::Ready(None);
                    }
                }
            });
            tokio::select! {
                ended = answered => {
                    if let Some(Err(error)) = ended {
                        tracing::debug!(%error, "a plain HTTP connection failed");
                    }
                    return;
                }
                () = self.0.account.evicted() => return,
                () = self.0.shared.shutdown.stop.cancelled() => {}
            }
            connection.as_mut().graceful_shutdown();
            let _ = timeout(DRAIN_TIMEOUT, connection).await;
        };
        let serving = pin!(serving);
        self.0.shared.fair_share.open().serve(serving).await;
    }

    fn finish<B>(
        &self,
        mut answer: http::Response<B>,
        answering: Answering,
    ) -> http::Response<AnswerBody<B>> {
        if answer.status() != StatusCode::SWITCHING_PROTOCOLS && !self.is_kept() {
            let close = HeaderValue::from_static("close");
            let said = answer.headers().get_all(header::CONNECTION).iter();
            if said.into_iter().all(|said| said != close) {
                answer.headers_mut().append(header::CONNECTION, close);
            }
        }
        let class = StatusClass::from(answer.status());
        self.0.shared.traffic.responses.of(class).one();
        answer.map(|body| AnswerBody {
            body,
            _answering: answering,
        })
    }
}

/// Gives a request without a path (`CONNECT a:80`, `GET a`) a path that nothing matches: warp
/// panics if there is none.
fn ensure_path(uri: &mut Uri) {
    if uri.path_and_query().is_none() {
        *uri = Uri::from_static("/-");
    }
}

/// Whether the request has exactly one `Host`; HTTP/1.0 needs none (RFC 9112, section 3.2).
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

/// The body of an answer, which is under way as long as this exists.
struct AnswerBody<B> {
    body: B,
    _answering: Answering,
}

impl<B: Body + Unpin> Body for AnswerBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
