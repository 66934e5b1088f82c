//! The command line.

use clap::{Arg, ArgAction, ArgMatches, Command};

use super::keys::{KEYS, Key, Kind};
use super::load::{HIDDEN_KEY, Loaded, load};
use super::settings::{ConfigError, Settings, Source};

/// Where the configuration is looked for unless the command line names a file.
const CONFIG_FILE: &str = "config.json";

/// What the program is asked to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Invocation {
    /// Serve.
    Serve(Loaded),
    /// Say whether the configuration can be used.
    CheckConfig(Loaded),
    /// Show the configuration, as JSON.
    PrintConfig(String),
    /// Make a folder a project.
    Adopt {
        /// The configuration.
        loaded: Loaded,
        /// The streamer.
        user: String,
        /// His project.
        project: String,
    },
    /// Make a token.
    Token {
        /// The configuration.
        loaded: Loaded,
        /// What it is to say.
        request: TokenRequest,
    },
}

/// What a token is to say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenRequest {
    /// `username`.
    pub username: String,
    /// `streamername`.
    pub streamer: Option<String>,
    /// `streamname`.
    pub project: Option<String>,
    /// `room`.
    pub room: Option<String>,
    /// For how many hours it counts.
    pub hours: u32,
}

/// The program ends before it has begun: with help, or because it cannot be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exit {
    /// The exit code: 0, or 2 for bad usage and configuration.
    pub code: u8,
    /// What to print: to standard output with code 0, else to standard error.
    pub text: String,
}

impl From<ConfigError> for Exit {
    fn from(error: ConfigError) -> Self {
        Self {
            code: 2,
            text: format!("file-ws-server: {error}\n"),
        }
    }
}

/// Reads the command line, the environment and the configuration file.
///
/// A pure function: `args` are those after the program's name, and `read_file` gives the text of
/// a file, `None` where there is none.
///
/// # Errors
/// What to print instead, and the exit code.
pub fn parse(
    args: impl IntoIterator<Item = String>,
    variables: impl Iterator<Item = (String, String)>,
    read_file: impl Fn(&str) -> std::io::Result<Option<String>>,
) -> Result<Invocation, Exit> {
    let args = std::iter::once("file-ws-server".to_owned()).chain(args);
    let matches = command().try_get_matches_from(args).map_err(|error| Exit {
        code: if error.use_stderr() { 2 } else { 0 },
        text: error.render().to_string(),
    })?;
    let settings = settings(&matches, variables, read_file)?;
    let loaded = load(&settings)?;
    match matches.subcommand() {
        Some(("adopt", adopt)) => adoption(loaded, adopt),
        Some(("token", token)) => token_request(loaded, token),
        _ if matches.get_flag("print-config") => Ok(Invocation::PrintConfig(printed(&settings))),
        _ if matches.get_flag("check-config") => Ok(Invocation::CheckConfig(loaded)),
        _ => Ok(Invocation::Serve(loaded)),
    }
}

fn settings(
    matches: &ArgMatches,
    variables: impl Iterator<Item = (String, String)>,
    read_file: impl Fn(&str) -> std::io::Result<Option<String>>,
) -> Result<Settings, ConfigError> {
    let mut settings = Settings::defaults();
    let named = matches.get_one::<String>("config").map(String::as_str);
    let path = named.unwrap_or(CONFIG_FILE);
    match read_file(path) {
        Ok(Some(text)) => settings.take_file(path, &text)?,
        Ok(None) if named.is_none() => {}
        Ok(None) => return Err(ConfigError(format!("--config: there is no file {path}"))),
        Err(error) => {
            return Err(ConfigError(format!(
                "the file {path} cannot be read: {error}"
            )));
        }
    }
    settings.take_variables(variables)?;
    for key in KEYS {
        if let Some(text) = matches.try_get_one::<String>(key.name).ok().flatten() {
            settings.take_text(key, text, Source::Flag(format!("--{}", key.flag())))?;
        }
    }
    if let Some(port) = matches.get_one::<String>("PORT") {
        if matches.contains_id("port") {
            return Err(ConfigError(
                "port is given twice: as PORT and as --port".to_owned(),
            ));
        }
        let key = super::keys::find("port").ok_or(ConfigError(String::new()))?;
        settings.take_text(key, port, Source::Flag("the first argument".to_owned()))?;
    }
    Ok(settings)
}

fn command() -> Command {
    let flag = |key: &'static Key| {
        let default = if key.default.is_empty() {
            String::new()
        } else {
            format!(" [{}]", key.default)
        };
        Arg::new(key.name)
            .long(key.flag())
            .value_name(value_name(key))
            .help(format!("{}{default}", key.help))
            .help_heading(key.group)
            .hide(key.kind == Kind::Ignored)
            .global(true)
    };
    Command::new("file-ws-server")
        .version(env!("CARGO_PKG_VERSION"))
        .about("Mirrors a live-coding streamer's project to his viewers over WebSocket")
        .after_help(EXAMPLES)
        .args_conflicts_with_subcommands(false)
        .arg(Arg::new("PORT").help("the port to listen on, as --port"))
        .arg(
            Arg::new("config")
                .long("config")
                .value_name("PATH")
                .help("the configuration file; by default config.json, if there is one")
                .global(true),
        )
        .arg(
            Arg::new("check-config")
                .long("check-config")
                .action(ArgAction::SetTrue)
                .help("say whether the configuration can be used, and stop"),
        )
        .arg(
            Arg::new("print-config")
                .long("print-config")
                .action(ArgAction::SetTrue)
                .conflicts_with("check-config")
                .help("show the whole configuration as a config.json, the key hidden, and stop"),
        )
        .args(KEYS.iter().map(flag))
        .subcommand(
            Command::new("adopt")
                .about("make a folder in baseDir that the server did not make a project")
                .arg(Arg::new("PROJECT").required(true).help("<user>/<project>")),
        )
        .subcommand(token_command())
}

fn token_command() -> Command {
    let claim = |name: &'static str, help: &'static str| {
        Arg::new(name).long(name).value_name("NAME").help(help)
    };
    Command::new("token")
        .about("make a token from the key, for trying out")
        .arg(claim("username", "whose it is").required(true))
        .arg(claim("streamer", "the streamer; by default the user himself").id("token-streamer"))
        .arg(claim("project", "the streamer's project").id("token-project"))
        .arg(claim("room", "the chat room; by default the project's own").id("token-room"))
        .arg(
            Arg::new("hours")
                .long("hours")
                .default_value("12")
                .value_parser(clap::value_parser!(u32).range(1..=87_600))
                .help("for how long it counts"),
        )
}

const EXAMPLES: &str = "\
Examples:
  file-ws-server --base-dir ./projects             try it out on this machine
  FILE_WS_SERVER_KEY=$(openssl rand -hex 32) file-ws-server --base-dir /srv/projects
  file-ws-server --config /etc/file-ws-server.json --check-config
  file-ws-server adopt ana/demo --base-dir /srv/projects
  file-ws-server token --username ana --project demo

Every flag is also a key of config.json (--base-dir: baseDir) and an environment
variable (FILE_WS_SERVER_BASE_DIR). Flags win over the environment, the
environment over the file.";

fn value_name(key: &Key) -> &'static str {
    match key.kind {
        Kind::Number { .. } => "NUMBER",
        Kind::Flag => "BOOL",
        Kind::Text | Kind::OneOf(_) | Kind::Ignored => "TEXT",
        Kind::List => "LIST",
    }
}

fn adoption(loaded: Loaded, matches: &ArgMatches) -> Result<Invocation, Exit> {
    let named = matches
        .get_one::<String>("PROJECT")
        .map_or("", String::as_str);
    match named.split_once('/') {
        Some((user, project)) if !user.is_empty() && !project.is_empty() => Ok(Invocation::Adopt {
            loaded,
            user: user.to_owned(),
            project: project.to_owned(),
        }),
        _ => Err(ConfigError(format!("adopt takes <user>/<project>, not {named:?}")).into()),
    }
}

fn token_request(loaded: Loaded, matches: &ArgMatches) -> Result<Invocation, Exit> {
    if loaded.config.public_key_file.is_some() {
        let fault = "token signs with key, but publicKeyFile is configured instead of it";
        return Err(ConfigError(fault.to_owned()).into());
    }
    let claim = |name: &str| matches.get_one::<String>(name).cloned();
    let username = claim("username").unwrap_or_default();
    let project = claim("token-project");
    let streamer = claim("token-streamer").or_else(|| project.as_ref().map(|_| username.clone()));
    let hours = matches.get_one::<u32>("hours").copied().unwrap_or(12);
    let room = claim("token-room");
    Ok(Invocation::Token {
        loaded,
        request: TokenRequest {
            username,
            streamer,
            project,
            room,
            hours,
        },
    })
}

/// The settings as a `config.json`, the key hidden.
fn printed(settings: &Settings) -> String {
    let shown = KEYS.iter().filter_map(|key| {
        let value = settings.value(key.name)?.clone();
        let value = if key.name == "key" {
            HIDDEN_KEY.into()
        } else {
            value
        };
        Some((key.name.to_owned(), value))
    });
    let shown: serde_json::Map<_, _> = shown.collect();
    format!("{:#}\n", serde_json::Value::Object(shown))
}
