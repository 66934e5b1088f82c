//! Tells a streamer's connection of each pull request once (protocol, section 6).
//!
//! This needs no list of what was told: a connection remembers the date of the latest, and the
//! store gives later ones a later date
//! ([`PullRequestStore`](crate::application::ports::PullRequestStore)).

use crate::domain::{ProjectId, Timestamp};

/// For how many projects that it has left a connection remembers what it was told; of the pull
/// requests of others it is told again.
const REMEMBERED: usize = 16;

/// What a streamer's connection has been told. It keeps this for as long as the connection lasts,
/// whatever happens to its token and roles.
#[derive(Debug, Default)]
pub(crate) struct PullRequestCursor {
    /// The project whose pull requests the connection is told of as they come.
    live: Option<ProjectId>,
    /// The projects that it has left, the latest last. With each, the date up to which it was told
    /// of all pull requests there, if there were any; of later ones it was not told.
    told: Vec<(ProjectId, Option<Timestamp>)>,
}

impl PullRequestCursor {
    /// The project whose pull requests the connection is told of as they come.
    pub(crate) fn live(&self) -> Option<&ProjectId> {
        self.live.as_ref()
    }

    /// Starts telling of the pull requests of `project` as they come. Returns the date of the
    /// latest one that the connection was told of before.
    pub(crate) fn resume(&mut self, project: ProjectId) -> Option<Timestamp> {
        let place = self.told.iter().position(|(left, _)| *left == project);
        let told = place.and_then(|place| self.told.remove(place).1);
        self.live = Some(project);
        told
    }

    /// Stops telling; the connection has been told of all up to the date `told`.
    pub(crate) fn pause(&mut self, told: Option<Timestamp>) {
        let Some(project) = self.live.take() else {
            return;
        };
        if self.told.len() == REMEMBERED {
            self.told.remove(0);
        }
        self.told.push((project, told));
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
            // When it was left counts, not how new its pull requests are.
            cursor.pause(Some(at(count - number)));
        }
        assert_eq!(cursor.told.len(), REMEMBERED);
        for number in (1..=count).rev() {
            let expected = (number > 1).then(|| at(count - number));
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
