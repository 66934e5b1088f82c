//! Pull requests (section 6).

use serde_json::{Value, json};

use super::{Answer, Draft, Pull, RequestError, World, ok, success};
use crate::ask::{Project, Right};

const UNKNOWN: RequestError = RequestError::BadBecause("Pullrequest ID does not exist");

impl Pull {
    /// The mark for its id, which only the server knows.
    pub fn id(&self) -> String {
        format!("$id{};", self.number)
    }

    fn data(&self) -> Value {
        let date = format!("$date{};", self.number);
        let mut about = json!({
            "id": self.id(), "owner": self.owner,
            "title": self.draft.title, "description": self.draft.description,
            "date": date, "data": date,
            "files": self.draft.files.keys().collect::<Vec<_>>(),
            "deleted": self.draft.deleted.keys().collect::<Vec<_>>(),
        });
        let files = self.draft.files.iter();
        let bases = files.map(|(name, file)| (name, &file.base));
        for (member, bases) in [
            ("bases", known(bases)),
            ("deletedBases", known(self.draft.deleted.iter())),
        ] {
            if !bases.is_empty() {
                about[member] = bases.into();
            }
        }
        about
    }

    pub fn created(&self) -> Value {
        success("pullRequestCreated", self.data())
    }
}

fn known<'a>(
    bases: impl Iterator<Item = (&'a String, &'a Option<String>)>,
) -> serde_json::Map<String, Value> {
    let known = bases.filter_map(|(name, base)| Some((name.clone(), json!(base.as_ref()?))));
    known.collect()
}

impl World {
    /// The project in which the connection may propose, and as which user.
    fn may_propose(&self, me: usize) -> Result<(Project, String), RequestError> {
        self.check_right(me, Right::Propose)?;
        self.role(me)
    }

    /// The project in which the connection has a role, and as which user.
    fn role(&self, me: usize) -> Result<(Project, String), RequestError> {
        self.check_right(me, Right::Pulls)?;
        let token = self.connections[me].token.as_ref();
        let token = token.ok_or(RequestError::Unauthorized)?;
        Ok((token.project.clone(), token.user.clone()))
    }

    /// The open pull requests that the connection may see.
    fn visible(&self, me: usize) -> Result<Vec<Pull>, RequestError> {
        let (project, user) = self.role(me)?;
        let mut pulls = self.pulls.clone();
        pulls.retain(|pull| {
            pull.project == project && (self.connections[me].is_streamer || pull.owner == user)
        });
        Ok(pulls)
    }

    fn check_open_pulls(&self, project: &Project, user: &str) -> Result<(), RequestError> {
        let is_his = |pull: &&Pull| pull.project == *project && pull.owner == user;
        if self.pulls.iter().filter(is_his).count() >= self.limits.open_pulls {
            return Err(RequestError::Limit(
                "maxOpenPullRequests",
                self.limits.open_pulls,
            ));
        }
        Ok(())
    }

    pub(super) fn create(&mut self, me: usize, title: &str, description: &str) -> Answer {
        let (project, user) = self.may_propose(me)?;
        if title.is_empty() {
            return Err(RequestError::Bad);
        }
        if title.len() > self.limits.title_bytes {
            return Err(RequestError::Limit(
                "maxTitleBytes",
                self.limits.title_bytes,
            ));
        }
        self.check_open_pulls(&project, &user)?;
        let connection = &mut self.connections[me];
        connection.uploads.end_where(|(in_draft, _)| *in_draft);
        connection.draft = Some(Draft {
            title: title.to_owned(),
            description: description.to_owned(),
            ..Draft::default()
        });
        Ok(vec![ok("pullRequestCreation")])
    }

    pub(super) fn finish(&mut self, me: usize) -> Answer {
        let (project, owner) = self.may_propose(me)?;
        let connection = &self.connections[me];
        let draft = connection.draft.clone().ok_or(RequestError::Bad)?;
        if let Some(unfinished) = connection.uploads.first_into_draft() {
            return Err(RequestError::BadNaming(unfinished.to_owned()));
        }
        if draft.files.is_empty() && draft.deleted.is_empty() {
            return Err(RequestError::Bad);
        }
        self.check_open_pulls(&project, &owner)?;
        let pull = Pull {
            number: self.number(),
            project: project.clone(),
            owner,
            draft,
        };
        self.connections[me].draft = None;
        for other in 0..self.connections.len() {
            let is_streamer = self.connections[other].is_streamer;
            if is_streamer && self.role_project(other) == Some(&project) {
                self.connections[other].told.insert(pull.number);
                self.push(other, pull.created());
            }
        }
        self.pulls.push(pull);
        Ok(vec![ok("pullRequestFinish")])
    }

    pub(super) fn pull_get(&self, me: usize, id: &str) -> Answer {
        let visible = self.visible(me)?;
        let pull = visible.iter().find(|pull| pull.id() == id).ok_or(UNKNOWN)?;
        let mut replies = self.sent(&pull.draft.files);
        replies.push(ok("pullRequestGet"));
        Ok(replies)
    }

    pub(super) fn pull_delete(&mut self, me: usize, id: &str, outcome: &str) -> Answer {
        let visible = self.visible(me)?;
        let pull = visible.iter().find(|pull| pull.id() == id).ok_or(UNKNOWN)?;
        self.pulls.retain(|other| other.number != pull.number);
        let is_withdrawn = !self.connections[me].is_streamer;
        let outcome = if is_withdrawn { "withdrawn" } else { outcome };
        let closed = success("pullRequestClosed", json!({"id": id, "outcome": outcome}));
        for other in 0..self.connections.len() {
            let token = self.connections[other].token.as_ref();
            let is_owner = token.is_some_and(|token| token.user == pull.owner);
            let concerns = if is_withdrawn {
                other != me && (is_owner || self.connections[other].is_streamer)
            } else {
                is_owner
            };
            if concerns && self.role_project(other) == Some(&pull.project) {
                self.push(other, closed.clone());
            }
        }
        Ok(vec![ok("pullRequestDelete")])
    }

    pub(super) fn pull_list(&self, me: usize) -> Answer {
        let pulls: Vec<_> = self.visible(me)?.iter().map(Pull::data).collect();
        let mut answer = success("pullRequestList", json!(pulls));
        answer["last"] = true.into();
        Ok(vec![answer])
    }
}
