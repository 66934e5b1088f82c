//! Writes the record of a folder: a log to which lines are appended, and which is rewritten when it
//! has become long.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, openat, renameat, unlinkat};
use rustix::io::Errno;

use crate::names::FileName;
use crate::replica::record::{
    Entry, Files, Header, LOG, Record, VERSION, Written, WroteLine, note,
};

const NEW_LOG: &str = "manifest.new";
/// A log is rewritten when it has twice as many lines as files, and at least this many.
const LINES_MIN: usize = 10_000;

/// The record, open for appending.
#[derive(Debug)]
pub struct Manifest {
    work: OwnedFd,
    record: Record,
    log: File,
    lines: usize,
    /// Whether the log may end in an incomplete line.
    is_torn: bool,
    /// Lines about changes that were made but could not be recorded; they are written before the
    /// next line. Without them, a later run could take a file that is not ours for ours, or the
    /// reverse.
    owed: String,
}

impl Manifest {
    /// Starts a log with a record. It replaces an earlier log completely or not at all.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn begin(work: impl AsFd, mut record: Record) -> io::Result<Self> {
        record.header.version = VERSION;
        let work = rustix::io::fcntl_dupfd_cloexec(work, 0)?;
        let log = begin_log(&work, &record)?;
        Ok(Self {
            work,
            lines: record.files.len(),
            record,
            log,
            is_torn: false,
            owed: String::new(),
        })
    }

    /// The project that the folder is a copy of.
    pub fn header(&self) -> &Header {
        &self.record.header
    }

    /// The files that were written.
    pub fn files(&self) -> &Files {
        &self.record.files
    }

    /// Whether a file of that name was written.
    pub fn holds(&self, name: &FileName) -> bool {
        self.record.files.contains_key(name)
    }

    /// Whether a content with that hash was written under that name.
    pub fn wrote_content(&self, name: &FileName, sha256: &str) -> bool {
        let written = self.record.files.get(name);
        written.is_some_and(|written| written.is(sha256))
    }

    /// Notes that a file is about to be written, or is there already.
    ///
    /// # Errors
    ///
    /// The system's error; then the file must not be written.
    pub fn wrote(&mut self, name: &FileName, sha256: &str, executable: bool) -> io::Result<()> {
        let known = self.record.files.get(name);
        if known.is_some_and(|known| (&*known.sha256, known.executable) == (sha256, executable)) {
            return Ok(());
        }
        self.append(&wrote_line(name, sha256, executable))?;
        note(
            &mut self.record.files,
            name.clone(),
            sha256.to_owned(),
            executable,
        );
        self.compact();
        Ok(())
    }

    /// Notes that a file is gone, or is not ours.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn removed(&mut self, name: &FileName) -> io::Result<()> {
        if self.record.files.remove(name).is_some() {
            let entry = Entry::Removed(name.as_str().to_owned());
            if let Err(error) = self.append(&entry) {
                self.owed += &line(&entry)?;
                return Err(error);
            }
            self.compact();
        }
        Ok(())
    }

    /// Takes back that a file is about to be written: the previous file is still there.
    ///
    /// # Errors
    ///
    /// The system's error; then the line is written together with the next one.
    pub fn restore(&mut self, name: &FileName, before: Option<Written>) -> io::Result<()> {
        let Some(before) = before else {
            return self.removed(name);
        };
        let entry = wrote_line(name, &before.sha256, before.executable);
        let appended = self.append(&entry);
        if appended.is_err() {
            self.owed += &line(&entry)?;
        }
        self.record.files.insert(name.clone(), before);
        appended
    }

    /// Notes that the whole project has been written.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn complete(&mut self) -> io::Result<()> {
        self.record.is_complete = true;
        self.append(&Entry::Complete(true))?;
        self.log.sync_all()
    }

    /// Appends one line. It starts a new line even if the one before is incomplete.
    fn append(&mut self, entry: &Entry) -> io::Result<()> {
        let begin = if self.is_torn { "\n" } else { "" };
        let text = format!("{begin}{}{}", self.owed, line(entry)?);
        self.is_torn = true;
        self.log.write_all(text.as_bytes())?;
        self.is_torn = false;
        self.owed.clear();
        self.lines += 1;
        Ok(())
    }

    /// Rewrites a log that has become long. If that fails, it keeps growing.
    fn compact(&mut self) {
        if self.lines > LINES_MIN.max(2 * self.record.files.len()) {
            self.lines = 0;
            if let Ok(log) = begin_log(&self.work, &self.record) {
                (self.log, self.is_torn, self.owed) = (log, false, String::new());
                self.lines = self.record.files.len();
            }
        }
    }
}

fn begin_log(work: &OwnedFd, record: &Record) -> io::Result<File> {
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
    let log = File::from(openat(work, NEW_LOG, flags, Mode::from_raw_mode(0o600))?);
    let mut out = io::BufWriter::new(&log);
    let header = serde_json::to_string(&record.header)? + "\n";
    out.write_all(header.as_bytes())?;
    for (name, written) in &record.files {
        let Written {
            sha256,
            executable,
            earlier,
        } = written;
        if !earlier.is_empty() {
            out.write_all(line(&wrote_line(name, earlier, *executable))?.as_bytes())?;
        }
        out.write_all(line(&wrote_line(name, sha256, *executable))?.as_bytes())?;
    }
    if record.is_complete {
        out.write_all(line(&Entry::Complete(true))?.as_bytes())?;
    }
    out.flush()?;
    drop(out);
    renameat(work, NEW_LOG, work, LOG)?;
    Ok(log)
}

fn wrote_line(name: &FileName, sha256: &str, executable: bool) -> Entry {
    Entry::Wrote(WroteLine::Content {
        name: name.as_str().to_owned(),
        sha256: sha256.to_owned(),
        executable,
    })
}

fn line(entry: &Entry) -> io::Result<String> {
    Ok(serde_json::to_string(entry)? + "\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fs::dirfd;
    use crate::replica::record::{Earlier, Kind, read};

    fn name(text: &str) -> FileName {
        FileName::parse(text).unwrap()
    }

    fn begin(work: &OwnedFd, kind: Kind) -> Manifest {
        let record = Record {
            header: Header::new(kind, "ws://h", "ana", "demo"),
            files: Files::new(),
            is_complete: false,
        };
        Manifest::begin(work, record).unwrap()
    }

    fn found(work: &OwnedFd) -> Record {
        match read(work).unwrap() {
            Earlier::Found(record) => record,
            other => panic!("{other:?}"),
        }
    }

    fn names(record: &Record) -> Vec<&str> {
        record.files.keys().map(FileName::as_str).collect()
    }

    #[test]
    fn what_was_written_and_not_removed_is_remembered_over_a_crash() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        assert_eq!(read(&work).unwrap(), Earlier::Nothing);
        let mut manifest = begin(&work, Kind::Clone);
        manifest.wrote(&name("/a"), "1", false).unwrap();
        manifest.wrote(&name("/b"), "1", false).unwrap();
        manifest.wrote(&name("/c"), "1", true).unwrap();
        manifest.wrote(&name("/c"), "2", true).unwrap();
        manifest.removed(&name("/a")).unwrap();
        manifest.log.write_all(b"{\"wrote\":\"/tor").unwrap();
        drop(manifest);
        // It is not known whether the last content was put in place, so both count as ours, also
        // after another start.
        for _ in 0..2 {
            let record = found(&work);
            assert_eq!(
                (record.header.kind, record.is_complete),
                (Kind::Clone, false)
            );
            assert_eq!(names(&record), ["/b", "/c"]);
            let c = &record.files[&name("/c")];
            assert!(c.is("1") && c.is("2") && !c.is("3") && !c.is("") && c.executable);
            Manifest::begin(&work, record).unwrap();
        }
        let mut manifest = Manifest::begin(&work, found(&work)).unwrap();
        manifest.complete().unwrap();
        assert!(found(&work).is_complete);
    }

    #[test]
    fn what_was_not_written_after_all_leaves_what_was_there_before_as_ours() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        let mut manifest = begin(&work, Kind::Mirror);
        manifest.wrote(&name("/a"), "here", false).unwrap();
        for failing in ["1", "2", "3"] {
            let before = manifest.files().get(&name("/a")).cloned();
            manifest.wrote(&name("/a"), failing, true).unwrap();
            manifest.restore(&name("/a"), before).unwrap();
        }
        manifest.wrote(&name("/new"), "1", false).unwrap();
        manifest.restore(&name("/new"), None).unwrap();
        assert!(manifest.wrote_content(&name("/a"), "here"));
        drop(manifest);
        let record = found(&work);
        assert_eq!(names(&record), ["/a"]);
        let a = &record.files[&name("/a")];
        assert!(a.is("here") && !a.executable);
    }

    #[test]
    fn a_log_that_only_grows_is_written_anew() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        let mut manifest = begin(&work, Kind::Mirror);
        for round in 0..=LINES_MIN {
            manifest
                .wrote(&name("/a"), &format!("{round}"), false)
                .unwrap();
        }
        manifest.wrote(&name("/b"), "1", false).unwrap();
        let lines = std::fs::read_to_string(dir.path().join(LOG)).unwrap();
        assert!(lines.lines().count() < 10, "{lines}");
        assert!(found(&work).files[&name("/a")].is(&format!("{LINES_MIN}")));
    }

    #[test]
    fn what_follows_a_line_that_could_not_be_written_is_on_a_line_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        let mut manifest = begin(&work, Kind::Mirror);
        manifest.wrote(&name("/a"), "1", false).unwrap();
        // Half a line is written, up to the middle of a character, and then nothing more: a file
        // that is open only for reading cannot be written to.
        manifest.log.write_all(b"{\"wrote\":\"/t\xc3").unwrap();
        let readable = File::open(dir.path().join(LOG)).unwrap();
        let log = std::mem::replace(&mut manifest.log, readable);
        assert!(manifest.wrote(&name("/t\u{e4}"), "1", false).is_err());
        assert!(manifest.removed(&name("/a")).is_err());
        assert!(!manifest.holds(&name("/a")));
        manifest.log = log;
        manifest.wrote(&name("/b"), "1", false).unwrap();
        manifest.wrote(&name("/c"), "1", false).unwrap();
        drop(manifest);
        assert_eq!(names(&found(&work)), ["/b", "/c"]);
    }
}
