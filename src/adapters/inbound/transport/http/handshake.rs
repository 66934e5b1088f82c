//! The opening handshake: which requests become connections (RFC 6455, section 4.2).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::header::{
    ALLOW, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_KEY,
    SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::{HeaderMap, HeaderName, Method, StatusCode};
use tungstenite::handshake::derive_accept_key;
use warp::reply::Response;

use crate::application::counting::closed_set;

closed_set! {
    /// Why a request does not become a connection, or is not answered.
    #[derive(thiserror::Error)]
    pub enum HandshakeError {
        /// The method is not GET.
        #[error("a WebSocket begins with a GET")]
        Method = "method",
        /// Nothing asks for an upgrade.
        #[error("this is a WebSocket; ask for an upgrade")]
        NoUpgrade = "no_upgrade",
        /// `Connection` does not ask for an upgrade.
        #[error("the Connection header lacks the token 'upgrade'")]
        NoConnectionUpgrade = "no_connection_upgrade",
        /// The version is not 13.
        #[error("this server speaks version 13 of the WebSocket protocol")]
        Version = "version",
        /// There is no key, or a bad one.
        #[error("Sec-WebSocket-Key must be the base64 of 16 bytes, once")]
        Key = "key",
        /// There is a body.
        #[error("a request for a WebSocket has no body")]
        Body = "body",
        /// The name in `Host` is not the server's.
        #[error(
            "this server listens on loopback and does not know the name in Host: set publicUrl to \
             the address at which others reach it"
        )]
        Host = "host",
        /// The page is of another origin, which may not connect.
        #[error(
            "pages of this origin may not connect: add it to allowedOrigins or, if it is this \
             server's own, set publicUrl"
        )]
        Origin = "origin",
        /// `maxConnections` or `maxConnectionsPerAddress` is reached.
        #[error("there are too many connections; try again later")]
        Full = "full",
        /// There are too many sockets whose first request is awaited.
        #[error("there are too many pending sockets; try again later")]
        Pending = "pending",
        /// The server is stopping.
        #[error("the server is shutting down")]
        Draining = "draining",
        /// The engine that keeps the projects has not answered for `clusterTimeoutSeconds`.
        #[error("the server cannot reach its projects; try another or try again later")]
        Away = "away",
    }
}

impl HandshakeError {
    pub(super) fn response(self) -> Response {
        let response = http::Response::builder().header(CONTENT_TYPE, "text/plain; charset=utf-8");
        let response = match self {
            Self::Method => response
                .status(StatusCode::METHOD_NOT_ALLOWED)
                .header(ALLOW, "GET"),
            Self::NoUpgrade | Self::Version => response
                .status(StatusCode::UPGRADE_REQUIRED)
                .header(UPGRADE, "websocket")
                .header(CONNECTION, "upgrade")
                .header(SEC_WEBSOCKET_VERSION, "13"),
            Self::NoConnectionUpgrade | Self::Key | Self::Body => {
                response.status(StatusCode::BAD_REQUEST)
            }
            Self::Host | Self::Origin => response.status(StatusCode::FORBIDDEN),
            // A client that connects again may reach another server, or a moment without load.
            Self::Full | Self::Pending | Self::Away | Self::Draining => response
                .status(StatusCode::SERVICE_UNAVAILABLE)
                .header(CONNECTION, "close"),
        };
        let body = format!("{self}\n").into();
        response.body(body).expect("the headers are valid")
    }
}

/// Whether the request asks for a WebSocket at all.
pub fn asks_for_websocket(headers: &HeaderMap) -> bool {
    has_token(headers, UPGRADE, "websocket")
}

/// Checks the client's opening handshake and returns the value for `Sec-WebSocket-Accept`.
///
/// Extensions and subprotocols are never negotiated, whatever is offered.
pub(super) fn check(method: &Method, headers: &HeaderMap) -> Result<String, HandshakeError> {
    if !asks_for_websocket(headers) {
        return Err(HandshakeError::NoUpgrade);
    }
    if method != Method::GET {
        return Err(HandshakeError::Method);
    }
    if !has_token(headers, CONNECTION, "upgrade") {
        return Err(HandshakeError::NoConnectionUpgrade);
    }
    if only(headers, &SEC_WEBSOCKET_VERSION) != Some(b"13") {
        return Err(HandshakeError::Version);
    }
    let is_key = |key: &&[u8]| STANDARD.decode(key).is_ok_and(|bytes| bytes.len() == 16);
    let key = only(headers, &SEC_WEBSOCKET_KEY).filter(is_key);
    let key = key.ok_or(HandshakeError::Key)?;
    // Proxies differ in whether they take what follows for the body or for the first frames.
    if has_body(headers) {
        return Err(HandshakeError::Body);
    }
    Ok(derive_accept_key(key))
}

/// The answer that makes the request a connection.
pub(super) fn switching_protocols(accept: &str) -> Response {
    http::Response::builder()
        .status(StatusCode::SWITCHING_PROTOCOLS)
        .header(UPGRADE, "websocket")
        .header(CONNECTION, "upgrade")
        .header(SEC_WEBSOCKET_ACCEPT, accept)
        .body(String::new().into())
        .expect("base64 is a valid header value")
}

/// Whether the request announces a body, however long.
fn has_body(headers: &HeaderMap) -> bool {
    let mut lengths = headers.get_all(CONTENT_LENGTH).iter();
    headers.contains_key(TRANSFER_ENCODING) || lengths.any(|length| length.as_bytes() != b"0")
}

/// Whether a list header, in all its lines, has this token.
fn has_token(headers: &HeaderMap, name: HeaderName, token: &str) -> bool {
    let values = headers.get_all(name).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    let mut tokens = values.flat_map(|value| value.split(','));
    tokens.any(|value| value.trim().eq_ignore_ascii_case(token))
}

/// The value of a header that must be there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => Some(value.as_bytes().trim_ascii()),
        _ => None,
    }
}

#[cfg(test)]
#[path = "handshake_tests.rs"]
mod tests;
