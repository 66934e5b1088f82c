//! Checks the disk: what is free, what it promises, and how fast it is.

use std::time::Duration;

use super::finding::{Finding, bytes, some};
use super::kinds::{
    DISK_FULL, DISK_LAYERED, DISK_NETWORK, DISK_SLOW, DISK_TIGHT, DISK_VOLATILE, NAMES_FOLDED,
    SEVERAL_FILE_SYSTEMS, TIMES_COARSE,
};
use crate::adapters::inbound::cli::config::Config;
use crate::adapters::inbound::cli::values::Durability;
use crate::application::inspection::{Free, MediumKind, PlaceState, Trial};

/// A streamer notices if saving takes longer than this.
const SLOW: Duration = Duration::from_millis(100);

pub(super) fn check(config: &Config, place: &PlaceState) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(place.free.and_then(|free| space(config, free)));
    findings.extend(medium(place));
    if !place.elsewhere.is_empty() {
        let names = some(&place.elsewhere);
        findings.push(Finding::of(
            SEVERAL_FILE_SYSTEMS,
            format!(
                "on another file system than baseDir, so that no file can be moved there: {names}"
            ),
            "let one file system hold all of baseDir",
        ));
    }
    if let Ok(trial) = place.trial {
        findings.extend(outcome(config, trial));
    }
    if findings.is_empty() {
        findings.push(Finding::ok("disk", summary(place)));
    }
    findings
}

fn space(config: &Config, free: Free) -> Option<Finding> {
    let (file, project) = (config.max_file_bytes.get(), config.max_project_bytes.get());
    let files = config.max_project_files.get();
    let room = bytes(free.bytes);
    if free.bytes < file || free.files == Some(0) {
        let what = if free.files == Some(0) {
            "no file can be made any more: all inodes are taken".to_owned()
        } else {
            format!("{room} are free, less than one file may have (maxFileBytes)")
        };
        return Some(Finding::of(DISK_FULL, what, "free some space"));
    }
    let what = if free.bytes < project {
        format!("{room} are free, less than one project may have (maxProjectBytes)")
    } else {
        let left = free.files.filter(|left| *left < files)?;
        format!("{left} files can be made, fewer than one project may have (maxProjectFiles)")
    };
    Some(Finding::of(
        DISK_TIGHT,
        what,
        "free some space, or lower the limit",
    ))
}

fn medium(place: &PlaceState) -> Option<Finding> {
    let name = &place.medium.name;
    Some(match place.medium.kind {
        MediumKind::Disk => return None,
        MediumKind::Memory => Finding::of(
            DISK_VOLATILE,
            format!("baseDir is in memory ({name}): nothing survives a restart of the machine"),
            "put baseDir on a disk",
        ),
        MediumKind::Network => Finding::of(
            DISK_NETWORK,
            format!(
                "baseDir is on {name}: what is acknowledged, and that only one server runs, is as \
                 sure as the other side makes it"
            ),
            "put baseDir on a disk of this machine",
        ),
        MediumKind::Layer => Finding::of(
            DISK_LAYERED,
            format!("baseDir is in a layer ({name}), which goes with its container"),
            "mount a volume at baseDir",
        ),
    })
}

fn outcome(config: &Config, trial: Trial) -> Vec<Finding> {
    let mut findings = Vec::new();
    let milliseconds = trial.took.as_millis();
    if trial.took > SLOW && config.durability == Durability::Fsync {
        findings.push(Finding::of(
            DISK_SLOW,
            format!("to write, sync and rename a small file takes {milliseconds} ms"),
            "use a faster disk, or set durability to rename, which survives no crash of the machine",
        ));
    }
    if !trial.keeps_times {
        findings.push(Finding::of(
            TIMES_COARSE,
            "the file system does not keep times to the nanosecond, which number the versions",
            "use ext4, XFS, Btrfs or ZFS",
        ));
    }
    if trial.folds_names {
        findings.push(Finding::of(
            NAMES_FOLDED,
            "the file system takes names that differ in case, or in how an accent is written, for \
             one: of two such files of a project, one is lost",
            "use a folder or file system that does not",
        ));
    }
    findings
}

fn summary(place: &PlaceState) -> String {
    let mut text = place.medium.name.clone();
    if let Some(free) = place.free {
        text = format!("{text}, {} free", bytes(free.bytes));
    }
    if let Ok(trial) = place.trial {
        let took = trial.took.as_micros();
        text = format!(
            "{text}, {}.{} ms to write a small file",
            took / 1_000,
            took % 1_000 / 100
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::super::testing::{config, names, place};
    use super::*;
    use crate::application::inspection::Medium;

    type Change = fn(&mut PlaceState);

    fn trial(state: &mut PlaceState) -> &mut Trial {
        state.trial.as_mut().expect("writable")
    }

    fn free(bytes: u64, files: Option<u64>) -> Free {
        Free { bytes, files }
    }

    fn on(kind: MediumKind) -> Medium {
        let name = "x".to_owned();
        Medium { name, kind }
    }

    #[test]
    fn a_disk_is_judged_by_what_it_has_and_promises() {
        let table: &[(Change, &[&str])] = &[
            (|_| {}, &["disk"]),
            (|place| place.free = None, &["disk"]),
            (
                |place| place.free = Some(free((64 << 20) - 1, None)),
                &["disk-full"],
            ),
            (
                |place| place.free = Some(free(64 << 20, None)),
                &["disk-tight"],
            ),
            (
                |place| place.free = Some(free((1 << 30) - 1, None)),
                &["disk-tight"],
            ),
            (|place| place.free = Some(free(1 << 30, None)), &["disk"]),
            (
                |place| place.free = Some(free(1 << 40, Some(0))),
                &["disk-full"],
            ),
            (
                |place| place.free = Some(free(1 << 40, Some(99_999))),
                &["disk-tight"],
            ),
            (
                |place| place.free = Some(free(1 << 40, Some(100_000))),
                &["disk"],
            ),
            (
                |place| place.medium = on(MediumKind::Memory),
                &["disk-volatile"],
            ),
            (
                |place| place.medium = on(MediumKind::Network),
                &["disk-network"],
            ),
            (
                |place| place.medium = on(MediumKind::Layer),
                &["disk-layered"],
            ),
            (
                |place| place.elsewhere = vec!["ana".to_owned()],
                &["several-file-systems"],
            ),
            (|place| trial(place).took = SLOW, &["disk"]),
            (|place| trial(place).took = SLOW * 2, &["disk-slow"]),
            (|place| trial(place).keeps_times = false, &["times-coarse"]),
            (|place| trial(place).folds_names = true, &["names-folded"]),
            (
                |place| place.trial = Err("told elsewhere".to_owned()),
                &["disk"],
            ),
        ];
        for (row, (change, expected)) in table.iter().enumerate() {
            let mut state = place();
            change(&mut state);
            assert_eq!(names(&check(&config(&[]), &state)), *expected, "row {row}");
        }
        let mut slow = place();
        trial(&mut slow).took = SLOW * 2;
        let renames = config(&["--durability", "rename"]);
        assert_eq!(
            names(&check(&renames, &slow)),
            ["disk"],
            "nothing is synced"
        );
    }
}
