//! All kinds of findings, as `docs/doctor.md` has them.

use super::finding::{Kind, Severity};

macro_rules! kinds {
    ($($constant:ident $name:literal $severity:ident;)*) => {
        $(
            pub(super) const $constant: Kind = Kind {
                name: $name,
                severity: Severity::$severity,
            };
        )*
        /// All of them, in the order of the documentation.
        #[cfg(test)]
        const ALL: &[Kind] = &[$($constant),*];
    };
}

kinds! {
    CONFIGURATION "configuration" Error;
    CONFIGURATION_NOTE "configuration-note" Warning;
    KEY_DEFAULT "key-default" Warning;
    KEY_SHORT "key-short" Warning;
    KEY_GUESSABLE "key-guessable" Warning;
    KEY_REACHABLE "key-reachable" Error;
    KEY_FILE_OPEN "key-file-open" Error;
    KEY_FILE_CHANGEABLE "key-file-changeable" Error;
    KEY_FILE_OF_A_GROUP "key-file-of-a-group" Warning;
    KEY_ON_COMMAND_LINE "key-on-command-line" Warning;
    PUBLIC_KEY_UNUSABLE "public-key-unusable" Error;
    PUBLIC_URL_MISSING "public-url-missing" Warning;
    PUBLIC_URL_PLAIN "public-url-plain" Warning;
    OWN_PAGE_REFUSED "own-page-refused" Warning;
    ORIGIN_NEVER_SENT "origin-never-sent" Warning;
    ORIGIN_OTHER_SCHEME "origin-other-scheme" Warning;
    PORT_TAKEN "port-taken" Error;
    PORT_TAKEN_BY_SERVER "port-taken-by-server" Error;
    PORT_NOT_ALLOWED "port-not-allowed" Error;
    HOST_NOT_HERE "host-not-here" Error;
    METRICS_PORT_SAME "metrics-port-same" Error;
    METRICS_PORT_TAKEN "metrics-port-taken" Error;
    METRICS_UNUSABLE "metrics-unusable" Error;
    METRICS_OPEN "metrics-open" Warning;
    RUNNING_ELSEWHERE "running-elsewhere" Warning;
    RUNNING_OTHER_VERSION "running-other-version" Warning;
    PUBLIC_URL_UNREACHABLE "public-url-unreachable" Warning;
    PUBLIC_URL_UNTRUSTED "public-url-untrusted" Error;
    PUBLIC_URL_GATEWAY "public-url-gateway" Error;
    PUBLIC_URL_NOT_OURS "public-url-not-ours" Error;
    PUBLIC_URL_UNPROVEN "public-url-unproven" Unknown;
    UPGRADE_BLOCKED "upgrade-blocked" Error;
    HOST_LOST "host-lost" Warning;
    PROXY_UNTRUSTED "proxy-untrusted" Warning;
    PROXY_HIDES_ADDRESS "proxy-hides-address" Warning;
    CLOCK_OFF "clock-off" Warning;
    OPEN_FILES_LOW "open-files-low" Warning;
    MEMORY_LOW "memory-low" Warning;
    LIMITS_UNKNOWN "limits-unknown" Unknown;
    BASE_MISSING "base-missing" Warning;
    BASE_NOT_A_FOLDER "base-not-a-folder" Error;
    BASE_NOT_WRITABLE "base-not-writable" Error;
    BASE_NOT_OWNED "base-not-owned" Warning;
    BASE_OPEN_TO_ALL "base-open-to-all" Warning;
    STATE_OPEN_TO_OTHERS "state-open-to-others" Warning;
    SECRET_OPEN_TO_OTHERS "secret-open-to-others" Error;
    RECORD_UNREADABLE "record-unreadable" Error;
    RECORD_LEFT "record-left" Warning;
    LAYOUT_NEWER "layout-newer" Error;
    LAYOUT_OLDER "layout-older" Warning;
    LAYOUT_CONFLICT "layout-conflict" Error;
    SERVER_SILENT "server-silent" Warning;
    FOLDERS_NOT_ADOPTED "folders-not-adopted" Warning;
    DISK_FULL "disk-full" Error;
    DISK_TIGHT "disk-tight" Warning;
    DISK_VOLATILE "disk-volatile" Warning;
    DISK_NETWORK "disk-network" Warning;
    DISK_LAYERED "disk-layered" Warning;
    SEVERAL_FILE_SYSTEMS "several-file-systems" Error;
    DISK_SLOW "disk-slow" Warning;
    TIMES_COARSE "times-coarse" Error;
    NAMES_FOLDED "names-folded" Warning;
    NATS_UNUSABLE "nats-unusable" Error;
    NATS_OPEN "nats-open" Warning;
    NATS_PLAIN "nats-plain" Warning;
    NATS_SINGLE "nats-single" Warning;
    NATS_AWAY "nats-away" Warning;
    NATS_CLOCK_OFF "nats-clock-off" Warning;
    CLOCK_UNSET "clock-unset" Error;
    CLOCK_BEHIND "clock-behind" Warning;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_documentation_has_every_finding_with_its_severity_and_no_other() {
        let page = include_str!("../../../../../docs/doctor.md");
        let (_, own) = page
            .split_once("## file-ws-server doctor")
            .expect("its part");
        let (own, _) = own.split_once("## twicecast doctor").expect("its end");
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
