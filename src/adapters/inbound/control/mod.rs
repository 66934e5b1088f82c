//! How an operator's commands reach a running server: a Unix socket in `.twicecast`, which only the
//! user that the server runs as can open. One request at a time, a line of JSON each way.

mod message;
mod socket;

pub use message::{Request, Response, RunningServer, carry_out};
pub use socket::{ask, ask_soon, listen, serve};
