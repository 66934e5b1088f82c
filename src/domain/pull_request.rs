//! A viewer's edits, proposed to the streamer (protocol, section 6).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use uuid::Uuid;

use super::content_hash::ContentHash;
use super::file_path::FilePath;
use super::names::UserName;
use super::project::ProjectId;
use super::time::Timestamp;

/// A pull request's number: a random UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PullRequestId(Uuid);

impl PullRequestId {
    /// The id with these 128 bits.
    pub const fn from_u128(bits: u128) -> Self {
        Self(Uuid::from_u128(bits))
    }

    /// Reads the usual text form: 36 characters, lower case; anything else is not an id.
    pub fn parse(text: &str) -> Option<Self> {
        let id = Uuid::try_parse(text).ok()?;
        // The crate accepts other forms as well.
        let mut usual = Uuid::encode_buffer();
        (id.hyphenated().encode_lower(&mut usual) == text).then_some(Self(id))
    }
}

impl fmt::Display for PullRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self.0.as_hyphenated(), f)
    }
}

impl fmt::Debug for PullRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// About how many bytes of memory a name takes besides its text.
const NAME_BYTES: usize = 64;

/// What became of a pull request that the streamer wanted applied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ApplyOutcome {
    /// All that was wanted is in the streamer's folder.
    Applied,
    /// A part of it is.
    Partly,
    /// The streamer said no.
    Declined,
    /// It could not be applied.
    Failed,
}

/// How a pull request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The streamer accepted it.
    Merged,
    /// The streamer closed it without merging.
    Closed,
    /// Its owner took it back.
    Withdrawn,
}

/// A finished pull request, open until its streamer or its owner deletes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its id.
    pub id: PullRequestId,
    /// The project it is for.
    pub project: ProjectId,
    /// Who made it.
    pub owner: UserName,
    /// Its title; not empty.
    pub title: Arc<str>,
    /// Its description; may be empty.
    pub description: Arc<str>,
    /// When it was finished.
    pub date: Timestamp,
    /// The files it changes or adds, in byte order.
    pub files: Vec<FilePath>,
    /// The files of the project whose deletion it proposes, in byte order.
    pub deleted: Vec<FilePath>,
    /// The content that the author started from, for each of its files for which it is known.
    pub bases: BTreeMap<FilePath, ContentHash>,
    /// The content whose deletion is proposed, in the same way.
    pub deleted_bases: BTreeMap<FilePath, ContentHash>,
    /// Whether its author wants a file to be executable; those that are not here are as the project
    /// has them.
    pub executable: BTreeMap<FilePath, bool>,
}

impl PullRequest {
    /// About how many bytes of memory the longest one takes: its names are bounded.
    pub const MOST_BYTES: usize = 1_024 * 1_024;

    /// About how many bytes of memory it takes.
    pub fn memory_bytes(&self) -> usize {
        let names = self.files.iter().chain(&self.deleted);
        let names = names.chain(self.bases.keys().chain(self.deleted_bases.keys()));
        let names = names.chain(self.executable.keys());
        let names: usize = names.map(|name| name.as_str().len() + NAME_BYTES).sum();
        let bases = (self.bases.len() + self.deleted_bases.len()) * size_of::<ContentHash>();
        size_of::<Self>() + names + bases + self.title.len() + self.description.len()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_id_is_read_only_in_its_usual_form() {
        let text = "1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c07";
        assert_eq!(
            PullRequestId::parse(text)
                .map(|id| id.to_string())
                .as_deref(),
            Some(text)
        );
        for other in [
            "",
            "src",
            "..",
            "1B4E28BA-2FA1-4D3B-A1F5-0F2D6D1F0C07",
            "1b4e28ba2fa14d3ba1f50f2d6d1f0c07",
            "{1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c07}",
            "+b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c07",
            "1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c071",
            "1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c0",
            "1b4e28ba-2fa14-d3b-a1f5-0f2d6d1f0c07",
            "urn:uuid:1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c07",
            "1b4e28ba-2fa1-4d3b-a1f5-0f2d6d1f0c07\n",
        ] {
            assert_eq!(PullRequestId::parse(other), None, "{other:?}");
        }
    }

    proptest! {
        #[test]
        fn an_id_is_36_characters_of_lower_case_hex_and_comes_back(bits: u128) {
            let id = PullRequestId::from_u128(bits);
            let hex = format!("{bits:032x}");
            let (text, debugged) = (id.to_string(), format!("{id:?}"));
            let groups = [&hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..]];
            prop_assert_eq!(&text, &groups.join("-"));
            prop_assert_eq!(&text, &debugged);
            prop_assert_eq!(text.len(), 36);
            prop_assert_eq!(PullRequestId::parse(&text), Some(id));
        }

        #[test]
        fn ids_are_ordered_as_their_bits_and_their_text(a: u128, b: u128) {
            let (one, other) = (PullRequestId::from_u128(a), PullRequestId::from_u128(b));
            prop_assert_eq!(one.cmp(&other), a.cmp(&b));
            prop_assert_eq!(one.cmp(&other), one.to_string().cmp(&other.to_string()));
        }

        #[test]
        fn whatever_is_read_is_written_as_it_came(
            text in "[0-9a-fA-F]{8}(-[0-9a-f]{4}){3}-?[0-9a-f]{12}"
        ) {
            if let Some(id) = PullRequestId::parse(&text) {
                prop_assert_eq!(id.to_string(), text);
            } else {
                let is_usual = text.len() == 36 && !text.contains(char::is_uppercase);
                prop_assert!(!is_usual);
            }
        }
    }
}
