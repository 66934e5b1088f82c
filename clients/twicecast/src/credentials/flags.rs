//! The flags that all commands share.

use clap::Args;

/// Where a server is by default.
pub const DEFAULT_URL: &str = "ws://127.0.0.1:3005";

/// What all commands share.
#[derive(Debug, Default, Clone, Args)]
pub struct CommonArgs {
    /// The server's address, ws:// or wss://
    #[arg(
        long,
        env = "TWICECAST_URL",
        default_value = DEFAULT_URL,
        global = true
    )]
    pub url: String,
    /// A token that the server's issuer gave you; its names are the defaults of the flags below
    #[arg(long, env = "TWICECAST_TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
    /// The server's key, to make one's own token, for development; better given by the variable,
    /// which others cannot see
    #[arg(long, env = "TWICECAST_KEY", hide_env_values = true, global = true)]
    pub key: Option<String>,
    /// Who you are [default: the token's, or $USER]
    #[arg(long, global = true)]
    pub user: Option<String>,
    /// Whose project it is [default: for push the user; else the token's, or the user]
    #[arg(long, global = true)]
    pub streamer: Option<String>,
    /// The project's name [default: the token's, or the name of DIR]
    #[arg(long, global = true)]
    pub project: Option<String>,
}
