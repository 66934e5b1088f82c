//! Who a token says its bearer is, and what that entitles them to (protocol, section 3).

use super::guest::GuestAccess;
use super::names::{NameError, ProjectName, RoomName, UserName};
use super::project::ProjectId;
use super::time::Timestamp;

/// The claims of a token whose signature has been checked, not yet validated.
///
/// Absent, null and empty texts all become `None` here.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Claims {
    /// `username`.
    pub username: Option<String>,
    /// `streamername`.
    pub streamer: Option<String>,
    /// `streamname`.
    pub project: Option<String>,
    /// `room`; absent or 0 means the project's own room.
    pub room: Option<String>,
    /// `mutedUntil`.
    pub muted_until: Option<Timestamp>,
    /// `bannedUntil`.
    pub banned_until: Option<Timestamp>,
    /// `rights`.
    pub rights: Option<Vec<String>>,
    /// `role`.
    pub role: Option<String>,
    /// `exp`.
    pub expires_at: Timestamp,
    /// `nbf`.
    pub not_before: Option<Timestamp>,
    /// Whether this server has signed the token, for a guest.
    pub is_guests: bool,
}

/// Why the claims are invalid.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum IdentityError {
    /// `exp` has passed.
    #[error("the token has expired; get a new one")]
    Expired,
    /// `nbf` has not yet come.
    #[error("the token is not valid yet")]
    NotYetValid,
    /// There is no `username`.
    #[error("the token names no user")]
    NoUser,
    /// The user's name is a guest's, but the token is not.
    #[error("names that start with ~ are those of guests, who get their tokens from the server")]
    NoGuest,
    /// A claim is not a valid name.
    #[error("the token's claim {0} {1}")]
    Name(&'static str, NameError),
}

/// How far ahead `nbf` may be: the clocks of issuer and server differ a little.
const NOT_BEFORE_LEEWAY: std::time::Duration = std::time::Duration::from_secs(5);

/// The `role` of those who moderate the project that their token names.
const MODERATOR: &str = "moderator";

/// What the claim `rights` leaves of what the other claims give.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TokenRights {
    /// To read the project, and to view it.
    pub read: bool,
    /// To chat.
    pub chat: bool,
    /// To open pull requests.
    pub propose: bool,
}

impl TokenRights {
    /// What these words allow; unknown ones allow nothing.
    fn of(words: &[String]) -> Self {
        let has = |right: &str| words.iter().any(|word| word == right);
        Self {
            read: has("read"),
            chat: has("chat"),
            propose: has("propose"),
        }
    }
}

/// The verified bearer of a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who they are.
    pub user: UserName,
    /// The project that the token names: their own, or one they view.
    pub project: Option<ProjectId>,
    /// The chat room that the token names.
    pub room: Option<RoomName>,
    /// Until when they may read the room but not write.
    pub muted_until: Option<Timestamp>,
    /// Until when they may not enter the room.
    pub banned_until: Option<Timestamp>,
    /// What the token is limited to; `None`: it is not limited.
    pub rights: Option<TokenRights>,
    /// Whether the token has the role of a moderator.
    pub is_moderator: bool,
    /// When the token expires.
    pub expires_at: Timestamp,
}

impl Identity {
    /// The bearer of a token with these claims, at the time `now`.
    ///
    /// # Errors
    /// Why the claims are invalid.
    pub fn from_claims(claims: &Claims, now: Timestamp) -> Result<Self, IdentityError> {
        if now >= claims.expires_at {
            return Err(IdentityError::Expired);
        }
        let latest = now.plus(NOT_BEFORE_LEEWAY);
        if claims.not_before.is_some_and(|start| start > latest) {
            return Err(IdentityError::NotYetValid);
        }
        let user = claims.username.as_deref().ok_or(IdentityError::NoUser)?;
        let user = UserName::parse(user).map_err(named("username"))?;
        if user.guest().is_some() != claims.is_guests {
            return Err(IdentityError::NoGuest);
        }
        let streamer = claims.streamer.as_deref().map(UserName::parse).transpose();
        let streamer = streamer.map_err(named("streamername"))?;
        let name = claims.project.as_deref().map(ProjectName::parse);
        let name = name.transpose().map_err(named("streamname"))?;
        let project = streamer.zip(name);
        let project = project.map(|(streamer, name)| ProjectId { streamer, name });
        let room = match (&claims.room, &project) {
            (Some(room), _) => Some(RoomName::parse(room).map_err(named("room"))?),
            // Two names of 255 bytes make too long a room name: then there is no room.
            (None, Some(project)) => RoomName::parse(&project.to_string()).ok(),
            (None, None) => None,
        };
        Ok(Self {
            user,
            project,
            room,
            muted_until: claims.muted_until,
            banned_until: claims.banned_until,
            rights: claims.rights.as_deref().map(TokenRights::of),
            is_moderator: claims.role.as_deref() == Some(MODERATOR) && !claims.is_guests,
            expires_at: claims.expires_at,
        })
    }

    /// Limits a guest's token to what `access` lets guests do; other tokens stay as they are.
    #[must_use]
    pub fn limited_to(self, access: GuestAccess) -> Self {
        let of_all = self.rights.filter(|_| self.user.guest().is_some());
        let Some(given) = of_all else {
            return self;
        };
        let may = |right| access.rights().contains(&right);
        let rights = TokenRights {
            read: given.read && may("read"),
            chat: given.chat && may("chat"),
            propose: given.propose && may("propose"),
        };
        Self {
            rights: Some(rights),
            ..self
        }
    }

    /// Whether the token has expired.
    pub fn is_expired(&self, now: Timestamp) -> bool {
        now >= self.expires_at
    }

    /// Whether the token names `project`.
    pub fn names(&self, project: &ProjectId) -> bool {
        self.project.as_ref() == Some(project)
    }

    /// Whether its bearer is the streamer of `project`. A viewer's token names the streamer too,
    /// but its bearer is somebody else.
    pub fn streams(&self, project: &ProjectId) -> bool {
        self.names(project) && self.user == project.streamer
    }

    /// Whether its bearer may be in `room` now.
    pub fn may_enter(&self, room: &RoomName, now: Timestamp) -> bool {
        self.room.as_ref() == Some(room) && self.banned(room, now).is_none()
    }

    /// Until when they are banned from `room`, if they are now.
    pub fn banned(&self, room: &RoomName, now: Timestamp) -> Option<Timestamp> {
        let is_named = self.room.as_ref() == Some(room);
        self.ban(now).filter(|_| is_named)
    }

    /// Until when they are banned from the room that the token names, if they are now.
    pub fn ban(&self, now: Timestamp) -> Option<Timestamp> {
        self.banned_until.filter(|until| now < *until)
    }

    /// Until when they are muted, if they are now.
    pub fn muted(&self, now: Timestamp) -> Option<Timestamp> {
        self.muted_until.filter(|until| now < *until)
    }
}

fn named(claim: &'static str) -> impl Fn(NameError) -> IdentityError {
    move |error| IdentityError::Name(claim, error)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_000);

    fn claims() -> Claims {
        Claims {
            username: Some("bob".into()),
            streamer: Some("ana".into()),
            project: Some("demo".into()),
            expires_at: Timestamp::from_secs(2_000),
            ..Claims::default()
        }
    }

    fn project(streamer: &str, name: &str) -> ProjectId {
        ProjectId {
            streamer: UserName::parse(streamer).expect("valid"),
            name: ProjectName::parse(name).expect("valid"),
        }
    }

    #[test]
    fn a_viewers_token_names_the_streamer_and_never_makes_its_bearer_the_streamer() {
        let viewer = Identity::from_claims(&claims(), NOW).expect("valid");
        assert!(viewer.names(&project("ana", "demo")));
        assert!(!viewer.streams(&project("ana", "demo")));
        assert!(!viewer.streams(&project("bob", "demo")));
        let streamer = Claims {
            username: Some("ana".into()),
            ..claims()
        };
        let streamer = Identity::from_claims(&streamer, NOW).expect("valid");
        assert!(streamer.streams(&project("ana", "demo")));
        assert!(!streamer.streams(&project("ana", "other")));
    }

    #[test]
    fn a_token_counts_from_nbf_until_exp() {
        let at = |expires, start| {
            let claims = Claims {
                expires_at: Timestamp::from_secs(expires),
                not_before: Some(Timestamp::from_secs(start)),
                ..claims()
            };
            Identity::from_claims(&claims, NOW).map(|_| ())
        };
        assert_eq!(at(1_001, 1_000), Ok(()));
        assert_eq!(at(1_000, 900), Err(IdentityError::Expired));
        assert_eq!(at(1_100, 1_005), Ok(()), "leeway");
        assert_eq!(at(1_100, 1_006), Err(IdentityError::NotYetValid));
    }

    #[test]
    fn hostile_or_missing_names_make_nobody() {
        for (claims, error) in [
            (
                Claims {
                    username: None,
                    ..claims()
                },
                IdentityError::NoUser,
            ),
            (
                Claims {
                    username: Some("../x".into()),
                    ..claims()
                },
                IdentityError::Name("username", NameError::NotOneComponent),
            ),
            (
                Claims {
                    streamer: Some("../x".into()),
                    ..claims()
                },
                IdentityError::Name("streamername", NameError::NotOneComponent),
            ),
            (
                Claims {
                    project: Some("a\0".into()),
                    ..claims()
                },
                IdentityError::Name("streamname", NameError::Control),
            ),
            (
                Claims {
                    room: Some("\n".into()),
                    ..claims()
                },
                IdentityError::Name("room", NameError::Control),
            ),
        ] {
            assert_eq!(Identity::from_claims(&claims, NOW), Err(error));
        }
    }

    #[test]
    fn a_name_that_starts_with_a_tilde_is_a_guests_and_no_other_is() {
        let user = |name: &str, is_guests| {
            let claims = Claims {
                username: Some(name.into()),
                rights: Some(vec!["read".into()]),
                is_guests,
                ..claims()
            };
            Identity::from_claims(&claims, NOW).map(|identity| identity.user.to_string())
        };
        assert_eq!(user("~bob", true), Ok("~bob".into()));
        assert_eq!(user("b~ob", false), Ok("b~ob".into()));
        assert_eq!(user("~bob", false), Err(IdentityError::NoGuest));
        assert_eq!(user("~", false), Err(IdentityError::NoGuest));
        assert_eq!(user("bob", true), Err(IdentityError::NoGuest));
    }

    #[test]
    fn a_guests_token_gives_no_more_than_guests_have_now() {
        let given = |words: &[&str], access, guest| {
            let claims = Claims {
                username: Some(if guest { "~bob" } else { "bob" }.into()),
                rights: Some(words.iter().map(|word| (*word).to_owned()).collect()),
                is_guests: guest,
                ..claims()
            };
            let identity = Identity::from_claims(&claims, NOW).expect("valid");
            let rights = identity.limited_to(access).rights.expect("limited");
            (rights.read, rights.chat, rights.propose)
        };
        let (all, some) = (&["read", "chat", "propose"][..], &["read", "chat"][..]);
        for (words, access, rights) in [
            (all, GuestAccess::Propose, (true, true, true)),
            (all, GuestAccess::Chat, (true, true, false)),
            (all, GuestAccess::Off, (false, false, false)),
            (some, GuestAccess::Propose, (true, true, false)),
            (some, GuestAccess::Chat, (true, true, false)),
        ] {
            assert_eq!(given(words, access, true), rights, "{words:?} {access:?}");
        }
        assert_eq!(given(all, GuestAccess::Off, false), (true, true, true));
        let unlimited = Identity::from_claims(&claims(), NOW).expect("valid");
        assert_eq!(unlimited.limited_to(GuestAccess::Off).rights, None);
    }

    #[test]
    fn the_room_is_the_projects_own_unless_the_token_names_another() {
        let room = |claims: Claims| Identity::from_claims(&claims, NOW).expect("valid").room;
        let name = |text| Some(RoomName::parse(text).expect("valid"));
        assert_eq!(room(claims()), name("ana/demo"));
        assert_eq!(
            room(Claims {
                room: Some("lounge".into()),
                ..claims()
            }),
            name("lounge")
        );
        assert_eq!(
            room(Claims {
                project: None,
                ..claims()
            }),
            None
        );
    }

    #[test]
    fn a_moderators_token_says_so_in_one_word_and_a_guests_never_does() {
        let is_moderator = |role: Option<&str>, user: &str| {
            let claims = Claims {
                username: Some(user.into()),
                role: role.map(str::to_owned),
                is_guests: user.starts_with('~'),
                ..claims()
            };
            let identity = Identity::from_claims(&claims, NOW).expect("valid");
            identity.is_moderator
        };
        assert!(is_moderator(Some("moderator"), "bob"));
        assert!(!is_moderator(Some("moderator"), "~bob"));
        for role in [
            None,
            Some("Moderator"),
            Some("moderator "),
            Some("streamer"),
        ] {
            assert!(!is_moderator(role, "bob"), "{role:?}");
        }
    }

    #[test]
    fn words_that_are_unknown_or_spelled_otherwise_give_no_right() {
        let rights = |words: &[&str]| {
            let rights = Some(words.iter().map(|word| (*word).to_owned()).collect());
            let claims = Claims { rights, ..claims() };
            let rights = Identity::from_claims(&claims, NOW).expect("valid").rights;
            rights.map(|rights| (rights.read, rights.chat, rights.propose))
        };
        assert_eq!(
            rights(&["read", "propose", "read"]),
            Some((true, false, true))
        );
        assert_eq!(rights(&["chat", "fly"]), Some((false, true, false)));
        let none = Some((false, false, false));
        assert_eq!(rights(&[]), none);
        assert_eq!(
            rights(&["Read", " read", "read,chat", "stream", "", "*"]),
            none
        );
        let unlimited = Identity::from_claims(&claims(), NOW).expect("valid");
        assert_eq!(unlimited.rights, None);
    }

    #[test]
    fn a_project_whose_name_contains_a_slash_is_named_as_it_is() {
        let claims = Claims {
            project: Some("C/C++ d\u{e9}mo".into()),
            ..claims()
        };
        let identity = Identity::from_claims(&claims, NOW).expect("valid");
        assert!(identity.names(&project("ana", "C/C++ d\u{e9}mo")));
        assert!(!identity.names(&project("ana", "C")));
        let room = RoomName::parse("ana/C/C++ d\u{e9}mo").expect("valid");
        assert_eq!(identity.room, Some(room));
    }

    #[test]
    fn a_ban_and_a_mute_end_at_their_time() {
        let until = |seconds| Some(Timestamp::from_secs(seconds));
        let room = RoomName::parse("ana/demo").expect("valid");
        let banned = Claims {
            banned_until: until(1_500),
            ..claims()
        };
        let banned = Identity::from_claims(&banned, NOW).expect("valid");
        assert!(!banned.may_enter(&room, Timestamp::from_secs(1_499)));
        assert!(banned.may_enter(&room, Timestamp::from_secs(1_500)));
        let muted = Claims {
            muted_until: until(1_500),
            ..claims()
        };
        let muted = Identity::from_claims(&muted, NOW).expect("valid");
        assert_eq!(muted.muted(Timestamp::from_secs(1_499)), until(1_500));
        assert_eq!(muted.muted(Timestamp::from_secs(1_500)), None);
        assert!(!muted.may_enter(&RoomName::parse("other").expect("valid"), NOW));
    }
}
