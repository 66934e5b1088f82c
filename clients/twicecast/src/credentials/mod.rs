//! Who is speaking, about whose project and with which right: flags, tokens, keys, and what this
//! user's state folder knows of servers.

mod claims;
pub mod flags;
mod grant;
mod known_servers;
pub mod local_share;
pub mod login;
mod purpose;
mod resolver;
mod sentences;

pub use claims::{Claims, Right};
pub use grant::Grant;
pub use purpose::{Purpose, Role};
pub use resolver::{Credentials, PartialCredentials, name_of_user};
