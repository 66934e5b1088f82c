//! What `file-ws-server token` is asked for.

use std::time::Duration;

use clap::Args;

use crate::domain::{Claims, Timestamp};

/// The claims of a token.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
pub struct TokenRequest {
    /// Whose token it is
    #[arg(long = "user", alias = "username", value_name = "NAME")]
    pub username: String,
    /// The streamer; by default the user of the token
    #[arg(long, value_name = "NAME")]
    pub streamer: Option<String>,
    /// The streamer's project
    #[arg(long, value_name = "NAME")]
    pub project: Option<String>,
    /// The chat room; by default the project's own
    #[arg(long, value_name = "NAME")]
    pub room: Option<String>,
    /// The only rights that it gives, with commas between them; by default all
    #[arg(
        long,
        value_name = "RIGHTS",
        value_delimiter = ',',
        value_parser = ["read", "chat", "propose"]
    )]
    pub rights: Option<Vec<String>>,
    /// Makes its bearer a moderator of the project
    #[arg(long)]
    pub moderator: bool,
    /// How many hours it is valid, from 1 to 87600
    #[arg(long, default_value = "12", value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub hours: u32,
}

impl TokenRequest {
    /// The claims of a token that is made at `now`.
    pub fn claims(self, now: Timestamp) -> Claims {
        let lifetime = Duration::from_secs(u64::from(self.hours) * 3_600);
        Claims {
            username: Some(self.username),
            streamer: self.streamer,
            project: self.project,
            room: self.room,
            rights: self.rights,
            role: self.moderator.then(|| "moderator".to_owned()),
            expires_at: now.plus(lifetime),
            ..Claims::default()
        }
    }
}
