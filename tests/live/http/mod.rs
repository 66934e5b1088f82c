//! Plain HTTP: the page, and a project's files without a WebSocket (section 8).

mod connections;
mod hostile;
mod list;
mod page;
mod plain;
mod raw;
mod rights;
mod zip;
