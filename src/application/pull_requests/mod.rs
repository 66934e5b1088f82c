//! Pull requests (protocol, section 6): one file for each verb.

pub(crate) mod appliers;
pub(crate) mod apply;
pub(crate) mod apply_questions;
pub(crate) mod apply_relay;
pub(crate) mod creation;
pub(crate) mod cursor;
pub(crate) mod delete;
pub(crate) mod ended;
pub(crate) mod find;
pub(crate) mod finish;
pub(crate) mod get;
pub(crate) mod list;
pub mod open_draft;
pub mod pages;
