//! What the tests of the checks share.

use std::time::Duration;

use super::finding::Finding;
use crate::adapters::inbound::cli::args::{Invocation, parse};
use crate::adapters::inbound::cli::checks::Loaded;
use crate::adapters::inbound::cli::config::Config;
use crate::application::inspection::{
    Free, LayoutState, Medium, MediumKind, OwnState, PlaceState, Trial,
};

/// The configuration that these flags and this file give.
pub(super) fn loaded(flags: &[&str], file: Option<&str>) -> Loaded {
    let flags = flags.iter().map(|&flag| flag.to_owned());
    let file = file.map(str::to_owned);
    match parse(flags, std::iter::empty(), |_| Ok(file.clone())) {
        Ok(Invocation::Serve(loaded)) => loaded,
        other => panic!("{other:?}"),
    }
}

/// The configuration that these flags give.
pub(super) fn config(flags: &[&str]) -> Config {
    loaded(flags, None).config
}

/// The names of what was found.
pub(super) fn names(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.name).collect()
}

/// A folder in which all is well.
pub(super) fn place() -> PlaceState {
    PlaceState {
        owner: 7,
        user: 7,
        is_open_to_all: false,
        free: Some(Free {
            bytes: 1 << 40,
            files: None,
        }),
        medium: Medium {
            name: "ext4".to_owned(),
            kind: MediumKind::Disk,
        },
        elsewhere: Vec::new(),
        trial: Ok(Trial {
            took: Duration::from_millis(3),
            keeps_times: true,
            folds_names: false,
        }),
        own: Ok(Some(OwnState {
            layout: LayoutState::Current,
            is_held: Some(false),
            is_open: false,
            open_secrets: Vec::new(),
            unreadable: Vec::new(),
            left: Vec::new(),
            is_cut_short: false,
            unfinished: 0,
        })),
        foreign: Vec::new(),
        newest: None,
    }
}
