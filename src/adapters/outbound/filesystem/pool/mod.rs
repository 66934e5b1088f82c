//! Blocking work off the async threads.

pub(crate) mod blocking_pool;
pub(crate) mod blocking_threads;
pub(crate) mod in_flight;
mod pacer;
pub(crate) mod quick;
