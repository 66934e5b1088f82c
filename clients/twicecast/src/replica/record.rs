//! The record of which files in a mirrored folder this mirror wrote, so that it never takes
//! somebody else's for its own. It is a log, one line per change, kept in the work folder; a line
//! is written before what it tells of is done.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::OwnedFd;

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;
use serde::{Deserialize, Serialize};

use crate::fs::dirfd;
use crate::names::FileName;

const LOG: &str = "manifest.jsonl";
const NEW_LOG: &str = "manifest.new";
const VERSION: u32 = 1;

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Header {
    version: u32,
    streamer: String,
    project: String,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Entry {
    Wrote(String),
    Removed(String),
}

/// The record, open for more.
#[derive(Debug)]
pub struct Manifest {
    log: File,
    /// Whether the log may end in a line that could not be written to its end.
    is_torn: bool,
    /// Lines of removals that could not be written, for the next time: what is not ours must not be
    /// taken for ours later.
    owed: String,
    files: BTreeSet<FileName>,
}

/// What a work folder held before.
#[derive(Debug, PartialEq, Eq)]
pub enum Earlier {
    /// Nothing: no mirror was here.
    Nothing,
    /// A record of the same project, with these files.
    Same(BTreeSet<FileName>),
    /// A record of another project, named here.
    Other(String),
    /// A record that this version cannot read.
    Unreadable,
}

/// Reads what a work folder holds, changing nothing.
///
/// # Errors
///
/// The system's own.
pub fn read(work: &OwnedFd, streamer: &str, project: &str) -> io::Result<Earlier> {
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
    if header.version != VERSION {
        return Ok(Earlier::Unreadable);
    }
    if (header.streamer.as_str(), header.project.as_str()) != (streamer, project) {
        return Ok(Earlier::Other(format!(
            "{}/{}",
            header.streamer, header.project
        )));
    }
    let mut files = BTreeSet::new();
    for line in lines {
        // A line cut off, maybe within a character, tells of something that was not done yet.
        let Ok(entry) = serde_json::from_slice::<Entry>(line) else {
            continue;
        };
        match entry {
            Entry::Wrote(name) => files.extend(FileName::parse(&name).ok()),
            Entry::Removed(name) => {
                if let Ok(name) = FileName::parse(&name) {
                    files.remove(&name);
                }
            }
        }
    }
    Ok(Earlier::Same(files))
}

impl Manifest {
    /// Begins a record with these files, replacing the earlier one at once or not at all.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn begin(
        work: &OwnedFd,
        streamer: &str,
        project: &str,
        files: BTreeSet<FileName>,
    ) -> io::Result<Self> {
        match unlinkat(work, NEW_LOG, AtFlags::empty()) {
            Ok(()) | Err(Errno::NOENT) => {}
            Err(error) => return Err(error.into()),
        }
        let flags = OFlags::WRONLY
            | OFlags::APPEND
            | OFlags::CREATE
            | OFlags::EXCL
            | OFlags::NOFOLLOW
            | OFlags::CLOEXEC;
        let mut log = File::from(openat(work, NEW_LOG, flags, Mode::from_raw_mode(0o600))?);
        let header = Header {
            version: VERSION,
            streamer: streamer.to_owned(),
            project: project.to_owned(),
        };
        let mut text = serde_json::to_string(&header)? + "\n";
        for name in &files {
            text += &line(&Entry::Wrote(name.as_str().to_owned()))?;
        }
        log.write_all(text.as_bytes())?;
        renameat(work, NEW_LOG, work, LOG)?;
        Ok(Self {
            log,
            is_torn: false,
            owed: String::new(),
            files,
        })
    }

    /// The files that this mirror wrote.
    pub fn files(&self) -> &BTreeSet<FileName> {
        &self.files
    }

    /// Whether this mirror wrote that file.
    pub fn holds(&self, name: &FileName) -> bool {
        self.files.contains(name)
    }

    /// Notes that a file is about to be written.
    ///
    /// # Errors
    ///
    /// The system's own; the file must not be written then.
    pub fn wrote(&mut self, name: &FileName) -> io::Result<()> {
        if !self.files.contains(name) {
            self.append(&Entry::Wrote(name.as_str().to_owned()))?;
            self.files.insert(name.clone());
        }
        Ok(())
    }

    /// Notes that a file is gone, or not this mirror's.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn removed(&mut self, name: &FileName) -> io::Result<()> {
        if self.files.remove(name) {
            let entry = Entry::Removed(name.as_str().to_owned());
            if let Err(error) = self.append(&entry) {
                self.owed += &line(&entry)?;
                return Err(error);
            }
        }
        Ok(())
    }

    /// Writes one line, on a line of its own even if the one before broke off.
    fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let begin = if self.is_torn { "\n" } else { "" };
        let text = format!("{begin}{}{}", self.owed, line(entry)?);
        self.is_torn = true;
        self.log.write_all(text.as_bytes())?;
        self.is_torn = false;
        self.owed.clear();
        Ok(())
    }
}

fn line(entry: &Entry) -> io::Result<String> {
    Ok(serde_json::to_string(entry)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    #[test]
    fn what_was_written_and_not_removed_is_remembered_over_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        assert_eq!(read(&work, "ana", "demo").unwrap(), Earlier::Nothing);
        let mut manifest =
            Manifest::begin(&work, "ana", "demo", BTreeSet::from([name("/a")])).unwrap();
        manifest.wrote(&name("/b")).unwrap();
        manifest.wrote(&name("/c")).unwrap();
        manifest.removed(&name("/a")).unwrap();
        manifest.log.write_all(b"{\"wrote\":\"/tor").unwrap();
        drop(manifest);
        assert_eq!(
            read(&work, "ana", "demo").unwrap(),
            Earlier::Same(BTreeSet::from([name("/b"), name("/c")]))
        );
        assert_eq!(
            read(&work, "ana", "other").unwrap(),
            Earlier::Other("ana/demo".into())
        );
    }

    #[test]
    fn what_follows_a_line_that_could_not_be_written_is_on_a_line_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        let mut manifest =
            Manifest::begin(&work, "ana", "demo", BTreeSet::from([name("/a")])).unwrap();
        // Half a line gets through, up to the middle of a character, and then no more: a file that
        // is open for reading takes nothing.
        manifest.log.write_all(b"{\"wrote\":\"/t\xc3").unwrap();
        let readable = File::open(dir.path().join(LOG)).unwrap();
        let log = std::mem::replace(&mut manifest.log, readable);
        assert!(manifest.wrote(&name("/t\u{e4}")).is_err());
        assert!(manifest.removed(&name("/a")).is_err());
        assert!(!manifest.holds(&name("/a")));
        manifest.log = log;
        manifest.wrote(&name("/b")).unwrap();
        manifest.wrote(&name("/c")).unwrap();
        drop(manifest);
        assert_eq!(
            read(&work, "ana", "demo").unwrap(),
            Earlier::Same(BTreeSet::from([name("/b"), name("/c")]))
        );
    }

    #[test]
    fn a_record_that_somebody_tampered_with_names_nothing_outside() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        let header = r#"{"version":1,"streamer":"ana","project":"demo"}"#;
        std::fs::write(
            dir.path().join(LOG),
            format!("{header}\n{{\"wrote\":\"/../x\"}}\n{{\"wrote\":\"/.git/config\"}}\n"),
        )
        .unwrap();
        assert_eq!(
            read(&work, "ana", "demo").unwrap(),
            Earlier::Same(BTreeSet::new())
        );
        std::fs::write(dir.path().join(LOG), "nonsense").unwrap();
        assert_eq!(read(&work, "ana", "demo").unwrap(), Earlier::Unreadable);
    }
}
