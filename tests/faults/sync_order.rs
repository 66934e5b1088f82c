//! `durability: "fsync"`, observed from outside: what is synced before it is answered.

use serde_json::{Value, json};

use crate::strace::Strace;
use crate::support::*;

const CALLS: &str = "trace=write,pwrite64,fsync,fdatasync,mkdirat,renameat,renameat2,unlinkat,sendto,sendmsg,writev";

/// The calls that strace saw, in the order in which they ended.
struct Seen(Vec<String>);

impl Seen {
    fn of(log: &str) -> Self {
        let mut begun = std::collections::HashMap::<&str, &str>::new();
        let mut seen = Vec::new();
        for line in log.lines() {
            let (thread, rest) = line.split_once(' ').unwrap_or(("", line));
            let rest = rest.trim_start();
            if let Some(start) = rest.strip_suffix(" <unfinished ...>") {
                begun.insert(thread, start);
                // An answer counts from the moment it may have left.
                if is_answer(start) {
                    seen.push(start.to_owned());
                }
            } else if rest.starts_with("<...") {
                let start = begun.remove(thread).unwrap_or_default();
                if !is_answer(start) {
                    seen.push(format!("{start} {rest}"));
                }
            } else {
                seen.push(rest.to_owned());
            }
        }
        Self(seen)
    }

    /// The place of the first call after `from` with that name that contains all of `what`.
    fn find(&self, from: usize, call: &str, what: &[&str]) -> usize {
        let is_it = |line: &String| {
            line.starts_with(call)
                && what.iter().all(|what| line.contains(what))
                && line.contains("= ")
        };
        let found = self.0.iter().skip(from).position(is_it);
        let found =
            found.unwrap_or_else(|| panic!("no {call} {what:?} after {from}: {:#?}", self.0));
        from + found
    }

    /// Where the answer to the request with this `ref` is sent.
    fn answer(&self, reference: &str) -> usize {
        let is_it = |line: &String| is_answer(line) && line.contains(reference);
        self.0.iter().position(is_it).expect("an answer")
    }
}

fn is_answer(line: &str) -> bool {
    ["sendto(", "sendmsg(", "writev(", "write("]
        .iter()
        .any(|call| line.starts_with(call))
        && line.contains("\\\"ref\\\"")
}

fn named(request: Value, name: &str) -> Value {
    with_ref(request, format!("ref-{name}"))
}

#[tokio::test]
async fn a_change_is_synced_and_so_is_its_folder_before_it_is_answered() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    let mut bob = server.viewer("bob").await;
    ana.ok(post("old", "old")).await;
    ana.ok(post("gone", "")).await;
    let strace = Strace::attach(server.pid(), &["-s", "400", "-e", CALLS]);
    ana.ok(named(post("fresh", "fresh"), "new")).await;
    ana.ok(named(post("old", "newer"), "over")).await;
    ana.ok(named(post("a/b/deep", "deep"), "deep")).await;
    ana.ok(named(delete("gone"), "deletion")).await;
    bob.ok(creation()).await;
    bob.ok(named(post("idea", "idea"), "draft")).await;
    bob.ok(named(finish(), "finish")).await;
    let listed = ana.until("pullRequestCreated").await;
    let id = json!({"id": listed["data"]["id"]});
    ana.ok(named(pull_request("delete", id), "merge")).await;
    let seen = Seen::of(&strace.detach());

    // Each change: content, sync, the move to its place, sync of the folder, answer.
    for (reference, content, folders) in [
        ("ref-new", "\"fresh\"", &["/ana/demo>"][..]),
        ("ref-over", "\"newer\"", &["/ana/demo>"]),
        (
            "ref-deep",
            "\"deep\"",
            &["/ana/demo/a/b>", "/ana/demo/a>", "/ana/demo>"],
        ),
    ] {
        let written = seen.find(0, "write(", &["/staging/", content]);
        let synced = seen.find(written, "fsync(", &["/staging/", "= 0"]);
        let moved = seen.find(synced, "renameat2(", &["/staging>", "= 0"]);
        let answered = seen.answer(reference);
        for folder in folders {
            let folder_synced = seen.find(moved, "fsync(", &[folder, "= 0"]);
            assert!(
                folder_synced < answered,
                "{reference}, {folder}: {:#?}",
                seen.0
            );
        }
    }
    let hidden = seen.find(0, "rename", &["\"gone\"", "= 0"]);
    let synced = seen.find(hidden, "fsync(", &["/ana/demo>", "= 0"]);
    assert!(synced < seen.answer("ref-deletion"));

    // A draft is synced when it is finished: files, record, folder, and the folder it moves to.
    let finished = seen.answer("ref-finish");
    let file = seen.find(seen.answer("ref-draft"), "fsync(", &["/drafts/", "= 0"]);
    let record = seen.find(file, "write(", &["/staging/", "\\\"format\\\""]);
    let record_synced = seen.find(record, "fsync(", &["/staging/", "= 0"]);
    let draft_synced = seen.find(record_synced, "fsync(", &["/drafts/", "= 0"]);
    let moved = seen.find(draft_synced, "renameat2(", &["/drafts>", "= 0"]);
    let home_synced = seen.find(moved, "fsync(", &["/pulls/ana/demo>", "= 0"]);
    assert!(home_synced < finished);
    let removed = seen.find(finished, "renameat", &["/pulls/ana/demo>", "= 0"]);
    let synced = seen.find(removed, "fsync(", &["/pulls/ana/demo>", "= 0"]);
    assert!(synced < seen.answer("ref-merge"));
}
