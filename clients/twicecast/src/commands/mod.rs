//! The commands, each in a file or folder: its flags, and what it does.

pub mod clone;
pub mod completions;
pub mod doctor;
pub mod focus;
pub mod link;
pub mod mirror;
pub mod proposals;
pub mod propose;
pub mod pulls;
pub mod push;
pub mod share;
pub mod status;
pub mod token;
pub mod update;
pub mod why;
