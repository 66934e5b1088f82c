//! Every store in memory, for tests and for trying the server out.

mod chat_rooms;
mod drafts;
mod projects;
mod pull_requests;
mod source;
mod staging;
mod stores;

pub use chat_rooms::MemoryChatRooms;
pub use drafts::MemoryDrafts;
pub use projects::MemoryProjects;
pub use pull_requests::MemoryPullRequests;
pub use staging::MemoryStaging;
pub use stores::MemoryStores;
