//! What a folder of a project holds, in the order in which its files are sent.

use rustix::io::Result;

use crate::adapters::outbound::filesystem::sandbox::folder::Folder;
use crate::domain::FilePath;

/// A file or folder in a folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub name: String,
    pub is_folder: bool,
}

/// The files and folders in `folder` whose names can be a project's, in no order.
pub(crate) fn list(folder: &Folder) -> Result<Vec<Entry>> {
    let entries = folder.list()?.into_iter();
    Ok(entries
        // Whether the whole name is short and shallow enough is seen where it is put together.
        .filter(|(name, _)| FilePath::join(None, name).is_ok())
        .map(|(name, is_folder)| Entry { name, is_folder })
        .collect())
}

/// Sorts entries so that taking them in turn, going into folders on the way, gives the files in
/// byte order of their full names: below a folder every name goes on with `/`, so `d-x` and
/// `d.txt` come before what is in `d`.
pub(crate) fn sort(entries: &mut [Entry]) {
    fn key(entry: &Entry) -> impl Iterator<Item = u8> {
        let slash = entry.is_folder.then_some(b'/');
        entry.name.bytes().chain(slash)
    }
    entries.sort_unstable_by(|a, b| key(a).cmp(key(b)));
}
