//! Fan-out: who receives what, and handing it over.

mod deliveries;
mod lag_counts;
mod members;
mod presence;
mod shards;
mod topics;

pub use deliveries::Deliveries;
pub use lag_counts::Lag;
pub use presence::Untold;
pub use topics::Hub;
