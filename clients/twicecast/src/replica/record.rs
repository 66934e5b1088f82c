//! The record of a folder that this program fills: whether it is a mirror or a clone, of which
//! project, and what was written into it, so that nobody else's content is taken for our own. It is
//! a log in the work folder, with one line per change; a mirror writes the line before it makes the
//! change.

use std::collections::BTreeMap;
use std::io::{self, Read};
use std::os::fd::OwnedFd;

use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::fs::dirfd;
use crate::names::FileName;

/// The name of the log.
pub const LOG: &str = "manifest.jsonl";
/// The file in which clones of version 1 kept the hashes.
const OLD_BASES: &str = "bases.json";
/// The version of the record's format.
pub const VERSION: u32 = 2;

/// What this program uses a folder for.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// It follows a project.
    #[default]
    Mirror,
    /// People edit in it, and propose their changes.
    Clone,
}

/// What a folder is a copy of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// The version of the record's format.
    pub version: u32,
    /// Mirror or clone.
    #[serde(default)]
    pub kind: Kind,
    /// The server that it came from.
    #[serde(default)]
    pub url: String,
    /// The streamer.
    pub streamer: String,
    /// The project's name.
    pub project: String,
}

impl Header {
    /// The header for a new copy.
    pub fn new(kind: Kind, url: &str, streamer: &str, project: &str) -> Self {
        Self {
            version: VERSION,
            kind,
            url: url.to_owned(),
            streamer: streamer.to_owned(),
            project: project.to_owned(),
        }
    }

    /// The project's full name.
    pub fn full_project(&self) -> String {
        format!("{}/{}", self.streamer, self.project)
    }
}

/// What was written under one name.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Written {
    /// The SHA-256 of the latest content in lower-case hex; empty if it is not known.
    pub sha256: String,
    /// Whether it was executable.
    pub executable: bool,
    /// The hash of the content before that, which may still be there after a crash.
    pub earlier: String,
}

impl Written {
    /// Whether the content with that hash was written by us.
    pub fn is(&self, sha256: &str) -> bool {
        !sha256.is_empty() && (self.sha256 == sha256 || self.earlier == sha256)
    }
}

/// The files of a record.
pub type Files = BTreeMap<FileName, Written>;

/// A line of the log.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Entry {
    /// A file was written.
    Wrote(WroteLine),
    /// A file is gone, or is not ours.
    Removed(String),
    /// The whole project has been written.
    Complete(bool),
}

/// A line about a file that was written.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
pub enum WroteLine {
    /// The file's name, content and executable bit.
    Content {
        /// The name, not checked yet.
        name: String,
        /// The SHA-256 of the content in lower-case hex.
        sha256: String,
        /// Whether it is executable.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        executable: bool,
    },
    /// The form in version 1: the name alone.
    Name(String),
}

/// The content of a work folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// What the folder is a copy of.
    pub header: Header,
    /// The files that were written.
    pub files: Files,
    /// Whether the whole project has once been written.
    pub is_complete: bool,
}

/// What a work folder contained before.
#[derive(Debug, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: the folder is not a copy.
    Nothing,
    /// A record.
    Found(Record),
    /// A record that this version cannot read.
    Unreadable,
}

/// Reads a work folder without changing it.
///
/// # Errors
///
/// The system's error.
pub fn read(work: &OwnedFd) -> io::Result<Earlier> {
    let mut text = Vec::new();
    match dirfd::open_file(work, LOG) {
        Ok(mut file) => {
            if file.read_to_end(&mut text).is_err() {
                return Ok(Earlier::Unreadable);
            }
        }
        Err(Errno::NOENT) => return Ok(Earlier::Nothing),
        Err(error) => return Err(error.into()),
    }
    let mut lines = text.split(|byte| *byte == b'\n');
    let Some(Ok(header)) = lines.next().map(serde_json::from_slice::<Header>) else {
        return Ok(Earlier::Unreadable);
    };
    let mut record = Record {
        header,
        files: Files::new(),
        is_complete: false,
    };
    match record.header.version {
        VERSION => {}
        1 => take_old_bases(work, &mut record),
        _ => return Ok(Earlier::Unreadable),
    }
    for line in lines {
        // A line that breaks off, perhaps within a character, is about a change that was not made
        // yet.
        if let Ok(entry) = serde_json::from_slice::<Entry>(line) {
            take(&mut record, entry);
        }
    }
    Ok(Earlier::Found(record))
}

fn take(record: &mut Record, entry: Entry) {
    match entry {
        Entry::Wrote(WroteLine::Content {
            name,
            sha256,
            executable,
        }) => {
            if let Ok(name) = FileName::parse(&name) {
                note(&mut record.files, name, sha256, executable);
            }
        }
        Entry::Wrote(WroteLine::Name(name)) => {
            if let Ok(name) = FileName::parse(&name) {
                record.files.entry(name).or_default();
            }
        }
        Entry::Removed(name) => {
            if let Ok(name) = FileName::parse(&name) {
                record.files.remove(&name);
            }
        }
        Entry::Complete(is_complete) => record.is_complete = is_complete,
    }
}

/// Notes what was written under a name.
pub fn note(files: &mut Files, name: FileName, sha256: String, executable: bool) {
    let written = files.entry(name).or_default();
    if written.sha256 != sha256 {
        written.earlier = std::mem::replace(&mut written.sha256, sha256);
    }
    written.executable = executable;
}

/// Reads the hashes of a clone of version 1, which has them in a separate file.
fn take_old_bases(work: &OwnedFd, record: &mut Record) {
    #[derive(Deserialize)]
    struct Bases {
        #[serde(default)]
        url: String,
        files: BTreeMap<String, String>,
    }
    let bases = dirfd::open_file(work, OLD_BASES)
        .ok()
        .and_then(|file| serde_json::from_reader::<_, Bases>(io::BufReader::new(file)).ok());
    let Some(bases) = bases else { return };
    record.header.kind = Kind::Clone;
    record.header.url = bases.url;
    record.is_complete = true;
    for (name, sha256) in bases.files {
        if let Ok(name) = FileName::parse(&name) {
            note(&mut record.files, name, sha256, false);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    fn found(work: &OwnedFd) -> Record {
        match read(work).unwrap() {
            Earlier::Found(record) => record,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_record_that_somebody_tampered_with_names_nothing_outside() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        let header = r#"{"version":2,"streamer":"ana","project":"demo"}"#;
        let lines = r#"{"wrote":{"name":"/../x","sha256":""}}
{"wrote":{"name":"/.git/config","sha256":""}}"#;
        std::fs::write(dir.path().join(LOG), format!("{header}\n{lines}\n")).unwrap();
        assert!(found(&work).files.is_empty());
        std::fs::write(dir.path().join(LOG), "nonsense").unwrap();
        assert_eq!(read(&work).unwrap(), Earlier::Unreadable);
    }

    #[test]
    fn a_clone_of_the_first_version_keeps_its_hashes_and_a_mirror_has_none() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        let log = r#"{"version":1,"streamer":"ana","project":"demo"}
{"wrote":"/a"}"#;
        std::fs::write(dir.path().join(LOG), log).unwrap();
        let record = found(&work);
        assert_eq!(record.header.kind, Kind::Mirror);
        assert!(!record.files[&name("/a")].is("1"));
        let bases = r#"{"url":"ws://h","streamer":"ana","project":"demo","files":{"/a":"1"}}"#;
        std::fs::write(dir.path().join(OLD_BASES), bases).unwrap();
        let record = found(&work);
        assert_eq!(
            (record.header.kind, &*record.header.url),
            (Kind::Clone, "ws://h")
        );
        assert!(record.is_complete && record.files[&name("/a")].is("1"));
    }
}
