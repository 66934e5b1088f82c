//! Checks the folder of the projects: whose it is, what the server keeps there, and what does not
//! belong to the server.

use super::finding::{Finding, some};
use super::kinds::{
    BASE_MISSING, BASE_NOT_A_FOLDER, BASE_NOT_OWNED, BASE_NOT_WRITABLE, BASE_OPEN_TO_ALL,
    FOLDERS_NOT_ADOPTED, LAYOUT_CONFLICT, LAYOUT_NEWER, LAYOUT_OLDER, RECORD_LEFT,
    RECORD_UNREADABLE, SECRET_OPEN_TO_OTHERS, STATE_OPEN_TO_OTHERS,
};
use crate::application::inspection::{Inspection, LayoutState, OwnState, PlaceState};

/// The user who may look at everybody's folders.
const ROOT: u32 = 0;

pub(super) fn check(base: &str, inspection: &Inspection) -> Vec<Finding> {
    match inspection {
        Inspection::Missing(Ok(())) => vec![Finding::of(
            BASE_MISSING,
            format!("there is no folder {base}; the server would make it, empty"),
            "check baseDir if it should hold projects",
        )],
        Inspection::Missing(Err(why)) => vec![unusable(base, &format!("is not there, and {why}"))],
        Inspection::Unusable(why) => vec![unusable(base, &format!("cannot be used: {why}"))],
        Inspection::There(state) => there(base, state),
    }
}

fn unusable(base: &str, why: &str) -> Finding {
    let cure = "set baseDir to a folder that the server's user may write to";
    Finding::of(BASE_NOT_A_FOLDER, format!("{base} {why}"), cure)
}

fn there(base: &str, state: &PlaceState) -> Vec<Finding> {
    let mut findings = Vec::new();
    if let Err(why) = &state.trial {
        findings.push(Finding::of(
            BASE_NOT_WRITABLE,
            format!("no file can be made in {base}: {why}"),
            "give the folder to the server's user (chown -R), and check that the disk is not \
             mounted read-only",
        ));
    }
    if state.owner != state.user && state.user != ROOT {
        let (owner, user) = (state.owner, state.user);
        findings.push(Finding::of(
            BASE_NOT_OWNED,
            format!("{base} belongs to the user {owner}, and this runs as {user}"),
            "run the server, and this, as the user that owns the folder; or chown it",
        ));
    }
    if state.is_open_to_all {
        findings.push(Finding::of(
            BASE_OPEN_TO_ALL,
            format!("every user of this machine may write into {base}"),
            format!("`chmod o-w {base}`"),
        ));
    }
    match &state.own {
        Err(why) => findings.push(unusable(base, why)),
        Ok(None) => findings.push(Finding::ok(
            "folder",
            format!("{base} is new to the server"),
        )),
        Ok(Some(own)) => findings.extend(kept(base, own)),
    }
    if !state.foreign.is_empty() {
        let (count, first) = (state.foreign.len(), some(&state.foreign));
        findings.push(Finding::of(
            FOLDERS_NOT_ADOPTED,
            format!(
                "folders that are no projects, as the server did not make them: {count} ({first})"
            ),
            "`file-ws-server adopt NAME` makes one a project, or a user's; leave the others",
        ));
    }
    findings
}

fn kept(base: &str, own: &OwnState) -> Vec<Finding> {
    let mut findings = Vec::new();
    match &own.layout {
        LayoutState::Current => {}
        LayoutState::Older => findings.push(Finding::of(
            LAYOUT_OLDER,
            "an older server made this folder; this one converts it when it starts",
            "make a backup first, as the older server refuses it afterwards",
        )),
        LayoutState::Conflict(why) => {
            let cure = "rename one of the two folders before you start the server";
            findings.push(Finding::of(LAYOUT_CONFLICT, why, cure));
        }
        LayoutState::Unknown(why) => findings.push(Finding::of(
            LAYOUT_NEWER,
            why,
            "use the server that made it, or restore a backup from before it did",
        )),
    }
    if own.is_open {
        findings.push(Finding::of(
            STATE_OPEN_TO_OTHERS,
            format!("other users of this machine may look into {base}/.twicecast"),
            "restart the server, which closes it",
        ));
    }
    if !own.open_secrets.is_empty() {
        let names = some(&own.open_secrets);
        findings.push(Finding::of(
            SECRET_OPEN_TO_OTHERS,
            format!("other users may open in {base}/.twicecast: {names}"),
            "`chmod 600` it; remove guest-key if somebody may have read it: guests then enter anew",
        ));
    }
    if !own.unreadable.is_empty() {
        let names = some(&own.unreadable);
        findings.push(Finding::of(
            RECORD_UNREADABLE,
            format!("the server cannot read in {base}/.twicecast: {names}"),
            "restore it from a backup, or remove it; without its file in moderation nobody is \
             muted or banned in a project",
        ));
    }
    if !own.left.is_empty() {
        let names = some(&own.left);
        findings.push(Finding::of(
            RECORD_LEFT,
            format!("guests' names or moderation are left of projects that are gone: {names}"),
            "`file-ws-server remove` them, or `adopt` those whose folders are there",
        ));
    }
    if findings.is_empty() {
        let left = match own.unfinished {
            0 => String::new(),
            left if own.is_held == Some(true) => format!("; unfinished at the moment: {left}"),
            left => format!("; left unfinished, and removed by the next start: {left}"),
        };
        let more = if own.is_cut_short {
            "; there is too much in .twicecast to look at all of it"
        } else {
            ""
        };
        let says = format!("{base} is in order{left}{more}");
        findings.push(Finding::ok("folder", says));
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::super::testing::{names, place};
    use super::*;

    type Change = fn(&mut PlaceState);

    fn own(state: &mut PlaceState) -> &mut OwnState {
        let own = state.own.as_mut().expect("readable");
        own.as_mut().expect("there")
    }

    #[test]
    fn a_folder_is_judged_by_what_is_seen_of_it() {
        let table: &[(Change, &[&str])] = &[
            (|_| {}, &["folder"]),
            (|place| place.own = Ok(None), &["folder"]),
            (
                |place| place.own = Err("x".to_owned()),
                &["base-not-a-folder"],
            ),
            (
                |place| place.trial = Err("x".to_owned()),
                &["base-not-writable", "folder"],
            ),
            (|place| place.owner += 1, &["base-not-owned", "folder"]),
            (|place| place.user = ROOT, &["folder"]),
            (
                |place| place.is_open_to_all = true,
                &["base-open-to-all", "folder"],
            ),
            (
                |place| own(place).layout = LayoutState::Older,
                &["layout-older"],
            ),
            (
                |place| own(place).layout = LayoutState::Conflict("x".to_owned()),
                &["layout-conflict"],
            ),
            (
                |place| own(place).layout = LayoutState::Unknown("x".to_owned()),
                &["layout-newer"],
            ),
            (|place| own(place).is_open = true, &["state-open-to-others"]),
            (
                |place| own(place).open_secrets = vec!["guest-key".to_owned()],
                &["secret-open-to-others"],
            ),
            (
                |place| own(place).unreadable = vec!["moderation/ana/demo".to_owned()],
                &["record-unreadable"],
            ),
            (
                |place| own(place).left = vec!["ana/gone".to_owned()],
                &["record-left"],
            ),
            (|place| own(place).is_cut_short = true, &["folder"]),
            (
                |place| place.foreign = vec!["bob".to_owned()],
                &["folder", "folders-not-adopted"],
            ),
        ];
        for (row, (change, expected)) in table.iter().enumerate() {
            let mut state = place();
            change(&mut state);
            let found = check("base", &Inspection::There(Box::new(state)));
            assert_eq!(names(&found), *expected, "row {row}");
        }
    }

    #[test]
    fn a_folder_that_is_not_there_is_a_slip_or_cannot_be_made() {
        for (inspection, expected) in [
            (Inspection::Missing(Ok(())), "base-missing"),
            (
                Inspection::Missing(Err("x".to_owned())),
                "base-not-a-folder",
            ),
            (Inspection::Unusable("x".to_owned()), "base-not-a-folder"),
        ] {
            assert_eq!(names(&check("base", &inspection)), [expected]);
        }
    }

    #[test]
    fn what_is_left_unfinished_is_told() {
        let mut state = place();
        own(&mut state).unfinished = 3;
        for (is_held, said) in [
            (Some(true), "at the moment: 3"),
            (Some(false), "next start: 3"),
        ] {
            own(&mut state).is_held = is_held;
            let found = check("base", &Inspection::There(Box::new(state.clone())));
            assert!(found[0].to_string().contains(said), "{found:?}");
        }
    }
}
