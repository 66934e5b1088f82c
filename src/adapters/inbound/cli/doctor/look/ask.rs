//! Asks a web server, over TLS if its address says so.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use chrono::DateTime;
use http::header::{CONNECTION, DATE, HOST, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode};
use hyper::body::{Body as _, Incoming};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::adapters::inbound::cli::doctor::public::{Answer, NoAnswer};
use crate::adapters::inbound::transport::Origin;
use crate::domain::Timestamp;

/// How long to wait for an answer: somebody waits at a terminal.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of an answer's body is read.
const BODY_BYTES: usize = 4_096;

/// What to ask for.
pub(in super::super) struct Question {
    /// The path.
    pub path: &'static str,
    /// Headers besides `Host`.
    pub headers: HeaderMap,
}

impl Question {
    /// The handshake of a WebSocket, as the server's own page would send it.
    pub fn websocket(origin: &Origin, mut headers: HeaderMap) -> Self {
        for (name, value) in [
            (CONNECTION, "Upgrade"),
            (UPGRADE, "websocket"),
            (HeaderName::from_static("sec-websocket-version"), "13"),
            // Any 16 bytes will do: only the status of the answer counts.
            (
                HeaderName::from_static("sec-websocket-key"),
                "AAAAAAAAAAAAAAAAAAAAAA==",
            ),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if let Ok(origin) = HeaderValue::try_from(origin.to_string()) {
            headers.insert(http::header::ORIGIN, origin);
        }
        Self { path: "/", headers }
    }
}

/// Asks, and waits a few seconds for an answer.
pub(in super::super) async fn ask(at: &Origin, question: Question) -> Result<Answer, NoAnswer> {
    let late = || NoAnswer::Unreachable("no answer within 5 seconds".to_owned());
    timeout(PATIENCE, try_to(at, question))
        .await
        .unwrap_or_else(|_| Err(late()))
}

fn unreachable(why: &impl ToString) -> NoAnswer {
    NoAnswer::Unreachable(why.to_string())
}

async fn try_to(at: &Origin, question: Question) -> Result<Answer, NoAnswer> {
    let host = at.host();
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    let host = bare.unwrap_or(host);
    let stream = TcpStream::connect((host, at.port().unwrap_or(80)));
    let stream = stream.await.map_err(|error| unreachable(&error))?;
    if at.scheme() != "https" {
        return exchange(stream, at, question).await;
    }
    let name = ServerName::try_from(host.to_owned()).map_err(|error| unreachable(&error))?;
    let connector = TlsConnector::from(Arc::new(trusting_the_system()?));
    let stream = connector.connect(name, stream).await.map_err(|error| {
        let is_tls = error
            .get_ref()
            .and_then(|cause| cause.downcast_ref::<rustls::Error>())
            .is_some();
        if is_tls {
            NoAnswer::Untrusted(error.to_string())
        } else {
            unreachable(&error)
        }
    })?;
    exchange(stream, at, question).await
}

fn trusting_the_system() -> Result<ClientConfig, NoAnswer> {
    let mut roots = RootCertStore::empty();
    // A certificate that cannot be read is left out: it vouches for nobody.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() {
        let why = "this machine has no certificates of authorities (the package ca-certificates)";
        return Err(unreachable(&why));
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| unreachable(&error))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

async fn exchange<S>(stream: S, at: &Origin, question: Question) -> Result<Answer, NoAnswer>
where
    S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let Question { path, headers } = question;
    let request = Request::get(path).header(HOST, at.authority());
    let mut request = request
        .body(String::new())
        .map_err(|error| unreachable(&error))?;
    request.headers_mut().extend(headers);
    let handshake = http1::handshake(TokioIo::new(stream)).await;
    let (mut sender, connection) = handshake.map_err(|error| unreachable(&error))?;
    let connection = tokio::spawn(connection.with_upgrades());
    let answer = sender.send_request(request).await;
    let (parts, body) = answer.map_err(|error| unreachable(&error))?.into_parts();
    let date = parts.headers.get(DATE).and_then(|date| date.to_str().ok());
    let date = date.and_then(|date| DateTime::parse_from_rfc2822(date).ok());
    let date = date.and_then(|date| u64::try_from(date.timestamp()).ok());
    let body = match parts.status {
        StatusCode::SWITCHING_PROTOCOLS => String::new(),
        _ => beginning(body).await,
    };
    connection.abort();
    Ok(Answer {
        status: parts.status.as_u16(),
        body,
        date: date.map(Timestamp::from_secs),
    })
}

/// The beginning of a body. One of this server is never longer.
async fn beginning(mut body: Incoming) -> String {
    let mut read = Vec::new();
    while read.len() < BODY_BYTES
        && let Some(Ok(frame)) = poll_fn(|cx| Pin::new(&mut body).poll_frame(cx)).await
    {
        read.extend_from_slice(frame.data_ref().map_or(&[], |data| data));
    }
    read.truncate(BODY_BYTES);
    String::from_utf8_lossy(&read).into_owned()
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::*;

    /// Asks a server that answers `says`. Returns the answer and the request that the server got.
    async fn asked(says: &'static [u8], question: Question) -> (Result<Answer, NoAnswer>, String) {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("listens");
        let address = listener.local_addr().expect("bound");
        let serving = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.expect("in");
            let mut request = vec![0; 4_096];
            let length = stream.read(&mut request).await.expect("asked");
            stream.write_all(says).await.expect("said");
            String::from_utf8_lossy(&request[..length]).into_owned()
        });
        let at = format!("http://{address}").parse().expect("an origin");
        let answer = ask(&at, question).await;
        (answer, serving.await.expect("served"))
    }

    fn health() -> Question {
        Question {
            path: "/healthz",
            headers: HeaderMap::new(),
        }
    }

    #[tokio::test]
    async fn an_answer_has_its_status_body_and_date() {
        let says = b"HTTP/1.1 404 Not Found\r\nDate: Thu, 01 Jan 1970 00:01:00 GMT\r\n\
            Content-Length: 2\r\n\r\nno";
        let (answer, request) = asked(says, health()).await;
        let expected = Answer {
            status: 404,
            body: "no".to_owned(),
            date: Some(Timestamp::from_secs(60)),
        };
        assert_eq!(answer, Ok(expected));
        assert!(
            request.starts_with("GET /healthz HTTP/1.1\r\nhost: 127.0.0.1:"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn an_upgrade_is_asked_for_like_a_page_and_its_end_not_waited_for() {
        let at = "https://code.example".parse().expect("an origin");
        let says = b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\n\
            Upgrade: websocket\r\n\r\n";
        let question = Question::websocket(&at, HeaderMap::new());
        let (answer, request) = asked(says, question).await;
        assert_eq!(answer.expect("an answer").status, 101);
        assert!(
            request.contains("origin: https://code.example\r\n"),
            "{request}"
        );
    }

    #[tokio::test]
    async fn what_is_no_answer_has_a_reason() {
        let (answer, _) = asked(b"nonsense\r\n\r\n", health()).await;
        assert!(
            matches!(answer, Err(NoAnswer::Unreachable(_))),
            "{answer:?}"
        );
        let nobody = "http://127.0.0.1:1".parse().expect("an origin");
        let answer = ask(&nobody, health()).await;
        assert!(
            matches!(&answer, Err(NoAnswer::Unreachable(why)) if why.contains("refused")),
            "{answer:?}"
        );
    }
}
