//! Chooses the key that counts: `key`, `keyFile` and `publicKeyFile` are three ways to give one.

use super::config::Config;
use super::layers::{ConfigError, Layers, Source};

const WAYS: [&str; 3] = ["key", "keyFile", "publicKeyFile"];

impl Layers {
    /// Keeps the way that the latest layer uses, and forgets the others.
    ///
    /// # Errors
    /// The latest layer uses two.
    pub(super) fn choose_key(&mut self) -> Result<(), ConfigError> {
        let places = WAYS.map(|way| (way, self.source(way)));
        let latest = places.iter().map(|(_, source)| source.rank()).max();
        let latest = latest.unwrap_or_default();
        let mut given = places.iter().filter(|(_, source)| source.rank() == latest);
        let chosen = match (given.next(), given.next()) {
            // No layer gives a key.
            _ if latest == Source::Default.rank() => return Ok(()),
            (Some((way, source)), Some((other, of_other))) => {
                return Err(ConfigError(format!(
                    "{way} is in {source} and {other} in {of_other}, and only one of them can \
                     count: leave one out"
                )));
            }
            (chosen, _) => chosen.map(|(way, _)| *way),
        };
        for way in WAYS.into_iter().filter(|way| Some(*way) != chosen) {
            match way {
                "key" => self.config.key = Config::default().key,
                "keyFile" => self.config.key_file = None,
                _ => self.config.public_key_file = None,
            }
            self.sources.remove(way);
        }
        Ok(())
    }

    /// Reads the key from `keyFile`, if that is the way that counts.
    ///
    /// # Errors
    /// It cannot be read, or holds no key.
    pub(super) fn take_key_file(
        &mut self,
        read_file: impl Fn(&str) -> std::io::Result<Option<String>>,
    ) -> Result<(), ConfigError> {
        let Some(path) = self.config.key_file.as_deref() else {
            return Ok(());
        };
        let fault = |why: String| ConfigError(format!("keyFile: {why}"));
        let text = read_file(path)
            .map_err(|error| fault(format!("{path} cannot be read: {error}")))?
            .ok_or_else(|| fault(format!("there is no file {path}")))?;
        // Most programs end a file with a line break.
        let key = text.strip_suffix('\n').unwrap_or(&text);
        let key = key.strip_suffix('\r').unwrap_or(key).parse();
        let source = Source::File(path.to_owned());
        self.config.key = key.map_err(|why| fault(format!("{path} {why}")))?;
        self.sources.insert("key".to_owned(), source);
        Ok(())
    }
}
