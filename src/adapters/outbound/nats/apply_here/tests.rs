use super::*;
use crate::application::ports::ApplyQuestion;
use crate::application::test_world::demo;
use crate::domain::{ApplyOutcome, FilePath};

const ASKER: ConnectionId = ConnectionId(1);
const OLD: ConnectionId = ConnectionId(2);
const NEW: ConnectionId = ConnectionId(3);
const REQUEST: u64 = 40;

/// Two nodes: `ASKER` is connected to the first, `OLD` and `NEW` to the second.
struct Two {
    nodes: [NodeId; 2],
    here: [ApplyHere; 2],
    question: Question,
}

impl Two {
    fn new() -> Self {
        let nodes = [NodeId::random(), NodeId::random()];
        let asked = ApplyQuestion {
            project: demo(),
            id: PullRequestId::from_u128(7),
            files: Some([FilePath::parse("/a").expect("a name")].into()),
            asker: ASKER,
        };
        let mut here = [ApplyHere::default(), ApplyHere::default()];
        here[0].asker_came(&demo(), ASKER);
        here[1].applier_came(&demo(), OLD);
        here[1].applier_came(&demo(), NEW);
        let question = Question::new("name".to_owned(), &asked, nodes[0], nodes[1]);
        Self {
            nodes,
            here,
            question,
        }
    }

    /// What the connections to both nodes are told at this step, and what must follow.
    fn step(&mut self, step: Step) -> [(Vec<String>, Option<Step>); 2] {
        self.step_of(REQUEST, step)
    }

    fn step_of(&mut self, request: u64, step: Step) -> [(Vec<String>, Option<Step>); 2] {
        self.step_with(request, step, None)
    }

    fn step_with(
        &mut self,
        request: u64,
        step: Step,
        lost: Option<&Step>,
    ) -> [(Vec<String>, Option<Step>); 2] {
        let question = match step {
            Step::Asked => self.question.clone(),
            step => self.question.clone().next(request, step),
        };
        let mut followed = self.here.iter_mut().zip(0..).map(|(here, node)| {
            let (notices, next) = here.follow(Heard {
                project: &demo(),
                request,
                question: &question,
                is_from_here: node == 0,
                is_for_here: node == 1,
                lost: lost.cloned(),
                now: Uptime::from_secs(5),
            });
            (said(&notices), next)
        });
        [(); 2].map(|()| followed.next().expect("two nodes"))
    }
}

fn said(notices: &Notices) -> Vec<String> {
    let told = notices.iter().map(|(connection, notice)| match notice {
        ApplyNotice::Asked { request, files, .. } => {
            format!("{connection} asked {request} {files:?}")
        }
        ApplyNotice::Withdrawn { request } => format!("{connection} withdrawn {request}"),
        ApplyNotice::Ended {
            request, outcome, ..
        } => format!("{connection} {outcome:?} {request}"),
        ApplyNotice::Failed { request, .. } => format!("{connection} failed {request}"),
    });
    told.collect()
}

fn told(notice: &str) -> (Vec<String>, Option<Step>) {
    (vec![notice.to_owned()], None)
}

fn nothing() -> (Vec<String>, Option<Step>) {
    (Vec::new(), None)
}

fn applied() -> Step {
    Step::Answered {
        outcome: ApplyOutcome::Applied,
        conflicts: Vec::new(),
        message: String::new(),
    }
}

#[test]
fn the_newest_applier_of_the_other_node_is_asked_and_the_asker_hears_the_answer() {
    let mut two = Two::new();
    let asked = "#3 asked 40 Some([\"/a\"])";
    assert_eq!(two.step(Step::Asked), [nothing(), told(asked)]);
    assert_eq!(two.step(Step::Asked), [nothing(), nothing()], "once");
    assert!(two.here[1].is_asked(&demo(), REQUEST, NEW));
    assert!(!two.here[1].is_asked(&demo(), REQUEST, OLD));
    assert_eq!(two.step(Step::Accepted), [nothing(), nothing()]);
    assert_eq!(two.step(applied()), [told("#1 Applied 40"), nothing()]);
    assert!(!two.here[1].is_asked(&demo(), REQUEST, NEW), "it has ended");
}

#[test]
fn each_end_without_an_answer_is_told_to_those_whom_it_concerns() {
    let cases = [
        (Step::Left, told("#1 failed 40"), told("#3 withdrawn 40")),
        (Step::Late, told("#1 failed 40"), told("#3 withdrawn 40")),
        (
            Step::Withdrawn,
            told("#1 failed 40"),
            told("#3 withdrawn 40"),
        ),
    ];
    for (step, of_asker, of_applier) in cases {
        let mut two = Two::new();
        two.step(Step::Asked);
        assert_eq!(two.step(step), [of_asker, of_applier]);
    }
}

#[test]
fn a_question_for_or_of_a_connection_that_has_just_left_is_ended() {
    let mut two = Two::new();
    two.here[1].applier_left(&demo(), NEW);
    two.here[1].applier_left(&demo(), OLD);
    assert_eq!(two.step(Step::Asked)[1].1, Some(Step::Left));
    let mut two = Two::new();
    assert_eq!(two.here[0].asker_left(&demo(), ASKER), None);
    assert_eq!(two.step(Step::Asked)[0].1, Some(Step::Withdrawn));
}

#[test]
fn who_leaves_names_the_question_that_ends_with_that() {
    let mut two = Two::new();
    two.step(Step::Asked);
    assert_eq!(two.here[1].applier_left(&demo(), OLD), None);
    assert_eq!(two.here[1].applier_left(&demo(), NEW), Some(REQUEST));
    assert!(!two.here[1].has_applier(&demo()));
    assert_eq!(two.here[0].asker_left(&demo(), ASKER), Some(REQUEST));
    two.step(Step::Accepted);
    assert_eq!(two.here[0].asker_left(&demo(), ASKER), None, "it has begun");
}

#[test]
fn an_asker_that_has_left_is_told_nothing_of_what_it_has_withdrawn() {
    let mut two = Two::new();
    two.step(Step::Asked);
    two.here[0].asker_left(&demo(), ASKER);
    let withdrawn = told("#3 withdrawn 40");
    assert_eq!(two.step(Step::Withdrawn), [nothing(), withdrawn]);
}

#[test]
fn the_death_of_a_node_ends_what_it_was_asked_and_what_it_has_asked_unless_that_has_begun() {
    for (dead, is_accepted, expected) in [
        (1, false, Some(Step::Left)),
        (1, true, Some(Step::Left)),
        (0, false, Some(Step::Withdrawn)),
        (0, true, None),
    ] {
        let mut two = Two::new();
        two.step(Step::Asked);
        if is_accepted {
            two.step(Step::Accepted);
        }
        for here in &two.here {
            let ending = here.die(two.nodes[dead]);
            let expected = expected.clone().map(|step| (demo(), REQUEST, step));
            assert_eq!(ending, expected.into_iter().collect::<Vec<_>>());
        }
    }
}

#[test]
fn a_question_of_or_for_a_node_that_is_dead_already_is_not_asked_and_ends() {
    for lost in [Step::Left, Step::Withdrawn] {
        let mut two = Two::new();
        let heard = two.step_with(REQUEST, Step::Asked, Some(&lost));
        let ends = (Vec::new(), Some(lost));
        assert_eq!(heard, [ends.clone(), ends]);
    }
}

#[test]
fn a_yes_of_a_connection_that_nobody_here_knows_is_ended() {
    let mut two = Two::new();
    let ends = (Vec::new(), Some(Step::Left));
    assert_eq!(two.step(Step::Accepted), [nothing(), ends]);
}

#[test]
fn a_question_whose_end_was_not_heard_ends_with_the_next_one() {
    let mut two = Two::new();
    two.step(Step::Asked);
    let [(of_asker, _), (of_applier, _)] = two.step_of(REQUEST + 1, Step::Asked);
    assert_eq!(of_asker, ["#1 failed 40"]);
    assert_eq!(of_applier[0], "#3 withdrawn 40");
    assert!(of_applier[1].starts_with("#3 asked 41"), "{of_applier:?}");
}

#[test]
fn the_node_of_the_applier_ends_a_question_after_a_minute_or_when_the_other_node_is_silent() {
    let mut two = Two::new();
    two.step(Step::Asked);
    let late = |two: &Two, seconds, is_silent| {
        let now = Uptime::from_secs(seconds);
        two.here
            .each_ref()
            .map(|here| here.late(now, |_| is_silent))
    };
    let ending = |step| [vec![], vec![(demo(), REQUEST, step)]];
    assert_eq!(late(&two, 64, false), [vec![], vec![]]);
    assert_eq!(late(&two, 65, false), ending(Step::Late));
    assert_eq!(late(&two, 6, true), ending(Step::Withdrawn));
    two.step(Step::Accepted);
    assert_eq!(late(&two, 999, true), [vec![], vec![]]);
}
