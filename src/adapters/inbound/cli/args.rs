//! The command line.

use std::path::PathBuf;

use clap::{CommandFactory as _, FromArgMatches as _, Parser, Subcommand};
use clap_complete::Shell;

use super::checks::Loaded;
use super::config::Config;
use super::exit::Exit;
use super::layers::{ConfigError, keys};
use super::loading::Given;
use super::manual;
use super::target::{Direction, Target};
use super::token_request::TokenRequest;
use super::values::{HIDDEN_KEY, Store, Whole};
use crate::domain::ProjectId;

/// What the program is asked to do.
#[derive(Debug, Clone, PartialEq)]
pub enum Invocation {
    /// Serve.
    Serve(Loaded),
    /// Say whether the configuration can be used.
    CheckConfig(Loaded),
    /// Adopt, rescan or remove projects.
    Operate {
        /// The configuration.
        loaded: Loaded,
        /// What to do.
        operation: Operation,
    },
    /// Copy all projects between a folder and the engine.
    Transfer {
        /// The configuration.
        loaded: Loaded,
        /// From where to where.
        direction: Direction,
    },
    /// Look for what operators get wrong.
    Doctor {
        /// The configuration, or why it cannot be used; the doctor then reports that.
        loaded: Result<Loaded, Exit>,
        /// Whether to print JSON.
        json: bool,
    },
    /// Ask whether the server of this configuration is ready.
    Health(Loaded),
    /// Make a token.
    Token {
        /// The configuration.
        loaded: Loaded,
        /// The claims.
        request: TokenRequest,
    },
}

/// What an operator does to projects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Operation {
    /// Make a folder a project, or a user's.
    Adopt(Target),
    /// Look at a project, or at a user's projects, again.
    Rescan(Target),
    /// Remove a project.
    Remove {
        /// Which one.
        project: ProjectId,
        /// Whether to do it without asking.
        yes: bool,
    },
}

/// Mirrors a live-coding streamer's project to viewers over WebSocket
#[derive(Debug, Parser)]
#[command(name = "file-ws-server", version, after_help = EXAMPLES)]
struct CommandLine {
    /// The port to listen on, as --port
    #[arg(value_name = "PORT", conflicts_with = "port")]
    first: Option<Whole<0, 65_535>>,
    /// The configuration file; by default config.json, if there is one
    #[arg(long, value_name = "PATH", global = true)]
    config: Option<String>,
    /// Say whether the configuration can be used, and stop
    #[arg(long)]
    check_config: bool,
    /// Show the whole configuration as a config.json, the key hidden, and stop
    #[arg(long, conflicts_with = "check_config")]
    print_config: bool,
    #[command(subcommand)]
    verb: Option<Verb>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// Make a folder in baseDir that the server did not create a project, or a user's
    ///
    /// With <user>/<project>, the folder becomes a project, with all that is in it, and the user's
    /// folder around it becomes theirs. With <user> alone, only that folder becomes theirs: they
    /// can have projects in it, but the folders that are in it already do not become projects.
    Adopt {
        /// <user>/<project>, or <user>
        #[arg(value_name = "NAME", value_parser = Target::parse)]
        target: Target,
    },
    /// Remove a project: its files, and its open pull requests
    ///
    /// Says what will be deleted, and asks on a terminal whether to do it.
    Remove {
        /// <user>/<project>
        #[arg(value_name = "PROJECT", value_parser = Target::parse)]
        target: Target,
        /// Do not ask
        #[arg(long)]
        yes: bool,
    },
    /// Make a running server see what others have changed in a project's folder
    ///
    /// With <user>/<project>, that project; with <user> alone, all projects of that user. Viewers
    /// are told of each file that differs from what the server knew.
    Rescan {
        /// <user>/<project>, or <user>
        #[arg(value_name = "NAME", value_parser = Target::parse)]
        target: Target,
    },
    /// Copy the projects of a base folder into NATS
    ///
    /// No server may run on the folder; servers on NATS may. What is there already and differs is
    /// named and left. If it is stopped, the same command goes on where it was.
    Import {
        /// The base folder
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Copy all projects from NATS into a base folder, as import does the other way
    Export {
        /// The base folder; created if missing
        #[arg(value_name = "FOLDER")]
        folder: PathBuf,
    },
    /// Make a token from the key, for trying out
    Token(TokenRequest),
    /// Look at what operators get wrong, and say what to do
    ///
    /// Looks at the configuration, the key, the port, the folder, the disk, the limits of the
    /// system and, if a server runs, how publicUrl leads to it. Leaves nothing changed.
    #[command(after_help = DOCTOR_EXITS)]
    Doctor {
        /// Print one JSON object
        #[arg(long)]
        json: bool,
    },
    /// Ask the server on the configured port whether it is ready; exit code 0 if it is, else 1
    Health,
    /// Print the manual page of file-ws-server, or of one of its commands
    Man {
        /// Of this command
        command: Option<String>,
    },
    /// Print the completions for a shell
    Completions {
        /// For which shell
        shell: Shell,
    },
}

const DOCTOR_EXITS: &str = "\
Exit codes:
  0  nothing to do
  1  it works, but there are warnings
  2  the server does not start like this, or others cannot use it";

const EXAMPLES: &str = "\
Examples:
  file-ws-server --base-dir ./projects             try it out on this machine
  FILE_WS_SERVER_KEY=$(openssl rand -hex 32) file-ws-server --base-dir /srv/projects
  file-ws-server --config /etc/file-ws-server.json --check-config
  file-ws-server doctor --base-dir /srv/projects
  file-ws-server adopt ana/demo --base-dir /srv/projects
  file-ws-server remove ana/demo --base-dir /srv/projects
  file-ws-server token --user ana --project demo
  file-ws-server token --user bob --streamer ana --project demo --rights read,chat

Every flag is also a key of config.json (--base-dir: baseDir) and an environment
variable (FILE_WS_SERVER_BASE_DIR). Flags win over the environment, the
environment over the file.";

/// The command line. Commands other than serving take all keys, too, because there is only one
/// configuration, but their help shows only the keys that concern them.
fn command() -> clap::Command {
    let with_keys = |shown: &'static str| {
        move |verb: clap::Command| {
            verb.args(keys().map(|key| {
                let is_shown = key.get_id() == shown;
                key.hide(!is_shown)
            }))
        }
    };
    CommandLine::command()
        .args(keys())
        .mut_subcommand("adopt", with_keys("base_dir"))
        .mut_subcommand("remove", with_keys("base_dir"))
        .mut_subcommand("rescan", with_keys("base_dir"))
        .mut_subcommand("import", with_keys("nats"))
        .mut_subcommand("export", with_keys("nats"))
        .mut_subcommand("token", with_keys("key"))
        .mut_subcommand("doctor", with_keys("base_dir"))
        .mut_subcommand("health", with_keys("port"))
}

/// Hides the secret key, which clap shows like any other value that it refuses.
fn without_key(mut exit: Exit, args: &[String]) -> Exit {
    let separate = args.windows(2).filter(|pair| pair[0] == "--key");
    let separate = separate.map(|pair| pair[1].as_str());
    let joined = args.iter().filter_map(|arg| arg.strip_prefix("--key="));
    for key in separate.chain(joined) {
        let shown = format!("'{key}'");
        exit.text = exit.text.replace(&shown, &format!("'{HIDDEN_KEY}'"));
    }
    exit
}

/// Reads the command line, the environment and the configuration file.
///
/// A pure function: `args` are the arguments after the program's name, and `read_file` returns the
/// text of a file, or `None` if there is no such file.
///
/// # Errors
/// What to print instead, and the exit code.
pub fn parse(
    args: impl IntoIterator<Item = String>,
    variables: impl Iterator<Item = (String, String)>,
    read_file: impl Fn(&str) -> std::io::Result<Option<String>>,
) -> Result<Invocation, Exit> {
    let args = std::iter::once("file-ws-server".to_owned()).chain(args);
    let args: Vec<_> = args.collect();
    let matches = command().try_get_matches_from(&args);
    let matches = matches.map_err(|error| without_key(error.into(), &args))?;
    let line = CommandLine::from_arg_matches(&matches)?;
    let given = Given {
        config: line.config.as_deref(),
        port: line.first,
        matches: &matches,
        needs_key: !matches!(
            line.verb,
            Some(
                Verb::Health
                    | Verb::Adopt { .. }
                    | Verb::Remove { .. }
                    | Verb::Rescan { .. }
                    | Verb::Import { .. }
                    | Verb::Export { .. }
            )
        ),
    };
    let loaded = || given.load(variables, read_file);
    match line.verb {
        Some(Verb::Adopt { target }) => {
            let operation = Operation::Adopt(target);
            Ok(operate(loaded()?, operation))
        }
        Some(Verb::Rescan { target }) => {
            let operation = Operation::Rescan(target);
            Ok(operate(loaded()?, operation))
        }
        Some(Verb::Remove { target, yes }) => {
            let Target::Project(project) = target else {
                return Err(ConfigError("remove takes <user>/<project>".to_owned()).into());
            };
            let operation = Operation::Remove { project, yes };
            Ok(operate(loaded()?, operation))
        }
        Some(Verb::Import { folder }) => transfer(loaded()?, Direction::Import(folder)),
        Some(Verb::Export { folder }) => transfer(loaded()?, Direction::Export(folder)),
        Some(Verb::Token(request)) => token(loaded()?, request),
        Some(Verb::Health) => Ok(Invocation::Health(loaded()?)),
        Some(Verb::Man { command: of }) => Err(printed(manual::page(command(), of.as_deref())?)),
        Some(Verb::Completions { shell }) => Err(printed(manual::completions(command(), shell))),
        Some(Verb::Doctor { json }) => Ok(Invocation::Doctor {
            loaded: loaded(),
            json,
        }),
        None if line.print_config => Err(printed(as_file(&loaded()?)?)),
        None if line.check_config => Ok(Invocation::CheckConfig(loaded()?)),
        None => Ok(Invocation::Serve(loaded()?)),
    }
}

fn operate(loaded: Loaded, operation: Operation) -> Invocation {
    Invocation::Operate { loaded, operation }
}

fn transfer(loaded: Loaded, direction: Direction) -> Result<Invocation, Exit> {
    if loaded.config.store != Store::Nats {
        let fault = "import and export copy between a folder and NATS: set store to nats";
        return Err(ConfigError(fault.to_owned()).into());
    }
    Ok(Invocation::Transfer { loaded, direction })
}

fn token(loaded: Loaded, mut request: TokenRequest) -> Result<Invocation, Exit> {
    if loaded.config.public_key_file.is_some() {
        let fault = "token signs with key, but publicKeyFile is configured instead of it";
        return Err(ConfigError(fault.to_owned()).into());
    }
    if request.username.starts_with('~') {
        let fault = "token: names that start with ~ are those of guests; the server makes theirs";
        return Err(ConfigError(fault.to_owned()).into());
    }
    if request.project.is_some() && request.streamer.is_none() {
        request.streamer = Some(request.username.clone());
    }
    Ok(Invocation::Token { loaded, request })
}

/// The configuration as a `config.json`. The key is hidden, or left out if a file holds it, because
/// only one of the two can count.
fn as_file(loaded: &Loaded) -> Result<String, ConfigError> {
    let Config {
        key_file,
        public_key_file,
        ..
    } = &loaded.config;
    let has_key = key_file.is_none() && public_key_file.is_none();
    let text = serde_json::to_string_pretty(&loaded.config);
    let text = text.map_err(|error| ConfigError(error.to_string()))? + "\n";
    let lines = text.split_inclusive('\n');
    let lines = lines.filter(|line| has_key || !line.starts_with("  \"key\":"));
    Ok(lines.collect())
}

fn printed(text: String) -> Exit {
    Exit { code: 0, text }
}
