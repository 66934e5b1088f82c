//! Folders and their files.

use std::fs::{Permissions, set_permissions};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::Files;

/// All files below a folder, named as in the protocol, without symbolic links and the mirror's own
/// records. A file that disappears in between is left out.
pub fn tree(dir: &Path) -> Files {
    fn walk(dir: &Path, path: &str, files: &mut Files) {
        for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
            let name = format!("{path}/{}", entry.file_name().to_str().unwrap());
            match entry.file_type() {
                Ok(kind) if kind.is_dir() && name != "/.twicecast-mirror" => {
                    walk(&entry.path(), &name, files);
                }
                Ok(kind) if kind.is_file() => {
                    files.extend(std::fs::read(entry.path()).map(|content| (name, content)));
                }
                _ => {}
            }
        }
    }
    let mut files = Files::new();
    walk(dir, "", &mut files);
    files
}

/// Writes files below a folder.
pub fn write(dir: &Path, files: &Files) {
    for (name, content) in files {
        let path = dir.join(&name[1..]);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, content).unwrap();
    }
}

pub fn files(of: &[(&str, &[u8])]) -> Files {
    of.iter()
        .map(|(name, content)| ((*name).to_owned(), content.to_vec()))
        .collect()
}

/// Sets the permissions of a file.
pub fn set_mode(path: &Path, mode: u32) {
    set_permissions(path, Permissions::from_mode(mode)).unwrap();
}
