//! The server's version: `GET /healthz` tells it over plain HTTP on the same port.

use std::time::Duration;

use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_tungstenite::tungstenite::http::Uri;

use crate::commands::status::finding::Health;
use crate::connection::{address, websocket};
use crate::tls;

const TIMEOUT: Duration = Duration::from_secs(15);
const ANSWER_BYTES_MAX: u64 = 16 * 1024;

/// Asks a server which version it is.
///
/// # Errors
///
/// Why the version is not known, as the end of a sentence.
pub async fn ask(url: &str) -> Result<Health, String> {
    timeout(TIMEOUT, fetch(url))
        .await
        .unwrap_or_else(|_| Err("it does not answer within 15 seconds".to_owned()))
}

async fn fetch(url: &str) -> Result<Health, String> {
    let (host, port) = address(url).map_err(|failure| failure.to_string())?;
    let uri: Uri = websocket(url)
        .parse()
        .map_err(|_| "the address is none".to_owned())?;
    let authority = uri.authority().map_or(host.as_str(), |at| at.as_str());
    let authority = authority.rsplit('@').next().unwrap_or_default();
    let request = format!(
        "GET {} HTTP/1.1\r\nHost: {authority}\r\nAccept: application/json\r\nConnection: \
         close\r\n\r\n",
        path_beside(uri.path())
    );
    let failed = |error: std::io::Error| format!("it cannot be asked: {error}");
    let stream = TcpStream::connect((host.as_str(), port))
        .await
        .map_err(failed)?;
    let answer = if uri.scheme_str() == Some("wss") {
        let name = ServerName::try_from(host)
            .map_err(|_| "the certificate's name cannot be checked".to_owned())?;
        let connector = TlsConnector::from(tls::config());
        let stream = connector.connect(name, stream).await.map_err(failed)?;
        exchange(stream, &request).await
    } else {
        exchange(stream, &request).await
    };
    read(&answer.map_err(failed)?)
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    request: &str,
) -> std::io::Result<Vec<u8>> {
    stream.write_all(request.as_bytes()).await?;
    let mut answer = Vec::new();
    match stream.take(ANSWER_BYTES_MAX).read_to_end(&mut answer).await {
        // A server that resets the connection may have answered completely before.
        Err(error) if answer.is_empty() => Err(error),
        _ => Ok(answer),
    }
}

/// The path of `healthz`, next to the path of the WebSocket: a proxy may have put both below a
/// folder.
fn path_beside(path: &str) -> String {
    let folder = path.strip_suffix("/ws").unwrap_or(path);
    format!("{}/healthz", folder.trim_end_matches('/'))
}

fn read(answer: &[u8]) -> Result<Health, String> {
    let answer = String::from_utf8_lossy(answer);
    let status = answer.split_whitespace().nth(1).unwrap_or_default();
    if !answer.starts_with("HTTP/1.") || status != "200" {
        return Err(match status.parse::<u16>() {
            Ok(status) => format!("/healthz answers with {status}"),
            Err(_) => "what answers speaks no HTTP".to_owned(),
        });
    }
    let (head, body) = answer.split_once("\r\n\r\n").unwrap_or_default();
    // Whether chunked or not, the body contains one small object.
    let object = body.find('{').zip(body.rfind('}'));
    let object = object.and_then(|(from, to)| body.get(from..=to));
    let health = object.and_then(|object| serde_json::from_str(object).ok());
    let mut health: Health = health.ok_or_else(|| "/healthz tells none".to_owned())?;
    health.date = date(head);
    Ok(health)
}

/// The time that the server's clock showed, from the head of its answer.
fn date(head: &str) -> Option<u64> {
    let mut lines = head.lines().filter_map(|line| line.split_once(':'));
    let (_, date) = lines.find(|(name, _)| name.eq_ignore_ascii_case("date"))?;
    let date = chrono::DateTime::parse_from_rfc2822(date.trim()).ok()?;
    u64::try_from(date.timestamp()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn healthz_is_beside_the_socket() {
        let paths = ["/", "", "/ws", "/live/ws", "/live/"].map(path_beside);
        assert_eq!(
            paths,
            [
                "/healthz",
                "/healthz",
                "/healthz",
                "/live/healthz",
                "/live/healthz"
            ]
        );
    }

    #[test]
    fn a_version_is_read_from_a_plain_and_from_a_chunked_answer_and_from_nothing_else() {
        let body = r#"{"status":"ok","version":"0.1.0"}"#;
        let plain = format!("HTTP/1.1 200 OK\r\ncontent-length: 33\r\n\r\n{body}");
        let chunked = format!("HTTP/1.1 200 OK\r\n\r\n21\r\n{body}\r\n0\r\n\r\n");
        for answer in [plain, chunked] {
            assert_eq!(read(answer.as_bytes()).unwrap().version.raw(), "0.1.0");
        }
        for answer in [
            "",
            "SSH-2.0 200",
            "HTTP/1.1 404 Not Found\r\n\r\n{\"version\":\"9\"}",
            "HTTP/1.1 200 OK\r\n\r\n}{",
            "HTTP/1.1 200 OK\r\n\r\n{\"status\":\"ok\"}",
        ] {
            assert!(read(answer.as_bytes()).is_err(), "{answer}");
        }
    }
}
