//! The frames of RFC 6455: a decoder for the client's, an encoder for the server's. No IO.

pub(super) mod close_code;
pub(super) mod decoder;
mod fragments;
mod header;
pub(super) mod incoming;
mod mask;
pub(super) mod protocol_error;
pub(super) mod server_frame;

pub use server_frame::{FrameBuilder, binary, close, ping, pong, text};
