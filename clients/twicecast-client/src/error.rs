//! What can go wrong. There is no advice here: what to do depends on the program that asks.

use std::io;

use crate::assembly::OutOfOrder;
use crate::protocol::ServerError;
use crate::untrusted::Untrusted;

/// Why a connection ended, or a request failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The address cannot be used.
    #[error("{0:?} is not of the form ws://HOST:PORT or wss://HOST")]
    Address(String),
    /// The host cannot be reached.
    #[error("{url} cannot be reached: {source}")]
    Unreachable {
        /// The server.
        url: String,
        /// The system's words.
        source: io::Error,
    },
    /// The host does not accept a connection in time.
    #[error("nothing answers at {0} in time")]
    NoAnswer(String),
    /// The host accepts the connection and then says nothing.
    #[error("something took the connection at {0} but did not answer")]
    NoHandshake(String),
    /// TLS fails.
    #[error("no secure connection to {url}: {source}")]
    Tls {
        /// The server.
        url: String,
        /// Often contains a [`rustls::Error`].
        source: io::Error,
    },
    /// The address names a host for which no certificate can exist.
    #[error("no secure connection to {url}: {why}")]
    TlsName {
        /// The server.
        url: String,
        /// The library's words.
        why: String,
    },
    /// What answers is not a WebSocket.
    #[error("{url} is no WebSocket: {why}")]
    NoWebSocket {
        /// The server.
        url: String,
        /// The HTTP status, if one came.
        status: Option<u16>,
        /// What is wrong with the answer.
        why: Untrusted,
    },
    /// The server closed the connection and may have said why.
    #[error(
        "the server at {url} closed the connection ({}{reason})",
        .code.map_or_else(String::new, |code| format!("{code} "))
    )]
    Closed {
        /// The server.
        url: String,
        /// The close code, as in RFC 6455.
        code: Option<u16>,
        /// The server's words.
        reason: Untrusted,
    },
    /// The connection broke.
    #[error("the connection to {url} was lost: {why}")]
    Lost {
        /// The server.
        url: String,
        /// How it was lost.
        why: Untrusted,
    },
    /// A message does not fit the contract.
    #[error("{url} sent something that cannot be understood: {why}")]
    NotUnderstood {
        /// The server.
        url: String,
        /// What is wrong with it.
        why: Untrusted,
    },
    /// The server refused the request.
    #[error("the server refused: {} ({})", .0.message, .0.code)]
    Refused(Box<ServerError>),
    /// The server sends more than the client accepts.
    #[error("the server sends more than {0}")]
    TooMuch(&'static str),
    /// The parts of a file do not follow one another.
    #[error("the server sent a file wrongly: {0}")]
    Parts(#[from] OutOfOrder),
}
