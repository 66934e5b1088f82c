//! What the files of a clone began as, by their hashes, in the work folder: an update merges from
//! there. It is bounded; what is not kept is merged as if nobody knew it.

use std::fs::File;
use std::io::{self, Read as _, Write as _};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, OFlags, fstat, mkdirat, openat, renameat, unlinkat};
use rustix::io::Errno;
use sha2::{Digest as _, Sha256};

use crate::fs::dirfd;

const FOLDER: &str = "bases";
const TEMPORARY: &str = "new";
/// A longer content is not merged, so it is not kept.
const CONTENT_BYTES_MAX: u64 = 4 << 20;
/// All contents together.
const BYTES_MAX: u64 = 256 << 20;

/// The contents.
#[derive(Debug)]
pub struct BaseContents {
    folder: OwnedFd,
    bytes: u64,
}

impl BaseContents {
    /// Those in a work folder.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn new(work: impl AsFd) -> io::Result<Self> {
        match mkdirat(&work, FOLDER, Mode::from_raw_mode(0o700)) {
            Ok(()) | Err(Errno::EXIST) => {}
            Err(error) => return Err(error.into()),
        }
        let folder = dirfd::open_folder(&work, FOLDER)?;
        let mut bytes = 0;
        for entry in dirfd::entries(&folder)? {
            if let Some(stat) = entry.to_str().map(|name| dirfd::look(&folder, name)) {
                bytes += stat?.map_or(0, |stat| length(&stat));
            }
        }
        Ok(Self { folder, bytes })
    }

    /// Keeps the content of a file, unless that is too much.
    ///
    /// # Errors
    ///
    /// The system's own.
    pub fn keep(&mut self, sha256: &str, file: &mut File) -> io::Result<()> {
        let bytes = length(&fstat(&*file)?);
        let is_known = || dirfd::look(&self.folder, sha256).map(|stat| stat.is_some());
        if !is_hash(sha256)
            || bytes > CONTENT_BYTES_MAX
            || self.bytes + bytes > BYTES_MAX
            || is_known()?
        {
            return Ok(());
        }
        let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::TRUNC | OFlags::NOFOLLOW;
        let flags = flags | OFlags::CLOEXEC;
        let mode = Mode::from_raw_mode(0o600);
        let mut content = Vec::new();
        file.take(CONTENT_BYTES_MAX).read_to_end(&mut content)?;
        // A file that is changing just now is not what it was taken for.
        if hash(&content) != sha256 {
            return Ok(());
        }
        File::from(openat(&self.folder, TEMPORARY, flags, mode)?).write_all(&content)?;
        renameat(&self.folder, TEMPORARY, &self.folder, sha256)?;
        self.bytes += bytes;
        Ok(())
    }

    /// The content with that hash, if it was kept and is still what it was.
    pub fn read(&self, sha256: &str) -> Option<Vec<u8>> {
        let file = is_hash(sha256).then(|| dirfd::open_file(&self.folder, sha256))?;
        let mut content = Vec::new();
        file.ok()?
            .take(CONTENT_BYTES_MAX)
            .read_to_end(&mut content)
            .ok()?;
        (hash(&content) == sha256).then_some(content)
    }

    /// Removes what nothing begins with any more. What cannot be removed stays.
    pub fn keep_only(&mut self, is_needed: impl Fn(&str) -> bool) {
        for entry in dirfd::entries(&self.folder).unwrap_or_default() {
            let Some(name) = entry.to_str().filter(|name| !is_needed(name)) else {
                continue;
            };
            let bytes = dirfd::look(&self.folder, name).ok().flatten();
            if unlinkat(&self.folder, name, AtFlags::empty()).is_ok() {
                self.bytes -= bytes.map_or(0, |stat| length(&stat)).min(self.bytes);
            }
        }
    }
}

/// The name of a content: its SHA-256 in lower-case hex.
pub fn hash(content: &[u8]) -> String {
    dirfd::hex(&Sha256::digest(content))
}

fn length(stat: &rustix::fs::Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
}

/// Nothing else may become a file's name here.
fn is_hash(sha256: &str) -> bool {
    sha256.len() == 64 && sha256.bytes().all(|byte| byte.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn a_content_is_found_by_its_hash_as_long_as_it_is_needed_and_right() {
        let dir = tempfile::tempdir().unwrap();
        let work = dirfd::open_root(dir.path()).unwrap();
        let mut bases = BaseContents::new(&work).unwrap();
        let large = vec![b'x'; usize::try_from(CONTENT_BYTES_MAX).unwrap() + 1];
        for content in [&b"one"[..], b"two", b"", &large] {
            fs::write(dir.path().join("f"), content).unwrap();
            let mut file = File::open(dir.path().join("f")).unwrap();
            bases.keep(&hash(content), &mut file).unwrap();
            let kept = bases.read(&hash(content));
            assert_eq!(kept.is_some(), content.len() < large.len());
        }
        let mut file = File::open(dir.path().join("f")).unwrap();
        bases.keep("../x", &mut file).unwrap();
        assert_eq!(bases.read("../x"), None);
        fs::write(dir.path().join(FOLDER).join(hash(b"two")), "other").unwrap();
        let mut again = BaseContents::new(&work).unwrap();
        assert_eq!(again.bytes, 8);
        assert_eq!(again.read(&hash(b"two")), None);
        again.keep_only(|sha256| sha256 == hash(b"one"));
        assert_eq!(
            (again.bytes, again.read(&hash(b"one"))),
            (3, Some(b"one".to_vec()))
        );
        assert_eq!(fs::read_dir(dir.path().join(FOLDER)).unwrap().count(), 1);
    }
}
