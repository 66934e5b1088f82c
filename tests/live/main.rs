//! The real server over real sockets: the main job with the real client, the wire habits of the two
//! clients that exist, order and versions.

mod client;
mod desktop;
mod main_job;
mod order;
mod programs;
mod server;
mod trees;
mod web_viewer;
