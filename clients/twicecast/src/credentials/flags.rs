//! The flags that all commands share.

use std::fmt;
use std::path::PathBuf;

use clap::Args;

use crate::ui::command_line::CommandLine;

/// Where a server is by default.
pub const DEFAULT_URL: &str = "ws://127.0.0.1:3005";

/// Where the server's address comes from.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub enum AddressSource {
    /// Nobody gave one.
    #[default]
    Default,
    /// The flag.
    Flag,
    /// The variable.
    Environment,
    /// A folder that somebody else may have prepared.
    Folder,
}

/// What all commands share.
#[derive(Default, Clone, Args)]
#[command(next_help_heading = "Server and names")]
pub struct CommonArgs {
    /// The server's address, ws:// or wss://; in a clone, a mirror or a shared folder, that of the
    /// folder
    #[arg(
        long,
        env = "TWICECAST_URL",
        default_value = DEFAULT_URL,
        global = true
    )]
    pub url: String,
    /// A token that the server's issuer gave you; its names are the defaults of the flags below.
    /// Other users can read a flag while the command runs, but not the variable or a file
    #[arg(long, env = "TWICECAST_TOKEN", hide_env_values = true, global = true)]
    pub token: Option<String>,
    /// A file that holds the token and that only you can read
    #[arg(long, value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
    /// The server's key, to make one's own token, for development. Other users can read a flag
    /// while the command runs, but not the variable or a file
    #[arg(long, env = "TWICECAST_KEY", hide_env_values = true, global = true)]
    pub key: Option<String>,
    /// A file that holds the key and that only you can read
    #[arg(long, value_name = "FILE", global = true)]
    pub key_file: Option<PathBuf>,
    /// Who you are [default: the token's, or $USER]
    #[arg(long, alias = "username", global = true)]
    pub user: Option<String>,
    /// Whose project it is [default: to share, the user; else the token's, the folder's, or the
    /// user]
    #[arg(long, global = true)]
    pub streamer: Option<String>,
    /// The project's name [default: the token's, the folder's, or the name of DIR]
    #[arg(long, global = true)]
    pub project: Option<String>,
    /// The file with more certificates, which is a flag of the whole program
    #[arg(skip)]
    pub ca: Option<PathBuf>,
    /// Who named the address
    #[arg(skip)]
    pub url_source: AddressSource,
    /// Whether the token or the key stands on the command line, where other users see it
    #[arg(skip)]
    pub is_secret_seen: bool,
}

/// Which flags a printed command has to repeat.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// All that were given.
    All,
    /// Those that are not remembered in the folder that the command names.
    NotInFolder,
}

impl CommonArgs {
    /// Adds the flags that were given to a command, except for a token or a key: these are not
    /// printed.
    pub fn repeated(&self, line: CommandLine, repeat: Repeat) -> CommandLine {
        let is_all = repeat == Repeat::All;
        // Without a variable or a flag, the command takes the folder's address.
        let needs_url = is_all || std::env::var_os("TWICECAST_URL").is_some();
        let url = Some(&self.url).filter(|_| needs_url && self.url_source == AddressSource::Flag);
        line.flag("--url", url)
            .flag("--user", &self.user)
            .flag("--streamer", self.streamer.iter().filter(|_| is_all))
            .flag("--project", self.project.iter().filter(|_| is_all))
            .path_flag("--token-file", from_anywhere(self.token_file.as_ref()))
            .path_flag("--key-file", from_anywhere(self.key_file.as_ref()))
            .path_flag("--ca", from_anywhere(self.ca.as_ref()))
    }
}

/// The path of a file as it is valid in any folder.
fn from_anywhere(file: Option<&PathBuf>) -> Option<PathBuf> {
    let file = file?;
    Some(std::path::absolute(file).unwrap_or_else(|_| file.clone()))
}

/// Leaves out the token and the key.
impl fmt::Debug for CommonArgs {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommonArgs")
            .field("url", &self.url)
            .field("user", &self.user)
            .field("streamer", &self.streamer)
            .field("project", &self.project)
            .finish_non_exhaustive()
    }
}
