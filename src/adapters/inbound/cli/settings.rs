//! Values by key, each with where it came from; later sources win over earlier ones.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::Value;

use super::keys::{KEYS, Key, Kind, PREFIX, find};

/// Where a value came from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Source {
    Default,
    File(String),
    Variable(String),
    Flag(String),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Default => f.write_str("the default"),
            Self::File(path) => write!(f, "the file {path}"),
            Self::Variable(name) => write!(f, "the environment variable {name}"),
            Self::Flag(name) => write!(f, "{name}"),
        }
    }
}

/// A configuration that cannot be used, in a sentence that names key and fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub(super) String);

/// Values by key.
#[derive(Debug)]
pub(super) struct Settings(BTreeMap<&'static str, (Value, Source)>);

impl Settings {
    /// The defaults.
    pub(super) fn defaults() -> Self {
        let value = |key: &Key| serde_json::from_str(key.default).ok();
        let defaults = KEYS
            .iter()
            .filter_map(|key| Some((key.name, (value(key)?, Source::Default))));
        Self(defaults.collect())
    }

    /// Takes over what a file says.
    pub(super) fn take_file(&mut self, path: &str, text: &str) -> Result<(), ConfigError> {
        let Members(members) = serde_json::from_str(text).map_err(|error| {
            ConfigError(format!(
                "the file {path} is no JSON object with one value per key: {error}"
            ))
        })?;
        for (name, value) in members {
            let source = Source::File(path.to_owned());
            let key = find(&name).ok_or_else(|| unknown(&format!("key {name:?}"), &source))?;
            self.take(key, value, source)?;
        }
        Ok(())
    }

    /// Takes over what the environment says.
    pub(super) fn take_variables(
        &mut self,
        variables: impl Iterator<Item = (String, String)>,
    ) -> Result<(), ConfigError> {
        for (name, text) in variables.filter(|(name, _)| name.starts_with(PREFIX)) {
            let source = Source::Variable(name.clone());
            let key = KEYS.iter().find(|key| key.variable() == name);
            let key = key.ok_or_else(|| ConfigError(format!("there is no key for {source}")))?;
            self.take_text(key, &text, source)?;
        }
        Ok(())
    }

    /// Takes over a value that came as a text.
    pub(super) fn take_text(
        &mut self,
        key: &'static Key,
        text: &str,
        source: Source,
    ) -> Result<(), ConfigError> {
        let value = match key.kind {
            // `null` means absent in a file alone.
            Kind::Number { .. } | Kind::Flag => serde_json::from_str(text)
                .ok()
                .filter(|value: &Value| !value.is_null()),
            Kind::List => {
                let items = text
                    .split(',')
                    .map(str::trim)
                    .filter(|item| !item.is_empty());
                Some(items.map(Value::from).collect())
            }
            Kind::Text | Kind::OneOf(_) | Kind::Ignored => None,
        };
        self.take(key, value.unwrap_or_else(|| text.into()), source)
    }

    fn take(&mut self, key: &'static Key, value: Value, source: Source) -> Result<(), ConfigError> {
        if value.is_null() {
            return Ok(());
        }
        if !fits(key, &value) {
            let shown = if key.name == "key" {
                "***".to_owned()
            } else {
                value.to_string()
            };
            let allowed = key.allowed();
            let name = key.name;
            let fault = format!("{name} is {shown} in {source}, but must be {allowed}");
            return Err(ConfigError(fault));
        }
        self.0.insert(key.name, (value, source));
        Ok(())
    }

    /// Where the value of a key came from.
    pub(super) fn source(&self, name: &str) -> Source {
        self.0
            .get(name)
            .map_or(Source::Default, |(_, source)| source.clone())
    }

    /// The value, if there is one.
    pub(super) fn value(&self, name: &str) -> Option<&Value> {
        self.0.get(name).map(|(value, _)| value)
    }

    pub(super) fn text(&self, name: &str) -> Option<String> {
        self.value(name)?.as_str().map(str::to_owned)
    }

    pub(super) fn number(&self, name: &str) -> u64 {
        // Checked when it was taken; every key that is asked for has a default.
        self.value(name).and_then(Value::as_u64).unwrap_or_default()
    }

    pub(super) fn flag(&self, name: &str) -> bool {
        self.value(name)
            .and_then(Value::as_bool)
            .unwrap_or_default()
    }

    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let items = self.value(name)?.as_array()?;
        Some(
            items
                .iter()
                .filter_map(Value::as_str)
                .map(str::to_owned)
                .collect(),
        )
    }
}

fn fits(key: &Key, value: &Value) -> bool {
    match (key.kind, value) {
        (Kind::Number { min, max }, Value::Number(number)) => {
            let multiple = if key.name == "partBytes" { 3 } else { 1 };
            number
                .as_u64()
                .is_some_and(|n| (min..=max).contains(&n) && n.is_multiple_of(multiple))
        }
        (Kind::Flag, Value::Bool(_)) | (Kind::Ignored, _) => true,
        (Kind::Text, Value::String(text)) => !text.is_empty(),
        (Kind::OneOf(words), Value::String(word)) => words.contains(&word.as_str()),
        (Kind::List, Value::Array(items)) => items.iter().all(Value::is_string),
        _ => false,
    }
}

fn unknown(what: &str, source: &Source) -> ConfigError {
    ConfigError(format!(
        "{what} in {source} is unknown; --help lists all keys as flags"
    ))
}

/// The members of a JSON object in order; one that stands there twice is an error.
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
