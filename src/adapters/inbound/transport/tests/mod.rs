//! The transport over real loopback sockets, against raw clients.

mod client;
mod closing;
mod http;
mod plain;
mod reading;
mod shutdown;
