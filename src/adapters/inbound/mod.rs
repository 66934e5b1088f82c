//! What drives the application: the command line, HTTP and the WebSocket.

pub mod cli;
pub mod control;
pub mod http;
pub mod transport;
pub mod websocket;
