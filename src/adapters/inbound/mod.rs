//! What drives the application (the command line, HTTP and the WebSocket), and what operators see.

pub mod cli;
pub mod control;
pub mod http;
pub mod metrics;
pub mod process;
pub mod transport;
pub mod websocket;
