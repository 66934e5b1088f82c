//! What a connection is for, as operators count it.

use crate::application::counting::closed_set;

closed_set! {
    /// What a connection is for: the first of these that applies.
    pub enum ConnectionKind {
        /// It streams a project.
        Streamer = "streamer",
        /// It views the project of its token.
        Viewer = "viewer",
        /// It watches projects.
        Watcher = "watcher",
        /// It is in a chat room, or listens to one.
        Chatter = "chatter",
    }
}
