//! The types of configuration values. Each checks its own bounds, so a value is judged the same
//! whether it comes from the file, the environment or a flag.

use std::fmt;
use std::ops::Deref;
use std::path::Path;
use std::str::FromStr;
use std::time::Duration;

use clap::ValueEnum;
use serde::de::{Deserializer, Error};
use serde::{Deserialize, Serialize, Serializer};

/// The bound of a number that only the machine limits.
pub const UNBOUNDED: u64 = 1 << 53;

/// What `--print-config` shows in place of the key.
pub const HIDDEN_KEY: &str = "***";

/// A whole number from `MIN` to `MAX`, a multiple of `STEP`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Whole<const MIN: u64, const MAX: u64 = UNBOUNDED, const STEP: u64 = 1>(u64);

/// Content per part of a file, in bytes: a multiple of 3, because base64 encodes three bytes at a
/// time.
pub type PartBytes = Whole<3, 3_145_728, 3>;

impl<const MIN: u64, const MAX: u64, const STEP: u64> Whole<MIN, MAX, STEP> {
    fn new(value: Option<u64>) -> Result<Self, String> {
        match value {
            Some(value) if (MIN..=MAX).contains(&value) && value.is_multiple_of(STEP) => {
                Ok(Self(value))
            }
            _ if STEP > 1 => Err(format!("must be a multiple of {STEP} from {MIN} to {MAX}")),
            _ if MAX == UNBOUNDED => Err(format!("must be a whole number of at least {MIN}")),
            _ => Err(format!("must be a whole number from {MIN} to {MAX}")),
        }
    }

    /// The number.
    pub fn get(self) -> u64 {
        self.0
    }

    /// The number as a count of things or bytes in memory.
    pub fn size(self) -> usize {
        usize::try_from(self.0).unwrap_or(usize::MAX)
    }

    /// The number as a `u32`; a greater one becomes the greatest.
    pub fn small(self) -> u32 {
        u32::try_from(self.0).unwrap_or(u32::MAX)
    }

    /// The number as a duration in seconds.
    pub fn seconds(self) -> Duration {
        Duration::from_secs(self.0)
    }
}

impl<const MIN: u64, const MAX: u64, const STEP: u64> FromStr for Whole<MIN, MAX, STEP> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(text.parse().ok())
    }
}

impl<'de, const MIN: u64, const MAX: u64, const STEP: u64> Deserialize<'de>
    for Whole<MIN, MAX, STEP>
{
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(u64::deserialize(deserializer).ok()).map_err(D::Error::custom)
    }
}

/// A text that is not empty.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Text(String);

impl Text {
    fn new(text: Option<String>) -> Result<Self, String> {
        text.filter(|text| !text.is_empty())
            .map(Self)
            .ok_or_else(|| "must be a text that is not empty".to_owned())
    }

    /// Replaces a leading `~` with the home folder, as a shell does before a program sees it.
    ///
    /// # Errors
    /// The home folder is not known.
    pub(super) fn expand_home(&mut self, home: Option<&str>) -> Result<(), String> {
        if self.0 == "~" || self.0.starts_with("~/") {
            let home = home.ok_or("~ stands for the home folder, but HOME is not set")?;
            self.0.replace_range(..1, home);
        }
        Ok(())
    }

    /// The text as a path.
    pub fn as_path(&self) -> &Path {
        Path::new(&self.0)
    }
}

impl Deref for Text {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl FromStr for Text {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        Self::new(Some(text.to_owned()))
    }
}

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // serde's own error would show the value, which may be the key.
        Self::new(String::deserialize(deserializer).ok()).map_err(D::Error::custom)
    }
}

/// A secret; neither printed nor logged.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretKey(Text);

impl SecretKey {
    fn new(text: Text) -> Result<Self, String> {
        // Slips of editors and of copying. Nobody sees them, but they make every token wrong.
        let slip = if text.trim().is_empty() {
            "must hold more than spaces and line breaks"
        } else if text.starts_with('\u{feff}') {
            "must not begin with a byte order mark: save it without one"
        } else if text.contains(char::is_control) {
            "must be one line, without tabs and other control characters"
        } else if text.trim() != &*text {
            "must not begin or end with a space"
        } else {
            return Ok(Self(text));
        };
        Err(slip.to_owned())
    }

    /// The secret itself.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl FromStr for SecretKey {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        text.parse().and_then(Self::new)
    }
}

impl<'de> Deserialize<'de> for SecretKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Self::new(Text::deserialize(deserializer)?).map_err(D::Error::custom)
    }
}

impl fmt::Debug for SecretKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SecretKey({HIDDEN_KEY})")
    }
}

impl Serialize for SecretKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(HIDDEN_KEY)
    }
}

/// A list; outside a file its items are separated by commas.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct List<T>(Vec<T>);

impl<T> List<T> {
    /// The items.
    pub fn into_items(self) -> Vec<T> {
        self.0
    }
}

impl<T: FromStr<Err: fmt::Display>> FromStr for List<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let items = text.split(',').map(str::trim);
        let items = items.filter(|item| !item.is_empty());
        let parse = |item: &str| item.parse().map_err(|why| format!("{item:?}: {why}"));
        items.map(parse).collect::<Result<_, _>>().map(Self)
    }
}

/// `store`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Store {
    /// Under `baseDir`.
    Filesystem,
    /// In memory only.
    Memory,
    /// On NATS `JetStream`.
    Nats,
}

/// `durability`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Durability {
    /// An acknowledged change survives a crash of the machine.
    Fsync,
    /// An acknowledged change survives a crash of the process.
    Rename,
}

/// `compatibility`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Compatibility {
    /// With clients that rely on the habits of the original server.
    Original,
}

/// `folderDeletion`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FolderDeletion {
    /// The files in it are deleted.
    Delete,
    /// It is answered, and nothing is deleted.
    Ignore,
}

/// `onStreamerDisconnect`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnStreamerDisconnect {
    /// The files stay.
    Keep,
    /// The files are deleted after `streamerGraceSeconds`.
    Delete,
}

/// `guests`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Guests {
    /// There are none.
    Off,
    /// They read and chat.
    Chat,
    /// They open pull requests, too.
    Propose,
}

/// `logFormat`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs: one JSON object per line.
    Json,
}

/// `logLevel`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "the levels of tracing")]
pub enum LogLevel {
    Error,
    Warn,
    Info,
    Debug,
    Trace,
}
