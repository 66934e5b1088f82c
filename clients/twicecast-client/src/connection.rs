//! The connection: makes a sending and a receiving end out of a URL.

use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use rustls::{ClientConfig, RootCertStore};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error as SocketError, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use crate::error::Error;
use crate::protocol;
use crate::protocol::ServerMessage;
use crate::throughput::{Metered, Pulse};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const PING_EVERY: Duration = Duration::from_secs(20);
/// A server that sends no byte for this long, although it is pinged, is dead.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Messages that wait to be written. With the largest that this client sends they take about 1 MiB.
const OUTGOING_MAX: usize = 4;
/// The kernel must not read ahead for a reader that is slow on purpose.
const SLOW_RECEIVE_BUFFER_BYTES: u32 = 16 * 1024;

type Socket = WebSocketStream<MaybeTlsStream<Metered<TcpStream>>>;

/// The sending end. Dropping it closes the connection properly.
#[derive(Debug, Clone)]
pub struct Outgoing(mpsc::Sender<String>);

/// The receiving end.
#[derive(Debug)]
pub struct Incoming {
    socket: SplitStream<Socket>,
    pulse: Pulse,
    url: String,
}

/// How to connect, beyond the address.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Bytes per second that are read at most.
    pub read_limit: Option<u64>,
    /// The TLS configuration for `wss://`; `None` trusts the system's certificates.
    pub tls: Option<Arc<ClientConfig>>,
}

/// Connects to a server.
///
/// # Errors
///
/// If the address is wrong, nobody answers within 15 seconds, or the answer is not a WebSocket's.
pub async fn connect(url: &str, options: Options) -> Result<(Outgoing, Incoming), Error> {
    let url = &*websocket(url);
    let (host, port) = address(url)?;
    let slow = options.read_limit.is_some();
    let stream = timeout(CONNECT_TIMEOUT, open(&host, port, slow))
        .await
        .map_err(|_| Error::NoAnswer(url.to_owned()))?
        .map_err(|source| Error::Unreachable {
            url: url.to_owned(),
            source,
        })?;
    let metered = Metered::new(stream, options.read_limit);
    let pulse = metered.pulse();
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    // Without `wss:` there is no need to set up TLS or to read the system's certificates.
    let connector = url
        .starts_with("wss:")
        .then(|| Connector::Rustls(options.tls.unwrap_or_else(trusting_the_system)));
    let (socket, _) = timeout(
        CONNECT_TIMEOUT,
        client_async_tls_with_config(url, metered, Some(config), connector),
    )
    .await
    .map_err(|_| Error::NoHandshake(url.to_owned()))?
    .map_err(|error| no_handshake(url, error))?;
    let (sink, stream) = socket.split();
    let (sender, queue) = mpsc::channel(OUTGOING_MAX);
    tokio::spawn(write(sink, queue));
    Ok((
        Outgoing(sender),
        Incoming {
            socket: stream,
            pulse,
            url: url.to_owned(),
        },
    ))
}

/// The certificates that the system trusts, or those of `SSL_CERT_FILE` and `SSL_CERT_DIR` if these
/// are set.
pub fn system_roots() -> RootCertStore {
    let mut roots = RootCertStore::empty();
    // A certificate that cannot be read is left out.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    roots
}

/// A TLS configuration that trusts those certificates.
pub fn tls_trusting(roots: RootCertStore) -> Arc<ClientConfig> {
    // This only fails if a provider is already installed, which serves as well.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
    Arc::new(
        ClientConfig::builder()
            .with_root_certificates(roots)
            .with_no_client_auth(),
    )
}

fn trusting_the_system() -> Arc<ClientConfig> {
    static CONFIG: OnceLock<Arc<ClientConfig>> = OnceLock::new();
    Arc::clone(CONFIG.get_or_init(|| tls_trusting(system_roots())))
}

/// The address with the scheme of a WebSocket: `https://` becomes `wss://`, and `http://` becomes
/// `ws://`.
pub fn websocket(url: &str) -> Cow<'_, str> {
    let page = |scheme: &str| {
        let beginning = url.get(..scheme.len())?;
        (beginning.eq_ignore_ascii_case(scheme)).then(|| &url[scheme.len()..])
    };
    if let Some(rest) = page("https://") {
        format!("wss://{rest}").into()
    } else if let Some(rest) = page("http://") {
        format!("ws://{rest}").into()
    } else {
        url.into()
    }
}

/// Checks a server's address without connecting.
///
/// # Errors
///
/// [`Error::Address`], if it is not a server's address.
pub fn address(url: &str) -> Result<(String, u16), Error> {
    let wrong = || Error::Address(url.to_owned());
    let uri: Uri = websocket(url).parse().map_err(|_| wrong())?;
    let port = match uri.scheme_str() {
        Some("ws") => 80,
        Some("wss") => 443,
        _ => return Err(wrong()),
    };
    let host = uri
        .host()
        .filter(|host| !host.is_empty())
        .ok_or_else(wrong)?;
    let host = host.trim_start_matches('[').trim_end_matches(']');
    Ok((host.to_owned(), uri.port_u16().unwrap_or(port)))
}

async fn open(host: &str, port: u16, slow: bool) -> std::io::Result<TcpStream> {
    let mut last = std::io::Error::new(std::io::ErrorKind::NotFound, "the name has no address");
    for address in lookup_host((host, port)).await? {
        let socket = if address.is_ipv4() {
            TcpSocket::new_v4()?
        } else {
            TcpSocket::new_v6()?
        };
        if slow {
            socket.set_recv_buffer_size(SLOW_RECEIVE_BUFFER_BYTES)?;
        }
        match socket.connect(address).await {
            Ok(stream) => {
                stream.set_nodelay(true)?;
                return Ok(stream);
            }
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn no_handshake(url: &str, error: SocketError) -> Error {
    let url = url.to_owned();
    match error {
        SocketError::Io(source) if url.starts_with("wss:") => Error::Tls { url, source },
        SocketError::Tls(error) => Error::TlsName {
            url,
            why: error.to_string(),
        },
        error => Error::NoWebSocket {
            url,
            status: match &error {
                SocketError::Http(response) => Some(response.status().as_u16()),
                _ => None,
            },
            why: error.to_string().into(),
        },
    }
}

async fn write(mut sink: SplitSink<Socket, Message>, mut queue: mpsc::Receiver<String>) {
    let mut ping = interval_at(Instant::now() + PING_EVERY, PING_EVERY);
    loop {
        let sent = tokio::select! {
            next = queue.recv() => match next {
                Some(text) => sink.send(Message::text(text)).await,
                None => break,
            },
            _ = ping.tick() => sink.send(Message::Ping(Vec::new().into())).await,
        };
        // The receiving end learns why it failed and reports it.
        if sent.is_err() {
            return;
        }
    }
    // A peer that is gone needs no goodbye.
    let _ = timeout(CLOSE_TIMEOUT, sink.close()).await;
}

impl Outgoing {
    /// Queues a message, and waits while the connection is congested. Returns whether the
    /// connection still accepts messages; if not, the receiving end says why.
    pub async fn send(&self, text: String) -> bool {
        self.0.send(text).await.is_ok()
    }

    /// Waits until one more message may be queued.
    pub async fn room(&self) -> Option<mpsc::Permit<'_, String>> {
        self.0.reserve().await.ok()
    }
}

impl Incoming {
    /// The next message.
    ///
    /// # Errors
    ///
    /// How the connection ended, or why a message cannot be understood.
    pub async fn next(&mut self) -> Result<(Option<u64>, ServerMessage), Error> {
        loop {
            // Messages that have already arrived are taken without waiting; a flood of them must
            // not keep a signal from being noticed.
            tokio::task::coop::consume_budget().await;
            let message = match self.next_raw().await? {
                Message::Text(text) => protocol::parse(text.as_str()),
                Message::Binary(bytes) => std::str::from_utf8(&bytes)
                    .map_err(|_| "it is not text".to_owned())
                    .and_then(protocol::parse),
                Message::Close(frame) => {
                    let code = frame.as_ref().map(|frame| u16::from(frame.code));
                    let reason = frame.map_or_else(String::new, |it| it.reason.as_str().to_owned());
                    return Err(Error::Closed {
                        url: self.url.clone(),
                        code,
                        reason: reason.into(),
                    });
                }
                _ => continue,
            };
            return message.map_err(|why| self.not_understood(&why));
        }
    }

    /// The next message that answers the request `asked`. All other messages go `aside`.
    ///
    /// # Errors
    ///
    /// [`Error::Refused`], if the server answers with an error; otherwise as [`Incoming::next`].
    pub async fn answer(
        &mut self,
        asked: u64,
        aside: &mut (dyn FnMut(ServerMessage) + Send),
    ) -> Result<ServerMessage, Error> {
        loop {
            match self.next().await? {
                (Some(reference), ServerMessage::Error(error)) if reference == asked => {
                    return Err(Error::Refused(Box::new(error)));
                }
                (Some(reference), message) if reference == asked => return Ok(message),
                (_, message) => aside(message),
            }
        }
    }

    async fn next_raw(&mut self) -> Result<Message, Error> {
        let mut before = self.pulse.count();
        loop {
            match timeout(SILENCE_MAX, self.socket.next()).await {
                Ok(Some(Ok(message))) => return Ok(message),
                Ok(None) => return Err(self.lost("the server closed it")),
                Ok(Some(Err(SocketError::Protocol(
                    ProtocolError::ResetWithoutClosingHandshake,
                )))) => return Err(self.lost("the server, or the way to it, went away")),
                Ok(Some(Err(error))) => return Err(self.lost(&error.to_string())),
                Err(_) if self.pulse.count() == before => {
                    return Err(self.lost("nothing came for 60 seconds"));
                }
                Err(_) => before = self.pulse.count(),
            }
        }
    }

    pub(crate) fn not_understood(&self, why: &str) -> Error {
        Error::NotUnderstood {
            url: self.url.clone(),
            why: why.into(),
        }
    }

    fn lost(&self, why: &str) -> Error {
        Error::Lost {
            url: self.url.clone(),
            why: why.into(),
        }
    }

    /// Waits briefly until the server has closed its side, once the sending end is dropped.
    pub async fn finish(mut self) {
        let goodbye = async { while let Some(Ok(_)) = self.socket.next().await {} };
        let _ = timeout(CLOSE_TIMEOUT, goodbye).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_have_a_scheme_a_host_and_a_default_port() {
        for (url, host, port) in [
            ("ws://127.0.0.1:3005", "127.0.0.1", 3005),
            ("ws://[::1]:3005/ws", "::1", 3005),
            ("wss://live.example/ws", "live.example", 443),
            ("ws://h", "h", 80),
            ("http://h:3005/", "h", 3005),
            ("HTTPS://h", "h", 443),
        ] {
            assert_eq!(address(url).unwrap(), (host.to_owned(), port), "{url}");
        }
        assert_eq!(websocket("https://h/ws"), "wss://h/ws");
        for wrong in ["", "127.0.0.1:3005", "ftp://h", "ws://", "http://", "ws//h"] {
            assert!(matches!(address(wrong), Err(Error::Address(_))), "{wrong}");
        }
    }

    #[tokio::test]
    async fn a_server_that_answers_nothing_not_even_pings_is_dead_after_a_minute() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("ws://{}", listener.local_addr().unwrap());
        let accepting = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            tokio_tungstenite::accept_async(stream).await.unwrap()
        });
        let (_outgoing, mut incoming) = connect(&url, Options::default()).await.unwrap();
        let _silent = accepting.await.unwrap();
        tokio::time::pause();
        let begun = Instant::now();
        let error = incoming.next().await.unwrap_err();
        assert!(matches!(error, Error::Lost { .. }), "{error}");
        assert!(error.to_string().contains("nothing came for 60 seconds"));
        assert!(begun.elapsed() >= SILENCE_MAX);
    }
}
