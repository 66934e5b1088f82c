//! The types of the configuration values that concern NATS.

use std::ops::Deref;
use std::str::FromStr;

use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize};

/// The address of a NATS server.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NatsAddress(String);

impl FromStr for NatsAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let rest = text.strip_prefix("nats://");
        let rest = rest.or_else(|| text.strip_prefix("tls://")).unwrap_or(text);
        let is_plain = |c: char| c.is_ascii_alphanumeric() || "-._:[]%".contains(c);
        if rest.contains('@') {
            // The password would be shown with the configuration.
            Err("must be without a password; name a natsCredentialsFile".to_owned())
        } else if rest.is_empty() || !rest.chars().all(is_plain) {
            Err("must be a host such as nats://h1 or tls://h1:4222".to_owned())
        } else {
            Ok(Self(text.to_owned()))
        }
    }
}

impl<'de> Deserialize<'de> for NatsAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer).unwrap_or_default();
        text.parse().map_err(D::Error::custom)
    }
}

impl From<NatsAddress> for String {
    fn from(address: NatsAddress) -> Self {
        address.0
    }
}

/// What all names begin with in an engine that others use, too.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NatsPrefix(String);

impl Deref for NatsPrefix {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromStr for NatsPrefix {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let is_plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        if (1..=32).contains(&text.len()) && text.chars().all(is_plain) {
            Ok(Self(text.to_owned()))
        } else {
            Err("must be 1 to 32 small letters and digits".to_owned())
        }
    }
}

impl<'de> Deserialize<'de> for NatsPrefix {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer).unwrap_or_default();
        text.parse().map_err(D::Error::custom)
    }
}
