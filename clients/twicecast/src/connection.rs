//! Connects with this command's certificates, and has the sentences for everything that can go
//! wrong on a connection.

use twicecast_client::Error;
use twicecast_client::assembly::OutOfOrder;
use twicecast_client::connection::Options;
use twicecast_client::protocol::ServerError;
use twicecast_client::untrusted::{Untrusted, shown};

pub use twicecast_client::connection::{Incoming, Outgoing, websocket};

use crate::failure::Failure;
use crate::tls;

/// Connects to a server.
///
/// # Errors
///
/// A sentence that says what to do, if the address is wrong, nobody answers, or the answer is not a
/// WebSocket's.
pub async fn connect(url: &str, read_limit: Option<u64>) -> Result<(Outgoing, Incoming), Failure> {
    let tls = websocket(url).starts_with("wss:").then(tls::config);
    let options = Options { read_limit, tls };
    Ok(twicecast_client::connection::connect(url, options).await?)
}

/// Checks a server's address without connecting.
///
/// # Errors
///
/// A sentence that shows the form it must have.
pub fn address(url: &str) -> Result<(String, u16), Failure> {
    if shown(url) != url {
        // The address may come from a folder, and is printed in many sentences.
        return Err(Error::Address(url.to_owned()).into());
    }
    Ok(twicecast_client::connection::address(url)?)
}

/// The failure for an error: `sentence` says what to tell the user if the server refused the
/// request; other errors have sentences of their own.
pub fn refused(error: Error, sentence: impl FnOnce(&ServerError) -> Failure) -> Failure {
    match error {
        Error::Refused(error) => sentence(&error),
        error => error.into(),
    }
}

impl From<OutOfOrder> for Failure {
    fn from(why: OutOfOrder) -> Self {
        Error::Parts(why).into()
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::connection(match error {
            Error::Address(url) => {
                return Self::usage(format!(
                    "The address {url:?} is not of the form ws://HOST:PORT or wss://HOST; give \
                     another one with --url."
                ));
            }
            Error::Refused(error) => {
                let (why, code) = (&error.message, error.code);
                return Self::denied(format!("The server says: {why} ({code})."));
            }
            Error::TooMuch(what) => {
                return Self::denied(format!(
                    "The server sends more than {what}; that is more than this program takes."
                ));
            }
            Error::Unreachable { url, source } => unreachable_sentence(&url, &source),
            Error::NoAnswer(url) => format!(
                "Nothing answers at {url} within 15 seconds; check the address and the network."
            ),
            Error::NoHandshake(url) => format!(
                "Something took the connection at {url} but did not answer; is it a \
                 file-ws-server?"
            ),
            Error::Tls { url, source } => tls::sentence(&url, &source),
            Error::TlsName { url, why } => format!(
                "No secure connection to {url}: {why}. The address must name the host that the \
                 certificate names."
            ),
            Error::NoWebSocket { url, status, why } => handshake_sentence(&url, status, &why),
            Error::Closed { url, code, reason } => {
                let why = match code {
                    None => String::new(),
                    Some(code) if reason.is_empty() => format!(" ({code})"),
                    Some(code) => format!(" ({code}: {reason})"),
                };
                format!("The server at {url} closed the connection{why}.")
            }
            Error::Lost { url, why } => format!("The connection to {url} was lost: {why}."),
            Error::NotUnderstood { url, why } => {
                format!("{url} sent something that cannot be understood: {why}.")
            }
            Error::Parts(why) => format!("The server sent a file in the wrong order: {why}."),
            // A later version of the library may have more errors.
            error => format!("The server cannot be used: {}.", shown(&error.to_string())),
        })
    }
}

fn unreachable_sentence(url: &str, error: &std::io::Error) -> String {
    if error.kind() == std::io::ErrorKind::ConnectionRefused {
        return format!(
            "The connection to {url} was refused: is the server running? Start it with \
             `file-ws-server --base-dir DIR`, or give another address with --url."
        );
    }
    let host = address(url).map_or_else(|_| url.to_owned(), |(host, _)| host);
    format!(
        "{url} cannot be reached: {error}. Check that {host} is the right host and that the \
         network is up."
    )
}

fn handshake_sentence(url: &str, status: Option<u16>, why: &Untrusted) -> String {
    let status = status.unwrap_or(0);
    match status {
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
        _ => format!("What answers at {url} is no file-ws-server ({why}); check the address."),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
            let failure = Failure::from(Error::NoWebSocket {
                url: "ws://h".to_owned(),
                status: Some(status),
                why: "HTTP".into(),
            });
            assert!(
                failure.to_string().contains(expected),
                "{status}: {failure}"
            );
            assert_eq!(failure.exit_code(), 3);
        }
    }
}
