//! Values by the path of a file, and the folders that the paths imply.

use std::collections::{BTreeMap, btree_map};
use std::ops::{Bound, Deref, DerefMut};

use super::file_path::FilePath;

/// Values by file path, in byte order of the paths.
///
/// A folder exists if a path lies below it; nothing else is kept about folders. Each method that
/// takes a path takes time proportional to its depth and to the logarithm of the map's size.
#[derive(Debug)]
pub(super) struct PathMap<V>(BTreeMap<FilePath, V>);

impl<V> Default for PathMap<V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<V> Deref for PathMap<V> {
    type Target = BTreeMap<FilePath, V>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl<V> DerefMut for PathMap<V> {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

impl<V> PathMap<V> {
    /// Whether a path lies below `folder`.
    pub fn is_folder(&self, folder: &FilePath) -> bool {
        self.has_below(&format!("{folder}/"))
    }

    /// Whether a file at `path` is impossible: a file exists where a folder is needed, or files
    /// exist below the path. A file at `path` itself does not count.
    pub fn has_conflict(&self, path: &FilePath) -> bool {
        let mut folders = path.folders();
        folders.any(|folder| self.0.contains_key(&folder[..folder.len() - 1]))
            || self.is_folder(path)
    }

    /// How many of the folders above `path` have nothing below them: those that inserting `path`
    /// will create, or those that removing it has just removed. Zero if `path` is in the map.
    pub fn missing_folders(&self, path: &FilePath) -> u64 {
        let missing = path.folders().take_while(|folder| !self.has_below(folder));
        missing.count() as u64
    }

    /// How many folders there are.
    pub fn count_folders(&self) -> u64 {
        let mut previous = "";
        let mut folders = 0;
        for path in self.0.keys() {
            // The paths of a folder are adjacent, so a folder that the previous path does not share
            // is a new one.
            let is_new = |folder: &&str| !previous.starts_with(folder);
            folders += path.folders().take_while(is_new).count() as u64;
            previous = path.as_str();
        }
        folders
    }

    /// The files below `folder` (`None`: all files), with or without those in its sub-folders, in
    /// byte order of their paths; paths up to and including `after` are skipped.
    pub fn below(
        &self,
        folder: Option<&FilePath>,
        after: Option<&FilePath>,
        recursively: bool,
    ) -> Below<'_, V> {
        let prefix = format!("{}/", folder.map_or("", FilePath::as_str));
        let start = match after {
            Some(after) if after.as_str() > prefix.as_str() => Bound::Excluded(after.as_str()),
            _ => Bound::Included(prefix.as_str()),
        };
        Below {
            range: range_from(&self.0, start),
            paths: &self.0,
            prefix,
            recursively,
        }
    }

    /// Whether a path begins with `folder`, a folder's name with a trailing `/`.
    fn has_below(&self, folder: &str) -> bool {
        let first = range_from(&self.0, Bound::Included(folder)).next();
        first.is_some_and(|(path, _)| path.as_str().starts_with(folder))
    }
}

impl<V> FromIterator<(FilePath, V)> for PathMap<V> {
    fn from_iter<I: IntoIterator<Item = (FilePath, V)>>(values: I) -> Self {
        Self(values.into_iter().collect())
    }
}

/// The files below a folder; see [`PathMap::below`].
pub(super) struct Below<'a, V> {
    paths: &'a BTreeMap<FilePath, V>,
    range: btree_map::Range<'a, FilePath, V>,
    /// The name of the folder with a trailing `/`.
    prefix: String,
    recursively: bool,
}

impl<'a, V> Iterator for Below<'a, V> {
    type Item = (&'a FilePath, &'a V);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (path, value) = self.range.next()?;
            let name = path.as_str().strip_prefix(&self.prefix)?;
            let sub_folder = name.find('/').filter(|_| !self.recursively);
            let Some(end) = sub_folder.map(|slash| self.prefix.len() + slash) else {
                return Some((path, value));
            };
            let sub_folder = &path.as_str()[..=end];
            let next = self.range.clone().next();
            if next.is_none_or(|(next, _)| !next.as_str().starts_with(sub_folder)) {
                // Faster than a search, and a folder may contain many folders of one file.
                continue;
            }
            // All its files begin with its name and `/`, and `0` is the byte after `/`.
            let end = format!("{}0", &sub_folder[..end]);
            self.range = range_from(self.paths, Bound::Included(&end));
        }
    }
}

/// The paths from `start` onwards.
fn range_from<'m, V>(
    paths: &'m BTreeMap<FilePath, V>,
    start: Bound<&str>,
) -> btree_map::Range<'m, FilePath, V> {
    paths.range::<str, _>((start, Bound::Unbounded))
}
