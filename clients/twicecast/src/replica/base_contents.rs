//! The contents that the files of a clone began with, by hash, in the work folder: an update merges
//! from them. The size is bounded; a file whose content is not kept is merged as if its base were
//! unknown.

use std::fs::File;
use std::io::{self, Read as _};
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::{AtFlags, Mode, fstat, mkdirat, unlinkat};
use rustix::io::Errno;

use crate::fs::sha256::is_hash;
use crate::fs::{dirfd, sha256, whole};

const FOLDER: &str = "bases";
const TEMPORARY: &str = "new";
/// The largest content that is kept, in bytes; a larger one is not merged.
const CONTENT_BYTES_MAX: u64 = 4 << 20;
/// The most bytes of all contents together.
const BYTES_MAX: u64 = 256 << 20;

/// The contents in a work folder.
#[derive(Debug)]
pub struct BaseContents {
    folder: OwnedFd,
    bytes: u64,
}

impl BaseContents {
    /// Opens the contents in a work folder.
    ///
    /// # Errors
    ///
    /// The system's error.
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

    /// Keeps the content of a file, unless it is too large.
    ///
    /// # Errors
    ///
    /// The system's error.
    pub fn keep(&mut self, hash: &str, file: &mut File) -> io::Result<()> {
        let bytes = length(&fstat(&*file)?);
        let is_known = || dirfd::look(&self.folder, hash).map(|stat| stat.is_some());
        if !is_hash(hash)
            || bytes > CONTENT_BYTES_MAX
            || self.bytes + bytes > BYTES_MAX
            || is_known()?
        {
            return Ok(());
        }
        let mut content = Vec::new();
        file.take(CONTENT_BYTES_MAX).read_to_end(&mut content)?;
        // If the file is changing at this moment, this is not the content with that hash.
        if sha256::of(&content) != hash {
            return Ok(());
        }
        whole::write_in(&self.folder, TEMPORARY, hash, &content)?;
        self.bytes += bytes;
        Ok(())
    }

    /// The content with that hash, if it was kept and is still the same.
    pub fn read(&self, hash: &str) -> Option<Vec<u8>> {
        let file = is_hash(hash).then(|| dirfd::open_file(&self.folder, hash))?;
        let mut content = Vec::new();
        file.ok()?
            .take(CONTENT_BYTES_MAX)
            .read_to_end(&mut content)
            .ok()?;
        (sha256::of(&content) == hash).then_some(content)
    }

    /// Removes contents that are no longer needed. What cannot be removed stays.
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

fn length(stat: &rustix::fs::Stat) -> u64 {
    u64::try_from(stat.st_size).unwrap_or(0)
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
            bases.keep(&sha256::of(content), &mut file).unwrap();
            let kept = bases.read(&sha256::of(content));
            assert_eq!(kept.is_some(), content.len() < large.len());
        }
        let mut file = File::open(dir.path().join("f")).unwrap();
        bases.keep("../x", &mut file).unwrap();
        assert_eq!(bases.read("../x"), None);
        fs::write(dir.path().join(FOLDER).join(sha256::of(b"two")), "other").unwrap();
        let mut again = BaseContents::new(&work).unwrap();
        assert_eq!(again.bytes, 8);
        assert_eq!(again.read(&sha256::of(b"two")), None);
        again.keep_only(|sha256| sha256 == sha256::of(b"one"));
        assert_eq!(
            (again.bytes, again.read(&sha256::of(b"one"))),
            (3, Some(b"one".to_vec()))
        );
        assert_eq!(fs::read_dir(dir.path().join(FOLDER)).unwrap().count(), 1);
    }
}
