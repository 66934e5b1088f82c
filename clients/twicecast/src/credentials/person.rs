//! What the flags, the token and the surroundings say of the person at the keyboard, for commands
//! that can do without some of it. Commands that need a project have [`crate::credentials::identity`].

use serde_json::Value;

use crate::credentials::flags::CommonArgs;
use crate::credentials::identity::name_of_user;
use crate::credentials::token::Claims;
use crate::failure::Failure;
use crate::names::{check_project, check_user};
use crate::protocol::whole_seconds;

/// A token made from a key for a session of our own holds this long.
const OWN_TOKEN_HOURS: u32 = 12;

/// With which right the person comes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Right {
    /// With none.
    Nothing,
    /// With a token that somebody gave.
    Token(String),
    /// With the key, to make tokens.
    Key(String),
}

/// The names of one session, as far as they are known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Person {
    /// The server.
    pub url: String,
    /// Who is speaking.
    pub user: Option<String>,
    /// Whose project.
    pub streamer: Option<String>,
    /// Which project.
    pub project: Option<String>,
    /// Which room.
    pub room: Option<String>,
    /// With which right.
    pub right: Right,
    /// What the token says, if one was given that can be read.
    pub token: Option<TokenView>,
}

/// What a token says, not verified: that is the server's business.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct TokenView {
    /// The bearer.
    pub username: Option<String>,
    /// The streamer.
    pub streamername: Option<String>,
    /// The project.
    pub streamname: Option<String>,
    /// The chat room, the project's own where it names none.
    pub room: Option<String>,
    /// Until when it holds, in seconds since the epoch.
    pub expires: Option<u64>,
    /// Until when its bearer is muted.
    pub muted_until: Option<u64>,
    /// Until when its bearer is banned.
    pub banned_until: Option<u64>,
}

impl TokenView {
    /// Reads a token; `None` if it is not one.
    pub fn read(token: &str) -> Option<Self> {
        let claims = jsonwebtoken::dangerous::insecure_decode::<Value>(token)
            .ok()?
            .claims;
        let name = |name: &str| {
            let text = claims[name].as_str()?;
            (!text.is_empty()).then(|| text.to_owned())
        };
        let moment = |name: &str| whole_seconds(&claims[name]).filter(|seconds| *seconds > 0);
        let (streamername, streamname) = (name("streamername"), name("streamname"));
        let own_room = own_room(streamername.as_deref(), streamname.as_deref());
        Some(Self {
            username: name("username"),
            room: name("room").or(own_room),
            streamername,
            streamname,
            expires: whole_seconds(&claims["exp"]),
            muted_until: moment("mutedUntil"),
            banned_until: moment("bannedUntil"),
        })
    }
}

impl Person {
    /// Puts together what is known; a room that is not given is the token's, or else the project's
    /// own.
    ///
    /// # Errors
    ///
    /// A sentence, if the address or a name is none that a server takes.
    pub fn resolve(common: &CommonArgs, room: Option<&str>) -> Result<Self, Failure> {
        crate::connection::address(&common.url)?;
        let token = common.token.as_deref().and_then(TokenView::read);
        let view = token.clone().unwrap_or_default();
        let user = (common.user.clone())
            .or(view.username)
            .or_else(name_of_user);
        let streamer = (common.streamer.clone())
            .or(view.streamername)
            .or_else(|| user.clone());
        let project = common.project.clone().or(view.streamname);
        let room = room
            .map(str::to_owned)
            .or(view.room)
            .or_else(|| own_room(streamer.as_deref(), project.as_deref()));
        let checks = [
            user.as_deref().map(|name| check_user("user", name)),
            streamer.as_deref().map(|name| check_user("streamer", name)),
            project.as_deref().map(check_project),
            room.as_deref().map(check_room),
        ];
        for check in checks.into_iter().flatten() {
            check.map_err(Failure::usage)?;
        }
        let right = match (&common.token, &common.key) {
            (Some(token), _) => Right::Token(token.clone()),
            (None, Some(key)) => Right::Key(key.clone()),
            (None, None) => Right::Nothing,
        };
        Ok(Self {
            url: common.url.clone(),
            user,
            streamer,
            project,
            room,
            right,
            token,
        })
    }

    /// The token to authenticate with, fresh if it can be made; `None` where neither token nor key
    /// was given.
    ///
    /// # Errors
    ///
    /// A sentence, if it is not known who it is for, or signing fails.
    pub fn token(&self) -> Result<Option<String>, Failure> {
        match &self.right {
            Right::Nothing => Ok(None),
            Right::Token(token) => Ok(Some(token.clone())),
            Right::Key(key) => {
                let user = self
                    .user
                    .as_deref()
                    .ok_or_else(|| Failure::usage("Who are you? Give --user."))?;
                // Absent and empty are the same in a token, and one without a project names no
                // streamer either.
                let (streamer, project) = self.full_names().unwrap_or_default();
                let room = self.room.as_deref().unwrap_or_default();
                Claims::new(user, streamer, project, Some(room), OWN_TOKEN_HOURS)
                    .signed(key)
                    .map(Some)
            }
        }
    }

    /// Streamer and project, where both are known.
    pub fn full_names(&self) -> Option<(&str, &str)> {
        self.streamer.as_deref().zip(self.project.as_deref())
    }
}

fn own_room(streamer: Option<&str>, project: Option<&str>) -> Option<String> {
    Some(format!("{}/{}", streamer?, project?))
}

fn check_room(room: &str) -> Result<(), String> {
    if room.is_empty() || room.chars().any(char::is_control) {
        return Err(format!(
            "The room name {room:?} must not be empty nor hold control characters; give another \
             one with --room."
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with(change: impl FnOnce(&mut CommonArgs)) -> CommonArgs {
        let mut common = CommonArgs {
            url: "ws://127.0.0.1:3005".into(),
            user: Some("bob".into()),
            ..CommonArgs::default()
        };
        change(&mut common);
        common
    }

    #[test]
    fn the_room_is_the_given_one_else_the_tokens_else_the_projects_own() {
        let token = Claims::new("bob", "ana", "demo", Some("lobby"), 1)
            .signed("any")
            .unwrap();
        let with_token = with(|common| common.token = Some(token));
        let room = |common: &CommonArgs, room| Person::resolve(common, room).unwrap().room;
        assert_eq!(room(&with_token, Some("other")).as_deref(), Some("other"));
        assert_eq!(room(&with_token, None).as_deref(), Some("lobby"));
        let named = with(|common| {
            common.streamer = Some("ana".into());
            common.project = Some("demo".into());
        });
        assert_eq!(room(&named, None).as_deref(), Some("ana/demo"));
        assert_eq!(room(&with(|_| ()), None), None);
    }

    #[test]
    fn a_token_whose_room_is_zero_means_the_projects_own() {
        let claims = serde_json::json!({"username": "bob", "streamername": "ana", "streamname": "demo", "room": 0, "exp": 7.5, "mutedUntil": false, "bannedUntil": 9});
        let token = jsonwebtoken::encode(
            &jsonwebtoken::Header::default(),
            &claims,
            &jsonwebtoken::EncodingKey::from_secret(b"k"),
        )
        .unwrap();
        let view = TokenView::read(&token).unwrap();
        assert_eq!(view.room.as_deref(), Some("ana/demo"));
        assert_eq!(
            (view.expires, view.muted_until, view.banned_until),
            (Some(8), None, Some(9))
        );
        assert_eq!(TokenView::read("no token"), None);
    }

    #[test]
    fn a_key_makes_a_token_for_a_room_without_a_project() {
        let person = Person::resolve(
            &with(|common| common.key = Some("secret".into())),
            Some("lobby"),
        )
        .unwrap();
        let view = TokenView::read(&person.token().unwrap().unwrap()).unwrap();
        assert_eq!(view.room.as_deref(), Some("lobby"));
        assert_eq!((view.streamername, view.streamname), (None, None));
    }

    #[test]
    fn names_that_no_server_takes_are_refused_before_connecting() {
        for room in ["", "a\nb"] {
            assert!(Person::resolve(&with(|_| ()), Some(room)).is_err());
        }
        let bad = with(|common| common.project = Some("..".into()));
        assert_eq!(Person::resolve(&bad, None).unwrap_err().exit_code(), 2);
    }
}
