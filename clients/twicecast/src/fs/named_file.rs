//! Reads a file that the user names: a token, a key, certificates.
//!
//! It may be a regular file, or a pipe such as `<(pass show token)`. Anything else might never end;
//! the command would wait for it, or run out of memory. The server reads the files that its
//! operator names by the same rule.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Result};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

/// The most bytes that are read. No token, key or list of certificates is longer.
const MOST_BYTES: u64 = 1 << 20;

/// How long a program may take to write into a pipe: it may have to ask for a password first.
const PATIENCE: Duration = Duration::from_secs(60);

/// Reads the file or pipe at `path`, if `check` accepts its metadata.
///
/// # Errors
///
/// The system's error or that of `check`; or if it is neither file nor pipe, longer than 1 MiB, or
/// a pipe into which nobody writes.
pub fn read(path: &Path, check: impl FnOnce(&Metadata) -> Result<()>) -> Result<Vec<u8>> {
    read_within(path, PATIENCE, check)
}

fn read_within(
    path: &Path,
    patience: Duration,
    check: impl FnOnce(&Metadata) -> Result<()>,
) -> Result<Vec<u8>> {
    // Without these flags, opening a pipe or a device could wait.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    let about = file.metadata()?;
    let kind = about.file_type();
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() && !kind.is_fifo() {
        let why = "it is a device or a socket, and only files and pipes are read";
        return Err(Error::new(ErrorKind::InvalidInput, why));
    }
    check(&about)?;
    let until = Instant::now() + patience;
    let mut content = Vec::new();
    let mut bounded = (&file).take(MOST_BYTES + 1);
    loop {
        match bounded.read_to_end(&mut content) {
            Ok(_) if content.len() as u64 > MOST_BYTES => {
                return Err(ErrorKind::FileTooLarge.into());
            }
            Ok(_) if content.is_empty() && kind.is_fifo() => {
                let why = "nobody writes into this pipe";
                return Err(Error::new(ErrorKind::UnexpectedEof, why));
            }
            Ok(_) => return Ok(content),
            Err(error) if error.kind() == ErrorKind::WouldBlock => wait(&file, until)?,
            Err(error) => return Err(error),
        }
    }
}

/// Waits until more has arrived, or the pipe has ended.
fn wait(pipe: &File, until: Instant) -> Result<()> {
    let left = Timespec::try_from(until.saturating_duration_since(Instant::now()));
    let left = left.map_err(|_| ErrorKind::InvalidInput)?;
    let mut polled = [PollFd::new(pipe, PollFlags::IN)];
    has_come(poll(&mut polled, Some(&left)))
}

/// After a signal the caller looks again, and computes the remaining time again.
fn has_come(polled: rustix::io::Result<usize>) -> Result<()> {
    match polled {
        Ok(0) => {
            let why = "what writes into this pipe does not end";
            Err(Error::new(ErrorKind::TimedOut, why))
        }
        Ok(_) | Err(Errno::INTR) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;
    use crate::fs::make_pipe;

    fn read_any(path: &Path, patience: Duration) -> Result<Vec<u8>> {
        read_within(path, patience, |_| Ok(()))
    }

    #[test]
    fn what_has_no_end_is_refused_at_once_and_not_waited_for() {
        let folder = tempfile::tempdir().unwrap();
        let fifo = folder.path().join("fifo");
        make_pipe(&fifo);
        for (path, why) in [
            (Path::new("/dev/zero"), "a device or a socket"),
            (Path::new("/dev/null"), "a device or a socket"),
            (folder.path(), "is a directory"),
            (&fifo, "nobody writes"),
        ] {
            let error = read_any(path, PATIENCE).unwrap_err().to_string();
            assert!(error.contains(why), "{path:?}: {error}");
        }
        let _writes = File::options().read(true).write(true).open(&fifo);
        let error = read_any(&fifo, Duration::from_millis(50)).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::TimedOut);
    }

    #[test]
    fn a_signal_ends_no_wait_for_a_pipe() {
        assert!(has_come(Err(Errno::INTR)).is_ok());
        let failed = has_come(Err(Errno::INVAL)).expect_err("fails");
        assert_eq!(failed.kind(), ErrorKind::InvalidInput);
    }

    #[test]
    fn a_pipe_is_read_until_it_is_closed() {
        let (read_end, mut write_end) = std::io::pipe().unwrap();
        let writing = std::thread::spawn(move || {
            for _ in 0..10_000 {
                write_end.write_all(b"0123456789").unwrap();
            }
        });
        let fd = std::os::fd::AsRawFd::as_raw_fd(&read_end);
        let text = read_any(Path::new(&format!("/dev/fd/{fd}")), PATIENCE).unwrap();
        assert_eq!(text.len(), 100_000);
        writing.join().unwrap();
    }

    #[test]
    fn a_file_has_at_most_1_mib() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        for (bytes, is_taken) in [(0, true), (1 << 20, true), ((1 << 20) + 1, false)] {
            std::fs::write(&path, vec![b' '; bytes]).unwrap();
            let text = read_any(&path, PATIENCE);
            assert_eq!(text.is_ok_and(|text| text.len() == bytes), is_taken);
        }
    }
}
