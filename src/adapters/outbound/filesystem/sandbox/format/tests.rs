use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use super::*;
use crate::adapters::outbound::contract_tests::world::{World, path, project, pull_request};
use crate::adapters::outbound::filesystem::Durability;
use crate::domain::{ProjectId, PullRequestId};

/// Projects of ana's that layout 1 could have. In layout 2, the first has the name on disk that the
/// second has in layout 1, and the second that of the third.
const PROJECTS: [&str; 5] = ["100%", "100%25", "100%2525", "a%2Fb", "plain"];

/// This many rounds kill the upgrade only once, each at another point; an upgrade has fewer points.
const SINGLE: usize = 30;

/// Everything below a folder: its files with their contents, and its folders.
fn tree(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut tree = BTreeMap::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(next).expect("lists") {
            let path = entry.expect("lists").path();
            let name = path
                .strip_prefix(folder)
                .expect("is below")
                .to_string_lossy();
            let content = if path.is_dir() {
                open.push(path.clone());
                Vec::new()
            } else {
                fs::read(&path).expect("reads")
            };
            tree.insert(name.into_owned(), content);
        }
    }
    tree
}

/// Writes a tree into an empty folder.
fn plant(tree: &BTreeMap<String, Vec<u8>>, folder: &Path) {
    for (name, content) in tree {
        let path = folder.join(name);
        let is_folder = tree
            .keys()
            .any(|other| Path::new(other).parent() == Some(name.as_ref()));
        if is_folder || content.is_empty() && !name.contains("projects/") {
            fs::create_dir_all(path).expect("makes");
        } else {
            fs::create_dir_all(path.parent().expect("has one")).expect("makes");
            fs::write(path, content).expect("writes");
        }
    }
}

/// A folder of layout 2 with a file and an open pull request in each project, as a tree, and the
/// same in layout 1.
async fn both_layouts() -> [BTreeMap<String, Vec<u8>>; 2] {
    let world = World::on_disk(Durability::Rename);
    let place = Arc::clone(world.place.as_ref().expect("is on disk"));
    for (number, name) in (1..).zip(PROJECTS) {
        let id = project("ana", name);
        world.projects.register(&id).await.expect("registers");
        world.put_in(&id, "d/file", name.as_bytes()).await;
        let mut proposed = pull_request(number, 5, &[], &["d/file"]);
        proposed.project = id;
        world.finish(proposed).await.expect("finishes");
    }
    drop(world);
    let mut second = tree(place.path());
    second.retain(|name, _| name != ".twicecast/lock");
    let mut first: BTreeMap<_, _> = second
        .iter()
        .map(|(name, content)| (name.replace("%25", "%"), content.clone()))
        .collect();
    first.insert(".twicecast/version".to_owned(), b"1\n".to_vec());
    [first, second]
}

/// Upgrades the folder, but stops after this many changes of the disk. `Ok` when the upgrade is
/// done.
fn upgrade(base: &Path, mut changes: usize) -> Result<(), OpenError> {
    let base = Folder::open(base).expect("opens");
    let state = base.folder(".twicecast").expect("opens");
    let (markers, pulls) = (state.folder("projects"), state.folder("pulls"));
    let places = Places {
        state: &state,
        base: &base,
        markers: &markers.expect("opens"),
        pulls: &pulls.expect("opens"),
    };
    Format::read(&state)?.bring_up_to_date_in_steps(&places, &mut || {
        changes = changes.checked_sub(1).ok_or(OpenError::Locked)?;
        Ok(())
    })
}

fn open(base: &Path) -> Result<Vec<ProjectId>, OpenError> {
    let layout = crate::adapters::outbound::filesystem::sandbox::layout::Layout::open(
        base,
        Durability::Fsync,
        1,
        std::sync::Arc::default(),
    )?;
    let found = crate::adapters::outbound::filesystem::projects::registry::projects(&layout);
    Ok(found.expect("lists"))
}

#[tokio::test]
async fn whenever_an_upgrade_is_killed_the_next_starts_finish_it_and_nothing_is_lost() {
    let [first, second] = both_layouts().await;
    // Kills the upgrade at each single point, and at several points in many sequences.
    let mut random = 1_u64;
    let mut kills = 0;
    let mut round = 0;
    while kills < 100 {
        let place = tempfile::tempdir().expect("a temporary folder");
        plant(&first, place.path());
        let mut changes = round;
        loop {
            if round >= SINGLE {
                random = random
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                changes = 1 + usize::try_from(random >> 60).expect("four bits");
            }
            match upgrade(place.path(), changes) {
                Ok(()) => break,
                Err(OpenError::Locked) => kills += 1,
                Err(error) => panic!("{error}"),
            }
            changes = usize::MAX;
        }
        assert_eq!(tree(place.path()), second, "killed at {round}");
        upgrade(place.path(), 0).expect("there is nothing more to do");
        round += 1;
    }
    assert!(round > SINGLE);
}

#[tokio::test]
async fn what_was_made_in_layout_1_is_there_in_layout_2() {
    let [first, _] = both_layouts().await;
    let place = Arc::new(tempfile::tempdir().expect("a temporary folder"));
    plant(&first, place.path());
    let world = World::at(place, Durability::Fsync);
    let mut found = world.projects.projects().await.expect("lists");
    found.sort_unstable();
    let ids = PROJECTS.map(|name| project("ana", name));
    assert_eq!(found, ids);
    for (number, id) in (1..).zip(&ids) {
        let file = world.projects.open_file(id, &path("d/file")).await;
        assert_eq!(file.expect("is there").bytes, id.name.as_str().len() as u64);
        let open = world.pull_requests.open(id, None).await.expect("lists");
        assert_eq!(open, [PullRequestId::from_u128(number)]);
        let found = world.pull_requests.find(id, open[0]).await;
        assert_eq!(found.expect("is open").project, *id);
    }
}

#[tokio::test]
async fn names_that_layout_2_cannot_have_stop_the_start_and_nothing_is_changed() {
    let long = format!("{}%", "n".repeat(254));
    for (made, from, to) in [
        (
            vec![
                format!("ana/{long}/f"),
                format!(".twicecast/projects/ana/{long}"),
            ],
            &*long,
            "%25",
        ),
        (
            vec![
                "ana/%/f".into(),
                ".twicecast/projects/ana/%".into(),
                "ana/%25/f".into(),
            ],
            "%",
            "%25",
        ),
        // A marker without its folder must not make another folder a project.
        (
            vec![".twicecast/projects/ana/%".into(), "ana/%25/f".into()],
            "%",
            "%25",
        ),
        (
            vec![
                ".twicecast/pulls/ana/%/f".into(),
                ".twicecast/pulls/ana/%25".into(),
            ],
            "%",
            "%25",
        ),
    ] {
        let place = tempfile::tempdir().expect("a temporary folder");
        for name in [
            ".twicecast/version",
            ".twicecast/projects/f",
            ".twicecast/pulls/f",
        ]
        .map(str::to_owned)
        .iter()
        .chain(&made)
        {
            let path = place.path().join(name);
            fs::create_dir_all(path.parent().expect("has one")).expect("makes");
            fs::write(path, "1\n").expect("writes");
        }
        let before = tree(place.path());
        let error = upgrade(place.path(), usize::MAX)
            .expect_err("refused")
            .to_string();
        assert!(
            error.contains(&format!("{from}\"")) && error.contains(&format!("{to}\"")),
            "{error}"
        );
        assert_eq!(tree(place.path()), before, "{error}");
        open(place.path()).expect_err("does not start");
    }
}

#[test]
fn a_users_folder_without_a_project_in_it_was_not_the_servers() {
    let place = tempfile::tempdir().expect("a temporary folder");
    let state = place.path().join(".twicecast");
    fs::create_dir_all(state.join("projects/src")).expect("makes");
    fs::create_dir_all(state.join("projects/ana")).expect("makes");
    fs::write(state.join("projects/ana/demo"), "").expect("writes");
    fs::create_dir_all(place.path().join("ana/demo")).expect("makes");
    fs::write(state.join("version"), "1\n").expect("writes");
    assert_eq!(open(place.path()).expect("opens"), [project("ana", "demo")]);
    assert!(!state.join("projects/src").exists());
    assert!(state.join("projects/ana/demo").exists());
}
