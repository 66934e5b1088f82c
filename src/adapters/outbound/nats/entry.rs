//! The format of what is kept in the log.
//!
//! An entry is the length of its description (four bytes, big-endian), the description as JSON, and
//! the content of a small file.

use bytes::{BufMut as _, Bytes, BytesMut};
use serde::{Deserialize, Serialize};

use crate::application::ports::StoreError;
use crate::domain::{
    ContentHash, FilePath, ProjectEntry, ProjectId, ProjectName, Timestamp, UserName, Version,
};

const FORMAT: u32 = 1;

/// Contents up to this length are in the entry itself.
pub(crate) const INLINE_BYTES: u64 = 64 * 1_024;

/// What a message of the log says about a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub project: ProjectId,
    /// The change that it belongs to; no two have the same.
    pub change: String,
    /// When the change was asked for, in milliseconds since its node started. Only that node can
    /// compare it.
    pub asked: u64,
    pub what: What,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum What {
    /// The project itself, after a change.
    Head(Head),
    /// A file has this content.
    Put(FilePath, Put),
    /// A file is gone.
    Gone(FilePath),
}

/// The state of a project as a whole.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Head {
    /// Whether it exists.
    pub is_registered: bool,
    /// Entries up to this place belong to an earlier project of that name.
    pub since: u64,
    /// When that was the last place, which is when the earlier project was removed.
    pub since_at: Timestamp,
    /// The latest changes before this one, newest first.
    pub earlier: Vec<String>,
}

/// A file's content, and what is known about it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Put {
    pub bytes: u64,
    pub sha256: ContentHash,
    pub executable: bool,
    pub content: Content,
}

impl Put {
    /// What is known about the file, if this is the message `sequence` of the log.
    pub fn known(&self, sequence: u64, modified: Timestamp) -> ProjectEntry {
        ProjectEntry {
            bytes: self.bytes,
            version: Version::new(sequence),
            modified,
            executable: self.executable,
            sha256: Some(self.sha256),
        }
    }
}

/// Where a content is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    /// In the entry itself.
    Inline(Bytes),
    /// In the stream of large contents, under this name.
    Blob(String),
}

#[derive(Debug, Serialize, Deserialize)]
struct Description {
    format: u32,
    streamer: String,
    project: String,
    change: String,
    /// Earlier servers did not note it.
    #[serde(default)]
    asked: u64,
    #[serde(flatten)]
    what: Described,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
enum Described {
    Head {
        registered: bool,
        since: u64,
        /// In milliseconds; earlier servers did not note it.
        #[serde(default)]
        since_at: u64,
        earlier: Vec<String>,
    },
    Put {
        path: String,
        bytes: u64,
        sha256: String,
        executable: bool,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        blob: Option<String>,
    },
    Gone {
        path: String,
    },
}

/// Why an entry cannot be understood.
#[derive(Debug, thiserror::Error)]
enum EntryError {
    #[error("it is not as long as it says")]
    Length,
    #[error("it is not the JSON of an entry: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has format {0}, but this server knows format {FORMAT} only")]
    Format(u32),
    #[error("a name or hash in it is none")]
    Name,
}

impl Entry {
    /// The entry as it is kept.
    ///
    /// # Errors
    /// `Failed`, which does not happen: it is JSON of text and numbers.
    pub fn encode(&self) -> Result<Bytes, StoreError> {
        let (what, content) = match &self.what {
            What::Head(head) => {
                let described = Described::Head {
                    registered: head.is_registered,
                    since: head.since,
                    since_at: head.since_at.as_millis(),
                    earlier: head.earlier.clone(),
                };
                (described, &[][..])
            }
            What::Put(path, put) => {
                let (blob, content) = match &put.content {
                    Content::Inline(content) => (None, &content[..]),
                    Content::Blob(blob) => (Some(blob.clone()), &[][..]),
                };
                let described = Described::Put {
                    path: path.to_string(),
                    bytes: put.bytes,
                    sha256: put.sha256.to_string(),
                    executable: put.executable,
                    blob,
                };
                (described, content)
            }
            What::Gone(path) => {
                let path = path.to_string();
                (Described::Gone { path }, &[][..])
            }
        };
        let description = serde_json::to_vec(&Description {
            format: FORMAT,
            streamer: self.project.streamer.to_string(),
            project: self.project.name.to_string(),
            change: self.change.clone(),
            asked: self.asked,
            what,
        });
        let description = description.map_err(StoreError::failed)?;
        let length = u32::try_from(description.len()).map_err(StoreError::failed)?;
        let mut encoded = BytesMut::with_capacity(4 + description.len() + content.len());
        encoded.put_u32(length);
        encoded.put_slice(&description);
        encoded.put_slice(content);
        Ok(encoded.freeze())
    }

    /// Reads what [`encode`](Self::encode) wrote.
    ///
    /// # Errors
    /// `Failed`: a later server wrote it, or it is not an entry.
    pub fn decode(kept: &Bytes) -> Result<Self, StoreError> {
        Self::parse(kept).map_err(StoreError::failed)
    }

    fn parse(kept: &Bytes) -> Result<Self, EntryError> {
        let length = kept.first_chunk().copied().ok_or(EntryError::Length)?;
        let length = usize::try_from(u32::from_be_bytes(length)).map_err(|_| EntryError::Length)?;
        let end = length.saturating_add(4);
        let description = kept.get(4..end).ok_or(EntryError::Length)?;
        let description: Description = serde_json::from_slice(description)?;
        if description.format != FORMAT {
            return Err(EntryError::Format(description.format));
        }
        let path = |path: &str| FilePath::parse(path).map_err(|_| EntryError::Name);
        let what = match description.what {
            Described::Head {
                registered,
                since,
                since_at,
                earlier,
            } => What::Head(Head {
                is_registered: registered,
                since,
                since_at: Timestamp::from_millis(since_at),
                earlier,
            }),
            Described::Put {
                path: name,
                bytes,
                sha256,
                executable,
                blob,
            } => {
                let content = match blob {
                    Some(blob) => Content::Blob(blob),
                    None if (kept.len() - end) as u64 == bytes => {
                        Content::Inline(kept.slice(end..))
                    }
                    None => return Err(EntryError::Length),
                };
                let put = Put {
                    bytes,
                    sha256: ContentHash::parse(&sha256).ok_or(EntryError::Name)?,
                    executable,
                    content,
                };
                What::Put(path(&name)?, put)
            }
            Described::Gone { path: name } => What::Gone(path(&name)?),
        };
        let streamer = UserName::parse(&description.streamer).map_err(|_| EntryError::Name)?;
        let name = ProjectName::parse(&description.project).map_err(|_| EntryError::Name)?;
        Ok(Self {
            project: ProjectId { streamer, name },
            change: description.change,
            asked: description.asked,
            what,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::adapters::outbound::contract_tests::world::{demo, path};

    const HASH: [u8; 32] = [7; 32];

    fn put(bytes: u64, content: Content) -> What {
        let put = Put {
            bytes,
            sha256: ContentHash::from_bytes(HASH),
            executable: true,
            content,
        };
        What::Put(path("a/b"), put)
    }

    fn entry(what: What) -> Entry {
        Entry {
            project: demo(),
            change: "change".to_owned(),
            asked: 5,
            what,
        }
    }

    /// An entry with this description and content.
    fn kept(description: &str, content: &[u8]) -> Bytes {
        let length = u32::try_from(description.len()).expect("is short");
        [&length.to_be_bytes()[..], description.as_bytes(), content]
            .concat()
            .into()
    }

    #[test]
    fn what_is_written_is_read_as_it_was() {
        let head = Head {
            is_registered: true,
            since: 3,
            since_at: Timestamp::from_millis(4),
            earlier: vec!["earlier".to_owned()],
        };
        for what in [
            What::Head(head),
            What::Gone(path("a/b")),
            put(3, Content::Inline(Bytes::from_static(b"abc"))),
            put(0, Content::Inline(Bytes::new())),
            put(1 << 30, Content::Blob("blob".to_owned())),
        ] {
            let written = entry(what);
            let read = Entry::decode(&written.encode().expect("is written"));
            assert_eq!(read.expect("is read"), written);
        }
    }

    #[test]
    fn what_an_earlier_server_wrote_is_read() {
        let whose = r#""format":1,"streamer":"ana","project":"demo","change":"c""#;
        let head = r#""kind":"head","registered":true,"since":3,"earlier":[]"#;
        let read = Entry::decode(&kept(&format!("{{{whose},{head}}}"), b"")).expect("is read");
        let expected = Head {
            is_registered: true,
            since: 3,
            since_at: Timestamp::default(),
            earlier: Vec::new(),
        };
        assert_eq!((read.asked, read.what), (0, What::Head(expected)));
    }

    #[test]
    fn what_is_no_entry_or_of_a_later_server_is_refused() {
        let written = entry(put(3, Content::Inline(Bytes::from_static(b"abc"))));
        let written = written.encode().expect("is written");
        for end in 0..written.len() {
            assert!(Entry::decode(&written.slice(..end)).is_err(), "{end}");
        }
        let later = |format: &str| {
            let rest = r#""streamer":"ana","project":"demo","change":"c","kind":"gone""#;
            Entry::decode(&kept(
                &format!(r#"{{"format":{format},{rest},"path":"a"}}"#),
                b"",
            ))
        };
        assert!(later("1").is_ok());
        let refused = later("2").expect_err("is of a later server").to_string();
        assert!(refused.contains("format 2"), "{refused}");
        let named = kept(
            r#"{"format":1,"streamer":"","project":"demo","change":"c","kind":"gone","path":"a"}"#,
            b"",
        );
        assert!(Entry::decode(&named).is_err(), "nobody's name is empty");
    }
}
