//! The folder: what would be shared, what would be held back, and whether it can be watched.

use crate::commands::doctor::finding::Finding;
use crate::commands::doctor::kinds::{
    FILE_TOO_LARGE, FILES_TOO_MANY, FOLDER_IS_HOME, FOLDER_UNREADABLE, FOLDER_UNUSABLE,
    PROJECT_TOO_LARGE, RULE_MATCHES_NOTHING, RULE_UNUSABLE, RULES_UNREADABLE, WATCHES_FEW,
    WATCHES_TIGHT, WATCHES_UNKNOWN,
};
use crate::platform::RAISE_WATCHES;
use crate::ui::output::{counted, first_names, quoted};

/// The server's default limits; it reports neither.
pub const FILE_BYTES_MAX: u64 = 64 << 20;
const FILES_MAX: usize = 100_000;

/// The share of a user's watches that may be used: half of them stay free for other programs.
const WATCHES_SHARE: u64 = 2;

/// What was found in a folder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FolderSeen {
    /// A sentence that says so, if this is a home folder.
    pub home: Option<String>,
    /// How many files would be shared.
    pub files: usize,
    /// How many bytes they have.
    pub bytes: u64,
    /// How many folders would be watched.
    pub folders: u64,
    /// The files that are larger than most servers accept.
    pub too_large: Vec<String>,
    /// The files that are held back as secrets.
    pub secrets: Vec<String>,
    /// How many files were not searched for secrets, because there are too many.
    pub not_looked_into: usize,
    /// What cannot be read, and why.
    pub unreadable: Vec<String>,
    /// The rule files that cannot be read, and why.
    pub rules_unreadable: Vec<String>,
    /// Sentences about lines of rule files that cannot mean what they seem to mean.
    pub notices: Vec<String>,
    /// The lines of `.tcignore` files that match nothing, each with its file and line.
    pub idle: Vec<String>,
    /// How many lines of other rule files match nothing.
    pub idle_elsewhere: usize,
    /// Why the folders cannot be watched, if that is so.
    pub watch_trouble: Option<String>,
    /// How many folders one user may watch; `None` if the system does not say.
    pub watches_max: Option<u64>,
}

/// Judges what was found. `bytes_max` is the most that the server accepts for the project, if it
/// has said so.
pub fn check(seen: &Result<FolderSeen, String>, bytes_max: Option<u64>) -> Vec<Finding> {
    match seen {
        Ok(seen) => {
            let mut findings = rules(seen);
            findings.extend(size(seen, bytes_max));
            findings.push(watches(seen));
            findings
        }
        Err(why) => {
            let cure = "give the folder of your project";
            vec![Finding::of(FOLDER_UNUSABLE, why, cure)]
        }
    }
}

fn rules(seen: &FolderSeen) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Some(home) = &seen.home {
        findings.push(Finding::of(
            FOLDER_IS_HOME,
            home,
            "give the folder of your project",
        ));
    }
    if let Some(first) = seen.unreadable.first() {
        let count = counted(seen.unreadable.len(), "place");
        findings.push(Finding::of(
            FOLDER_UNREADABLE,
            &format!("{count} cannot be read, and what is there is not shared: {first}"),
            "`chmod u+r` it, or leave it out by a line in .tcignore",
        ));
    }
    for why in &seen.rules_unreadable {
        findings.push(Finding::of(
            RULES_UNREADABLE,
            why,
            "mend that file, or remove it",
        ));
    }
    for notice in &seen.notices {
        findings.push(Finding::of(RULE_UNUSABLE, notice, "correct the line"));
    }
    if !seen.idle.is_empty() {
        let lines = counted(seen.idle.len(), "line");
        let first = first_names(&seen.idle);
        findings.push(Finding::of(
            RULE_MATCHES_NOTHING,
            &format!("{lines} of .tcignore match nothing: {first}"),
            "look for a slip; `twicecast why FILE` says which rule decides",
        ));
    }
    if findings.is_empty() {
        let says = match seen.idle_elsewhere {
            0 => "every rule can be read".to_owned(),
            idle => format!(
                "every rule can be read; {} of .gitignore and .ignore match nothing here, as is \
                 usual",
                counted(idle, "line")
            ),
        };
        findings.push(Finding::ok("rules", &says));
    }
    findings.push(secrets(seen));
    findings
}

fn secrets(seen: &FolderSeen) -> Finding {
    let mut says = match seen.secrets.first() {
        None => "nothing looks like a secret".to_owned(),
        Some(first) => format!(
            "{} held back, since they look like secrets; `twicecast why {}` tells about the first",
            counted(seen.secrets.len(), "file"),
            quoted(first)
        ),
    };
    if seen.not_looked_into > 0 {
        let files = counted(seen.not_looked_into, "file");
        says = format!("{says}; {files} were judged by name alone, as there are so many");
    }
    Finding::ok("secrets", &says)
}

fn size(seen: &FolderSeen, bytes_max: Option<u64>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let by_rule = "leave something out by a line in .tcignore";
    if !seen.too_large.is_empty() {
        let (count, first) = (
            counted(seen.too_large.len(), "file"),
            first_names(&seen.too_large),
        );
        findings.push(Finding::of(
            FILE_TOO_LARGE,
            &format!("{count} larger than 64 MiB, which is the most by default: {first}"),
            "leave them out by a line in .tcignore, or ask the server's operator",
        ));
    }
    if let Some(most) = bytes_max.filter(|most| seen.bytes > *most) {
        let has = seen.bytes;
        let says = format!("the folder has {has} bytes to share, and the server takes {most}");
        findings.push(Finding::of(PROJECT_TOO_LARGE, &says, by_rule));
    }
    if seen.files > FILES_MAX {
        let has = seen.files;
        let says = format!("{has} files to share; a server takes {FILES_MAX} by default");
        findings.push(Finding::of(FILES_TOO_MANY, &says, by_rule));
    }
    if findings.is_empty() {
        let says = format!(
            "{} to share, {} bytes",
            counted(seen.files, "file"),
            seen.bytes
        );
        findings.push(Finding::ok("size", &says));
    }
    findings
}

fn watches(seen: &FolderSeen) -> Finding {
    if let Some(why) = &seen.watch_trouble {
        return Finding::of(WATCHES_FEW, why, "");
    }
    match seen.watches_max {
        None => Finding::of(
            WATCHES_UNKNOWN,
            "how many folders may be watched is not known",
            "",
        ),
        Some(most) if seen.folders.saturating_mul(WATCHES_SHARE) > most => Finding::of(
            WATCHES_TIGHT,
            &format!(
                "{} folders are to be watched, and all your programs may watch {most}",
                seen.folders
            ),
            &format!("`{RAISE_WATCHES}`"),
        ),
        Some(most) => {
            let says = format!(
                "{} folders can be watched; the limit is {most}",
                seen.folders
            );
            Finding::ok("watches", &says)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::doctor::finding::names;

    fn good() -> FolderSeen {
        FolderSeen {
            files: 3,
            bytes: 1_000,
            folders: 10,
            watches_max: Some(20),
            ..FolderSeen::default()
        }
    }

    type Change = fn(&mut FolderSeen);

    #[test]
    fn a_folder_is_judged_as_the_table_says() {
        fn some() -> Vec<String> {
            vec!["x".to_owned()]
        }
        let table: &[(Change, &[&str])] = &[
            (|_| {}, &["rules", "secrets", "size", "watches"]),
            (
                |seen| seen.home = Some("x".to_owned()),
                &["folder-is-home", "secrets", "size", "watches"],
            ),
            (
                |seen| seen.unreadable = some(),
                &["folder-unreadable", "secrets", "size", "watches"],
            ),
            (
                |seen| (seen.rules_unreadable, seen.notices) = (some(), some()),
                &[
                    "rules-unreadable",
                    "rule-unusable",
                    "secrets",
                    "size",
                    "watches",
                ],
            ),
            (
                |seen| seen.idle = some(),
                &["rule-matches-nothing", "secrets", "size", "watches"],
            ),
            (
                |seen| seen.idle_elsewhere = 9,
                &["rules", "secrets", "size", "watches"],
            ),
            (
                |seen| seen.secrets = some(),
                &["rules", "secrets", "size", "watches"],
            ),
            (
                |seen| seen.too_large = some(),
                &["rules", "secrets", "file-too-large", "watches"],
            ),
            (
                |seen| seen.bytes = 5_000,
                &["rules", "secrets", "size", "watches"],
            ),
            (
                |seen| seen.bytes = 5_001,
                &["rules", "secrets", "project-too-large", "watches"],
            ),
            (
                |seen| seen.files = FILES_MAX,
                &["rules", "secrets", "size", "watches"],
            ),
            (
                |seen| seen.files = FILES_MAX + 1,
                &["rules", "secrets", "files-too-many", "watches"],
            ),
            (
                |seen| seen.folders = 11,
                &["rules", "secrets", "size", "watches-tight"],
            ),
            (
                |seen| seen.watches_max = None,
                &["rules", "secrets", "size", "watches-unknown"],
            ),
            (
                |seen| seen.watch_trouble = Some("x".to_owned()),
                &["rules", "secrets", "size", "watches-few"],
            ),
        ];
        for (row, (change, expected)) in table.iter().enumerate() {
            let mut seen = good();
            change(&mut seen);
            assert_eq!(
                names(&check(&Ok(seen), Some(5_000))),
                *expected,
                "row {row}"
            );
        }
        let unusable = check(&Err("x".to_owned()), None);
        assert_eq!(names(&unusable), ["folder-unusable"]);
    }

    #[test]
    fn secrets_are_counted_and_what_tells_about_them_is_named() {
        let mut seen = good();
        seen.secrets = vec!["/a b.pem".to_owned(), "/x".to_owned()];
        seen.not_looked_into = 7;
        let said = check(&Ok(seen), None)[1].line();
        assert!(
            said.contains("2 files held back") && said.contains("why '/a b.pem'"),
            "{said}"
        );
        assert!(said.contains("7 files were judged by name alone"), "{said}");
    }
}
