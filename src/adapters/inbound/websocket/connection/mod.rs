//! One connection: reads requests, has the session carry them out, and sends the answers.

pub(crate) mod ending;
mod lists;
mod read_requests;
pub(crate) mod responder;
pub(crate) mod serve;
pub(crate) mod service;
