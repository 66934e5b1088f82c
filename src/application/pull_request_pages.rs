//! Pull requests on their way to a connection, read page by page.

use std::collections::VecDeque;

use super::ports::StoreError;
use super::{Application, Refusal};
use crate::domain::{ProjectId, PullRequest, PullRequestId, Timestamp};

/// One page holds at most so many pull requests; each takes at most some 300 KiB.
const PAGE: usize = 8;

/// Open pull requests, oldest first.
#[derive(Debug)]
pub struct PullRequestPages {
    project: ProjectId,
    ids: VecDeque<PullRequestId>,
    since: Timestamp,
}

impl PullRequestPages {
    pub(super) fn new(project: ProjectId, ids: Vec<PullRequestId>) -> Self {
        Self {
            project,
            ids: ids.into(),
            since: Timestamp::default(),
        }
    }

    /// Only those that were finished at that time or later.
    pub(super) fn since(self, since: Timestamp) -> Self {
        Self { since, ..self }
    }

    /// Whether there is no further page.
    pub fn is_over(&self) -> bool {
        self.ids.is_empty()
    }
}

impl Application {
    /// The next page. One that has been deleted meanwhile is left out, so a page may be empty.
    ///
    /// # Errors
    /// 500.
    pub async fn next_pull_requests(
        &self,
        pages: &mut PullRequestPages,
    ) -> Result<Vec<PullRequest>, Refusal> {
        let mut page = Vec::new();
        while page.len() < PAGE {
            let Some(id) = pages.ids.pop_front() else {
                break;
            };
            match self.ports.pull_requests.find(&pages.project, id).await {
                Ok(found) if found.date >= pages.since => page.push(found),
                Ok(_) | Err(StoreError::NotFound) => {}
                Err(error) => return Err(Refusal::internal("read a pull request", &error)),
            }
        }
        Ok(page)
    }
}
