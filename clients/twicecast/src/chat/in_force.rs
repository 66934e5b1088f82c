//! Moderators' decisions, as lines of text.

use serde::Deserialize;
use twicecast_client::untrusted::Untrusted;

use crate::ui::time::{date_and_time, span, time_of_day};

/// How many of the moderators' latest actions are shown.
const SHOWN_ACTIONS: usize = 30;

/// What the server says about moderation.
#[derive(Debug, Deserialize)]
pub struct Moderation {
    muted: Vec<InForce>,
    banned: Vec<InForce>,
    slow: u64,
    log: Vec<Action>,
}

#[derive(Debug, Deserialize)]
struct InForce {
    username: Untrusted,
    until: Option<u64>,
    by: Untrusted,
    #[serde(default)]
    address: bool,
}

#[derive(Debug, Deserialize)]
struct Action {
    date: i64,
    by: Untrusted,
    #[serde(rename = "action")]
    what: Untrusted,
    username: Option<Untrusted>,
    seconds: Option<u64>,
    id: Option<u64>,
}

/// Whether slow mode is on, as a sentence.
pub fn slow_line(seconds: u64) -> String {
    match seconds {
        0 => "Slow mode is over.".to_owned(),
        seconds => {
            let span = span(seconds);
            format!("Slow mode: everybody but the moderators writes once in {span}.")
        }
    }
}

impl Moderation {
    /// Everything in sentences; `now` is in milliseconds since the epoch.
    pub fn lines(&self, now: i64) -> Vec<String> {
        let mut lines = Vec::new();

        let lists = [("muted", &self.muted), ("banned", &self.banned)];
        for (what, list) in lists {
            if list.is_empty() {
                lines.push(format!("Nobody is {what}."));
            }
            for entry in list {
                let InForce { username, by, .. } = entry;
                let until = match entry.until {
                    Some(until) => format!("until {}", date_and_time(until)),
                    None => "for good".to_owned(),
                };
                let address = if entry.address {
                    ", and all guests from the same address"
                } else {
                    ""
                };
                lines.push(format!("{username} is {what} {until}{address} (by {by})."));
            }
        }
        if self.slow > 0 {
            lines.push(slow_line(self.slow));
        }
        let skipped = self.log.len().saturating_sub(SHOWN_ACTIONS);
        for action in self.log.iter().skip(skipped) {
            let Action { by, what, .. } = action;
            let time = time_of_day(action.date, now);
            let id = action.id.map(|id| format!(" #{id}")).unwrap_or_default();
            let whom = action.username.as_ref();
            let whom = whom.map(|name| format!(" {name}")).unwrap_or_default();
            let long = action.seconds.map(|seconds| format!(" {}", span(seconds)));
            let long = long.unwrap_or_default();
            lines.push(format!("{time} {by}: {what}{id}{whom}{long}"));
        }
        lines
    }
}
