use super::*;
use crate::application::test_world::{demo, other};

const ID: PullRequestId = PullRequestId::from_u128(7);
const ASKER: ConnectionId = ConnectionId(1);
const OLD: ConnectionId = ConnectionId(2);
const NEW: ConnectionId = ConnectionId(3);

fn at(seconds: u64) -> Uptime {
    Uptime::from_secs(seconds)
}

fn questions() -> ApplyQuestions {
    let questions = ApplyQuestions::default();
    questions.applier_came(&demo(), OLD);
    questions.applier_came(&demo(), NEW);
    questions
}

fn ask(questions: &ApplyQuestions, now: u64) -> Result<OpenQuestion, CannotAsk> {
    questions.ask(&demo(), ID, ASKER, at(now))
}

#[test]
fn the_newest_other_connection_of_the_project_is_asked() {
    let questions = questions();
    assert_eq!(
        questions.ask(&other(), ID, ASKER, at(0)),
        Err(CannotAsk::Nobody)
    );
    let asked = questions
        .ask(&demo(), ID, NEW, at(0))
        .expect("another is there");
    assert_eq!(asked.applier, OLD, "nobody asks themselves");
    assert_eq!(questions.applier_left(&demo(), OLD), Some(asked));
    assert_eq!(
        questions.ask(&demo(), ID, NEW, at(0)),
        Err(CannotAsk::Nobody)
    );
    assert_eq!(ask(&questions, 0).map(|asked| asked.applier), Ok(NEW));
    assert!(questions.has_applier(&demo()));
    questions.applier_left(&demo(), NEW);
    assert!(!questions.has_applier(&demo()));
}

#[test]
fn one_question_is_open_in_a_project_and_numbers_are_never_used_twice() {
    let questions = questions();
    let first = ask(&questions, 0).expect("asked").request;
    assert_eq!(ask(&questions, 0), Err(CannotAsk::Busy));
    questions
        .answer(&demo(), first, NEW, false)
        .expect("answered");
    assert!(ask(&questions, 0).expect("asked").request > first);
}

#[test]
fn only_the_one_that_is_asked_may_answer_and_only_as_long_as_it_is_open() {
    let questions = questions();
    let request = ask(&questions, 0).expect("asked").request;
    assert!(!questions.accept(&demo(), request, OLD));
    assert!(!questions.accept(&demo(), request + 1, NEW));
    assert!(!questions.accept(&other(), request, NEW));
    assert_eq!(
        questions.answer(&demo(), request, NEW, true),
        None,
        "not begun"
    );
    assert!(questions.accept(&demo(), request, NEW));
    assert_eq!(questions.answer(&demo(), request, OLD, true), None);
    assert!(questions.answer(&demo(), request, NEW, true).is_some());
    assert!(!questions.accept(&demo(), request, NEW), "that was all");
}

#[test]
fn a_question_waits_a_minute_to_be_accepted_and_then_as_long_as_it_takes() {
    let questions = questions();
    let late = ask(&questions, 5).expect("asked");
    assert_eq!(questions.expire(at(64)), []);
    assert_eq!(questions.expire(at(65)), std::slice::from_ref(&late));
    assert!(!questions.accept(&demo(), late.request, NEW), "a late yes");
    let next = ask(&questions, 70).expect("asked").request;
    assert!(questions.accept(&demo(), next, NEW));
    assert_eq!(questions.expire(at(1_000)), []);
}

#[test]
fn who_asks_and_leaves_withdraws_what_has_not_begun() {
    let questions = questions();
    let asked = ask(&questions, 0).expect("asked");
    assert_eq!(questions.asker_left(&demo(), NEW), None);
    assert_eq!(questions.asker_left(&demo(), ASKER), Some(asked));
    let request = ask(&questions, 0).expect("asked").request;
    assert!(questions.accept(&demo(), request, NEW));
    assert_eq!(questions.asker_left(&demo(), ASKER), None);
    assert!(questions.answer(&demo(), request, NEW, true).is_some());
}
