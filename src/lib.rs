//! Mirrors a live-coding streamer's project to viewers over WebSocket, byte for byte.
//!
//! A hexagonal service: [`domain`] holds the rules and depends on nothing, [`application`] holds
//! the use cases and the ports they need, [`adapters`] connects both to sockets, disks and clocks.
//! [`server`] joins the parts, and the binary's `main` chooses the adapters.

pub mod adapters;
pub mod application;
pub mod domain;
pub mod server;
