//! Every store in memory, for tests and for trying the server out.

mod chat_rooms;

pub use chat_rooms::MemoryChatRooms;
