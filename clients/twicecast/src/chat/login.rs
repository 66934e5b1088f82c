//! Entering a room: who enters, and what a refusal means to the user who gave the flags.

use serde_json::json;
use twicecast_client::protocol;
use twicecast_client::untrusted::Untrusted;

use crate::connection;
use crate::connection::{Incoming, Outgoing};
use crate::credentials::flags::CommonArgs;
use crate::credentials::{Grant, PartialCredentials, Purpose};
use crate::failure::Failure;
use crate::names::shown;
use crate::ui::time::{date_and_time, now};
use twicecast_client::protocol::ServerError;

const ENTER: u64 = 1;

/// Who enters which room.
#[derive(Debug)]
pub struct Guest {
    /// The server.
    pub url: String,
    /// The user's name.
    pub user: String,
    /// The room's name.
    pub room: String,
    credentials: PartialCredentials,
}

impl Guest {
    /// Works out who enters which room from the flags.
    ///
    /// # Errors
    ///
    /// A sentence that names the flag to give.
    pub fn resolve(common: &CommonArgs, room: Option<&str>) -> Result<Self, Failure> {
        let credentials = PartialCredentials::resolve(common, Purpose::Chat, room, None)?;
        if credentials.grant == Grant::None {
            return Err(Failure::usage(
                "A chat needs a token or a key: give --token (or TWICECAST_TOKEN), or --key (or \
                 TWICECAST_KEY) if you run the server.",
            ));
        }
        let user = credentials
            .user
            .clone()
            .ok_or_else(|| Failure::usage("Who are you? Give --user."))?;
        let room = credentials.room.clone().ok_or_else(|| {
            Failure::usage("Which room is it? Give --room, or --streamer and --project.")
        })?;
        Ok(Self {
            url: credentials.url.clone(),
            user,
            room,
            credentials,
        })
    }

    /// Whether a new token can be made when this one expires.
    pub fn can_renew_token(&self) -> bool {
        matches!(self.credentials.grant, Grant::Key(_))
    }

    /// The sentence for a user that the room does not accept.
    fn refused(&self, error: &ServerError) -> Failure {
        let (code, why) = (error.code, &error.message);
        let (user, room) = (shown(&self.user), shown(&self.room));
        if code != 401 {
            return Failure::denied(format!(
                "The server did not let {user} into the room {room} ({code}: {why})."
            ));
        }
        if error.banned && error.until.is_none() {
            return Failure::denied(format!(
                "The server does not let {user} into the room {room}: {why}."
            ));
        }
        if let Some(until) = error.until {
            return Failure::denied(format!(
                "The server does not let {user} into the room {room} until {} ({why}).",
                date_and_time(until)
            ));
        }
        if self.can_renew_token() {
            return Failure::denied(format!(
                "The server does not accept a token made with this key ({why}). Give the same \
                 --key (or TWICECAST_KEY) that the server was started with."
            ));
        }
        let view = self.credentials.token.clone().unwrap_or_default();
        let now = u64::try_from(now() / 1000).unwrap_or_default();
        let is_other = |name: &Option<String>, given: &str| {
            name.as_deref().filter(|name| *name != given).map(shown)
        };
        let hint = if let Some(expired) = view.expires.filter(|expires| *expires < now) {
            format!(
                "The token expired at {}; get a fresh one.",
                date_and_time(expired)
            )
        } else if let Some(until) = view.banned_until.filter(|until| *until > now) {
            format!(
                "The token says that you are banned until {}.",
                date_and_time(until)
            )
        } else if let Some(name) = is_other(&view.username, &self.user) {
            format!("The token is that of {name}: leave --user away.")
        } else if let Some(name) = is_other(&view.room, &self.room) {
            format!("The token is for the room {name}: leave --room away, or get another token.")
        } else {
            "Perhaps the token is signed with another key: get a fresh one.".to_owned()
        };
        Failure::denied(format!(
            "The server does not let {user} into the room {room} ({why}). {hint}"
        ))
    }

    /// The sentence for a user who was let in and whose token has expired since.
    pub fn withdrawn(&self, message: &Untrusted) -> Failure {
        let why = message;
        Failure::expired(if self.can_renew_token() {
            format!(
                "The token that was made from the key no longer holds ({why}); a fresh one is made \
                 for the next connection."
            )
        } else {
            format!("The token no longer holds ({why}); get a fresh one and start again.")
        })
    }
}

/// Enters the room.
///
/// # Errors
///
/// A sentence that says what to change.
pub async fn enter(
    outgoing: &Outgoing,
    incoming: &mut Incoming,
    guest: &Guest,
) -> Result<(), Failure> {
    let token = guest.credentials.token()?.unwrap_or_default();
    let names = json!({"username": guest.user, "room": guest.room});
    outgoing
        .send(protocol::authenticate(ENTER, &token, "chat", &names))
        .await;
    let answer = incoming.answer(ENTER, &mut drop).await;
    let refused = |error: &ServerError| guest.refused(error);
    answer.map_err(|error| connection::refused(error, refused))?;
    Ok(())
}
