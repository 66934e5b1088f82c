//! All kinds of findings, as `docs/doctor.md` has them.

use crate::commands::doctor::finding::{Kind, Severity};

macro_rules! kinds {
    ($($constant:ident $name:literal $severity:ident;)*) => {
        $(
            pub const $constant: Kind = Kind {
                name: $name,
                severity: Severity::$severity,
            };
        )*
        /// All kinds, in the order of the documentation.
        #[cfg(test)]
        const ALL: &[Kind] = &[$($constant),*];
    };
}

kinds! {
    FOLDER_UNUSABLE "folder-unusable" Error;
    FOLDER_IS_HOME "folder-is-home" Warning;
    FOLDER_UNREADABLE "folder-unreadable" Warning;
    RULES_UNREADABLE "rules-unreadable" Error;
    RULE_UNUSABLE "rule-unusable" Warning;
    RULE_MATCHES_NOTHING "rule-matches-nothing" Warning;
    FILE_TOO_LARGE "file-too-large" Warning;
    PROJECT_TOO_LARGE "project-too-large" Warning;
    FILES_TOO_MANY "files-too-many" Warning;
    WATCHES_FEW "watches-few" Warning;
    WATCHES_TIGHT "watches-tight" Warning;
    WATCHES_UNKNOWN "watches-unknown" Unknown;
    COMMAND_LINE "command-line" Error;
    TOKEN_MISSING "token-missing" Warning;
    TOKEN_UNREADABLE "token-unreadable" Error;
    TOKEN_EXPIRED "token-expired" Error;
    TOKEN_ENDS_SOON "token-ends-soon" Warning;
    TOKEN_ENDLESS "token-endless" Warning;
    TOKEN_OF_ANOTHER "token-of-another" Error;
    TOKEN_OF_ANOTHER_PROJECT "token-of-another-project" Error;
    TOKEN_LIMITED "token-limited" Error;
    TOKEN_BANNED "token-banned" Warning;
    TOKEN_SEEN "token-seen" Warning;
    TOKEN_IN_THE_CLEAR "token-in-the-clear" Warning;
    TOKEN_REFUSED "token-refused" Error;
    SERVER_UNREACHABLE "server-unreachable" Error;
    SERVER_UNNAMED "server-unnamed" Warning;
    SERVER_OTHER_VERSION "server-other-version" Warning;
    SERVER_CLOCK_OFF "server-clock-off" Warning;
    SERVER_SILENT_ON_PROJECT "server-silent-on-project" Warning;
    SHARER_LIVE "sharer-live" Warning;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_finding_with_its_severity_and_no_other() {
        let page = include_str!("../../../../../docs/doctor.md");
        let (_, own) = page.split_once("## twicecast doctor").expect("its part");
        let rows = own.lines().filter(|line| line.starts_with("| `"));
        let rows: Vec<_> = rows
            .map(|row| {
                let cells: Vec<_> = row.split('|').map(str::trim).collect();
                let [_, name, severity, wrong, cure, _] = cells[..] else {
                    panic!("{row}")
                };
                assert!(wrong.len() > 10 && !cure.is_empty(), "{row}");
                (name.trim_matches('`').to_owned(), severity.to_owned())
            })
            .collect();
        let known = ALL.iter();
        let known = known.map(|kind| (kind.name.to_owned(), kind.severity.word().to_owned()));
        assert_eq!(rows, known.collect::<Vec<_>>());
    }
}
