//! The command line: flags, their defaults and their help. `credentials` says what they mean
//! together.

use std::path::PathBuf;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand, parser::ValueSource};

use crate::chat;
use crate::chat::ChatArgs;
use crate::commands::clone::{self, CloneArgs};
use crate::commands::completions::{CompletionsArgs, ManArgs};
use crate::commands::doctor::{self, DoctorArgs};
use crate::commands::focus::{self, FocusArgs};
use crate::commands::link::{self, LinkArgs};
use crate::commands::mirror::{self, MirrorArgs};
use crate::commands::proposals::{self, ProposalsArgs};
use crate::commands::propose::{self, ProposeArgs};
use crate::commands::pulls::{self, PullsArgs};
use crate::commands::push::PushArgs;
use crate::commands::share::{self, ShareArgs};
use crate::commands::status::StatusArgs;
use crate::commands::token::{self, TokenArgs};
use crate::commands::update::{self, UpdateArgs};
use crate::commands::why::{self, WhyArgs};
use crate::commands::{completions, status};
use crate::connection::websocket;
use crate::credentials::flags::AddressSource;
use crate::ui::style::When;

/// What `twicecast` shows without a command.
pub const OVERVIEW: &str = "\
twicecast shares a folder live with viewers, and lets viewers follow along.

Share this folder, with a server of its own; it prints the link that viewers open:
  twicecast share . --local
Follow a project on a server, in a folder of your own:
  twicecast mirror ./copy --url wss://live.example --streamer ana --project demo

`twicecast status` says how things stand, `twicecast --help` lists all commands,
and `twicecast COMMAND --help` tells about one of them.";

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
  twicecast share ./demo --local
  twicecast mirror ./copy --streamer ana --project demo";

/// The whole command line.
#[derive(Debug, Parser)]
#[command(
    name = "twicecast",
    version,
    about = "Streams a project to a file-ws-server, or mirrors one from it",
    after_help = EXAMPLE
)]
pub struct Cli {
    /// When to use colours: auto, always or never; auto heeds `NO_COLOR` and `TERM=dumb`
    #[arg(long, value_enum, default_value_t, global = true, value_name = "WHEN")]
    #[arg(hide_possible_values = true, help_heading = "Output")]
    pub color: When,
    /// Trust the certificates in this PEM file, too, as for a server with a self-signed one; those
    /// of the system are taken from `SSL_CERT_FILE` where that is set
    #[arg(long, value_name = "FILE", env = "TWICECAST_CA", global = true)]
    #[arg(help_heading = "Server and names")]
    pub ca: Option<PathBuf>,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Gone; `share --once` takes its place
    #[command(hide = true)]
    Push(PushArgs),
    /// Share a folder live: send what differs, then whatever changes
    #[command(long_about = share::HELP, after_help = share::AFTER_HELP)]
    Share(ShareArgs),
    /// Tell viewers which file and line you are looking at, for an editor to call
    #[command(after_help = focus::AFTER_HELP)]
    Focus(FocusArgs),
    /// Look at, apply and close the pull requests of your viewers
    #[command(after_help = pulls::AFTER_HELP)]
    Pulls(PullsArgs),
    /// Get a project once, to propose changes of it
    #[command(long_about = clone::HELP, after_help = clone::AFTER_HELP)]
    Clone(CloneArgs),
    /// Bring a clone up to date, and keep what you have changed in it
    #[command(long_about = update::HELP, after_help = update::AFTER_HELP)]
    Update(UpdateArgs),
    /// Send what you have changed in a clone as a pull request
    #[command(long_about = propose::HELP, after_help = propose::AFTER_HELP)]
    Propose(ProposeArgs),
    /// List your own proposals, withdraw one, or wait for what becomes of them
    #[command(long_about = proposals::HELP, after_help = proposals::AFTER_HELP)]
    Proposals(ProposalsArgs),
    /// Say which rule decides whether a file is shared
    #[command(after_help = why::AFTER_HELP)]
    Why(WhyArgs),
    /// Write a project into a folder and keep it live
    #[command(long_about = mirror::HELP, after_help = AFTER_HELP)]
    Mirror(MirrorArgs),
    /// Make a token from a key and print it, for development
    #[command(after_help = token::AFTER_HELP)]
    Token(TokenArgs),
    /// Print the link with which viewers open the project in a browser
    #[command(long_about = link::HELP, after_help = link::AFTER_HELP)]
    Link(LinkArgs),
    /// Enter a chat room: what was said, who is there, and a line to type in
    #[command(long_about = chat::HELP, after_help = chat::AFTER_HELP)]
    Chat(ChatArgs),
    /// Say how things stand: server, token, streamer, project, pull requests
    #[command(long_about = status::HELP, after_help = status::AFTER_HELP)]
    Status(StatusArgs),
    /// Look at what would keep you from sharing, and say what to do
    #[command(long_about = doctor::HELP, after_help = doctor::AFTER_HELP)]
    Doctor(DoctorArgs),
    /// Print the completions for a shell
    #[command(after_help = completions::COMPLETIONS_AFTER_HELP)]
    Completions(CompletionsArgs),
    /// Print the manual page, of twicecast or of one of its commands
    #[command(after_help = completions::MAN_AFTER_HELP)]
    Man(ManArgs),
}

impl Cli {
    /// Reads the process's command line. A flag takes precedence over a variable, and `--token`
    /// over `--key` if neither was given as a flag.
    ///
    /// # Errors
    ///
    /// clap's own errors, which print themselves and carry the exit code.
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
        let [token, token_file, key, key_file] =
            ["token", "token_file", "key", "key_file"].map(is_flag);
        let secrets = [token, token_file, key, key_file];
        if secrets.iter().filter(|is_given| **is_given).count() > 1 {
            let text = "--token, --token-file, --key and --key-file exclude each other: a key is \
                        for making a token of one's own.\n";
            return Err(Self::command().error(clap::error::ErrorKind::ArgumentConflict, text));
        }
        let url_source = match sub.try_contains_id("url").map(|_| sub.value_source("url")) {
            Ok(Some(ValueSource::CommandLine)) => AddressSource::Flag,
            Ok(Some(ValueSource::EnvVariable)) => AddressSource::Environment,
            _ => AddressSource::Default,
        };
        let is_local = matches!(&cli.command, Command::Share(args) if args.local);
        if is_local && (is_flag("url") || secrets.contains(&true)) {
            let text =
                "--local brings its own server and key: leave --url, --token and --key away.\n";
            return Err(Self::command().error(clap::error::ErrorKind::ArgumentConflict, text));
        }
        let makes_token = matches!(cli.command, Command::Token(_));
        let common = match &mut cli.command {
            Command::Share(args) => &mut args.common,
            Command::Mirror(args) => &mut args.common,
            Command::Pulls(args) => &mut args.common,
            Command::Focus(args) => &mut args.common,
            Command::Clone(args) => &mut args.common,
            Command::Update(args) => &mut args.common,
            Command::Propose(args) => &mut args.common,
            Command::Proposals(args) => &mut args.common,
            Command::Token(args) => &mut args.common,
            Command::Link(args) => &mut args.common,
            Command::Chat(args) => &mut args.common,
            Command::Status(args) => &mut args.common,
            Command::Doctor(args) => &mut args.common,
            Command::Push(_) | Command::Why(_) | Command::Completions(_) | Command::Man(_) => {
                return Ok(cli);
            }
        };
        common.url = websocket(&common.url).into_owned();
        common.url_source = url_source;
        common.ca.clone_from(&cli.ca);
        common.is_secret_seen = token || key;
        let full = |text: Option<String>| text.filter(|text| !text.is_empty());
        common.token = full(common.token.take());
        common.key = full(common.key.take());
        if key || token_file || key_file || (makes_token && common.key.is_some()) {
            common.token = None;
        }
        if common.token.is_some() || token_file || key_file {
            common.key = None;
        }
        Ok(cli)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::credentials::Right;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    /// Splits a line into words as a shell does; all quotes must be single.
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
        for help in [
            pulls::AFTER_HELP,
            clone::AFTER_HELP,
            update::AFTER_HELP,
            propose::AFTER_HELP,
            proposals::AFTER_HELP,
        ] {
            let examples = help.lines().filter(|line| line.starts_with("  twicecast "));
            for line in examples {
                lines += 1;
                if let Err(error) = Cli::from_words(words(line)) {
                    panic!("{line}: {error}");
                }
            }
        }
        assert!(lines >= 9);
        let cli = Cli::from_words(words(
            "twicecast pulls apply 7d --files 'src/*.rs' --dir ./demo",
        ));
        let Command::Pulls(pulls) = cli.unwrap().command else {
            panic!("another command");
        };
        assert_eq!(pulls.dir, std::path::PathBuf::from("./demo"));
    }

    #[test]
    fn the_documentation_has_the_exit_codes_that_the_help_gives() {
        let page = include_str!("../../../../docs/exit-codes.md");
        let mut wanted = Vec::new();
        for command in Cli::command().get_subcommands() {
            if command.is_hide_set() {
                continue;
            }
            let (name, help) = (command.get_name(), command.get_after_help());
            let help = help.expect("a help with exit codes").to_string();
            let (_, codes) = help.split_once("Exit codes:\n").expect("exit codes");
            for line in codes.lines().take_while(|line| !line.is_empty()) {
                let line = line.trim();
                if let Some((code, meaning)) = line.split_once("  ") {
                    wanted.push(format!("| `{name}` | {code} | {meaning}"));
                } else {
                    wanted.last_mut().unwrap().extend([" ", line]);
                }
            }
        }
        let wanted: Vec<_> = wanted.into_iter().map(|row| row + " |").collect();
        let (_, shown) = page.split_once("\n## twicecast\n").expect("its part");
        let shown: Vec<_> = shown
            .lines()
            .filter(|line| line.starts_with("| `"))
            .collect();
        assert_eq!(shown, wanted);
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
        let silent = if std::env::var_os("TWICECAST_URL").is_some() {
            AddressSource::Environment
        } else {
            AddressSource::Default
        };
        for (line, source) in [
            (
                "twicecast propose d --title t --url ws://127.0.0.1:3005",
                AddressSource::Flag,
            ),
            ("twicecast propose d --title t", silent),
        ] {
            let Command::Propose(args) = Cli::from_words(words(line)).unwrap().command else {
                panic!("another command");
            };
            assert_eq!(args.common.url_source, source, "{line}");
        }
    }

    #[test]
    fn flags_for_all_commands_stand_before_or_after_the_command() {
        for line in [
            "twicecast --color never --ca c.pem status --url https://h",
            "twicecast status --color never --ca c.pem --url https://h",
        ] {
            let cli = Cli::from_words(words(line)).unwrap();
            assert_eq!(cli.color, When::Never);
            assert_eq!(cli.ca, Some(PathBuf::from("c.pem")));
            let Command::Status(args) = cli.command else {
                panic!("another command");
            };
            assert_eq!(args.common.url, "wss://h");
        }
    }

    #[test]
    fn a_flag_for_a_secret_wins_over_all_others() {
        for (words, token, token_file) in [
            ("twicecast mirror d --token t", Some("t"), false),
            ("twicecast mirror d --token-file f", None, true),
            ("twicecast mirror d --key k", None, false),
            ("twicecast mirror d --key-file f", None, false),
        ] {
            let Command::Mirror(args) = Cli::from_words(words.split(' ')).unwrap().command else {
                panic!("another command");
            };
            let common = args.common;
            assert_eq!(common.token.as_deref(), token, "{words}");
            assert_eq!(common.token_file.is_some(), token_file, "{words}");
            let is_key = words.contains("--key k");
            assert_eq!(common.key.as_deref(), is_key.then_some("k"), "{words}");
        }
    }

    #[test]
    fn the_user_is_called_as_in_the_servers_own_command_too() {
        let words = "twicecast token --username bob --rights read,chat --key k".split(' ');
        let Command::Token(args) = Cli::from_words(words).unwrap().command else {
            panic!("another command");
        };
        assert_eq!(args.common.user.as_deref(), Some("bob"));
        assert_eq!(args.rights, Some(vec![Right::Read, Right::Chat]));
    }

    #[test]
    fn a_token_and_a_key_together_are_a_contradiction() {
        let error =
            Cli::from_words(["twicecast", "share", "d", "--token", "t", "--key", "k"]).unwrap_err();
        assert_eq!(error.exit_code(), 2);
    }
}
