//! Observes what the checks judge. Nothing is judged here.

pub(super) mod ask;
pub(super) mod change;
pub(super) mod network;
