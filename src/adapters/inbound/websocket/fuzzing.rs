//! The two ends of the wire format for the fuzz targets in `fuzz/`, which live outside this crate.
//!
//! Reading and refusing are private to this adapter, and there is no reason to change that for
//! anybody else: this is not part of the library's interface and may change at any time. No feature
//! guards it, so that what is fuzzed is built exactly as what is run.

use bytes::Bytes;

use crate::adapters::inbound::websocket::protocol::request::Context;
use crate::adapters::inbound::websocket::protocol::{encode, read_command};
use crate::application::{Command, RequestError};

/// One message as it has been read, with what its answers need to know of it.
pub struct Reading {
    /// What is asked for.
    pub command: Command,
    context: Context,
}

/// Reads one message as a connection does.
pub fn read(message: &[u8], binary: bool) -> Reading {
    let (command, context) = read_command::read_command(message, binary);
    Reading { command, context }
}

impl Reading {
    /// The frame that answers the message with `refusal`.
    pub fn refused(&self, refusal: &RequestError) -> Bytes {
        encode::refusal(refusal, &self.context)
    }
}
