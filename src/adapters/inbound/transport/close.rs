//! Ending a connection the way RFC 6455 asks for (section 7).
//!
//! The close frame goes out whole and at a frame boundary, then our side of the connection is shut,
//! and what the client still sends is read and thrown away until it hangs up: a socket that is
//! dropped with unread bytes is reset by the kernel, and the reset would overtake the close frame.

use std::borrow::Cow;
use std::time::Duration;

use tokio::time::timeout;

use super::breach::Breach;
use super::reader::Reader;
use super::writer::Writer;

/// How long a whole close may take; then the connection is dropped.
pub const CLOSE_TIMEOUT: Duration = Duration::from_secs(2);

/// How much a client may still send after the server's close frame.
const MAX_DRAINED: usize = 32 * 1024 * 1024;

/// How much of what came behind the client's own close frame is looked for; there should be none.
const MAX_DISCARDED: usize = 256 * 1024;

/// A close code (RFC 6455, section 7.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// All is well.
    pub const NORMAL: Self = Self(1000);
    /// The server shuts down, or the client has been silent for too long.
    pub const GOING_AWAY: Self = Self(1001);
    /// The client broke RFC 6455.
    pub const PROTOCOL: Self = Self(1002);
    /// A text that is not UTF-8.
    pub const NOT_UTF8: Self = Self(1007);
    /// A rule of this server was broken.
    pub const POLICY: Self = Self(1008);
    /// A message over the limit.
    pub const TOO_BIG: Self = Self(1009);
    /// The server failed.
    pub const INTERNAL: Self = Self(1011);
    /// The client does not take what it asked for; it may come again.
    pub const TRY_AGAIN: Self = Self(1013);

    /// The code as it is sent.
    pub const fn get(self) -> u16 {
        self.0
    }

    /// A code that came from the client; `None` if it must not be sent in a close frame.
    ///
    /// 1004 to 1006 and 1015 are reserved, and what nobody has registered below 3000 is invalid.
    pub const fn from_peer(code: u16) -> Option<Self> {
        match code {
            1000..=1003 | 1007..=1014 | 3000..=4999 => Some(Self(code)),
            _ => None,
        }
    }
}

/// How the server ends a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Close {
    /// With a close frame. Where the client has closed already, its own code is echoed instead.
    Frame {
        /// The code.
        code: CloseCode,
        /// The reason, for people; at most 123 bytes of it are sent.
        reason: Cow<'static, str>,
    },
    /// Without a word, because nobody is there to hear it.
    Drop,
}

impl Close {
    /// A close frame with this code and reason.
    pub fn new(code: CloseCode, reason: impl Into<Cow<'static, str>>) -> Self {
        Self::Frame {
            code,
            reason: reason.into(),
        }
    }
}

impl From<Breach> for Close {
    fn from(breach: Breach) -> Self {
        Self::new(breach.close_code(), breach.to_string())
    }
}

/// Closes the connection: finishes a frame that was partly written, sends the close frame (or the
/// echo of the client's), half-closes, and drains until the client hangs up. Where the client's
/// close has come, nothing more is to come and it waits for the server to hang up first. All of it
/// takes at most [`CLOSE_TIMEOUT`], also against a client that has stopped reading.
pub async fn close(reader: &mut Reader, writer: &mut Writer, close: &Close) {
    let frame = match (reader.peer_close(), close) {
        (Some(peer), _) => super::frame::close(peer.code, ""),
        (None, Close::Frame { code, reason }) => super::frame::close(Some(*code), reason),
        (None, Close::Drop) => return,
    };
    let handshake = async {
        match writer.finish(frame).await {
            Ok(()) if reader.peer_close().is_some() => reader.discard_arrived(MAX_DISCARDED),
            Ok(()) => reader.drain(MAX_DRAINED).await,
            Err(_) => {}
        }
    };
    // Whether it went by the book or ran out of time, the socket is dropped now.
    let _ = timeout(CLOSE_TIMEOUT, handshake).await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codes_that_may_be_sent_are_taken_from_a_client() {
        for code in [
            1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
        ] {
            assert_eq!(CloseCode::from_peer(code).map(CloseCode::get), Some(code));
        }
        for code in [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65_535,
        ] {
            assert_eq!(CloseCode::from_peer(code), None, "{code}");
        }
    }
}
