//! Fan-out: who receives what, and handing it over.

mod members;
mod presence;
mod shards;
mod topics;

pub use topics::Hub;
