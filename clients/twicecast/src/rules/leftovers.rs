//! Files that editors and systems leave next to a project's files: unsaved text, copies from before
//! the last save, locks and litter. None of them is sent.

use std::sync::LazyLock;

use crate::rules::patterns::{Case, Patterns};

/// Names in git's syntax, in any case, and what they are.
const NAMES: &[(&str, &str)] = &[
    // Vim and Neovim; they create `4913` to test a folder.
    (".*.sw[a-z]", VIM),
    ("_*.sw[a-z]", VIM),
    ("*.sw[n-p]", VIM),
    (".sw[a-p]", VIM),
    ("4913", "Vim's test of a folder"),
    // Emacs.
    ("\\#*#", "unsaved text of Emacs"),
    (".#*", "a lock of Emacs"),
    // The usual name for the file before the last save; also the undo files of Vim and Emacs.
    ("*~", "an editor's copy"),
    // JetBrains.
    ("*___jb_tmp___", JETBRAINS),
    ("*___jb_old___", JETBRAINS),
    ("*___jb_bak___", JETBRAINS),
    // Others.
    ("*.kate-swp", "unsaved text of Kate"),
    (".goutputstream-*", "a temporary file of GNOME"),
    ("*.vsctmp", "a temporary file of VS Code"),
    ("*.bck", "a temporary file of Helix"),
    ("*.autosave", "unsaved text of an editor"),
    ("*.autosav", "unsaved text of an editor"),
    ("*.save", "unsaved text of nano"),
    ("*.save.[0-9]*", "unsaved text of nano"),
    ("DEADJOE", "unsaved text of JOE"),
    ("ed.hup", "unsaved text of ed"),
    (".~lock.*#", "a lock of an office program"),
    ("~$*", "a lock of an office program"),
    ("~WRL*.tmp", "a temporary file of an office program"),
    // Content of deleted files, kept by file systems.
    (".fuse_hidden*", "a deleted file that is still open"),
    (".nfs[0-9a-f]*[0-9a-f]", "a deleted file that is still open"),
    (".Trash-*/", TRASH),
    (".Trash/", TRASH),
    (".Trashes", TRASH),
    ("$RECYCLE.BIN/", TRASH),
    // Litter.
    (".DS_Store", LITTER),
    ("._*", LITTER),
    (".AppleDouble", LITTER),
    (".LSOverride", LITTER),
    (".Spotlight-V100", LITTER),
    (".fseventsd", LITTER),
    (".DocumentRevisions-V100", LITTER),
    (".TemporaryItems", LITTER),
    ("__MACOSX/", LITTER),
    ("Thumbs.db", LITTER),
    ("Thumbs.db:encryptable", LITTER),
    ("ehthumbs.db", LITTER),
    ("desktop.ini", LITTER),
    ("System Volume Information/", LITTER),
];

const VIM: &str = "unsaved text of Vim";
const JETBRAINS: &str = "a temporary file of a JetBrains editor";
const TRASH: &str = "a bin with deleted files";
const LITTER: &str = "litter of the system";

/// What left a file or folder with this full name next to those of the project, if it is such a
/// leftover.
pub fn leftover(full: &str, is_folder: bool) -> Option<&'static str> {
    static PATTERNS: LazyLock<Patterns> = LazyLock::new(|| {
        let lines: Vec<_> = NAMES.iter().map(|(pattern, _)| *pattern).collect();
        Patterns::read(lines.join("\n").as_bytes(), Case::Folded)
    });
    let found = PATTERNS.decide(full.trim_start_matches('/'), is_folder)?;
    NAMES.get(found.line - 1).map(|(_, what)| *what)
}

/// The full name of the file that this looks like a copy of, if it does: the verdict about that
/// file also applies to the copy.
pub fn original(full: &str) -> Option<String> {
    const ENDINGS: [&str; 7] = [".bak", ".backup", ".orig", ".old", ".save", ".tmp", ".new"];
    let (folder, leaf) = full.rsplit_once('/')?;
    let plain = ENDINGS.iter().find_map(|ending| leaf.strip_suffix(ending));
    let plain = plain.filter(|plain| !plain.is_empty())?;
    Some(format!("{folder}/{plain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_editors_and_systems_leave_is_known_by_its_name_with_or_without_its_original() {
        for name in [
            "/.main.rs.swp",
            "/.main.rs.swo",
            "/..env.swp",
            "/.env.swp",
            "/.swp",
            "/_main.rs.swp",
            "/main.swp",
            "/.main.rs.un~",
            "/main.rs~",
            "/main.rs.~undo-tree~",
            "/.main.rs.~undo-tree~",
            "/#main.rs#",
            "/.#main.rs",
            "/.main.rs.kate-swp",
            "/main.rs.kate-swp",
            "/4913",
            "/main.rs___jb_tmp___",
            "/main.rs___jb_old___",
            "/main.rs___jb_bak___",
            "/.~lock.talk.odp#",
            "/~$talk.pptx",
            "/.goutputstream-A1B2C3",
            "/a/.DS_Store",
            "/a/Thumbs.db",
            "/a/THUMBS.DB",
            "/a/desktop.ini",
            "/a/._main.rs",
            "/.fuse_hidden0000001200000001",
            "/.nfs00000000014a2e2f00000001",
            "/main.rs.vsctmp",
        ] {
            assert!(leftover(name, false).is_some(), "{name}");
        }
        assert!(leftover("/.Trash-1000", true).is_some());
        for name in [
            "/src/main.rs",
            "/.env",
            "/logo.svg",
            "/.logo.svg",
            "/intro.swf",
            "/#notes",
            "/49131",
            "/.nfsrc",
            "/_static.js",
            "/thumbs",
            "/Desktop.init",
            "/.swcrc",
            "/~/x",
        ] {
            assert_eq!(leftover(name, false), None, "{name}");
        }
        assert!(NAMES.iter().all(|(pattern, _)| {
            Patterns::read(pattern.as_bytes(), Case::Folded)
                .unusable()
                .is_empty()
        }));
    }

    #[test]
    fn a_copy_that_somebody_has_put_aside_is_known_by_its_name() {
        for (copy, of) in [
            ("/server.key.bak", Some("/server.key")),
            ("/a/.env.old", Some("/a/.env")),
            ("/src/main.rs", None),
            ("/.bak", None),
        ] {
            assert_eq!(original(copy).as_deref(), of, "{copy}");
        }
    }
}
