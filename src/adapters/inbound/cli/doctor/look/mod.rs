//! Looking: what the checks judge is observed here, and nothing is judged.

pub(super) mod ask;
pub(super) mod change;
pub(super) mod network;
