//! What people are told of their tokens and keys.

use std::io::IsTerminal as _;
use std::time::Duration;

use crate::credentials::Credentials;
use crate::credentials::flags::CommonArgs;
use crate::credentials::grant::Grant;
use crate::failure::Failure;
use crate::ui::untrusted::{Untrusted, shown};

/// What to tell a person at a terminal whose token or key stands on the command line. `secret` is
/// none: it is in every manual.
pub fn of_seen_secret(common: &CommonArgs, grant: &Grant) -> Option<&'static str> {
    if !common.is_secret_seen || !std::io::stderr().is_terminal() {
        return None;
    }
    match grant {
        Grant::Token(_) => Some(
            "Other users of this computer can see a --token while the command runs; use \
             TWICECAST_TOKEN or --token-file.",
        ),
        Grant::Key(key) if key != "secret" => Some(
            "Other users of this computer can see a --key while the command runs; use \
             TWICECAST_KEY or --key-file.",
        ),
        Grant::Key(_) | Grant::None => None,
    }
}

/// What to say of a token that is about to end.
pub fn ends_in(left: Duration) -> String {
    let minutes = left.as_secs().div_ceil(60);
    let minutes = if minutes == 1 {
        "1 more minute".to_owned()
    } else {
        format!("{minutes} more minutes")
    };
    format!("The token holds for {minutes}; get a fresh one and start again with it before that.")
}

impl Credentials {
    /// What to tell somebody the server does not let in.
    pub fn refused(&self, message: &Untrusted) -> Failure {
        let why = message.to_string();
        let [user, streamer, project] = [&self.user, &self.streamer, &self.project].map(shown);
        Failure::denied(match &self.grant {
            Grant::None => format!(
                "The server does not let anybody read {streamer}/{project} without a token \
                 ({why}). Give --token, or --key if you run the server."
            ),
            Grant::Key(_) => format!(
                "The server does not accept a token made with this key ({why}). Give the same \
                 --key (or TWICECAST_KEY) that the server was started with."
            ),
            Grant::Token(_) => format!(
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
        match &self.grant {
            Grant::None => self.refused(message),
            Grant::Key(_) => Failure::expired(format!(
                "The token that was made from the key no longer holds ({why}); a fresh one is made \
                 for the next connection."
            )),
            Grant::Token(_) => Failure::expired(format!(
                "The token no longer holds ({why}); get a fresh one and start again."
            )),
        }
    }
}
