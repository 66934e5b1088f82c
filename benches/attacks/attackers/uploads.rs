//! Viewers who fill the uploads of their drafts and finish none.

use std::sync::Arc;

use super::{Running, Stage};
use crate::connection::{Role, frames};
use crate::hold::hold;
use crate::support::post_part;

/// Uploads of a connection, and how much of each has been sent.
const UPLOADS: usize = 256;
const FIRST_PART: usize = 255 * 1_024;

pub fn uploads(stage: Stage) -> Running {
    let content = vec![b'x'; FIRST_PART];
    let parts: Vec<Arc<[u8]>> = (0..UPLOADS)
        .map(|number| frames([&post_part(&format!("u{number}"), &content, 1, 2)]).into())
        .collect();
    let pieces = Arc::new(move |number: usize| parts.get(number).cloned());
    Box::pin(hold(stage, Role::Drafter, pieces))
}
