//! Every store in memory, for tests and for trying the server out.

mod chat_rooms;
mod projects;
mod pull_requests;
mod source;
mod stores;
mod uploads;

pub use chat_rooms::MemoryChatRooms;
pub use projects::MemoryProjects;
pub use pull_requests::MemoryPullRequests;
pub use stores::MemoryStores;
pub use uploads::MemoryUploads;
