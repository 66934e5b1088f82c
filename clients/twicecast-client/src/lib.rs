//! A client of a file-ws-server, for a bot, an editor's plug-in or a command.
//!
//! [`Client`] makes requests and waits for their answers; [`Client::next_event`] gives what the
//! server says without being asked. To have several requests under way at once, use [`connection`]
//! and [`protocol`] directly, as the `twicecast` command does.
//!
//! ```no_run
//! use twicecast_client::{Client, Section};
//!
//! # async fn example() -> Result<(), twicecast_client::Error> {
//! let mut client = Client::connect("ws://127.0.0.1:3005").await?;
//! let room = Section::Chat { username: "bot", room: "ana/demo" };
//! client.authenticate("a token", room).await?;
//! client.say("hello").await?;
//! client.leave().await;
//! # Ok(())
//! # }
//! ```
//!
//! Nothing that a server sends is trusted: names are checked ([`names::FileName`]), texts are
//! printed escaped ([`Untrusted`]), and everything that is kept in memory has a bound.

pub mod assembly;
pub mod backoff;
pub mod client;
pub mod connection;
mod error;
pub mod listing;
pub mod names;
pub mod protocol;
mod throughput;
pub mod untrusted;

pub use client::{Client, Event, Section};
pub use error::Error;
pub use untrusted::Untrusted;
