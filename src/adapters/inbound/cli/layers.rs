//! Merges the file, the environment and the flags: a later layer wins over an earlier one.
//!
//! Variables are read through the parser of the flags. clap's own `env` is not used: it reads the
//! process's environment, which a server inside another program must not depend on.

use std::collections::BTreeMap;
use std::fmt;

use clap::error::{ContextKind, ContextValue};
use clap::{Arg, ArgMatches, Command, CommandFactory as _, FromArgMatches as _};
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::{Map, Value};

use super::config::Config;
use super::texts::PREFIX;
use super::values::Compatibility;

/// The defaults under `compatibility: "original"`, where they differ from the usual ones. The
/// original deletes a streamer's files when they leave, ignores the deletion of folders, and has no
/// bound on what waits for a client; its web viewer freezes when a file grows from one part to two.
pub(super) const ORIGINAL_DEFAULTS: [(&str, &str); 7] = [
    ("onStreamerDisconnect", "delete"),
    ("streamerGraceSeconds", "0"),
    ("folderDeletion", "ignore"),
    ("partBytes", "3145728"),
    ("maxQueueBytes", "16777216"),
    ("maxMemoryBytes", "1073741824"),
    ("unresponsiveSeconds", "3600"),
];

/// A configuration that cannot be used; the sentence names the key and the problem.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(super) String);

impl ConfigError {
    /// What is wrong with `key`.
    pub fn of(key: &str, why: impl fmt::Display) -> Self {
        Self(format!("{key}: {why}"))
    }
}

/// Where the value of a key came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Source {
    /// Nobody set it.
    #[default]
    Default,
    /// The configuration file at this path.
    File(String),
    /// The environment variable of this name.
    Variable(String),
    /// A flag, `--name`.
    Flag(String),
}

impl Source {
    /// A later layer has a higher rank.
    pub(super) fn rank(&self) -> u8 {
        match self {
            Self::Default => 0,
            Self::File(_) => 1,
            Self::Variable(_) => 2,
            Self::Flag(_) => 3,
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the defaults"),
            Self::File(path) => write!(f, "the file {path}"),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::Flag(flag) => f.write_str(flag),
        }
    }
}

/// The configuration as it is built, layer by layer.
#[derive(Debug, Default)]
pub(super) struct Layers {
    pub(super) config: Config,
    /// Where the value of a key came from; absent for a default.
    pub(super) sources: BTreeMap<String, Source>,
    /// What the operator should know about the sources.
    pub(super) notes: Vec<String>,
}

impl Layers {
    /// Reads the file, the first layer above the defaults.
    pub(super) fn take_file(&mut self, path: &str, text: &str) -> Result<(), ConfigError> {
        let source = Source::File(path.to_owned());
        // Some editors begin a file with a byte order mark.
        let text = text.trim_start_matches('\u{feff}');
        let Members(members) = serde_json::from_str(text).map_err(|error| {
            ConfigError(format!(
                "{source} is not a JSON object with one value per key: {error}"
            ))
        })?;
        let known: Vec<_> = keys().map(|arg| key_name(&arg)).collect();
        let mut merged = Map::new();
        for (name, value) in members {
            if !known.contains(&name) {
                return Err(unknown(&format!("{name:?} in {source}")));
            }
            if value.is_null() {
                continue;
            }
            let alone = Map::from_iter([(name.clone(), value.clone())]);
            config_from(alone).map_err(|why| bad_value(&name, &value, &source, &why))?;
            self.sources.insert(name.clone(), source.clone());
            merged.insert(name, value);
        }
        self.config = config_from(merged).map_err(|why| ConfigError(format!("{source}: {why}")))?;
        Ok(())
    }

    /// Reads the variables of this server.
    pub(super) fn take_variables(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        let command = Command::new("variables").no_binary_name(true).args(keys());
        for (variable, text) in variables.filter(|(name, _)| name.starts_with(PREFIX)) {
            if is_of_a_service(&variable, &text) {
                self.notes.push(format!(
                    "the environment variable {variable} is ignored: it looks like one that a \
                     container platform sets for a service of this name"
                ));
                continue;
            }
            let source = Source::Variable(variable.clone());
            let key = keys().find(|arg| variable_name(arg) == variable);
            let key = key.ok_or_else(|| unknown(&source.to_string()))?;
            let name = key_name(&key);
            let flag = format!("--{}={text}", key.get_long().unwrap_or_default());
            let parsed = command.clone().try_get_matches_from([flag]);
            parsed
                .and_then(|matches| self.config.update_from_arg_matches(&matches))
                .map_err(|error| bad_value(&name, &text.into(), &source, &why(&error)))?;
            self.sources.insert(name, source);
        }
        Ok(())
    }

    /// Applies the flags, which a command with the arguments [`keys`] has parsed.
    pub(super) fn take_flags(&mut self, matches: &ArgMatches) -> Result<(), clap::Error> {
        let given = keys().filter(|arg| matches.contains_id(arg.get_id().as_str()));
        let sources = given.map(|arg| {
            let flag = format!("--{}", arg.get_long().unwrap_or_default());
            (key_name(&arg), Source::Flag(flag))
        });
        self.sources.extend(sources);
        self.config.update_from_arg_matches(matches)
    }

    /// Gives each key that nobody has set the default that `compatibility` asks for.
    pub(super) fn take_compatible_defaults(&mut self) -> Result<(), clap::Error> {
        let Some(Compatibility::Original) = self.config.compatibility else {
            return Ok(());
        };
        let command = Command::new("defaults").no_binary_name(true).args(keys());
        let unset = keys().filter(|key| !self.sources.contains_key(&key_name(key)));
        let flags = unset.filter_map(|key| {
            let name = key_name(&key);
            let (_, value) = ORIGINAL_DEFAULTS.iter().find(|(of, _)| *of == name)?;
            Some(format!("--{}={value}", key.get_long()?))
        });
        let matches = command.try_get_matches_from(flags)?;
        self.config.update_from_arg_matches(&matches)
    }

    /// Replaces a `~` in the paths; `home` is the home folder.
    pub(super) fn expand_home(&mut self, home: Option<&str>) -> Result<(), ConfigError> {
        let paths = [
            ("baseDir", Some(&mut self.config.base_dir)),
            (
                "natsCredentialsFile",
                self.config.nats_credentials_file.as_mut(),
            ),
            ("keyFile", self.config.key_file.as_mut()),
            ("publicKeyFile", self.config.public_key_file.as_mut()),
        ];
        for (name, path) in paths {
            let expanded = path.map_or(Ok(()), |path| path.expand_home(home));
            expanded.map_err(|why| ConfigError(format!("{name}: {why}")))?;
        }
        Ok(())
    }

    /// Where the value of a key came from.
    pub(super) fn source(&self, name: &str) -> Source {
        self.sources.get(name).cloned().unwrap_or_default()
    }
}

/// The flags of all keys. The default is part of the help and not of the argument, so parsing
/// yields only what was given.
pub(super) fn keys() -> impl Iterator<Item = Arg> {
    let arguments: Vec<_> = Config::command().get_arguments().cloned().collect();
    arguments.into_iter().map(|arg| {
        let help = arg.get_help().cloned().unwrap_or_default();
        let help = match arg.get_default_values() {
            [default] => format!("{help} [{}]", default.display()),
            _ => help.to_string(),
        };
        arg.help(help).default_value(None::<&'static str>)
    })
}

/// The name of a key in the file: `baseDir` for `base_dir`.
pub(super) fn key_name(arg: &Arg) -> String {
    let mut name = String::new();
    for word in arg.get_id().as_str().split('_') {
        let (first, rest) = word.split_at(1);
        if name.is_empty() {
            name += first;
        } else {
            name += &first.to_ascii_uppercase();
        }
        name += rest;
    }
    name
}

/// The name of a key's environment variable: `FILE_WS_SERVER_BASE_DIR` for `base_dir`.
pub(super) fn variable_name(arg: &Arg) -> String {
    format!("{PREFIX}{}", arg.get_id().as_str().to_ascii_uppercase())
}

/// Whether a variable describes a service that happens to be called `file-ws-server`, as Docker and
/// Kubernetes set them in every container beside it: `FILE_WS_SERVER_PORT=tcp://10.0.0.7:3005`.
fn is_of_a_service(variable: &str, text: &str) -> bool {
    let name = variable.strip_prefix(PREFIX).unwrap_or_default();
    let port = name.strip_prefix("PORT_");
    let schemes = ["tcp://", "udp://", "sctp://"];
    name == "PORT" && schemes.iter().any(|scheme| text.starts_with(scheme))
        || name == "NAME"
        || name.starts_with("ENV_")
        || name == "SERVICE_HOST"
        || name == "SERVICE_PORT"
        || name.starts_with("SERVICE_PORT_")
        || port.is_some_and(|rest| rest.starts_with(|digit: char| digit.is_ascii_digit()))
}

/// The defaults, overridden by these members.
fn config_from(members: Map<String, Value>) -> Result<Config, String> {
    Config::deserialize(Value::Object(members)).map_err(|error| error.to_string())
}

fn unknown(what: &str) -> ConfigError {
    ConfigError(format!(
        "there is no key for {what}; --help lists all keys as flags"
    ))
}

fn bad_value(name: &str, value: &Value, source: &Source, why: &str) -> ConfigError {
    let shown = if name == "key" {
        super::values::HIDDEN_KEY.to_owned()
    } else {
        value.to_string()
    };
    ConfigError(format!("{name} is {shown} in {source}: {why}"))
}

/// The allowed values, taken from the parser's error.
fn why(error: &clap::Error) -> String {
    match error.get(ContextKind::ValidValue) {
        Some(ContextValue::Strings(words)) => format!("must be one of: {}", words.join(", ")),
        _ => match std::error::Error::source(error) {
            Some(cause) => cause.to_string(),
            None => error.kind().to_string(),
        },
    }
}

/// The members of a JSON object in order; a name that occurs twice is an error.
struct Members(Vec<(String, Value)>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct MembersVisitor;
        impl<'de> Visitor<'de> for MembersVisitor {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Members, A::Error> {
                let mut members: Vec<(String, Value)> = Vec::new();
                while let Some((name, value)) = object.next_entry::<String, Value>()? {
                    if members.iter().any(|(other, _)| *other == name) {
                        let fault = format!("{name} is there twice");
                        return Err(serde::de::Error::custom(fault));
                    }
                    members.push((name, value));
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(MembersVisitor)
    }
}
