//! What the two halves of a connection share.

use tokio::net::TcpStream;

use super::admission::Permit;
use super::control::Control;

/// The socket, the control frames that wait to be written, and the connection's place among the
/// connections, which is given up with the socket.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) stream: TcpStream,
    pub(super) control: Control,
    pub(super) _permit: Permit,
}
