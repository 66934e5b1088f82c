//! Each pull request is told to a streamer's connection once (protocol, section 6).
//!
//! No list of what was told is kept for that: a connection remembers the date of the latest, and
//! the store dates those that come later, later
//! ([`PullRequestStore`](crate::application::ports::PullRequestStore)).

use std::collections::BTreeMap;

use crate::domain::{ProjectId, Timestamp};

/// How many projects that a connection has left are remembered; of others it is told again.
const REMEMBERED: usize = 16;

/// What a streamer's connection was told of. It stays told for as long as the connection lasts,
/// whatever becomes of its token and roles.
#[derive(Debug, Default)]
pub(crate) struct PullRequestCursor {
    /// It is told of the pull requests of this project as they come.
    live: Option<ProjectId>,
    /// It was told of all up to the latest of this date, if there was one, and of none since.
    told: BTreeMap<ProjectId, Option<Timestamp>>,
}

impl PullRequestCursor {
    /// The project of whose pull requests the connection is told as they come.
    pub(crate) fn live(&self) -> Option<&ProjectId> {
        self.live.as_ref()
    }

    /// Begins to tell of the pull requests of `project` as they come. Returns the date of the
    /// latest of which the connection was told before.
    pub(crate) fn resume(&mut self, project: ProjectId) -> Option<Timestamp> {
        let told = self.told.remove(&project).flatten();
        self.live = Some(project);
        told
    }

    /// Ceases to tell, after all up to the latest of the date `told`.
    pub(crate) fn pause(&mut self, told: Option<Timestamp>) {
        let Some(project) = self.live.take() else {
            return;
        };
        self.told.insert(project, told);
        if self.told.len() > REMEMBERED {
            let longest_ago = self.told.iter().min_by_key(|(_, told)| **told);
            let forgotten = longest_ago.map(|(project, _)| project.clone());
            forgotten.and_then(|project| self.told.remove(&project));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::application::test_world::{demo, project};

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[test]
    fn a_connection_remembers_the_projects_that_it_left_last() {
        let mut cursor = PullRequestCursor::default();
        let numbered = |number: u64| project(&format!("ana/p{number}"));
        let count = REMEMBERED as u64 + 1;
        for number in 1..=count {
            assert_eq!(cursor.resume(numbered(number)), None);
            cursor.pause(Some(at(number)));
        }
        assert_eq!(cursor.told.len(), REMEMBERED);
        for number in (1..=count).rev() {
            let expected = (number > 1).then(|| at(number));
            assert_eq!(cursor.resume(numbered(number)), expected);
        }
    }

    #[test]
    fn a_connection_that_is_told_of_none_has_nothing_to_pause() {
        let mut cursor = PullRequestCursor::default();
        cursor.pause(Some(at(5)));
        assert!(cursor.told.is_empty());
        cursor.resume(demo());
        cursor.pause(Some(at(5)));
        cursor.pause(Some(at(7)));
        assert_eq!(cursor.resume(demo()), Some(at(5)));
    }
}
