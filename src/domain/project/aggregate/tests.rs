use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::*;
use crate::domain::project::quota::QuotaError;

const NOW: Timestamp = Timestamp::from_secs(1_000);

fn path(name: &str) -> FilePath {
    FilePath::parse(name).expect("valid")
}

fn hash(digit: &str) -> ContentHash {
    ContentHash::parse(&digit.repeat(64)).expect("valid")
}

fn entry(bytes: u64, version: u64) -> ProjectEntry {
    ProjectEntry {
        executable: false,
        bytes,
        version: Version::new(version),
        modified: NOW,
        sha256: None,
    }
}

/// A project that holds files of one byte, numbered from 1.
fn project(names: &[&str]) -> Project {
    let versions = 1..;
    names
        .iter()
        .zip(versions)
        .map(|(name, version)| (path(name), entry(1, version)))
        .collect()
}

fn begin(project: &mut Project, name: &str, bytes: u64) -> Result<PendingPut, PutError> {
    project.begin_put(&path(name), bytes, &ProjectQuota::UNLIMITED)
}

fn put(project: &mut Project, name: &str, bytes: u64) -> Version {
    let put = begin(project, name, bytes).expect("may be put");
    let version = project.next_version(0);
    project.complete_put(put, version, NOW, false);
    version
}

fn usage(files: u64, bytes: u64, folders: u64, name_bytes: u64) -> Usage {
    Usage {
        files,
        bytes,
        folders,
        name_bytes,
    }
}

fn names<'p>(found: impl Iterator<Item = (&'p FilePath, &'p ProjectEntry)>) -> Vec<&'p str> {
    found.map(|(path, _)| path.as_str()).collect()
}

#[test]
fn a_put_reserves_its_room_and_keeps_it_once_completed() {
    let mut project = Project::default();
    let put = begin(&mut project, "/d/e/f", 5).expect("may be put");
    assert_eq!(put.path, path("/d/e/f"));
    assert_eq!(project.usage(), usage(1, 5, 2, 6));
    assert_eq!(project.get(&path("/d/e/f")), None, "it is not there yet");
    assert!(project.entries.is_empty() && !project.is_folder(&path("/d")));

    let version = project.next_version(7);
    project.complete_put(put, version, NOW, false);
    assert_eq!(project.usage(), usage(1, 5, 2, 6));
    assert_eq!(project.get(&path("/d/e/f")), Some(&entry(5, 7)));
    assert!(!project.entries.is_empty() && project.is_folder(&path("/d")));
}

#[test]
fn an_abandoned_put_gives_its_room_back_and_changes_nothing() {
    let mut project = project(&["/d/old"]);
    let before = project.usage();
    for (name, bytes) in [("/d/old", 9), ("/d/old", 0), ("/d/e/new", 9)] {
        let put = begin(&mut project, name, bytes).expect("may be put");
        project.abandon_put(put);
        assert_eq!(project.usage(), before, "{name}");
    }
    assert_eq!(project.get(&path("/d/old")), Some(&entry(1, 1)));
}

#[test]
fn a_replaced_file_keeps_its_room_until_the_put_is_completed() {
    let quota = ProjectQuota {
        max_bytes: 10,
        ..ProjectQuota::UNLIMITED
    };
    let mut project: Project = [(path("/a"), entry(10, 1))].into_iter().collect();
    let smaller = project.begin_put(&path("/a"), 4, &quota).expect("shrinks");
    assert_eq!(project.usage().bytes, 10);
    let other = project.begin_put(&path("/b"), 1, &quota);
    assert_eq!(
        other.expect_err("the room may be needed again"),
        QuotaError::Bytes(10).into()
    );
    project.complete_put(smaller, Version::new(2), NOW, false);
    assert_eq!(project.usage().bytes, 4);
    let other = project.begin_put(&path("/b"), 6, &quota).expect("fits now");
    project.abandon_put(other);
}

#[test]
fn a_put_whose_reservation_another_has_replaced_counts_once() {
    let name = "folder/a";
    let mut both_end = Project::default();
    let first = begin(&mut both_end, name, 9).expect("may be put");
    let second = begin(&mut both_end, name, 5).expect("may be put");
    both_end.complete_put(first, Version::new(1), NOW, false);
    both_end.complete_put(second, Version::new(2), NOW, false);
    assert_eq!(both_end.usage(), usage(1, 5, 1, 9));
    let mut one_ends = Project::default();
    let first = begin(&mut one_ends, name, 9).expect("may be put");
    let second = begin(&mut one_ends, name, 5).expect("may be put");
    one_ends.abandon_put(first);
    assert_eq!(one_ends.usage(), Usage::default());
    one_ends.complete_put(second, Version::new(1), NOW, false);
    assert_eq!(one_ends.usage(), usage(1, 5, 1, 9));
}

#[test]
fn puts_under_way_count_against_the_quota_of_each_other() {
    let quota = |max| ProjectQuota {
        max_files: max,
        max_folders: max,
        ..ProjectQuota::UNLIMITED
    };
    let mut project = Project::default();
    let first = project
        .begin_put(&path("/d/a"), 1, &quota(1))
        .expect("fits");
    let second = project.begin_put(&path("/d/b"), 1, &quota(1));
    assert_eq!(second.expect_err("full"), QuotaError::Files(1).into());
    let second = project.begin_put(
        &path("/e/b"),
        1,
        &ProjectQuota {
            max_files: 2,
            ..quota(1)
        },
    );
    assert_eq!(second.expect_err("full"), QuotaError::Folders(1).into());
    // The folder is there already, or will be.
    let second = project.begin_put(
        &path("/d/b"),
        1,
        &ProjectQuota {
            max_files: 2,
            ..quota(1)
        },
    );
    project.complete_put(second.expect("fits"), Version::new(1), NOW, false);
    project.abandon_put(first);
    assert_eq!(project.usage(), usage(1, 1, 1, 4));
}

#[test]
fn a_file_and_a_folder_do_not_share_a_path() {
    let mut project = project(&["/a/b", "/c"]);
    let pending = begin(&mut project, "/p/q", 1).expect("may be put");
    for (name, conflicts) in [
        ("/a", true),
        ("/a/b/c", true),
        ("/c/d", true),
        ("/c/d/e", true),
        ("/p", true),
        ("/p/q/r", true),
        ("/a/b", false),
        ("/a/c", false),
        ("/a-", false),
        ("/p/r", false),
        ("/p0", false),
    ] {
        match begin(&mut project, name, 1) {
            Err(error) => assert!(conflicts && error == PutError::PathConflict, "{name}"),
            Ok(put) => {
                assert!(!conflicts, "{name}");
                project.abandon_put(put);
            }
        }
    }
    project.abandon_put(pending);
    let put = begin(&mut project, "/p", 1).expect("nothing is there any more");
    project.abandon_put(put);
}

#[test]
fn bounds_are_checked_before_paths() {
    let mut project = project(&["/a"]);
    let full = ProjectQuota {
        max_files: 1,
        ..ProjectQuota::UNLIMITED
    };
    let refused = project.begin_put(&path("/a/b"), 1, &full);
    assert_eq!(refused.expect_err("full"), QuotaError::Files(1).into());
}

#[test]
fn a_reservation_that_was_never_given_back_is_replaced() {
    let mut project = Project::default();
    drop(begin(&mut project, "/d/a", 100).expect("may be put"));
    let put = begin(&mut project, "/d/a", 3).expect("may be put");
    assert_eq!(project.usage(), usage(1, 3, 1, 4));
    project.abandon_put(put);
    assert_eq!(project.usage(), Usage::default());
}

#[test]
fn versions_grow_past_every_loaded_file() {
    let mut project = project(&["/a", "/b", "/c"]);
    assert_eq!(project.last, Version::new(3));
    assert_eq!(project.next_version(0), Version::new(4));
    assert_eq!(project.next_version(100), Version::new(100));
    assert_eq!(project.next_version(99), Version::new(101));
    assert_eq!(project.last, Version::new(101));
}

#[test]
fn a_removed_file_takes_the_folders_with_it_that_it_leaves_empty() {
    let mut project = project(&["/d/e/f/a", "/d/b"]);
    assert_eq!(project.usage(), usage(2, 2, 3, 12));
    assert_eq!(project.remove(&path("/d/e/f/a")), Some(entry(1, 1)));
    assert_eq!(project.usage(), usage(1, 1, 1, 4));
    assert_eq!(project.remove(&path("/d/e/f/a")), None);
    assert_eq!(project.usage(), usage(1, 1, 1, 4));
    assert!(!project.is_folder(&path("/d/e")) && project.is_folder(&path("/d")));
}

#[test]
fn a_hash_is_remembered_only_for_the_version_that_has_it() {
    let mut project = project(&["/a"]);
    let known = |project: &Project| project.get(&path("/a")).and_then(|entry| entry.sha256);
    project.note_hash(&path("/a"), Version::new(2), hash("b"));
    assert_eq!(known(&project), None);
    project.note_hash(&path("/a"), Version::new(1), hash("a"));
    assert_eq!(known(&project), Some(hash("a")));
    let version = put(&mut project, "/a", 1);
    assert_eq!(known(&project), None, "it was another content");
    project.note_hash(&path("/a"), Version::new(1), hash("a"));
    assert_eq!(known(&project), None, "somebody has read the old file");
    project.note_hash(&path("/a"), version, hash("c"));
    assert_eq!(known(&project), Some(hash("c")));
    project.note_hash(&path("/gone"), version, hash("c"));
    assert_eq!(project.get(&path("/gone")), None);
}

#[test]
fn a_file_of_unknown_version_has_no_known_hash() {
    let mut project: Project = [(path("/a"), entry(1, 0))].into_iter().collect();
    project.note_hash(&path("/a"), Version::UNKNOWN, hash("a"));
    assert_eq!(project.get(&path("/a")), Some(&entry(1, 0)));
}

#[test]
fn a_file_found_different_is_corrected() {
    let mut project = project(&["/d/a"]);
    let known = Version::new(1);
    project.note_hash(&path("/d/a"), known, hash("a"));
    let with_hash = project.get(&path("/d/a")).copied();

    project.correct(&path("/d/a"), known, Some(entry(1, 1)));
    assert_eq!(project.get(&path("/d/a")).copied(), with_hash, "as it was");
    project.correct(&path("/d/a"), known, Some(entry(9, 1)));
    assert_eq!(project.get(&path("/d/a")), Some(&entry(9, 1)));
    assert_eq!(project.usage(), usage(1, 9, 1, 4));
    project.correct(&path("/d/a"), known, Some(entry(9, 30)));
    assert_eq!(project.last, Version::new(30));
    project.correct(&path("/d/a"), Version::new(30), None);
    assert_eq!(project.usage(), Usage::default());
}

#[test]
fn what_was_found_before_a_change_does_not_undo_it() {
    let mut project = project(&["/a", "/gone"]);
    let version = put(&mut project, "/a", 5);
    put(&mut project, "/new", 5);
    project.remove(&path("/gone"));
    // Each opened the file before the change and reports after it.
    project.correct(&path("/a"), Version::new(1), Some(entry(1, 1)));
    project.correct(&path("/a"), Version::new(1), None);
    project.correct(&path("/gone"), Version::new(2), Some(entry(1, 2)));
    assert_eq!(names(project.below(None, None, true)), ["/a", "/new"]);
    assert_eq!(
        project.get(&path("/a")).map(|entry| entry.version),
        Some(version)
    );

    let put = begin(&mut project, "/a", 7).expect("may be put");
    project.correct(&path("/a"), version, Some(entry(7, 90)));
    project.abandon_put(put);
    assert_eq!(project.get(&path("/a")).map(|entry| entry.bytes), Some(5));
}

#[test]
fn files_are_listed_in_byte_order_of_their_whole_names() {
    let project = project(&["/d/x", "/d-x", "/d.txt", "/d0", "/d/e/f", "/d/y", "/b"]);
    let below = |folder: Option<&str>, after: Option<&str>, recursively| {
        let (folder, after) = (folder.map(path), after.map(path));
        let found = project.below(folder.as_ref(), after.as_ref(), recursively);
        found.map(|(path, _)| path.to_string()).collect::<Vec<_>>()
    };
    let all = ["/b", "/d-x", "/d.txt", "/d/e/f", "/d/x", "/d/y", "/d0"];
    assert_eq!(below(None, None, true), all);
    assert_eq!(below(None, None, false), ["/b", "/d-x", "/d.txt", "/d0"]);
    assert_eq!(below(Some("/d"), None, true), ["/d/e/f", "/d/x", "/d/y"]);
    assert_eq!(below(Some("/d"), None, false), ["/d/x", "/d/y"]);
    assert_eq!(below(Some("/d"), Some("/d/x"), true), ["/d/y"]);
    assert_eq!(
        below(Some("/d"), Some("/d/e/gone"), false),
        ["/d/x", "/d/y"]
    );
    assert_eq!(below(Some("/d"), Some("/a"), false), ["/d/x", "/d/y"]);
    for (folder, after) in [
        ("/d", "/d/y"),
        ("/d", "/e"),
        ("/d/x", "/a"),
        ("/gone", "/a"),
    ] {
        let found = below(Some(folder), Some(after), true);
        assert!(found.is_empty(), "{folder} {after}: {found:?}");
    }
}

#[test]
fn memory_is_counted_with_each_file_and_its_name() {
    let mut project = Project::default();
    let empty = project.memory_bytes();
    put(&mut project, "/a/long/name", 1_000_000);
    let one = empty + Project::entry_memory_bytes(&path("/a/long/name"));
    assert_eq!(project.memory_bytes(), one);
    put(&mut project, "/a/long/name", 2);
    assert_eq!(project.memory_bytes(), one, "replaced");
    project.remove(&path("/a/long/name"));
    assert_eq!(project.memory_bytes(), empty);
}

/// A simple model of what a project must do, without regard for speed.
#[derive(Debug, Default)]
struct Model {
    entries: BTreeMap<FilePath, ProjectEntry>,
    pending: BTreeMap<FilePath, u64>,
    last: u64,
}

impl Model {
    fn paths(&self) -> BTreeSet<&FilePath> {
        self.entries.keys().chain(self.pending.keys()).collect()
    }

    fn usage(&self) -> Usage {
        let paths = self.paths();
        let folders: BTreeSet<_> = paths
            .iter()
            .flat_map(|path| {
                path.as_str()
                    .match_indices('/')
                    .map(|(end, _)| &path.as_str()[..end])
            })
            .filter(|folder| !folder.is_empty())
            .collect();
        let bytes = paths.iter().map(|path| {
            let kept = self.entries.get(*path).map_or(0, |entry| entry.bytes);
            let reserved = self.pending.get(*path).copied().unwrap_or(0);
            kept.max(reserved)
        });
        Usage {
            files: paths.len() as u64,
            bytes: bytes.sum(),
            folders: folders.len() as u64,
            name_bytes: paths.iter().map(|path| path.as_str().len() as u64).sum(),
        }
    }

    fn begin_put(&mut self, path: &FilePath, bytes: u64, quota: &ProjectQuota) -> Option<PutError> {
        let before = self.usage();
        let conflicts = self
            .paths()
            .iter()
            .any(|other| *other != path && other.touches(path));
        self.pending.insert(path.clone(), bytes);
        let after = self.usage();
        let exceeded = [
            (
                before.files,
                after.files,
                quota.max_files,
                QuotaError::Files(quota.max_files),
            ),
            (
                before.folders,
                after.folders,
                quota.max_folders,
                QuotaError::Folders(quota.max_folders),
            ),
            (
                before.name_bytes,
                after.name_bytes,
                quota.max_name_bytes,
                QuotaError::NameBytes(quota.max_name_bytes),
            ),
            (
                before.bytes,
                after.bytes,
                quota.max_bytes,
                QuotaError::Bytes(quota.max_bytes),
            ),
        ];
        let exceeded = exceeded
            .into_iter()
            .find(|(before, after, most, _)| after > before && after > most)
            .map(|(.., error)| PutError::Quota(error));
        let error = exceeded.or(conflicts.then_some(PutError::PathConflict));
        if error.is_some() {
            self.pending.remove(path);
        }
        error
    }

    fn set(&mut self, path: FilePath, entry: ProjectEntry) {
        self.last = self.last.max(entry.version.number());
        self.entries.insert(path, entry);
    }
}

#[derive(Debug, Clone)]
enum Step {
    Begin(FilePath, u64, ProjectQuota),
    Complete(prop::sample::Index, u64),
    Abandon(prop::sample::Index),
    Remove(FilePath),
    Correct(FilePath, Option<u64>, Option<ProjectEntry>),
    NoteHash(FilePath, Option<u64>),
}

/// A few similar segments, some of which sort just before or after `/`.
fn any_path() -> impl Strategy<Value = FilePath> {
    let segment = prop::sample::select(vec!["a", "a-", "a.", "a0", "b", "é"]);
    prop::collection::vec(segment, 1..4).prop_map(|segments| path(&segments.join("/")))
}

fn any_quota() -> impl Strategy<Value = ProjectQuota> {
    let bound = |most: u64| prop_oneof![2 => Just(u64::MAX), 1 => 0..=most];
    (bound(8), bound(40), bound(6), bound(40)).prop_map(
        |(max_files, max_bytes, max_folders, max_name_bytes)| ProjectQuota {
            max_files,
            max_bytes,
            max_folders,
            max_name_bytes,
        },
    )
}

fn any_step() -> impl Strategy<Value = Step> {
    let index = any::<prop::sample::Index>;
    let found = (0..20_u64, 0..30_u64).prop_map(|(bytes, version)| entry(bytes, version));
    prop_oneof![
        4 => (any_path(), 0..20_u64, any_quota()).prop_map(|(p, b, q)| Step::Begin(p, b, q)),
        3 => (index(), 0..30_u64).prop_map(|(which, now)| Step::Complete(which, now)),
        1 => index().prop_map(Step::Abandon),
        2 => any_path().prop_map(Step::Remove),
        2 => (any_path(), prop::option::of(0..30_u64), prop::option::of(found))
            .prop_map(|(path, expected, found)| Step::Correct(path, expected, found)),
        1 => (any_path(), prop::option::of(0..30_u64))
            .prop_map(|(path, version)| Step::NoteHash(path, version)),
    ]
}

/// Does the same to both; a version left out means the known one.
fn step(project: &mut Project, model: &mut Model, under_way: &mut Vec<PendingPut>, step: Step) {
    let known = |model: &Model, path| model.entries.get(path).map(|entry| entry.version);
    match step {
        // Puts of one file do not overlap.
        Step::Begin(path, ..) if model.pending.contains_key(&path) => {}
        Step::Begin(path, bytes, quota) => {
            let begun = project.begin_put(&path, bytes, &quota);
            let refused = model.begin_put(&path, bytes, &quota);
            assert_eq!(begun.as_ref().err(), refused.as_ref(), "{path} {quota:?}");
            under_way.extend(begun);
        }
        Step::Complete(..) | Step::Abandon(_) if under_way.is_empty() => {}
        Step::Complete(which, now) => {
            let put = under_way.remove(which.index(under_way.len()));
            let path = put.path.clone();
            let version = project.next_version(now);
            assert_eq!(version.number(), now.max(model.last + 1));
            project.complete_put(put, version, NOW, false);
            let bytes = model.pending.remove(&path).expect("is under way");
            model.set(path, entry(bytes, version.number()));
        }
        Step::Abandon(which) => {
            let put = under_way.remove(which.index(under_way.len()));
            model.pending.remove(&put.path);
            project.abandon_put(put);
        }
        Step::Remove(path) => assert_eq!(project.remove(&path), model.entries.remove(&path)),
        Step::Correct(path, expected, found) => {
            let known = known(model, &path);
            let expected = expected.map(Version::new).or(known);
            let Some(expected) = expected else { return };
            project.correct(&path, expected, found);
            if known == Some(expected) && !model.pending.contains_key(&path) {
                match found {
                    None => drop(model.entries.remove(&path)),
                    Some(found) => {
                        let old = model.entries.get(&path).copied();
                        let hash = old.and_then(|old| old.sha256);
                        let same = old.is_some_and(|old| {
                            old == ProjectEntry {
                                sha256: hash,
                                ..found
                            }
                        });
                        let sha256 = hash.filter(|_| same);
                        model.set(path, ProjectEntry { sha256, ..found });
                    }
                }
            }
        }
        Step::NoteHash(path, version) => {
            let version = version.map(Version::new).or(known(model, &path));
            let version = version.unwrap_or_default();
            project.note_hash(&path, version, hash("c"));
            if let Some(entry) = model.entries.get_mut(&path)
                && entry.version == version
                && version != Version::UNKNOWN
            {
                entry.sha256 = Some(hash("c"));
            }
        }
    }
}

proptest! {
    #[test]
    fn a_project_does_what_its_model_does(
        steps in prop::collection::vec(any_step(), 0..60),
        asked in any_path(),
    ) {
        let (mut project, mut model) = (Project::default(), Model::default());
        let mut under_way = Vec::new();
        for one in steps {
            step(&mut project, &mut model, &mut under_way, one);
            prop_assert_eq!(project.usage(), model.usage());
            prop_assert_eq!(project.last.number(), model.last);
            prop_assert_eq!(project.entries.is_empty(), model.entries.is_empty());
            prop_assert_eq!(project.get(&asked), model.entries.get(&asked));
            let is_folder = model.entries.keys().any(|path| path.is_below(&asked));
            prop_assert_eq!(project.is_folder(&asked), is_folder);
            prop_assert!(project.below(None, None, true).eq(model.entries.iter()));
        }
        for put in under_way {
            project.abandon_put(put);
        }
        let loaded: Project = model.entries.clone().into_iter().collect();
        prop_assert_eq!(loaded.usage(), project.usage());
        prop_assert_eq!(loaded.memory_bytes(), project.memory_bytes());
        prop_assert!(loaded.below(None, None, true).eq(model.entries.iter()));
    }

    #[test]
    fn a_bound_that_never_changes_is_never_passed(
        puts in prop::collection::vec((any_path(), 0..20_u64, 0..4_u8), 0..60),
        quota in any_quota(),
    ) {
        let mut project = Project::default();
        let mut under_way: Vec<PendingPut> = Vec::new();
        for (path, bytes, end) in puts {
            if under_way.iter().all(|put| put.path != path) {
                under_way.extend(project.begin_put(&path, bytes, &quota));
            }
            match end {
                0 => under_way.drain(..).for_each(|put| project.abandon_put(put)),
                1 => under_way.drain(..).for_each(|put| {
                    project.complete_put(put, Version::new(1), NOW, false);
                }),
                _ => {}
            }
            prop_assert_eq!(quota.check(&Usage::default(), &project.usage()), Ok(()));
        }
    }

    #[test]
    fn a_walk_meets_the_files_below_a_folder_in_byte_order(
        files in prop::collection::btree_set(any_path(), 0..30),
        folder in prop::option::of(any_path()),
        after in prop::option::of(any_path()),
        recursively in any::<bool>(),
    ) {
        let project: Project = files.iter().map(|path| (path.clone(), entry(1, 1))).collect();
        let above = folder.as_ref().map_or("", FilePath::as_str).len();
        let wanted: Vec<_> = files
            .iter()
            .filter(|path| folder.as_ref().is_none_or(|folder| path.is_below(folder)))
            .filter(|path| after.as_ref().is_none_or(|after| *path > after))
            .filter(|path| recursively || !path.as_str()[above + 1..].contains('/'))
            .map(FilePath::as_str)
            .collect();
        let found = project.below(folder.as_ref(), after.as_ref(), recursively);
        prop_assert_eq!(names(found), wanted);
    }
}
