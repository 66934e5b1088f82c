//! Who the connections claim to be: mostly with good tokens, and asking for what these allow.

use super::Generator;
use crate::ask::{Ask, Fault, Section, Token};

impl Generator {
    /// The token of connection `me`, whose user is mostly ana, bob, ana, eve, bob or ana.
    pub fn token(&mut self, me: usize) -> Token {
        let usual = ["ana", "bob", "ana", "eve", "bob", "ana"][me % 6];
        let user = if self.one_in(8) {
            self.pick(&["ana", "bob", "eve"])
        } else {
            usual
        };
        let project = usize::from(self.one_in(8));
        Token {
            user: format!("{user}{}", self.tag),
            project: self.project(project),
            room: self.one_in(6).then(|| format!("lounge{}", self.tag)),
            muted: self.one_in(12),
            banned: self.one_in(16),
            rights: self.one_in(6).then(|| {
                let mut rights = vec!["read", "chat", "propose", "stream"];
                let left_out = self.below(rights.len());
                rights.remove(left_out);
                rights
            }),
            fault: match self.below(40) {
                0 => Some(Fault::Forged),
                1 => Some(Fault::Expired),
                2 => Some(Fault::Empty),
                _ => None,
            },
        }
    }

    pub fn section(&mut self, kind: usize, token: &Token) -> Section {
        let user = if self.one_in(20) {
            format!("eve{}", self.tag)
        } else {
            token.user.clone()
        };
        let project = if self.one_in(20) {
            self.any_project()
        } else {
            token.project.clone()
        };
        match kind {
            0 => Section::Streamer {
                user,
                project: project.name,
            },
            1 => Section::Member {
                user,
                room: token.room(),
            },
            _ => Section::Viewer { user, project },
        }
    }

    pub fn authenticate(&mut self, me: usize) -> Ask {
        let token = self.token(me);
        let is_streamer = token.user == token.project.streamer;
        let mut sections = Vec::new();
        // Most ask for what they are allowed.
        for (kind, odds) in [(0, if is_streamer { 8 } else { 0 }), (1, 6), (2, 7)] {
            let asks = self.below(10) < odds || self.one_in(30);
            if asks {
                sections.push(self.section(kind, &token));
            }
        }
        Ask::Authenticate(token, sections)
    }

    pub fn alone(&mut self, me: usize) -> Ask {
        let token = self.token(me);
        let kind = self.below(3);
        let section = self.section(kind, &token);
        Ask::SectionAlone(section, self.one_in(2).then_some(token))
    }

    /// A streamer's connection becomes another user's without a role, then the streamer's again.
    pub fn absence(&mut self, me: usize) -> Ask {
        let token = |generator: &Self, user: &str| Token {
            user: format!("{user}{}", generator.tag),
            project: generator.project(0),
            room: None,
            muted: false,
            banned: false,
            rights: None,
            fault: None,
        };
        let (ana, bob) = (token(self, "ana"), token(self, "bob"));
        let streamer = Section::Streamer {
            user: ana.user.clone(),
            project: ana.project.name.clone(),
        };
        self.plans[me].push_back(Ask::Authenticate(ana, vec![streamer]));
        let member = Section::Member {
            user: bob.user.clone(),
            room: bob.room(),
        };
        if self.one_in(2) {
            Ask::SectionAlone(member, Some(bob))
        } else {
            Ask::Authenticate(bob, Vec::new())
        }
    }
}
