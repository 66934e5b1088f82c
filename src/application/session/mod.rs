//! What a connection may do, and the order and time in which it does it. An inbound adapter
//! implements [`Responder`], puts requests into a [`RequestQueue`] and runs a [`RequestProcessor`].

pub(crate) mod attendance;
pub mod clients;
pub mod disconnect;
pub mod dispatch;
pub mod expiry;
pub mod registrations;
pub mod request_processor;
pub mod request_queue;
pub mod responder;
pub(crate) mod session_timer;
pub mod state;
pub(crate) mod summons;
#[cfg(test)]
pub(crate) mod test_responder;

pub use clients::Client;
pub use request_processor::{Done, RequestProcessor};
pub use request_queue::{End, Request, RequestQueue};
pub use responder::Responder;
