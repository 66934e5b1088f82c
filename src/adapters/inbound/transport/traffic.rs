//! What the transport counts, for operators.

use http::StatusCode;

use super::frame::close_code::CloseCode;
use super::http::handshake::HandshakeError;
use super::socket::close::Close;
use super::socket::stalls::Stalls;
use crate::application::counting::{Tally, WideCount, closed_set};

closed_set! {
    /// What bytes are part of.
    pub enum Wire {
        /// A WebSocket connection, without its handshake.
        WebSocket = "websocket",
        /// Plain HTTP.
        Http = "http",
    }
}

closed_set! {
    /// How the server has ended a WebSocket connection: the code in its close frame. If the client
    /// has closed first, that frame is the answer.
    pub enum Ended {
        /// 1000: the client has closed.
        Normal = "1000",
        /// 1001: the server stops, or the client was silent for too long.
        GoingAway = "1001",
        /// 1002: the client broke RFC 6455.
        Protocol = "1002",
        /// 1007: a text was not UTF-8.
        NotUtf8 = "1007",
        /// 1008: the client broke a rule of this server.
        Policy = "1008",
        /// 1009: a message was too long.
        TooBig = "1009",
        /// 1011: the server failed.
        Internal = "1011",
        /// 1013: the client reads too slowly, or memory is short.
        TryAgain = "1013",
        /// Without a close frame: the client was gone.
        Dropped = "none",
    }
}

impl From<&Close> for Ended {
    fn from(close: &Close) -> Self {
        let Close::Frame { code, .. } = close else {
            return Self::Dropped;
        };
        match *code {
            CloseCode::GOING_AWAY => Self::GoingAway,
            CloseCode::PROTOCOL => Self::Protocol,
            CloseCode::NOT_UTF8 => Self::NotUtf8,
            CloseCode::POLICY => Self::Policy,
            CloseCode::TOO_BIG => Self::TooBig,
            CloseCode::INTERNAL => Self::Internal,
            CloseCode::TRY_AGAIN => Self::TryAgain,
            _ => Self::Normal,
        }
    }
}

closed_set! {
    /// The class of an HTTP answer's status.
    pub enum StatusClass {
        /// 101: the request has become a WebSocket connection.
        Upgraded = "1xx",
        /// 200 and the like.
        Fine = "2xx",
        /// 304 and the like.
        Elsewhere = "3xx",
        /// The client's fault.
        ClientError = "4xx",
        /// The server's fault, or it has no room.
        ServerError = "5xx",
    }
}

impl From<StatusCode> for StatusClass {
    fn from(status: StatusCode) -> Self {
        match status.as_u16() {
            ..=199 => Self::Upgraded,
            200..=299 => Self::Fine,
            300..=399 => Self::Elsewhere,
            400..=499 => Self::ClientError,
            500.. => Self::ServerError,
        }
    }
}

/// What has happened on the sockets of one transport.
#[derive(Debug, Default)]
pub struct Traffic {
    /// Bytes that were read.
    pub received: Tally<Wire, WideCount>,
    /// Bytes that were written.
    pub sent: Tally<Wire, WideCount>,
    /// WebSocket connections that have ended.
    pub ended: Tally<Ended>,
    /// Answers over HTTP.
    pub responses: Tally<StatusClass>,
    /// What was refused over HTTP, and why.
    pub refused: Tally<HandshakeError>,
    /// When the process has stood still, which the readers must know.
    pub(super) stalls: Stalls,
}

/// The sockets of one transport at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Sockets {
    /// Sockets whose first request is awaited.
    pub pending: usize,
    /// Connections for plain HTTP.
    pub http: usize,
    /// The most connections, of both kinds; 0: no limit.
    pub max_connections: usize,
}
