//! The races between a list, its answers and live updates, without a socket.

use std::fs;

use serde_json::{Value, json};

use crate::credentials::Purpose;
use crate::credentials::flags::CommonArgs;
use crate::replica::session::*;
use crate::replica::tree::tests::tree_with;

struct World {
    dir: tempfile::TempDir,
    credentials: Credentials,
    tree: Tree,
    report: Report,
}

impl World {
    fn new() -> Self {
        Self::with(None, None)
    }

    fn with(key: Option<&str>, token: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let common = CommonArgs {
            url: "ws://127.0.0.1:1".into(),
            streamer: Some("ana".into()),
            project: Some("demo".into()),
            key: key.map(str::to_owned),
            token: token.map(str::to_owned),
            ..CommonArgs::default()
        };
        let credentials = Credentials::resolve(&common, Purpose::Read, None).unwrap();
        let tree = tree_with(dir.path(), false, false);
        Self {
            dir,
            credentials,
            tree,
            report: Report::default(),
        }
    }

    fn session(&mut self) -> Session<'_> {
        Session::begin(&self.credentials, &mut self.tree, &mut self.report, true, 0)
    }

    fn has(&self, path: &str) -> bool {
        self.dir.path().join(path).exists()
    }
}

impl Session<'_> {
    /// The next request: its subtype and name, and its reference.
    fn asked(&mut self) -> (String, u64) {
        let request: Value = serde_json::from_str(&self.request().expect("a request")).unwrap();
        let name = request["data"]["name"].as_str().unwrap_or_default();
        let subtype = request["subtype"].as_str().unwrap();
        (
            format!("{subtype} {name}").trim().to_owned(),
            request["ref"].as_u64().unwrap(),
        )
    }

    fn told(&mut self, message: &Value) -> Result<(), Failure> {
        let (reference, message) = protocol::parse(&message.to_string()).unwrap();
        self.handle(reference, message)
    }

    fn listed(&mut self, reference: u64, names: &[&str], last: bool) {
        let files: Vec<Value> = names
            .iter()
            .map(|name| json!({"name":name,"size":100,"sha256":"other"}))
            .collect();
        let message = json!({"code":200,"type":"fileList","ref":reference,"data":{"files":files,"last":last}});
        self.told(&message).unwrap();
    }
}

fn pushed(name: &str, part: u64, max_part: u64) -> Value {
    json!({"code":200,"type":"fileGet","data":{"name":name,"content":"QUJD","part":part,"maxPart":max_part,"username":"ana","project":"demo"}})
}

fn deleted(name: &str) -> Value {
    json!({"code":200,"type":"fileDeleted","data":{"file":name,"username":"ana","project":"demo"}})
}

fn done(reference: u64) -> Value {
    json!({"code":200,"type":"fileGetDone","ref":reference,"data":{"name":"/","files":1}})
}

fn missing(reference: u64) -> Value {
    json!({"code":409,"type":"failReadFileError","message":"gone","ref":reference})
}

fn unread(name: &str, reference: Option<u64>) -> Value {
    json!({"code":409,"type":"failReadFileError","message":"no","file":name,"ref":reference})
}

#[test]
fn a_file_that_came_live_while_the_list_was_on_its_way_is_not_taken_for_gone() {
    let mut world = World::new();
    let mut session = world.session();
    let (verb, list) = session.asked();
    assert_eq!(verb, "list");
    session.listed(list, &[], false);
    session.told(&pushed("/new", 1, 1)).unwrap();
    session.listed(list, &[], true);
    assert!(session.is_complete());
    assert!(world.has("new"));
}

#[test]
fn a_file_deleted_while_it_is_awaited_is_not_missed() {
    let mut world = World::new();
    let mut session = world.session();
    let (_, list) = session.asked();
    session.listed(list, &["/a"], true);
    let (verb, get) = session.asked();
    assert_eq!(verb, "get /a");
    session.told(&deleted("/a")).unwrap();
    session.told(&missing(get)).unwrap();
    assert!(session.is_complete());
    assert_eq!(world.report.count(), 0);
}

#[test]
fn a_file_that_is_listed_and_never_sent_is_a_failure_in_the_end() {
    let mut world = World::new();
    let mut session = world.session();
    for _ in 0..3 {
        assert!(!session.is_complete());
        let (_, list) = session.asked();
        session.listed(list, &["/a"], true);
        let (_, get) = session.asked();
        session.told(&missing(get)).unwrap();
    }
    assert!(session.is_complete());
    assert_eq!(world.report.exit_code(), 1);
}

#[test]
fn a_file_that_the_server_cannot_read_does_not_end_the_list_and_is_not_taken_for_gone() {
    let mut world = World::new();
    let mut session = world.session();
    let (_, list) = session.asked();
    session.told(&pushed("/kept", 1, 1)).unwrap();
    session.told(&pushed("/old", 1, 1)).unwrap();
    session.listed(list, &[], true);
    // Another session, which has received nothing live.
    let mut session = world.session();
    let (_, list) = session.asked();
    session.listed(list, &[], false);
    session.told(&unread("/kept", Some(list))).unwrap();
    session.listed(list, &["/a"], true);
    let (verb, get) = session.asked();
    assert_eq!(verb, "get /a");
    session.told(&pushed("/a", 1, 1)).unwrap();
    session.told(&done(get)).unwrap();
    assert!(session.is_complete());
    assert!(world.has("kept") && world.has("a") && !world.has("old"));
    assert_eq!(
        world.report.lines().collect::<Vec<_>>(),
        ["/kept: the server cannot read it (no)"]
    );
}

#[test]
fn many_files_are_asked_for_at_once_and_few_one_by_one() {
    let mut world = World::new();
    let mut session = world.session();
    let (_, list) = session.asked();
    let names: Vec<String> = (0..9).map(|i| format!("/f{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    session.listed(list, &names, true);
    let (verb, get) = session.asked();
    assert_eq!(verb, "get");
    assert!(!session.has_request());
    for name in &names {
        let mut part = pushed(name, 1, 1);
        part["ref"] = get.into();
        session.told(&part).unwrap();
    }
    assert!(!session.is_complete());
    session.told(&done(get)).unwrap();
    assert!(session.is_complete());
}

#[test]
fn the_rest_of_a_file_whose_beginning_was_missed_is_passed_over() {
    let mut world = World::new();
    let mut session = world.session();
    session.told(&pushed("/late", 2, 3)).unwrap();
    session.told(&pushed("/late", 3, 3)).unwrap();
    assert!(!world.has("late"));
}

#[test]
fn parts_of_two_files_mixed_up_end_the_session_so_that_it_can_begin_anew() {
    let mut world = World::new();
    let mut session = world.session();
    session.told(&pushed("/a", 1, 2)).unwrap();
    let failure = session.told(&pushed("/b", 1, 1)).unwrap_err();
    assert!(failure.may_pass(false));
}

#[test]
fn a_live_update_that_breaks_off_is_a_failure_until_the_next_and_other_files_follow() {
    let mut world = World::new();
    let mut session = world.session();
    let (_, list) = session.asked();
    session.listed(list, &[], true);
    session.told(&pushed("/a", 1, 2)).unwrap();
    // An answer to another request does not break the file off.
    session.told(&missing(99)).unwrap();
    session.told(&pushed("/a", 2, 2)).unwrap();
    session.told(&pushed("/a", 1, 2)).unwrap();
    session.told(&unread("/a", None)).unwrap();
    session.told(&pushed("/b", 1, 1)).unwrap();
    // This file has not even begun.
    session.told(&unread("/b", None)).unwrap();
    assert_eq!(session.report.count(), 2);
    session.told(&pushed("/a", 1, 1)).unwrap();
    session.told(&pushed("/b", 1, 1)).unwrap();
    assert!(world.has("a") && world.has("b"));
    assert_eq!(world.report.count(), 0);
}

#[test]
fn a_file_that_breaks_off_within_a_whole_project_is_asked_for_again() {
    let mut world = World::new();
    let mut session = world.session();
    let (_, list) = session.asked();
    let names: Vec<String> = (0..9).map(|i| format!("/f{i}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    session.listed(list, &names, true);
    let (_, get) = session.asked();
    let answer = |session: &mut Session<'_>, name: &str, max_part| {
        let mut part = pushed(name, 1, max_part);
        part["ref"] = get.into();
        session.told(&part).unwrap();
    };
    answer(&mut session, "/f0", 2);
    session.told(&unread("/f0", Some(get))).unwrap();
    for name in &names[1..] {
        answer(&mut session, name, 1);
    }
    session.told(&done(get)).unwrap();
    let (verb, list) = session.asked();
    assert_eq!(verb, "list");
    session.listed(list, &names[..1], true);
    let (verb, get) = session.asked();
    assert_eq!(verb, "get /f0");
    session.told(&pushed("/f0", 1, 1)).unwrap();
    session.told(&done(get)).unwrap();
    assert!(session.is_complete() && world.has("f0"));
}

#[test]
fn a_token_that_ran_out_is_worth_another_try_only_with_the_key() {
    for (key, token) in [(Some("k"), None), (None, Some("t"))] {
        let mut world = World::with(key, token);
        let renews = world.credentials.can_renew_token();
        let mut session = world.session();
        let (_, list) = session.asked();
        // Either as an answer to a request or on its own.
        for reference in [Some(list), None] {
            let failure = session
                .told(
                    &json!({"code":401,"type":"badAuthError","message":"expired","ref":reference}),
                )
                .unwrap_err();
            assert_eq!(failure.may_pass(renews), key.is_some(), "{failure}");
        }
    }
}

#[test]
fn what_was_refused_for_a_twin_is_asked_for_again_when_the_twin_is_gone() {
    // A hard link stands in for a file system that takes `A` and `a` for the same name.
    let mut world = World::new();
    let (upper, lower) = (world.dir.path().join("A"), world.dir.path().join("a"));
    let mut session = world.session();
    let (_, list) = session.asked();
    session.listed(list, &["/A", "/a"], true);
    let (_, get_upper) = session.asked();
    let (verb, get_lower) = session.asked();
    assert_eq!(verb, "get /a");
    session.told(&pushed("/A", 1, 1)).unwrap();
    session.told(&done(get_upper)).unwrap();
    fs::hard_link(&upper, &lower).unwrap();
    session.told(&pushed("/a", 1, 1)).unwrap();
    assert_eq!(session.report.count(), 1);
    fs::remove_file(&lower).unwrap();
    // While other files are still being fetched, it is one of them.
    session.told(&deleted("/A")).unwrap();
    let (verb, again) = session.asked();
    assert_eq!(verb, "get /a");
    session.told(&done(get_lower)).unwrap();
    assert!(!session.is_complete());
    session.told(&pushed("/a", 1, 1)).unwrap();
    session.told(&done(again)).unwrap();
    assert!(session.is_complete() && lower.exists());
    assert_eq!(session.report.count(), 0);

    // In the live phase it is handled like any change. A file that has gone, or never came again,
    // is not asked for.
    fs::hard_link(&lower, &upper).unwrap();
    session.told(&pushed("/A", 1, 1)).unwrap();
    assert_eq!(session.report.count(), 1);
    fs::remove_file(&upper).unwrap();
    session.told(&deleted("/b")).unwrap();
    assert!(!session.has_request());
    session.told(&deleted("/a")).unwrap();
    let (verb, get) = session.asked();
    assert_eq!(verb, "get /A");
    session.told(&unread("/A", Some(get))).unwrap();
    session.told(&pushed("/A", 1, 1)).unwrap();
    assert!(session.is_complete() && upper.exists());
    assert_eq!(world.report.count(), 0);
}

#[test]
fn what_lies_in_a_folders_twin_is_asked_for_again_when_all_of_that_is_gone() {
    let mut world = World::new();
    let mut session = world.session();
    let (_, list) = session.asked();
    session.listed(list, &[], true);
    session.told(&pushed("/S/x", 1, 1)).unwrap();
    session.told(&pushed("/S/y", 1, 1)).unwrap();
    let twin = FileName::parse("/s/z").unwrap();
    session.refuse(&twin, Refusal::Twin("/S".into()));
    session.told(&deleted("/S/x")).unwrap();
    assert!(!session.has_request());
    session.told(&deleted("/S/y")).unwrap();
    assert_eq!(session.asked().0, "get /s/z");
    assert!(!session.has_request());
}

#[test]
fn a_file_that_cannot_be_removed_is_said_to_be_that() {
    let why = Refusal::from(rustix::io::Errno::ACCESS);
    let said = not_removed(&why);
    assert!(said.starts_with("cannot be removed: Permission denied") && said.contains("; allow"));
    assert!(!said.contains("not written"));
}

#[test]
fn what_the_project_lost_while_nobody_looked_goes_and_strays_stay() {
    let mut world = World::new();
    let mut session = world.session();
    let (_, list) = session.asked();
    session.told(&pushed("/old/a", 1, 1)).unwrap();
    session.listed(list, &[], true);
    fs::write(world.dir.path().join("mine"), "").unwrap();
    let mut session = world.session();
    let (_, list) = session.asked();
    session.listed(list, &[], true);
    assert!(!world.has("old") && world.has("mine"));
}

#[test]
fn what_the_system_refused_is_tried_again_until_it_comes_right() {
    let mut world = World::new();
    let mut session = world.session();
    let (_, list) = session.asked();
    session.listed(list, &[], true);
    session.told(&pushed("/gone", 1, 1)).unwrap();
    assert_eq!(session.retry_at(), None);
    let name = FileName::parse("/a").unwrap();
    session.refuse(&name, Refusal::from(rustix::io::Errno::NOSPC));
    session.retries.remove(FileName::parse("/gone").unwrap());
    let first = session.retry_at().expect("a time");
    session.try_again();
    let (verb, get) = session.asked();
    assert_eq!(verb, "get /a");
    // It fails again, so the wait is longer.
    session.refuse(&name, Refusal::from(rustix::io::Errno::NOSPC));
    assert!(session.retry_at().expect("a later time") > first);
    session.told(&pushed("/a", 1, 1)).unwrap();
    session.told(&done(get)).unwrap();
    assert_eq!((session.retry_at(), session.report.count()), (None, 0));
    assert!(world.has("a") && !world.has("gone"));
}

#[test]
fn a_list_without_an_end_ends_the_session() {
    let mut world = World::new();
    let mut session = world.session();
    let (_, list) = session.asked();
    let file = ListedFile {
        name: "/a".into(),
        size: 1,
        sha256: String::new(),
        modified: 0,
        executable: false,
    };
    let endless =
        (0..1_000).map(|_| session.take_list(Some(list), vec![file.clone(); 1_001], false));
    let ended = endless.collect::<Result<Vec<()>, Failure>>().unwrap_err();
    assert!(ended.to_string().contains("1,000,000 files") && !ended.may_pass(true));
}
