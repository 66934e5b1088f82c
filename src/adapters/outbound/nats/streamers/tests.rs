use proptest::prelude::*;

use super::*;

fn project(name: &str) -> ProjectId {
    ProjectId {
        streamer: UserName::parse("ana").expect("a name"),
        name: ProjectName::parse(name).expect("a name"),
    }
}

impl Streamers {
    fn tell(
        &mut self,
        node: NodeId,
        project: &ProjectId,
        is_there: bool,
    ) -> Vec<(ProjectId, bool)> {
        self.follow(sent(node, Kept::streamer(project, is_there, false)))
    }

    fn bury(&mut self, dead: NodeId) -> Vec<(ProjectId, bool)> {
        self.follow(sent(NodeId::random(), Kept::Death { dead }))
    }
}

/// The message as it comes out of the log.
fn sent(node: NodeId, body: Kept) -> Message<Kept> {
    let payload = Message::encode(node, body).expect("is encoded");
    Message::decode(&payload).expect("is understood")
}

#[test]
fn only_the_first_of_all_nodes_and_the_last_are_transitions() {
    let (demo, [a, b]) = (project("demo"), [NodeId::random(), NodeId::random()]);
    let mut all = Streamers::default();
    assert_eq!(all.tell(a, &demo, false), [], "there was nobody");
    assert_eq!(all.tell(a, &demo, true), [(demo.clone(), true)]);
    assert_eq!(all.tell(a, &demo, true), [], "told twice");
    assert_eq!(all.tell(b, &demo, true), []);
    assert_eq!(all.elsewhere(&demo, b), 1);
    assert_eq!(all.elsewhere(&demo, NodeId::random()), 2);
    let other = project("other");
    assert_eq!(all.tell(a, &other, true), [(other, true)], "of its own");
    assert_eq!(all.tell(a, &demo, false), []);
    assert_eq!(all.tell(a, &demo, false), []);
    assert_eq!(all.tell(b, &demo, false), [(demo.clone(), false)]);
    assert_eq!(all.elsewhere(&demo, a), 0);
}

#[test]
fn a_dead_node_takes_its_streamers_along_and_counts_no_more() {
    let [demo, other, third] = ["demo", "other", "third"].map(project);
    let [a, b] = [NodeId::random(), NodeId::random()];
    let mut all = Streamers::default();
    for (node, project) in [(a, &demo), (a, &other), (b, &other), (b, &third)] {
        all.tell(node, project, true);
    }
    assert_eq!(all.known().count(), 2);
    assert_eq!(
        all.bury(a),
        [(demo.clone(), false)],
        "the others have one left"
    );
    assert_eq!(all.known().collect::<Vec<_>>(), [b]);
    assert_eq!(all.bury(a), [], "only once");
    assert_eq!(all.tell(a, &demo, true), [], "it did not know yet");
    assert_eq!(all.elsewhere(&demo, b), 0);
    let renamed = NodeId::random();
    assert_eq!(all.tell(renamed, &demo, true), [(demo, true)]);
}

#[test]
fn a_node_that_applies_pull_requests_is_found_from_elsewhere_until_it_says_no_or_dies() {
    let mut all = Streamers::default();
    let (a, b, demo) = (NodeId::random(), NodeId::random(), project("demo"));
    let applies = |node, applies| sent(node, Kept::streamer(&demo, false, applies));
    assert_eq!(
        all.follow(applies(a, true)),
        [],
        "no streamer comes with it"
    );
    assert_eq!(all.applier(&demo, b), Some(a));
    assert_eq!(all.applier(&demo, a), None);
    all.follow(applies(a, false));
    assert_eq!(all.applier(&demo, b), None);
    all.follow(applies(a, true));
    all.bury(a);
    assert_eq!(all.applier(&demo, b), None);
}

#[test]
fn what_names_no_project_is_ignored() {
    let mut all = Streamers::default();
    let nameless = Kept::Streamer {
        streamer: String::new(),
        project: "demo".to_owned(),
        is_there: true,
        applies: true,
    };
    assert_eq!(all.follow(sent(NodeId::random(), nameless)), []);
}

proptest! {
    #[test]
    fn transitions_alternate_and_agree_with_the_sum(
        steps in prop::collection::vec((0..3_usize, 0..2_usize, any::<bool>(), 0..12_u8), 1..60)
    ) {
        let projects = ["demo", "other"].map(project);
        let nodes: [_; 3] = std::array::from_fn(|_| NodeId::random());
        let (mut all, nobody) = (Streamers::default(), NodeId::random());
        let mut are_there = [false; 2];
        for (node, which, is_there, death) in steps {
            let transitions = if death == 0 {
                all.bury(nodes[node])
            } else {
                all.tell(nodes[node], &projects[which], is_there)
            };
            for (project, is_there) in transitions {
                let which = usize::from(project == projects[1]);
                prop_assert_ne!(are_there[which], is_there);
                are_there[which] = is_there;
            }
            for (project, is_there) in projects.iter().zip(are_there) {
                prop_assert_eq!(all.elsewhere(project, nobody) > 0, is_there);
            }
        }
    }
}
