use std::collections::BTreeMap;

use futures_util::FutureExt;
use proptest::prelude::*;

use super::*;
use std::collections::VecDeque;
use std::sync::Arc;

use crate::application::FileKey;
use crate::domain::{FilePath, ProjectName, UserName};
use crate::domain::{ProjectId, Version};

/// A file at a version, a deletion, or a text of some length.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Sent {
    File(String, u64),
    Deleted(String, u64),
    Text(usize),
}

impl Frame for Sent {
    fn bytes(&self) -> usize {
        match self {
            Self::File(..) | Self::Deleted(..) => 10,
            Self::Text(bytes) => *bytes,
        }
    }
}

pub(crate) const LIMITS: MailboxLimits = MailboxLimits {
    max_bytes: 2_000,
    window_bytes: 100,
};

fn mailbox() -> Arc<Mailbox<Sent>> {
    Mailbox::new(LIMITS, Budget::new(1_000_000), ())
}

fn project() -> ProjectId {
    ProjectId {
        streamer: UserName::parse("ana").expect("valid"),
        name: ProjectName::parse("demo").expect("valid"),
    }
}

pub(crate) fn key(name: &str) -> Arc<FileKey> {
    Arc::new(FileKey {
        project: project(),
        path: FilePath::parse(name).expect("valid"),
    })
}

pub(crate) fn file(name: &str, version: u64) -> Sent {
    Sent::File(name.into(), version)
}

fn taken(mailbox: &Mailbox<Sent>) -> Vec<Sent> {
    let mut frames = VecDeque::new();
    mailbox.take(&mut frames, usize::MAX);
    frames.into()
}

fn update(mailbox: &Mailbox<Sent>, name: &str, version: u64) {
    mailbox.deliver_update(&key(name), Version::new(version), &[file(name, version)]);
}

fn delete(mailbox: &Mailbox<Sent>, name: &str, version: u64) {
    let frame = Sent::Deleted(name.into(), version);
    mailbox.deliver_deletion(&key(name), Version::new(version), &frame);
}

fn next_name(mailbox: &Arc<Mailbox<Sent>>) -> Option<String> {
    let (_turn, file) = mailbox.next_pending().now_or_never()?;
    Some(file.path.as_str().to_owned())
}

#[test]
fn a_connection_that_keeps_up_gets_every_change_as_it_came() {
    let mailbox = mailbox();
    update(&mailbox, "a", 1);
    update(&mailbox, "a", 2);
    delete(&mailbox, "a", 3);
    assert_eq!(
        taken(&mailbox),
        [file("a", 1), file("a", 2), Sent::Deleted("a".into(), 3)]
    );
}

#[test]
fn a_connection_that_lags_has_one_entry_per_file_in_order_of_first_change() {
    let mailbox = mailbox();
    mailbox.push(Sent::Text(100));
    for version in 0..50 {
        update(&mailbox, "b", 2 * version + 1);
        update(&mailbox, "a", 2 * version + 2);
    }
    assert!(next_name(&mailbox).is_none(), "no room yet");
    assert_eq!(taken(&mailbox), [Sent::Text(100)]);
    assert_eq!(next_name(&mailbox).as_deref(), Some("/b"));
    assert_eq!(next_name(&mailbox).as_deref(), Some("/a"));
    assert!(next_name(&mailbox).is_none());
}

#[test]
fn a_deletion_replaces_a_waiting_version_and_the_reverse() {
    let mailbox = mailbox();
    mailbox.push(Sent::Text(100));
    update(&mailbox, "a", 1);
    delete(&mailbox, "a", 2);
    delete(&mailbox, "b", 3);
    update(&mailbox, "b", 4);
    taken(&mailbox);
    assert_eq!(
        next_name(&mailbox).as_deref(),
        Some("/b"),
        "the deletion is queued on the way"
    );
    assert_eq!(taken(&mailbox), [Sent::Deleted("a".into(), 2)]);
}

#[test]
fn presence_keeps_its_latest_state_where_the_connection_lags() {
    let mailbox = mailbox();
    mailbox.push(Sent::Text(100));
    for state in [1, 2, 3] {
        mailbox.deliver_presence(&project(), &Sent::Text(state));
    }
    taken(&mailbox);
    assert!(next_name(&mailbox).is_none());
    assert_eq!(taken(&mailbox), [Sent::Text(3)]);
}

#[test]
fn nothing_of_another_file_comes_while_one_is_being_sent() {
    let mailbox = mailbox();
    let turn = mailbox
        .begin_file()
        .now_or_never()
        .expect("the turn is free");
    update(&mailbox, "a", 1);
    delete(&mailbox, "b", 2);
    mailbox.deliver(Sent::Text(7));
    assert_eq!(taken(&mailbox), [Sent::Text(7)], "chat may come between");
    assert!(mailbox.begin_file().now_or_never().is_none());
    drop(turn);
    assert_eq!(next_name(&mailbox).as_deref(), Some("/a"));
}

#[test]
fn a_file_that_is_sent_supersedes_what_waits_unless_that_is_newer() {
    let mailbox = mailbox();
    mailbox.push(Sent::Text(100));
    update(&mailbox, "a", 5);
    update(&mailbox, "b", 6);
    update(&mailbox, "c", 7);
    mailbox.supersede(&key("a"), Version::new(5));
    mailbox.supersede(&key("b"), Version::new(5));
    mailbox.supersede(&key("c"), Version::UNKNOWN);
    taken(&mailbox);
    assert_eq!(next_name(&mailbox).as_deref(), Some("/b"));
    assert_eq!(next_name(&mailbox).as_deref(), Some("/c"));
    assert!(next_name(&mailbox).is_none());
}

#[test]
fn a_project_that_is_forgotten_leaves_nothing_waiting_and_its_turn_is_withdrawn() {
    let mailbox = mailbox();
    mailbox.push(Sent::Text(100));
    update(&mailbox, "a", 1);
    update(&mailbox, "b", 2);
    delete(&mailbox, "c", 3);
    mailbox.deliver_presence(&project(), &Sent::Text(1));
    taken(&mailbox);
    let (turn, _) = mailbox.next_pending().now_or_never().expect("/a waits");
    let other = ProjectId {
        name: ProjectName::parse("other").expect("valid"),
        ..project()
    };
    mailbox.forget(&other);
    assert!(turn.is_wanted());
    mailbox.forget(&project());
    assert!(
        !turn.is_wanted(),
        "whether or not it has been opened by now"
    );
    drop(turn);
    assert!(next_name(&mailbox).is_none());
    assert!(taken(&mailbox).is_empty());
    update(&mailbox, "d", 4);
    assert_eq!(taken(&mailbox), [file("d", 4)], "what comes later is new");
}

#[test]
fn an_answer_waits_for_the_file_that_is_being_sent_if_it_is_about_that() {
    let mailbox = mailbox();
    mailbox.push(Sent::Text(100));
    update(&mailbox, "a", 1);
    taken(&mailbox);
    let (turn, _) = mailbox.next_pending().now_or_never().expect("/a waits");
    mailbox.answer_change(&key("b"), file("b", 3));
    mailbox.answer_change(&key("a"), file("a", 2));
    assert!(mailbox.changes_answered().now_or_never().is_none());
    mailbox.push(file("a", 1));
    drop(turn);
    assert!(mailbox.changes_answered().now_or_never().is_some());
    assert_eq!(taken(&mailbox), [file("b", 3), file("a", 1), file("a", 2)]);
}

#[test]
fn an_answer_waits_for_the_file_that_is_being_sent_of_a_project_that_is_forgotten() {
    let mailbox = mailbox();
    mailbox.push(Sent::Text(100));
    update(&mailbox, "a", 1);
    taken(&mailbox);
    let (turn, _) = mailbox.next_pending().now_or_never().expect("/a waits");
    mailbox.forget(&project());
    mailbox.answer_change(&key("a"), file("a", 2));
    mailbox.push(file("a", 1));
    drop(turn);
    assert_eq!(taken(&mailbox), [file("a", 1), file("a", 2)]);
}

#[test]
fn no_answer_waits_for_a_turn_in_a_mailbox_that_is_closed() {
    let mailbox = mailbox();
    mailbox.push(Sent::Text(100));
    update(&mailbox, "a", 1);
    taken(&mailbox);
    let (_turn, _) = mailbox.next_pending().now_or_never().expect("/a waits");
    mailbox.answer_change(&key("a"), file("a", 2));
    mailbox.close();
    mailbox.answer_change(&key("a"), file("a", 3));
    assert!(mailbox.changes_answered().now_or_never().is_some());
}

#[test]
fn messages_that_cannot_be_skipped_close_a_full_mailbox() {
    let mailbox = mailbox();
    mailbox.deliver(Sent::Text(2_000));
    assert_eq!(mailbox.closed(), None, "at the limit");
    mailbox.deliver(Sent::Text(1));
    assert_eq!(mailbox.closed(), Some(MailboxClosed::Overflow));
    assert!(taken(&mailbox).is_empty(), "and free what waited");
}

#[test]
fn waiting_names_count_and_close_a_full_mailbox() {
    let mailbox = mailbox();
    mailbox.push(Sent::Text(100));
    for index in 0..23 {
        update(&mailbox, &format!("f{index}"), index + 1);
    }
    assert_eq!(mailbox.closed(), None, "100 + 23 * 80 bytes");
    update(&mailbox, "f23", 24);
    assert_eq!(mailbox.closed(), Some(MailboxClosed::Overflow));
}

#[test]
fn names_may_fill_a_mailbox_to_its_last_byte() {
    let mailbox = mailbox();
    mailbox.push(Sent::Text(160));
    for index in 0..23 {
        update(&mailbox, &format!("f{index}"), index + 1);
    }
    assert_eq!(mailbox.closed(), None, "160 + 23 * 80 bytes are 2,000");
}

#[test]
fn while_the_budget_is_exhausted_who_is_far_behind_is_closed_and_nobody_else() {
    let limits = MailboxLimits {
        max_bytes: 1_000_000,
        window_bytes: 100,
    };
    for (behind, spent, closed) in [
        (65_536, 100, None),
        (65_537, 100, Some(MailboxClosed::Overflow)),
        (65_537, 99, None),
        (0, 100, None),
    ] {
        let budget = Budget::new(100);
        let mailbox = Mailbox::new(limits, Arc::clone(&budget), ());
        let _charge = budget.charge(spent);
        mailbox.push(Sent::Text(behind));
        mailbox.deliver(Sent::Text(1));
        assert_eq!(mailbox.closed(), closed, "{behind} behind, {spent} spent");
    }
}

#[test]
fn as_much_is_taken_at_once_as_fits_but_something_in_any_case() {
    let mailbox = mailbox();
    for bytes in [70, 40, 60, 1] {
        mailbox.push(Sent::Text(bytes));
    }
    let taken = || {
        let mut frames = VecDeque::new();
        mailbox.take(&mut frames, 50);
        frames.iter().map(Frame::bytes).collect::<Vec<_>>()
    };
    assert_eq!(taken(), [70], "longer than asked for");
    assert_eq!(taken(), [40], "60 more are too much");
    assert_eq!(taken(), [60]);
    assert_eq!(taken(), [1]);
    for bytes in [30, 20, 1] {
        mailbox.push(Sent::Text(bytes));
    }
    let mut frames = VecDeque::new();
    mailbox.take(&mut frames, 50);
    assert_eq!(frames, [Sent::Text(30), Sent::Text(20)], "exactly");
}

#[tokio::test(start_paused = true)]
async fn an_exhausted_budget_holds_back_all_but_the_idle() {
    let budget = Budget::new(100);
    let mailbox = Mailbox::new(LIMITS, Arc::clone(&budget), ());
    let charge = budget.charge(100);
    assert!(
        mailbox.room().now_or_never().is_some(),
        "an idle one makes progress"
    );
    mailbox.push(Sent::Text(1));
    assert!(mailbox.room().now_or_never().is_none());
    update(&mailbox, "a", 1);
    assert_eq!(taken(&mailbox), [Sent::Text(1)], "the file waits as a name");
    mailbox.push(Sent::Text(1));
    let waiting = tokio::spawn({
        let mailbox = Arc::clone(&mailbox);
        async move { mailbox.room().await }
    });
    tokio::task::yield_now().await;
    drop(charge);
    waiting
        .await
        .expect("there is room once others have given back");
    assert_eq!(budget.used(), 0);
}

/// One step of a random history over a few files.
#[derive(Debug, Clone)]
enum Step {
    Put(u8),
    Delete(u8),
    /// A `get` opens the file, and sends it some steps later.
    BeginGet(u8),
    EndGet,
    SendPending,
    Take(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_u8..4).prop_map(Step::Put),
        2 => (0_u8..4).prop_map(Step::Delete),
        1 => (0_u8..4).prop_map(Step::BeginGet),
        2 => Just(Step::EndGet),
        2 => Just(Step::SendPending),
        2 => (0_usize..40).prop_map(Step::Take),
    ]
}

/// What a receiver has seen of each file, and that it never went backwards.
#[derive(Default)]
struct Seen(BTreeMap<String, (u64, bool)>);

impl Seen {
    fn take(&mut self, mailbox: &Mailbox<Sent>, max_bytes: usize) {
        let mut frames = VecDeque::new();
        mailbox.take(&mut frames, max_bytes);
        for frame in frames {
            let (name, version, there) = match frame {
                Sent::File(name, version) => (name, version, true),
                Sent::Deleted(name, version) => (name, version, false),
                Sent::Text(_) => continue,
            };
            let before = self.0.insert(name.clone(), (version, there));
            assert!(
                before.is_none_or(|(old, _)| old <= version),
                "{name} went backwards"
            );
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn no_receiver_sees_a_file_go_backwards_and_all_converge(
        steps in proptest::collection::vec(step(), 0..200)
    ) {
        let mailbox = Mailbox::new(
            MailboxLimits { max_bytes: 2_000, window_bytes: 30 },
            Budget::new(1_000_000),
            (),
        );
        // The store: each file's newest version, and whether it exists.
        let mut store: BTreeMap<String, (u64, bool)> = BTreeMap::new();
        let mut version = 0;
        let mut seen = Seen::default();
        let mut getting: Option<(FileTurn<Sent>, Sent)> = None;
        let name = |file: u8| format!("/f{file}");
        for step in steps {
            match step {
                Step::Put(index) => {
                    version += 1;
                    store.insert(name(index), (version, true));
                    update(&mailbox, &name(index), version);
                }
                Step::Delete(index) => {
                    if store.get(&name(index)).is_some_and(|(_, there)| *there) {
                        version += 1;
                        store.insert(name(index), (version, false));
                        delete(&mailbox, &name(index), version);
                    }
                }
                Step::BeginGet(index) => {
                    if let Some((opened, true)) = store.get(&name(index)).copied()
                        && let Some(turn) = mailbox.begin_file().now_or_never()
                    {
                        mailbox.supersede(&key(&name(index)), Version::new(opened));
                        getting = Some((turn, file(&name(index), opened)));
                    }
                }
                Step::EndGet => {
                    if let Some((turn, sent)) = getting.take() {
                        mailbox.push(sent);
                        drop(turn);
                    }
                }
                Step::SendPending => send_pending(&mailbox, &store),
                Step::Take(bytes) => seen.take(&mailbox, bytes),
            }
        }
        if let Some((turn, sent)) = getting.take() {
            mailbox.push(sent);
            drop(turn);
        }
        while !mailbox.is_empty() {
            seen.take(&mailbox, usize::MAX);
            send_pending(&mailbox, &store);
        }
        prop_assert_eq!(mailbox.closed(), None);
        for (name, (version, there)) in &store {
            let (sent, sent_there) = seen.0[name];
            prop_assert_eq!((sent, sent_there), (*version, *there), "{} did not converge", name);
        }
    }
}

fn send_pending(mailbox: &Arc<Mailbox<Sent>>, store: &BTreeMap<String, (u64, bool)>) {
    while let Some((turn, key)) = mailbox.next_pending().now_or_never() {
        let name = key.path.as_str();
        if let (opened, true) = store[name] {
            mailbox.supersede(&key, Version::new(opened));
            mailbox.push(file(name, opened));
        }
        drop(turn);
    }
}
