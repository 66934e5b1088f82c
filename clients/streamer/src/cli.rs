//! The command line: flags, their defaults and their help. What they mean together is `identity`'s
//! business.

use std::path::PathBuf;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand, parser::ValueSource};

use crate::chat::{self, ChatArgs};
use crate::completions::{self, CompletionsArgs, ManArgs};
use crate::status::{self, StatusArgs};

const AFTER_HELP: &str = "\
Exit codes:
  0  all is done
  1  some files failed or were refused; they are named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in, or has no such project";

const EXAMPLE: &str = "\
Exit codes:
  0  all is done
  1  some files failed or were refused; they are named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in, or has no such project

Example, with a server started by `file-ws-server --base-dir ./streams`:
  twicecast push ./demo   --user ana --key secret
  twicecast mirror ./copy --streamer ana --project demo";

const PUSH_HELP: &str = "\
Makes the project on the server equal to DIR: what differs is sent, what is gone is deleted, the \
rest is left alone. \
Needs a token or a key.

Never sent, and named at the end: links and special files, `.git`, `.twicecast` and any folder \
that holds it, \
names that begin with `.twicecast-`, and names that the protocol forbids (control characters, \
`\\`, not UTF-8, over 255 bytes, over 64 folders deep). \
Such names on the server are left alone too.";

const MIRROR_HELP: &str = "\
Writes a project into DIR and keeps it live until stopped with Ctrl-C; a lost connection is taken \
up again. \
Needs no token unless the server wants one for reading.

DIR is made if missing. One that holds anything and was not made by `twicecast mirror` is refused, \
unless --force is given.

Only files that this mirror wrote are ever changed or removed (it keeps a record in \
DIR/.twicecast-mirror); \
edits made to those are overwritten. A file of yours in the place of one of the project's is \
reported and kept, unless --force; \
files of yours that the project does not have are kept, unless --delete. Links are never followed, \
`.git` is never touched, \
and of two names that the file system takes for one the second is reported and not written.";

const SHARE_HELP: &str = "\
Makes the project on the server equal to DIR, as `push` does, and keeps it so until stopped with \
Ctrl-C: what changes is sent at once. \
A lost connection is taken up again. Needs a token or a key, or --local.

Never sent:
  what .gitignore, .ignore and .tcignore files leave out, as git reads them (of one folder's the \
last named wins),
  and git's own excludes; a rule counts from the moment in which it is written, also while sharing;
  what looks like a secret, such as .env files, private keys and credentials, unless --allow names \
it;
  links and special files, `.git`, and names that the protocol forbids.
What becomes ignored is deleted on the server, what becomes allowed is sent. `twicecast why PATH` \
says which rule decides.

Keys, in a terminal: p pauses and goes on, q stops.";

const SHARE_EXAMPLE: &str = "\
Exit codes:
  0  all is done
  1  some files failed or were refused; they are named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in

Examples:
  twicecast share . --local
  twicecast share ./demo --user ana --key secret
  twicecast share ./demo --token \"$TOKEN\" --allow .env.example
  twicecast share ./demo --key secret --json | jq -r 'select(.event == \"sent\").name'";

const PULLS_EXAMPLE: &str = "\
What `apply` does with each file:
  not here, or unchanged since its author got it: added, replaced
  changed here meanwhile: merged; where both changed the same lines, conflict markers are left
  changed here meanwhile, and binary or very long: left as it is, the proposal is put aside
  to be deleted, and unchanged since its author saw it: deleted; else it stays
  left out by the rules of `share`, or itself a file of such rules: left out, unless --files names \
its whole path
An author's client that does not say what they started from is taken to have started from what the \
server has, if that was there
before and is what is here; else all that differs is a conflict.
Whatever is replaced or deleted is kept outside the folder first; where is said at the end.

Exit codes:
  0  all is done
  1  there are conflicts to solve, or some files were left out or could not be written; they are \
named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in

Examples:
  twicecast pulls list --key secret
  twicecast pulls show 7d3f
  twicecast pulls apply 7d3f --files 'src/*.rs' --dir ./demo
  twicecast pulls close 7d3f --user ana --project demo --key secret";

const CLONE_EXAMPLE: &str = "\
Exit codes:
  0  all is done
  1  some files failed or were refused; they are named
  2  the command line, or DIR, is not usable
  3  no connection, or the server does not let you in, or has no such project

Example:
  twicecast clone ./demo --streamer ana --project demo
  twicecast propose ./demo --title 'A better sort' --message 'Stable, and faster' --user bob --key \
secret";

const WHY_EXAMPLE: &str = "\
Exit codes:
  0  it is shared
  1  it is not
  2  the command line, or DIR, is not usable

Example:
  twicecast why target/debug";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "twicecast",
    version,
    about = "Streams a project to a file-ws-server, or mirrors one from it",
    after_help = EXAMPLE
)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Upload a folder and exit when all is acknowledged
    #[command(long_about = PUSH_HELP, after_help = AFTER_HELP)]
    Push(PushArgs),
    /// Share a folder live: send what differs, then whatever changes
    #[command(long_about = SHARE_HELP, after_help = SHARE_EXAMPLE)]
    Share(ShareArgs),
    /// Look at, apply and close the pull requests of your viewers
    #[command(after_help = PULLS_EXAMPLE)]
    Pulls(PullsArgs),
    /// Get a project once, to propose changes of it
    #[command(after_help = CLONE_EXAMPLE)]
    Clone(CloneArgs),
    /// Send what you have changed in a clone as a pull request
    #[command(after_help = CLONE_EXAMPLE)]
    Propose(ProposeArgs),
    /// Say which rule decides whether a file is shared
    #[command(after_help = WHY_EXAMPLE)]
    Why(WhyArgs),
    /// Write a project into a folder and keep it live
    #[command(long_about = MIRROR_HELP, after_help = AFTER_HELP)]
    Mirror(MirrorArgs),
    /// Make a token from a key and print it, for development
    #[command(after_help = AFTER_HELP)]
    Token(TokenArgs),
    /// Enter a chat room: what was said, who is there, and a line to type in
    #[command(long_about = chat::HELP, after_help = chat::AFTER_HELP)]
    Chat(ChatArgs),
    /// Say how things stand: server, token, streamer, project, pull requests
    #[command(long_about = status::HELP, after_help = status::AFTER_HELP)]
    Status(StatusArgs),
    /// Print the completions for a shell
    #[command(after_help = completions::COMPLETIONS_AFTER_HELP)]
    Completions(CompletionsArgs),
    /// Print the manual page, of twicecast or of one of its commands
    #[command(after_help = completions::MAN_AFTER_HELP)]
    Man(ManArgs),
}

/// `twicecast push`.
#[derive(Debug, Args)]
pub struct PushArgs {
    /// The folder to upload
    pub dir: PathBuf,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `twicecast share`.
#[derive(Debug, Args)]
pub struct ShareArgs {
    /// The folder to share
    pub dir: PathBuf,
    /// Share this although it looks like a secret: a pattern as in a .gitignore; may be given
    /// several times
    #[arg(long, value_name = "PATTERN")]
    pub allow: Vec<String>,
    /// Start a server in this process, on a free port, and print the command with which a viewer
    /// mirrors the project
    #[arg(long)]
    pub local: bool,
    /// Look through the folder now and then instead of watching it, for file systems that tell
    /// nothing
    #[arg(long)]
    pub poll: bool,
    /// Print what happens as JSON, one object per line
    #[arg(long)]
    pub json: bool,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `twicecast pulls`.
#[derive(Debug, Args)]
pub struct PullsArgs {
    /// What to do
    #[command(subcommand)]
    pub command: PullsCommand,
    /// The folder that is shared
    #[arg(long, default_value = ".", global = true)]
    pub dir: PathBuf,
    /// As with `share`: what is shared although it looks like a secret can be shown and applied
    #[arg(long, value_name = "PATTERN", global = true)]
    pub allow: Vec<String>,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What to do with pull requests.
#[derive(Debug, Subcommand)]
pub enum PullsCommand {
    /// Show which are open, oldest first
    List {
        /// As JSON, one object per line
        #[arg(long)]
        json: bool,
    },
    /// Show what one would change in the folder
    Show {
        /// Its id, or how that begins
        id: String,
    },
    /// Write what one proposes into the folder, and report it as merged
    Apply {
        /// Its id, or how that begins
        id: String,
        /// Only these of its files: patterns as in a .gitignore; what a whole path names is taken
        /// whatever the rules say
        #[arg(long, value_name = "PATTERN", num_args = 1..)]
        files: Vec<String>,
        /// Do not report it as merged
        #[arg(long)]
        keep_open: bool,
    },
    /// Close one without merging it
    Close {
        /// Its id, or how that begins
        id: String,
    },
}

/// `twicecast clone`.
#[derive(Debug, Args)]
pub struct CloneArgs {
    /// The folder to write into; made if missing
    pub dir: PathBuf,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `twicecast propose`.
#[derive(Debug, Args)]
pub struct ProposeArgs {
    /// The clone
    pub dir: PathBuf,
    /// What the change is, in a line
    #[arg(long)]
    pub title: String,
    /// What there is to say about it
    #[arg(long, default_value = "")]
    pub message: String,
    /// Only say what differs
    #[arg(long)]
    pub dry_run: bool,
    /// Propose this although it looks like a secret, as with `share`
    #[arg(long, value_name = "PATTERN")]
    pub allow: Vec<String>,
    /// Whether the server's address was given; else it is the clone's
    #[arg(skip)]
    pub has_url: bool,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `twicecast why`.
#[derive(Debug, Args)]
pub struct WhyArgs {
    /// The file or folder to ask about; it need not exist
    pub path: PathBuf,
    /// The folder that is shared
    #[arg(long, default_value = ".")]
    pub dir: PathBuf,
    /// As with `share`
    #[arg(long, value_name = "PATTERN")]
    pub allow: Vec<String>,
}

/// `twicecast mirror`.
#[derive(Debug, Args)]
pub struct MirrorArgs {
    /// The folder to write into; made if missing
    pub dir: PathBuf,
    /// Exit as soon as the present state is complete
    #[arg(long)]
    pub once: bool,
    /// Start in a folder that holds other things, and overwrite files there that the project has
    /// too
    #[arg(long)]
    pub force: bool,
    /// Also remove files from DIR that the project does not have, no matter who made them
    #[arg(long)]
    pub delete: bool,
    /// Read the connection no faster than this, to play a slow viewer
    #[arg(long, hide = true, value_name = "BYTES_PER_SECOND")]
    #[arg(value_parser = clap::value_parser!(u64).range(1..))]
    pub read_limit: Option<u64>,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// `twicecast token`.
#[derive(Debug, Args)]
pub struct TokenArgs {
    /// How long the token holds
    #[arg(long, default_value_t = 12, value_parser = clap::value_parser!(u32).range(1..=87_600))]
    pub hours: u32,
    /// The chat room; the project's own by default
    #[arg(long)]
    pub room: Option<String>,
    /// Who and where
    #[command(flatten)]
    pub common: CommonArgs,
}

/// What all commands share.
#[derive(Debug, Default, Clone, Args)]
pub struct CommonArgs {
    /// The server's address, ws:// or wss://
    #[arg(
        long,
        env = "TWICECAST_URL",
        default_value = "ws://127.0.0.1:3005",
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

impl Cli {
    /// Reads the process's command line. A flag wins over a variable, and `--token` over `--key`
    /// where neither is a flag.
    ///
    /// # Errors
    ///
    /// clap's own, which print themselves and carry the exit code.
    pub fn read() -> Result<Self, clap::Error> {
        Self::from_words(std::env::args_os())
    }

    fn from_words<W: Into<std::ffi::OsString> + Clone>(
        words: impl IntoIterator<Item = W>,
    ) -> Result<Self, clap::Error> {
        let matches = Self::command().try_get_matches_from(words)?;
        let mut cli = Self::from_arg_matches(&matches)?;
        let Some((_, sub)) = matches.subcommand() else {
            return Ok(cli);
        };
        let is_flag = |id: &str| {
            sub.try_contains_id(id).is_ok()
                && sub.value_source(id) == Some(ValueSource::CommandLine)
        };
        let (token_flag, key_flag) = (is_flag("token"), is_flag("key"));
        if token_flag && key_flag {
            let text =
                "--token and --key exclude each other: a key is for making a token of one's own.\n";
            return Err(Self::command().error(clap::error::ErrorKind::ArgumentConflict, text));
        }
        if let Command::Propose(args) = &mut cli.command {
            args.has_url = sub.value_source("url") != Some(ValueSource::DefaultValue);
        }
        let is_local = matches!(&cli.command, Command::Share(args) if args.local);
        if is_local && ["url", "token", "key"].into_iter().any(is_flag) {
            let text =
                "--local brings its own server and key: leave --url, --token and --key away.\n";
            return Err(Self::command().error(clap::error::ErrorKind::ArgumentConflict, text));
        }
        let makes_token = matches!(cli.command, Command::Token(_));
        let common = match &mut cli.command {
            Command::Push(args) => &mut args.common,
            Command::Share(args) => &mut args.common,
            Command::Mirror(args) => &mut args.common,
            Command::Pulls(args) => &mut args.common,
            Command::Clone(args) => &mut args.common,
            Command::Propose(args) => &mut args.common,
            Command::Token(args) => &mut args.common,
            Command::Chat(args) => &mut args.common,
            Command::Status(args) => &mut args.common,
            Command::Why(_) | Command::Completions(_) | Command::Man(_) => return Ok(cli),
        };
        let full = |text: Option<String>| text.filter(|text| !text.is_empty());
        common.token = full(common.token.take());
        common.key = full(common.key.take());
        if common.token.is_some() && common.key.is_some() {
            if key_flag || makes_token {
                common.token = None;
            } else {
                common.key = None;
            }
        }
        Ok(cli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// The words of a line as a shell takes them, where quotes are single ones.
    fn words(line: &str) -> Vec<String> {
        let mut words = vec![String::new()];
        for (index, piece) in line.trim().split('\'').enumerate() {
            if index % 2 == 1 {
                words.last_mut().unwrap().push_str(piece);
                continue;
            }
            for (index, word) in piece.split(' ').enumerate() {
                if index > 0 {
                    words.push(String::new());
                }
                words.last_mut().unwrap().push_str(word);
            }
        }
        words.retain(|word| !word.is_empty());
        words
    }

    #[test]
    fn every_line_that_the_help_gives_as_an_example_is_understood() {
        let mut lines = 0;
        for help in [PULLS_EXAMPLE, CLONE_EXAMPLE] {
            let examples = help.lines().filter(|line| line.starts_with("  twicecast "));
            for line in examples {
                lines += 1;
                if let Err(error) = Cli::from_words(words(line)) {
                    panic!("{line}: {error}");
                }
            }
        }
        assert_eq!(lines, 6);
        let cli = Cli::from_words(words(
            "twicecast pulls apply 7d --files 'src/*.rs' --dir ./demo",
        ));
        let Command::Pulls(pulls) = cli.unwrap().command else {
            panic!("another command");
        };
        assert_eq!(pulls.dir, PathBuf::from("./demo"));
    }

    #[test]
    fn flags_count_behind_a_sub_command_as_before_it() {
        for line in [
            "twicecast pulls list --token t --key k",
            "twicecast pulls --token t list --key k",
            "twicecast pulls --token t --key k list",
        ] {
            let error = Cli::from_words(words(line)).unwrap_err();
            assert!(error.to_string().contains("exclude each other"), "{line}");
        }
        for line in [
            "twicecast pulls --user ana --url ws://h list",
            "twicecast pulls list --url ws://h --user ana",
        ] {
            let Command::Pulls(pulls) = Cli::from_words(words(line)).unwrap().command else {
                panic!("another command");
            };
            assert_eq!(
                (pulls.common.user.as_deref(), pulls.common.url.as_str()),
                (Some("ana"), "ws://h"),
                "{line}"
            );
        }
    }

    #[test]
    fn an_address_that_was_not_given_is_known_as_such() {
        for (line, given) in [
            (
                "twicecast propose d --title t --url ws://127.0.0.1:3005",
                true,
            ),
            (
                "twicecast propose d --title t",
                std::env::var_os("TWICECAST_URL").is_some(),
            ),
        ] {
            let Command::Propose(args) = Cli::from_words(words(line)).unwrap().command else {
                panic!("another command");
            };
            assert_eq!(args.has_url, given, "{line}");
        }
    }

    #[test]
    fn a_token_and_a_key_together_are_a_contradiction() {
        let error =
            Cli::from_words(["twicecast", "push", "d", "--token", "t", "--key", "k"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
