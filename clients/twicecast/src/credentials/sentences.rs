//! Sentences for people about their tokens and keys.

use std::io::IsTerminal as _;
use std::time::Duration;

use crate::credentials::flags::CommonArgs;
use crate::credentials::grant::Grant;

/// What to tell a user at a terminal whose token or key is on the command line. The key `secret`
/// does not count: it is in every manual.
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

/// What to say about a token that is about to expire.
pub fn ends_in(left: Duration) -> String {
    let minutes = left.as_secs().div_ceil(60);
    let minutes = if minutes == 1 {
        "1 more minute".to_owned()
    } else {
        format!("{minutes} more minutes")
    };
    format!("The token holds for {minutes}; get a fresh one and start again with it before that.")
}
