//! Puts the configuration together from the file, the variables and the flags.

use std::io::ErrorKind;

use clap::ArgMatches;

use super::checks::{Loaded, check_key_and_host, load};
use super::exit::Exit;
use super::layers::{ConfigError, Layers};
use super::values::{Text, Whole};

/// The configuration file unless the command line names another.
const CONFIG_FILE: &str = "config.json";

/// What the command line says about the configuration.
pub(super) struct Given<'a> {
    /// The file that it names.
    pub config: Option<&'a str>,
    /// The port that is given without a flag.
    pub port: Option<Whole<0, 65_535>>,
    /// Its flags, including those of a command.
    pub matches: &'a ArgMatches,
    /// Whether the command signs or verifies tokens. A user who cannot read the key may run a
    /// command that does neither.
    pub needs_key: bool,
}

impl Given<'_> {
    /// Reads the file, and merges it with the variables and the flags.
    ///
    /// # Errors
    /// Why it cannot be used.
    pub fn load(
        &self,
        variables: impl Iterator<Item = (String, String)>,
        read_file: impl Fn(&str) -> std::io::Result<Option<String>>,
    ) -> Result<Loaded, Exit> {
        let variables: Vec<_> = variables.collect();
        let home = variables.iter().find(|(name, _)| name == "HOME");
        let home = home.map(|(_, home)| home.as_str());
        let mut layers = Layers::default();
        let bad_path = |why| ConfigError(format!("--config: {why}"));
        let path = self.config.unwrap_or(CONFIG_FILE);
        let mut path: Text = path.parse().map_err(bad_path)?;
        path.expand_home(home).map_err(bad_path)?;
        let path = &*path;
        match read_file(path) {
            Ok(Some(text)) => layers.take_file(path, &text)?,
            Ok(None) if self.config.is_none() => {}
            // With the default `baseDir`, it may be the folder of a user of that name.
            Err(error) if self.config.is_none() && error.kind() == ErrorKind::IsADirectory => {}
            Ok(None) => {
                return Err(ConfigError(format!("--config: there is no file {path}")).into());
            }
            Err(error) => {
                let fault = format!("the file {path} cannot be read: {error}");
                return Err(ConfigError(fault).into());
            }
        }
        layers.take_variables(variables.iter().cloned())?;
        layers.take_flags(self.matches)?;
        if let Some((_, of_verb)) = self.matches.subcommand() {
            layers.take_flags(of_verb)?;
        }
        layers.take_compatible_defaults()?;
        layers.expand_home(home)?;
        layers.choose_key()?;
        if self.needs_key {
            layers.take_key_file(read_file)?;
            check_key_and_host(&layers)?;
        }
        if let Some(port) = self.port {
            layers.config.port = port;
        }
        Ok(load(layers)?)
    }
}
