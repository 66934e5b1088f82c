//! The user, the project and the rights of a command: flags, tokens, keys, and what the user's
//! state folder knows about servers.

mod claims;
mod complete;
pub mod flags;
mod grant;
pub mod known_servers;
pub mod local_share;
pub mod login;
mod origin;
mod partial;
mod purpose;
mod resolver;
mod sentences;

pub use claims::{Claims, Right, TokenView};
pub use complete::Credentials;
pub use grant::Grant;
pub use partial::PartialCredentials;
pub use purpose::{Purpose, Role};
pub use resolver::{folder_name, name_of_user};
