//! Who a connection is (section 3).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::{Answer, Connection, RequestError, World, ok, success};
use crate::ask::{Project, Section, Token};

impl World {
    /// Takes on all sections or none; after a failure the connection has no role left.
    pub(super) fn authenticate(
        &mut self,
        me: usize,
        token: &Token,
        sections: &[Section],
    ) -> Answer {
        match self.take_on(me, token, sections) {
            Ok(mut replies) => {
                let data = json!({"message": "OK", "opts": {"sep": "/"}});
                replies.push(success("authentication", data));
                Ok(replies)
            }
            Err(error) => {
                self.fail_closed(me);
                Err(error)
            }
        }
    }

    /// A separate form, with the token that the connection has or one of its own; a failure
    /// changes nothing.
    pub(super) fn authenticate_alone(
        &mut self,
        me: usize,
        section: &Section,
        token: Option<&Token>,
    ) -> Answer {
        let held = self.connections[me].token.clone();
        let token = token.cloned().or(held).ok_or(RequestError::Unauthorized)?;
        self.take_on(me, &token, std::slice::from_ref(section))
    }

    fn take_on(&mut self, me: usize, token: &Token, sections: &[Section]) -> Answer {
        let may_chat = token.may_chat(self.limits.public_read);
        let claims_allow = |section: &Section| match section {
            Section::Streamer { user, project } => {
                *user == token.user
                    && token.user == token.project.streamer
                    && token.rights.is_none()
                    && *project == token.project.name
            }
            Section::Member { user, room } => {
                *user == token.user && *room == token.room() && may_chat
            }
            Section::Viewer { user, project } => {
                *user == token.user && *project == token.project && token.allows("read")
            }
        };
        if token.fault.is_some() {
            return Err(RequestError::Unauthorized);
        }
        let order = |section: &&Section| match section {
            Section::Streamer { .. } => 0,
            Section::Member { .. } => 1,
            Section::Viewer { .. } => 2,
        };
        let refused = sections.iter().filter(|section| !claims_allow(section));
        match refused.min_by_key(order) {
            Some(Section::Member { user, room })
                if token.banned && *user == token.user && *room == token.room() =>
            {
                return Err(RequestError::Banned);
            }
            Some(_) => return Err(RequestError::Unauthorized),
            None => {}
        }
        let asks = |kind: fn(&Section) -> bool| sections.iter().any(kind);
        let streams = asks(|section| matches!(section, Section::Streamer { .. }));
        let views = asks(|section| matches!(section, Section::Viewer { .. }));
        let chats = asks(|section| matches!(section, Section::Member { .. }));
        if views && !streams && !self.projects.contains_key(&token.project) {
            let sentence = "The streamer is not connected or the project is wrong";
            return Err(RequestError::BadBecause(sentence));
        }

        if streams {
            self.projects.entry(token.project.clone()).or_default();
        }
        let connection = &mut self.connections[me];
        let old = connection.token.replace(token.clone());
        let same_user = old.as_ref().is_some_and(|old| old.user == token.user);
        let same_project = old.is_some_and(|old| old.project == token.project);
        if !(same_user && same_project) {
            // Roles in the project end, with everything tied to them.
            connection.is_streamer = false;
            connection.is_viewer = false;
            connection.draft = None;
            connection.uploads = super::Uploads::default();
        }
        connection.is_streamer &= token.rights.is_none();
        connection.is_viewer &= token.allows("read");
        let has_role = connection.is_streamer || connection.is_viewer;
        if !(has_role || streams || views) || !token.allows("propose") {
            connection.draft = None;
            connection.uploads.end_where(|(in_draft, _)| *in_draft);
        }
        if !connection.is_streamer {
            connection.uploads.end_where(|(in_draft, _)| !*in_draft);
        }
        if !same_user || !may_chat || connection.room != Some(token.room()) {
            connection.room = None;
        }
        connection.is_streamer |= streams;
        connection.is_viewer |= views;
        if chats {
            connection.room = Some(token.room());
        }
        connection.failed_authentications = 0;
        self.tell_waiting_pulls(me);
        let replies = [
            (streams, "fileAuth"),
            (chats, "chatAuth"),
            (views, "pullRequestAuth"),
        ];
        let given = replies.into_iter().filter(|(given, _)| *given);
        Ok(given.map(|(_, kind)| ok(kind)).collect())
    }

    /// A streamer's connection is told of the waiting pull requests.
    fn tell_waiting_pulls(&mut self, me: usize) {
        let Some(project) = self.role_project(me).cloned() else {
            return;
        };
        if !self.connections[me].is_streamer {
            return;
        }
        for pull in self.pulls.clone() {
            if pull.project == project && self.connections[me].told.insert(pull.number) {
                self.push(me, pull.created());
            }
        }
    }

    /// As if the connection had ended, except for watches if reading is public, and for its record
    /// of pull requests that it was told of.
    pub(super) fn fail_closed(&mut self, me: usize) {
        let connection = std::mem::take(&mut self.connections[me]);
        self.connections[me] = Connection {
            is_open: true,
            failed_authentications: connection.failed_authentications,
            told: connection.told,
            watches: if self.limits.public_read {
                connection.watches
            } else {
                BTreeSet::new()
            },
            ..Connection::default()
        };
    }

    /// The project in which the connection has a role.
    pub(super) fn role_project(&self, me: usize) -> Option<&Project> {
        let connection = &self.connections[me];
        let has_role = connection.is_streamer || connection.is_viewer;
        connection
            .token
            .as_ref()
            .filter(|_| has_role)
            .map(|token| &token.project)
    }

    /// Whether a connection receives the project's updates.
    pub(super) fn receives(&self, other: usize, project: &Project) -> bool {
        let connection = &self.connections[other];
        let may_read = self.check_may_read(other, project).is_ok();
        self.role_project(other) == Some(project)
            || (connection.watches.contains(project) && may_read)
    }

    /// How many streamer connections each project has, if it has any.
    pub(super) fn streamed(&self) -> BTreeMap<Project, usize> {
        let mut streamed = BTreeMap::new();
        for me in 0..self.connections.len() {
            if self.connections[me].is_streamer
                && let Some(project) = self.role_project(me)
            {
                *streamed.entry(project.clone()).or_default() += 1;
            }
        }
        streamed
    }

    /// Announces the streamers who have come and gone since `before` because of `me`. Whether `me`
    /// is also told, as a receiver, is left open.
    pub(super) fn tell_presence(&mut self, me: usize, before: &BTreeMap<Project, usize>) {
        let after = self.streamed();
        let gone = before.keys().filter(|project| !after.contains_key(project));
        let come = after.keys().filter(|project| !before.contains_key(project));
        let gone = gone.map(|project| (project, "streamerDisconnected"));
        let come = come.map(|project| (project, "streamerConnected"));
        let changes: Vec<_> = gone.chain(come).collect();
        for (project, kind) in changes {
            let data = json!({"username": project.streamer, "project": project.name});
            self.tell_receivers(me, project, &success(kind, data.clone()));
            if self.receives(me, project) {
                self.perhaps.push((me, success(kind, data)));
            }
        }
    }

    /// Tells everyone who receives the project's updates, except `me`.
    pub(super) fn tell_receivers(&mut self, me: usize, project: &Project, message: &Value) {
        for other in 0..self.connections.len() {
            if other != me && self.receives(other, project) {
                self.push(other, message.clone());
            }
        }
    }
}
