//! One connection: reading requests, carrying them out, and answering.

pub(crate) mod request_processor;
pub(crate) mod request_queue;
pub(crate) mod responder;
pub(crate) mod serve;
pub(crate) mod session_timer;
