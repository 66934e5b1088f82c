//! Looks at the folder as `share` would, and sends nothing.

use std::io::Read as _;
use std::os::fd::OwnedFd;
use std::path::Path;
use std::sync::Arc;
use std::thread::sleep;

use rustix::fs::FileType;

use crate::commands::doctor::folder::{FILE_BYTES_MAX, FolderSeen};
use crate::fs::dirfd;
use crate::names::shown;
use crate::platform;
use crate::publish::dirty::Dirty;
use crate::publish::look::{Found, look};
use crate::publish::precheck::question_of_home;
use crate::publish::shared_folder;
use crate::publish::watcher::Watching;
use crate::rules::memory::SETTLING;
use crate::rules::patterns::{Case, Patterns};
use crate::rules::{RULE_FILES, Rules, Verdict};

/// The rule file that is written for sharing; lines of other rule files are often meant for other
/// machines.
const OWN_RULES: &str = ".tcignore";

/// The most files whose contents are searched.
const LOOKED_INTO_MAX: usize = 20_000;

/// The same limit as in the rules, in bytes.
const RULE_FILE_BYTES_MAX: u64 = 1 << 20;

/// How often the search is repeated while rules are being written.
const ROUNDS_MAX: usize = 20;

/// Examines a folder.
///
/// # Errors
///
/// A sentence, if the folder cannot be shared at all.
pub fn folder(dir: &Path, allow: &[String]) -> Result<FolderSeen, String> {
    let root = shared_folder::open(dir).map_err(|failure| failure.to_string())?;
    let plain = std::fs::canonicalize(dir).map_err(|error| error.to_string())?;
    let home = std::env::var_os("HOME");
    let mut seen = FolderSeen {
        home: question_of_home(&plain, home.as_deref().map(Path::new)),
        watches_max: platform::watches_max(),
        ..FolderSeen::default()
    };
    let own = dirfd::open_below(&root, "").map_err(|error| error.to_string())?;
    let rules = match Rules::new(dir, own, allow) {
        Ok(rules) => rules,
        Err(failure) => {
            seen.rules_unreadable.push(failure.to_string());
            return Ok(seen);
        }
    };
    let (found, folders) = settled(&root, &rules);
    seen.folders = folders.len() as u64;
    seen.notices = rules.notices();
    sizes(&found, &mut seen);
    left_out(&found, &mut seen);
    contents(&root, &rules, &found, &mut seen);
    idle(&root, &found, &folders, &mut seen);
    seen.watch_trouble = watch_trouble(&plain, &folders);
    Ok(seen)
}

fn settled(root: &OwnedFd, rules: &Rules) -> (Found, Vec<String>) {
    let mut rounds = 0;
    loop {
        let mut folders = Vec::new();
        let found = look(root, rules, "", |folder| {
            folders.push(folder.to_owned());
            true
        });
        rounds += 1;
        let mut verdicts = found.left_out.values();
        if rounds == ROUNDS_MAX || !verdicts.any(|verdict| *verdict == Verdict::Settling) {
            return (found, folders);
        }
        sleep(SETTLING);
    }
}

fn sizes(found: &Found, seen: &mut FolderSeen) {
    seen.files = found.files.len();
    for (name, fingerprint) in &found.files {
        seen.bytes = seen.bytes.saturating_add(fingerprint.size);
        if fingerprint.size > FILE_BYTES_MAX {
            seen.too_large.push(name.to_string());
        }
    }
}

fn left_out(found: &Found, seen: &mut FolderSeen) {
    for (path, verdict) in &found.left_out {
        match verdict {
            Verdict::Secret(_) => seen.secrets.push(path.clone()),
            Verdict::Unknown(why) => seen.rules_unreadable.push(why.clone()),
            _ => {}
        }
    }
    let unreadable = found.unreadable.iter();
    seen.unreadable = unreadable
        .map(|(path, why)| format!("{path}: {why}"))
        .collect();
}

/// Searches the contents of the files for secrets.
fn contents(root: &OwnedFd, rules: &Rules, found: &Found, seen: &mut FolderSeen) {
    for name in found.files.keys().take(LOOKED_INTO_MAX) {
        match rules.judge_contents(root, name) {
            Ok(Verdict::Holds(_)) => seen.secrets.push(name.to_string()),
            Ok(_) => {}
            Err(error) => seen.unreadable.push(format!("{name}: {error}")),
        }
    }
    seen.not_looked_into = found.files.len().saturating_sub(LOOKED_INTO_MAX);
}

/// Finds the lines of rule files that match nothing in the folder.
fn idle(root: &OwnedFd, found: &Found, folders: &[String], seen: &mut FolderSeen) {
    let files = found
        .files
        .keys()
        .map(|name| (name.as_str().to_owned(), false));
    let left_out = found.left_out.keys();
    let left_out = left_out.map(|path| (path.clone(), is_folder(root, path)));
    let folder = folders.iter().map(|path| (path.clone(), true));
    let paths: Vec<_> = files.chain(left_out).chain(folder).collect();
    for folder in folders {
        for file in RULE_FILES {
            let Some(patterns) = read(root, folder, file) else {
                continue;
            };
            let below = paths.iter().filter_map(|(path, is_folder)| {
                let below = path.strip_prefix(folder)?.strip_prefix('/')?;
                Some((below, *is_folder))
            });
            let idle = patterns.idle(&below.collect::<Vec<_>>());
            if file == OWN_RULES {
                seen.idle.extend(idle.iter().map(|pattern| {
                    let place = format!("{folder}/{file}");
                    let place = place.trim_start_matches('/');
                    format!("{place}, line {}: {}", pattern.line, shown(&pattern.text))
                }));
            } else {
                seen.idle_elsewhere += idle.len();
            }
        }
    }
}

fn is_folder(root: &OwnedFd, path: &str) -> bool {
    let (above, name) = path.rsplit_once('/').unwrap_or_default();
    let found = dirfd::open_below(root, above).and_then(|folder| dirfd::look(folder, name));
    matches!(found, Ok(Some(stat)) if dirfd::kind(&stat) == FileType::Directory)
}

fn read(root: &OwnedFd, folder: &str, file: &str) -> Option<Patterns> {
    let folder = dirfd::open_below(root, folder).ok()?;
    let opened = dirfd::open_file(&folder, file).ok()?;
    let mut bytes = Vec::new();
    opened
        .take(RULE_FILE_BYTES_MAX)
        .read_to_end(&mut bytes)
        .ok()?;
    Some(Patterns::read(&bytes, Case::default()))
}

/// Watches all folders for a moment, as `share` does for as long as it runs.
fn watch_trouble(root: &Path, folders: &[String]) -> Option<String> {
    let mut watching = Watching::start(root, Arc::new(Dirty::default()));
    for folder in folders {
        watching.folder(folder);
    }
    watching.trouble()
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    fn write(dir: &Path, name: &str, text: &str) {
        let path = dir.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    #[test]
    fn a_folder_is_looked_at_as_it_would_be_shared() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        write(dir, "src/main.rs", "fn main() {}");
        write(dir, "src/deep/a.txt", "12345");
        write(dir, ".env", "x=1");
        let body = "MIIEpAIBAAKCAQEA7bq9Yf0uT1xJk3Zs8wRcVd2LhGmN5pQvEoXiKyUtBjFsWaDz";
        let key = format!("-----BEGIN RSA PRIVATE KEY-----\n{body}\n");
        write(dir, "key.txt", &key);
        write(dir, "build/out", "x");
        write(dir, ".gitignore", "*.pyc\nbuild/\n");
        write(
            dir,
            ".tcignore",
            "# mine\nsecrte.txt\n*.txt.bak\nsrc/deep/b*\n!a.txt\n[z-a]\n",
        );
        write(dir, "src/.tcignore", "main.rs\n/deep/a.*\nnothing\n");
        let seen = folder(dir, &[]).unwrap();
        assert_eq!(seen.secrets, ["/.env", "/key.txt"]);
        assert_eq!(seen.idle_elsewhere, 1, "*.pyc");
        assert_eq!(
            seen.idle,
            [
                ".tcignore, line 2: secrte.txt",
                ".tcignore, line 3: *.txt.bak",
                ".tcignore, line 4: src/deep/b*",
                ".tcignore, line 6: [z-a]",
                "src/.tcignore, line 3: nothing",
            ]
        );
        assert_eq!(seen.notices.len(), 1, "{:?}", seen.notices);
        assert_eq!((seen.folders, seen.watch_trouble), (3, None));
        assert!(seen.rules_unreadable.is_empty() && seen.unreadable.is_empty());
        assert_eq!(seen.home, None);
    }

    #[test]
    fn what_is_large_or_cannot_be_told_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let dir = dir.path();
        write(dir, "small", "x");
        let large = fs::File::create(dir.join("large")).unwrap();
        large.set_len(FILE_BYTES_MAX + 1).unwrap();
        fs::create_dir_all(dir.join("src/.ignore")).unwrap();
        let seen = folder(dir, &[]).unwrap();
        assert_eq!(seen.too_large, ["/large"]);
        assert_eq!((seen.files, seen.bytes), (2, FILE_BYTES_MAX + 2));
        assert_eq!(seen.rules_unreadable.len(), 1, "{seen:?}");
        assert!(folder(&dir.join("none"), &[]).is_err());
        assert!(folder(&dir.join("small"), &[]).is_err());
    }
}
