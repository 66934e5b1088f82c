//! Pull requests being sent to a connection, read page by page.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::application::auth::read_permission::ReadPermission;
use crate::application::memory::{Account, Reservation};
use crate::application::ports::StoreError;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::domain::{ProjectId, PullRequest, PullRequestId};

/// A page ends once it holds this many bytes of text. One pull request takes at most about 1.2 MiB,
/// if each name appears twice, with its base, and JSON has to escape all of it; so a page fits into
/// a send queue.
const PAGE_BYTES: usize = 256 * 1_024;

/// The most that a page takes: its messages have to be encoded, too.
const MOST_BYTES: usize = 2 * (PAGE_BYTES + PullRequest::MOST_BYTES);

/// Open pull requests, oldest first.
pub struct PullRequestPages {
    project: ProjectId,
    ids: VecDeque<PullRequestId>,
    /// When it ends, so do the pages; `None`: they are sent even if the token expires in the
    /// meantime.
    permit: Option<ReadPermission>,
    account: Arc<Account>,
}

impl PullRequestPages {
    pub(crate) fn new(
        project: ProjectId,
        ids: Vec<PullRequestId>,
        permit: Option<ReadPermission>,
        account: &Arc<Account>,
    ) -> Self {
        let ids = ids.into();
        Self {
            project,
            ids,
            permit,
            account: Arc::clone(account),
        }
    }

    /// Whether there are no more pages.
    pub fn is_over(&self) -> bool {
        self.ids.is_empty()
    }
}

/// The next page, once there is memory for it, and what is reserved for it. Pull requests deleted
/// in the meantime are left out, so a page may be empty.
///
/// # Errors
/// 401 once the token that permits it has expired; nothing follows then. 500 for one that cannot be
/// read; the next call continues with the one after it.
pub async fn next_pull_requests(
    app: &Application,
    pages: &mut PullRequestPages,
) -> Result<(Vec<PullRequest>, Reservation), RequestError> {
    let mut held = pages.account.reserve_room(MOST_BYTES).await;
    if let Some(permit) = &pages.permit {
        permit.check()?;
    }
    let (mut page, mut bytes) = (Vec::new(), 0);
    while bytes < PAGE_BYTES {
        let Some(id) = pages.ids.pop_front() else {
            break;
        };
        match app.ports.pull_requests.find(&pages.project, id).await {
            Ok(found) => {
                bytes += found.memory_bytes();
                page.push(found);
            }
            Err(StoreError::NotFound) => {}
            Err(_) if !page.is_empty() => {
                // First return what has been found; the next call begins with this one.
                pages.ids.push_front(id);
                break;
            }
            Err(error) => return Err(RequestError::internal("read a pull request", &error)),
        }
    }
    held.set(bytes);
    Ok((page, held))
}

/// Calls `tell` if the pull request is still open, before anybody is told of its end.
pub fn tell_if_open(
    app: &Application,
    pull_request: &PullRequest,
    tell: impl FnOnce() + Send + 'static,
) {
    let store = &app.ports.pull_requests;
    store.tell_if_open(pull_request, Box::new(tell));
}

#[cfg(test)]
mod tests;
