//! The connection: from a URL to two ends, one that sends and one that receives, and the sentences
//! for all that can go wrong between.

use std::borrow::Cow;
use std::time::Duration;

use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream, lookup_host};
use tokio::sync::mpsc;
use tokio::time::{Instant, interval_at, timeout};
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::http::Uri;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{Connector, MaybeTlsStream, WebSocketStream, client_async_tls_with_config};

use crate::failure::Failure;
use crate::names::shown;
use crate::protocol;
use crate::protocol::ServerMessage;
use crate::throughput::{Metered, Pulse};
use crate::tls;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(15);
const PING_EVERY: Duration = Duration::from_secs(20);
/// A server from which no byte comes for this long, pinged or not, is dead.
const SILENCE_MAX: Duration = Duration::from_secs(60);
const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);
const MESSAGE_BYTES_MAX: usize = 64 << 20;
/// Messages that wait to be written; with the largest this client sends, about 1 MiB.
const OUTGOING_MAX: usize = 4;
/// A reader that is slow on purpose must not have the kernel read ahead for it.
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

/// Connects to a server.
///
/// # Errors
///
/// A sentence that says what to do: the address is wrong, nobody answers, or the answer is not a
/// WebSocket's.
pub async fn connect(url: &str, read_limit: Option<u64>) -> Result<(Outgoing, Incoming), Failure> {
    let url = &*websocket(url);
    let (host, port) = address(url)?;
    let stream = timeout(CONNECT_TIMEOUT, open(&host, port, read_limit.is_some()))
        .await
        .map_err(|_| {
            Failure::connection(format!(
                "Nothing answers at {url} within 15 seconds; check the address and the network."
            ))
        })?
        .map_err(|error| unreachable_sentence(url, &host, &error))?;
    let metered = Metered::new(stream, read_limit);
    let pulse = metered.pulse();
    let config = WebSocketConfig::default()
        .max_message_size(Some(MESSAGE_BYTES_MAX))
        .max_frame_size(Some(MESSAGE_BYTES_MAX));
    let (socket, _) = timeout(
        CONNECT_TIMEOUT,
        client_async_tls_with_config(url, metered, Some(config), connector(url)),
    )
    .await
    .map_err(|_| {
        Failure::connection(format!(
            "Something took the connection at {url} but did not answer; is it a file-ws-server?"
        ))
    })?
    .map_err(|error| handshake_sentence(url, &error))?;
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

/// The address with the scheme of a WebSocket: a page's is taken for that of the socket beside it.
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

/// TLS is not set up, nor the system's certificates read, where it is not used.
fn connector(url: &str) -> Option<Connector> {
    url.starts_with("wss:")
        .then(|| Connector::Rustls(tls::config()))
}

/// Checks a server's address without connecting.
///
/// # Errors
///
/// A sentence that shows the form it must have.
pub fn address(url: &str) -> Result<(String, u16), Failure> {
    let wrong = || {
        Failure::usage(format!(
            "The address {url:?} is not of the form ws://HOST:PORT or wss://HOST; give another one \
             with --url."
        ))
    };
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

fn unreachable_sentence(url: &str, host: &str, error: &std::io::Error) -> Failure {
    Failure::connection(match error.kind() {
        std::io::ErrorKind::ConnectionRefused => {
            format!(
                "The connection to {url} was refused: is the server running? Start it with \
                 `file-ws-server --base-dir DIR`, or give another address with --url."
            )
        }
        _ => format!(
            "{url} cannot be reached: {error}. Check that {host} is the right host and that the \
             network is up."
        ),
    })
}

fn handshake_sentence(url: &str, error: &Error) -> Failure {
    let status = match error {
        Error::Http(response) => response.status().as_u16(),
        Error::Io(error) if url.starts_with("wss:") => {
            return Failure::connection(tls::sentence(url, error));
        }
        Error::Tls(error) => {
            return Failure::connection(format!(
                "No secure connection to {url}: {error}. The address must name the host that the \
                 certificate names."
            ));
        }
        _ => 0,
    };
    Failure::connection(match status {
        404 => format!(
            "The server at {url} takes no WebSocket at this path; use / or /ws, as in \
             ws://127.0.0.1:3005."
        ),
        403 => {
            format!("The server at {url} refuses connections from here (403); ask its operator.")
        }
        502 | 504 => format!(
            "A proxy answers at {url}, but not the server behind it ({status}): is the server \
             running? Try again later, or ask its operator."
        ),
        503 => format!(
            "The server at {url} is full or shutting down, or the proxy before it cannot reach it \
             (503); try again later."
        ),
        429 => {
            format!("The server at {url} takes no more from here for now (429); try again later.")
        }
        301 | 302 | 307 | 308 => format!(
            "{url} leads elsewhere ({status}); give the address that it leads to with --url, such \
             as one that starts with wss://."
        ),
        _ => format!(
            "What answers at {url} is no file-ws-server ({}); check the address.",
            shown(&error.to_string())
        ),
    })
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
        // Why it failed, the receiving end learns too; it is the one that tells.
        if sent.is_err() {
            return;
        }
    }
    // A peer that is gone needs no goodbye.
    let _ = timeout(CLOSE_TIMEOUT, sink.close()).await;
}

impl Outgoing {
    /// Queues a message, waiting while the connection is congested.
    /// Returns whether the connection still takes any; the receiving end tells why not.
    pub async fn send(&self, text: String) -> bool {
        self.0.send(text).await.is_ok()
    }

    /// Waits for room for one message.
    pub async fn room(&self) -> Option<mpsc::Permit<'_, String>> {
        self.0.reserve().await.ok()
    }
}

impl Incoming {
    /// The next message that the contract knows.
    ///
    /// # Errors
    ///
    /// A sentence that says how the connection ended.
    pub async fn next(&mut self) -> Result<(Option<u64>, ServerMessage), Failure> {
        loop {
            let message = match self.next_raw().await? {
                Message::Text(text) => protocol::parse(text.as_str()),
                Message::Binary(bytes) => std::str::from_utf8(&bytes)
                    .map_err(|_| "it is not text".to_owned())
                    .and_then(protocol::parse),
                Message::Close(frame) => {
                    let why = frame.map_or_else(String::new, |frame| match frame.reason.as_str() {
                        "" => format!(" ({})", u16::from(frame.code)),
                        reason => format!(" ({}: {})", u16::from(frame.code), shown(reason)),
                    });
                    return Err(Failure::connection(format!(
                        "The server at {} closed the connection{why}.",
                        self.url
                    )));
                }
                _ => continue,
            };
            return message.map_err(|why| {
                Failure::connection(format!(
                    "{} sent something that cannot be understood: {}.",
                    self.url,
                    shown(&why)
                ))
            });
        }
    }

    async fn next_raw(&mut self) -> Result<Message, Failure> {
        let mut before = self.pulse.count();
        loop {
            match timeout(SILENCE_MAX, self.socket.next()).await {
                Ok(Some(Ok(message))) => return Ok(message),
                Ok(None) => return Err(self.lost("the server closed it")),
                Ok(Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)))) => {
                    return Err(self.lost("the server, or the way to it, went away"));
                }
                Ok(Some(Err(error))) => return Err(self.lost(&shown(&error.to_string()))),
                Err(_) if self.pulse.count() == before => {
                    return Err(self.lost("nothing came for 60 seconds"));
                }
                Err(_) => before = self.pulse.count(),
            }
        }
    }

    fn lost(&self, why: &str) -> Failure {
        Failure::connection(format!("The connection to {} was lost: {why}.", self.url))
    }

    /// Waits, briefly, for the server's side of the goodbye, once the sending end is dropped.
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
        assert_eq!(
            address("ws://127.0.0.1:3005"),
            Ok(("127.0.0.1".into(), 3005))
        );
        assert_eq!(address("ws://[::1]:3005/ws"), Ok(("::1".into(), 3005)));
        assert_eq!(
            address("wss://live.example/ws"),
            Ok(("live.example".into(), 443))
        );
        assert_eq!(address("ws://h"), Ok(("h".into(), 80)));
        assert_eq!(address("http://h:3005/"), Ok(("h".into(), 3005)));
        assert_eq!(address("HTTPS://h"), Ok(("h".into(), 443)));
        assert_eq!(websocket("https://h/ws"), "wss://h/ws");
        for wrong in ["", "127.0.0.1:3005", "ftp://h", "ws://", "http://", "ws//h"] {
            assert_eq!(address(wrong).unwrap_err().exit_code(), 2, "{wrong}");
        }
    }

    #[test]
    fn each_answer_that_is_no_websocket_has_a_sentence_that_says_what_to_do() {
        let table = [
            (301, "leads elsewhere"),
            (403, "ask its operator"),
            (404, "use / or /ws"),
            (429, "try again later"),
            (502, "is the server running"),
            (503, "try again later"),
            (504, "is the server running"),
            (200, "is no file-ws-server"),
        ];
        for (status, expected) in table {
            let response = tokio_tungstenite::tungstenite::http::Response::builder()
                .status(status)
                .body(None)
                .unwrap();
            let failure = handshake_sentence("ws://h", &Error::Http(response.into()));
            assert!(
                failure.to_string().contains(expected),
                "{status}: {failure}"
            );
            assert_eq!(failure.exit_code(), 3);
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
        let (_outgoing, mut incoming) = connect(&url, None).await.unwrap();
        let _silent = accepting.await.unwrap();
        tokio::time::pause();
        let begun = Instant::now();
        let failure = incoming.next().await.unwrap_err();
        assert!(failure.to_string().contains("nothing came for 60 seconds"));
        assert!(failure.may_pass(false));
        assert!(begun.elapsed() >= SILENCE_MAX);
    }
}
