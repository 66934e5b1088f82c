//! A viewer's edits on their way back to the streamer (protocol, section 6).

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::content_hash::ContentHash;
use super::file_path::FilePath;
use super::names::UserName;
use super::project::ProjectId;
use super::time::Timestamp;

/// A pull request's number: a random UUID.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PullRequestId(u128);

impl PullRequestId {
    /// The id with these 128 bits.
    pub const fn from_u128(bits: u128) -> Self {
        Self(bits)
    }

    /// Reads the usual text form: 36 characters, lower case; anything else is no id.
    pub fn parse(text: &str) -> Option<Self> {
        let digits: String = text.split('-').collect();
        let id = Self(u128::from_str_radix(&digits, 16).ok()?);
        // Whatever was let through above must be exactly how the id is written.
        (digits.len() == 32 && id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for PullRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hex = format!("{:032x}", self.0);
        write!(
            f,
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }
}

impl fmt::Debug for PullRequestId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// How a pull request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The streamer took it over.
    Merged,
    /// The streamer did not.
    Closed,
}

/// A finished pull request, open until its streamer deletes it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PullRequest {
    /// Its id.
    pub id: PullRequestId,
    /// The project it is for.
    pub project: ProjectId,
    /// Who made it.
    pub owner: UserName,
    /// Not empty.
    pub title: Arc<str>,
    /// May be empty.
    pub description: Arc<str>,
    /// When it was finished.
    pub date: Timestamp,
    /// The files it brings, in byte order.
    pub files: Vec<FilePath>,
    /// The files of the project whose deletion it proposes, in byte order.
    pub deleted: Vec<FilePath>,
    /// What the author started from, of those of its files of which that is known.
    pub bases: BTreeMap<FilePath, ContentHash>,
}

#[cfg(test)]
mod tests {
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
        ] {
            assert_eq!(PullRequestId::parse(other), None, "{other:?}");
        }
    }
}
