//! Who is speaking, about whose project, and with which right: the flags, the token's names and the
//! surroundings, put together and checked before anything is connected.

use std::path::Path;
use std::time::Duration;

use crate::credentials::flags::CommonArgs;
use crate::credentials::token;
use crate::credentials::token::{Claims, NamesInToken};
use crate::failure::Failure;
use crate::names::{check_project, check_user};
use crate::ui::untrusted::{Untrusted, shown};

/// A token made from a key for a session of our own holds this long.
const OWN_TOKEN_HOURS: u32 = 12;
const OWN_TOKEN: Duration = Duration::from_secs(OWN_TOKEN_HOURS as u64 * 3_600);
/// So long before it ends a token is looked after.
const EARLY: Duration = Duration::from_secs(600);
/// About a hundred years.
const NEVER: Duration = Duration::from_secs(3_600_000_000);

/// The names of one session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// The server.
    pub url: String,
    /// Who is speaking.
    pub user: String,
    /// Whose project.
    pub streamer: String,
    /// Which project.
    pub project: String,
    right: Right,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Right {
    Nothing,
    Token(String),
    Key(String),
}

/// Whose name stands where `--user` and `--streamer` are absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Pushes a project of their own.
    Streamer,
    /// Looks at somebody's project.
    Viewer,
}

impl Identity {
    /// Puts the flags together; `dir` gives the project's name where nothing else does.
    ///
    /// # Errors
    ///
    /// A sentence that names the flag to give.
    pub fn resolve(common: &CommonArgs, role: Role, dir: Option<&Path>) -> Result<Self, Failure> {
        crate::connection::address(&common.url)?;
        let in_token = common
            .token
            .as_deref()
            .map(NamesInToken::peek)
            .unwrap_or_default();
        let user = common
            .user
            .clone()
            .or_else(|| in_token.username.clone())
            .or_else(name_of_user);
        let streamer = match role {
            Role::Streamer => common.streamer.clone().or_else(|| user.clone()),
            Role::Viewer => common
                .streamer
                .clone()
                .or(in_token.streamername)
                .or_else(|| user.clone()),
        };
        let streamer = streamer
            .ok_or_else(|| Failure::usage("Whose project is it? Give --streamer (or --user)."))?;
        let user = user.unwrap_or_else(|| streamer.clone());
        let project = match common.project.clone().or(in_token.streamname) {
            Some(project) => project,
            None => dir
                .and_then(folder_name)
                .ok_or_else(|| Failure::usage("Which project is it? Give --project."))?,
        };
        check_user("user", &user)
            .and_then(|()| check_user("streamer", &streamer))
            .and_then(|()| check_project(&project))
            .map_err(Failure::usage)?;
        if role == Role::Streamer && user != streamer {
            return Err(Failure::usage(format!(
                "Only the streamer can push: --user {user} is not --streamer {streamer}. \
                 Leave --streamer away, or give the streamer's token."
            )));
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
            right,
        })
    }

    /// The token to authenticate with, fresh if we can make one; `None` where neither token nor key
    /// was given.
    ///
    /// # Errors
    ///
    /// If signing fails.
    pub fn token(&self) -> Result<Option<String>, Failure> {
        match &self.right {
            Right::Nothing => Ok(None),
            Right::Token(token) => Ok(Some(token.clone())),
            Right::Key(key) => Claims::new(
                &self.user,
                &self.streamer,
                &self.project,
                None,
                OWN_TOKEN_HOURS,
            )
            .signed(key)
            .map(Some),
        }
    }

    /// Whether an expired token can be followed by a fresh one.
    pub fn can_renew_token(&self) -> bool {
        matches!(self.right, Right::Key(_))
    }

    /// In how long the token is to be looked after: renewed where that can be done, else spoken of.
    pub fn renew_in(&self) -> Duration {
        match &self.right {
            Right::Nothing => NEVER,
            Right::Key(_) => OWN_TOKEN.saturating_sub(EARLY),
            Right::Token(token) => match token::expires_in(token) {
                Some(left) if left > EARLY => left.saturating_sub(EARLY),
                // It was spoken of at the start.
                _ => NEVER,
            },
        }
    }

    /// A fresh token, where one can be made.
    ///
    /// # Errors
    ///
    /// If signing fails.
    pub fn renewed_token(&self) -> Result<Option<String>, Failure> {
        if self.can_renew_token() {
            self.token()
        } else {
            Ok(None)
        }
    }

    /// What to say of a token that cannot be renewed and ends within the next minutes.
    pub fn expires_soon(&self) -> Option<String> {
        let Right::Token(token) = &self.right else {
            return None;
        };
        let left = token::expires_in(token)?;
        if left.is_zero() || left > EARLY + Duration::from_secs(60) {
            return None;
        }
        let minutes = left.as_secs().div_ceil(60);
        Some(format!(
            "The token holds for {minutes} more minute{}; get a fresh one and start again with it \
             before that.",
            if minutes == 1 { "" } else { "s" }
        ))
    }

    /// The key, for the command that prints a token.
    ///
    /// # Errors
    ///
    /// A sentence that says how to give one.
    pub fn key(&self) -> Result<&str, Failure> {
        match &self.right {
            Right::Key(key) => Ok(key),
            _ => Err(Failure::usage(
                "A token is made from the server's key: give --key or set TWICECAST_KEY (a server \
                 that was given none uses `secret`).",
            )),
        }
    }

    /// What to tell somebody the server does not let in.
    pub fn refused(&self, message: &Untrusted) -> Failure {
        let why = message.to_string();
        let [user, streamer, project] = [&self.user, &self.streamer, &self.project].map(shown);
        Failure::denied(match &self.right {
            Right::Nothing => format!(
                "The server does not let anybody read {streamer}/{project} without a token \
                 ({why}). Give --token, or --key if you run the server."
            ),
            Right::Key(_) => format!(
                "The server does not accept a token made with this key ({why}). Give the same \
                 --key (or TWICECAST_KEY) that the server was started with."
            ),
            Right::Token(_) => format!(
                "The server does not accept the token for user {user}, streamer {streamer}, \
                 project {project} ({why}). It may have expired, be signed with another key, or \
                 name others; get a fresh one, or adapt --user, --streamer and --project."
            ),
        })
    }

    /// What to tell somebody the server let in and then, on the same connection, does no
    /// longer: their token ran out.
    pub fn withdrawn(&self, message: &Untrusted) -> Failure {
        let why = message.to_string();
        match &self.right {
            Right::Nothing => self.refused(message),
            Right::Key(_) => Failure::expired(format!(
                "The token that was made from the key no longer holds ({why}); a fresh one is made \
                 for the next connection."
            )),
            Right::Token(_) => Failure::expired(format!(
                "The token no longer holds ({why}); get a fresh one and start again."
            )),
        }
    }

    /// The project as people write it.
    pub fn full_project(&self) -> String {
        format!("{}/{}", self.streamer, self.project)
    }
}

/// Who is at the keyboard, where the system says so; in a container it may not.
pub fn name_of_user() -> Option<String> {
    ["USER", "LOGNAME", "USERNAME"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|user| !user.is_empty()))
}

fn folder_name(dir: &Path) -> Option<String> {
    let absolute = std::fs::canonicalize(dir)
        .or_else(|_| std::path::absolute(dir))
        .ok()?;
    absolute.file_name()?.to_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn common() -> CommonArgs {
        CommonArgs {
            url: "ws://127.0.0.1:3005".into(),
            user: Some("ana".into()),
            ..CommonArgs::default()
        }
    }

    #[test]
    fn the_streamer_is_the_user_and_the_project_is_the_folder() {
        let identity =
            Identity::resolve(&common(), Role::Streamer, Some(Path::new("/nowhere/demo"))).unwrap();
        assert_eq!(identity.full_project(), "ana/demo");
        assert_eq!(identity.token(), Ok(None));
    }

    #[test]
    fn a_tokens_names_come_before_the_surroundings_and_after_the_flags() {
        let token = Claims::new("bob", "ana", "demo", None, 1)
            .signed("k")
            .unwrap();
        let given = CommonArgs {
            user: None,
            token: Some(token.clone()),
            ..common()
        };
        let identity =
            Identity::resolve(&given, Role::Viewer, Some(Path::new("/nowhere/copy"))).unwrap();
        assert_eq!(
            (identity.user.as_str(), identity.full_project().as_str()),
            ("bob", "ana/demo")
        );
        let given = CommonArgs {
            project: Some("other".into()),
            token: Some(token),
            ..common()
        };
        let identity = Identity::resolve(&given, Role::Viewer, None).unwrap();
        assert_eq!(
            (identity.user.as_str(), identity.project.as_str()),
            ("ana", "other")
        );
    }

    #[test]
    fn who_was_let_in_has_no_wrong_key_and_may_come_again_with_it() {
        let with = |key: Option<&str>, token: Option<&str>| {
            let given = CommonArgs {
                project: Some("demo".into()),
                key: key.map(str::to_owned),
                token: token.map(str::to_owned),
                ..common()
            };
            let identity = Identity::resolve(&given, Role::Viewer, None).unwrap();
            let failure = identity.withdrawn(&"the token has expired".into());
            (
                failure.may_pass(identity.can_renew_token()),
                failure.to_string(),
            )
        };
        let (may_pass, said) = with(Some("k"), None);
        assert!(may_pass && said.contains("has expired") && !said.contains("--key"));
        let (may_pass, said) = with(None, Some("t"));
        assert!(!may_pass && said.contains("get a fresh one"));
        let (may_pass, said) = with(None, None);
        assert!(!may_pass && said.contains("without a token"));
    }

    #[test]
    fn a_token_is_spoken_of_in_its_last_minutes_and_not_before() {
        let now = std::time::SystemTime::now();
        let now = now.duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        for (seconds, said) in [
            (3_600, None),
            (600, Some("10 more minutes;")),
            (300, Some("5 more minutes;")),
            (20, Some("1 more minute;")),
            (0, None),
        ] {
            let claims = serde_json::json!({"username": "ana", "exp": now + seconds});
            let key = jsonwebtoken::EncodingKey::from_secret(b"k");
            let token = jsonwebtoken::encode(&jsonwebtoken::Header::default(), &claims, &key);
            let given = CommonArgs {
                project: Some("demo".into()),
                token: Some(token.unwrap()),
                ..common()
            };
            let identity = Identity::resolve(&given, Role::Streamer, None).unwrap();
            let text = identity.expires_soon();
            assert_eq!(text.is_some(), said.is_some(), "{seconds}: {text:?}");
            assert!(text.unwrap_or_default().contains(said.unwrap_or_default()));
        }
    }

    #[test]
    fn nobody_pushes_for_somebody_else() {
        let given = CommonArgs {
            streamer: Some("bob".into()),
            project: Some("demo".into()),
            ..common()
        };
        assert_eq!(
            Identity::resolve(&given, Role::Streamer, None)
                .unwrap_err()
                .exit_code(),
            2
        );
        assert!(Identity::resolve(&given, Role::Viewer, None).is_ok());
    }

    #[test]
    fn names_that_no_server_takes_are_refused_before_connecting() {
        for (user, project) in [
            ("a/b", "demo"),
            (".ana", "demo"),
            ("ana", ".."),
            ("ana", "a\nb"),
        ] {
            let given = CommonArgs {
                user: Some(user.into()),
                project: Some(project.into()),
                ..common()
            };
            assert!(
                Identity::resolve(&given, Role::Streamer, None).is_err(),
                "{user} {project}"
            );
        }
    }
}
