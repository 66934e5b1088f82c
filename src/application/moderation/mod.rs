//! Moderation (protocol, section 7): one file per verb, what they decide, and who it concerns.

pub(crate) mod admit;
pub mod announce;
pub mod ban;
pub(crate) mod banned;
pub(crate) mod decide;
pub mod delete;
mod effect;
pub(crate) mod floor;
pub mod follow;
pub(crate) mod moderated;
pub(crate) mod moderations;
pub mod mute;
pub(crate) mod put_out;
pub mod show;
pub mod slow;
mod unreadable;

#[cfg(test)]
mod interleaved_tests;
#[cfg(test)]
mod store_tests;
#[cfg(test)]
mod tests;
