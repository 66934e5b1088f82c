//! What of a pull request may be shown and applied: names that `share` would not send are left
//! alone, since what is written there would be sent, or what is there would be mixed into what is.

use std::path::Path;

use crate::failure::Failure;
use crate::fs::dirfd;
use crate::names::{FileName, shown};
use crate::rules::{Rules, Verdict, verdict};

/// The rules of the shared folder.
#[derive(Debug)]
pub struct Policy(Rules);

impl Policy {
    /// The rules of a folder; `allow` has patterns as for `share`.
    pub fn new(dir: &Path, allow: &[String]) -> Result<Self, Failure> {
        let unreadable = |error: std::io::Error| {
            let dir = shown(&dir.to_string_lossy());
            Failure::usage(format!("The folder {dir} cannot be read: {error}."))
        };
        let real = std::fs::canonicalize(dir).map_err(unreadable)?;
        let root = dirfd::open_root(&real).map_err(unreadable)?;
        Ok(Self(Rules::new(&real, root, allow)?))
    }

    /// Why a name is left alone, if it is. It must be called after the file has been read.
    pub async fn refusal(&self, name: &FileName) -> Option<String> {
        match verdict(&self.0, name).await {
            Verdict::Shared => None,
            verdict => Some(verdict.to_string()),
        }
    }
}

/// Whether a file of that name contains rules for what is shared.
pub fn is_rules(name: &FileName) -> bool {
    // Some file systems ignore case.
    Rules::is_rule_file(&name.split().1.to_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_share_leaves_out_is_left_alone_and_rules_just_written_are_waited_for() {
        let dir = tempfile::tempdir().unwrap();
        let policy = Policy::new(dir.path(), &["/.env.example".to_owned()]).unwrap();
        std::fs::write(dir.path().join(".gitignore"), "private*\n").unwrap();
        for (name, taken) in [
            ("/private.txt", false),
            ("/.env", false),
            ("/.env.example", true),
            ("/new/file", true),
        ] {
            let refusal = policy.refusal(&FileName::parse(name).unwrap()).await;
            assert_eq!(refusal.is_none(), taken, "{name}: {refusal:?}");
        }
        let name = FileName::parse("/src/.gitignore").unwrap();
        assert!(is_rules(&name) && is_rules(&FileName::parse("/.GitIgnore").unwrap()));
        assert!(!is_rules(&FileName::parse("/src/a").unwrap()));
    }
}
