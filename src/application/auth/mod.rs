//! Tokens, and the roles that they grant (protocol, section 3).

pub mod authenticate;
pub(crate) mod holder;
pub mod read_permission;
