//! Reads a file that an operator names: the configuration, or a key.
//!
//! It may be a file or a pipe, such as `<(pass show key)`. Anything else may never end: the program
//! would wait forever, or take all memory.

use std::fs::{File, OpenOptions};
use std::io::{Error, ErrorKind, Read as _, Result};
use std::os::unix::fs::{FileTypeExt as _, OpenOptionsExt as _};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::OFlags;
use rustix::io::Errno;

/// No configuration and no key is longer. A longer file was named by mistake.
const MOST_BYTES: u64 = 1 << 20;

/// How long the program that writes into a pipe may take: it may first ask somebody for a password.
const PATIENCE: Duration = Duration::from_secs(60);

/// The content of the file or pipe at `path`.
///
/// # Errors
/// The system's own errors. Also, that it is neither a file nor a pipe, is longer than 1 MiB, or is
/// a pipe into which nobody writes or that does not end.
pub(super) fn read(path: &str) -> Result<Vec<u8>> {
    read_within(path, PATIENCE)
}

fn read_within(path: &str, patience: Duration) -> Result<Vec<u8>> {
    // Opening a pipe or a device would wait, too.
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY;
    let mut options = OpenOptions::new();
    options.read(true).custom_flags(flags.bits().cast_signed());
    let file = options.open(path)?;
    let kind = file.metadata()?.file_type();
    if kind.is_dir() {
        return Err(ErrorKind::IsADirectory.into());
    }
    if !kind.is_file() && !kind.is_fifo() {
        let why = "it is a device or a socket, and only files and pipes are read";
        return Err(Error::new(ErrorKind::InvalidInput, why));
    }
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

/// Waits until more has come, or the pipe has ended.
fn wait(pipe: &File, until: Instant) -> Result<()> {
    let left = Timespec::try_from(until.saturating_duration_since(Instant::now()));
    let left = left.map_err(|_| ErrorKind::InvalidInput)?;
    let mut polled = [PollFd::new(pipe, PollFlags::IN)];
    has_come(poll(&mut polled, Some(&left)))
}

/// A signal is no error: the caller tries again and waits for the time that is then left.
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
    use std::os::unix::net::UnixListener;

    use rustix::fs::{CWD, FileType, Mode, mknodat};

    use super::*;

    const NO_PATIENCE: Duration = Duration::from_millis(50);

    #[test]
    fn what_has_no_end_is_refused_at_once_and_not_waited_for() {
        let folder = tempfile::tempdir().expect("a folder");
        let fifo = folder.path().join("fifo");
        mknodat(CWD, &fifo, FileType::Fifo, Mode::RUSR | Mode::WUSR, 0).expect("a pipe");
        let socket = folder.path().join("socket");
        let _listener = UnixListener::bind(&socket).expect("a socket");
        let path = |path: &std::path::Path| path.to_str().expect("a text").to_owned();
        for (path, why) in [
            ("/dev/zero".to_owned(), "a device or a socket"),
            ("/dev/random".to_owned(), "a device or a socket"),
            ("/dev/null".to_owned(), "a device or a socket"),
            (path(&socket), "No such device"),
            (path(folder.path()), "is a directory"),
            (path(&fifo), "nobody writes"),
        ] {
            let error = read(&path).expect_err("refused").to_string();
            assert!(error.contains(why), "{path}: {error}");
        }
        let _writes = File::options().read(true).write(true).open(&fifo);
        let error = read_within(&path(&fifo), NO_PATIENCE).expect_err("refused");
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
        let (read_end, mut write_end) = std::io::pipe().expect("a pipe");
        let writing = std::thread::spawn(move || {
            for _ in 0..10_000 {
                write_end.write_all(b"0123456789").expect("written");
            }
        });
        let fd = std::os::fd::AsRawFd::as_raw_fd(&read_end);
        let content = read(&format!("/dev/fd/{fd}")).expect("read");
        assert_eq!(content.len(), 100_000);
        writing.join().expect("written");
    }

    #[test]
    fn a_file_has_at_most_1_mib() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("file");
        for (bytes, is_taken) in [(0, true), (1 << 20, true), ((1 << 20) + 1, false)] {
            std::fs::write(&path, vec![b' '; bytes]).expect("written");
            let content = read(path.to_str().expect("a text"));
            assert_eq!(content.is_ok_and(|text| text.len() == bytes), is_taken);
        }
    }
}
