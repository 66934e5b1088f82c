use super::*;

fn project(number: usize) -> ProjectId {
    ProjectId {
        streamer: UserName::parse("ana").expect("a name"),
        name: ProjectName::parse(&format!("demo{number}")).expect("a name"),
    }
}

/// Lets `there` hear what `here` tells. Returns the projects whose numbers have changed.
fn tell(
    (here, node): (&mut Viewers, NodeId),
    there: &mut Viewers,
    anew: bool,
    viewers: impl Fn(&ProjectId) -> usize,
) -> Vec<ProjectId> {
    let told = here.tell(anew, viewers);
    let heard = told.into_iter().flat_map(|told| there.hear(node, told));
    heard.collect()
}

#[test]
fn the_others_are_told_what_has_changed_and_only_that() {
    let (mut here, mut there) = (Viewers::default(), Viewers::default());
    let node = NodeId::random();
    let [one, two] = [1, 2].map(project);
    here.change(&one);
    let changed = tell((&mut here, node), &mut there, false, |_| 3);
    assert_eq!(changed, std::slice::from_ref(&one));
    assert_eq!((there.elsewhere(&one), there.elsewhere(&two)), (3, 0));
    assert!(here.tell(false, |_| 9).is_empty(), "nobody has changed it");
    here.change(&one);
    assert!(here.tell(false, |_| 3).is_empty(), "it is the same again");
    here.change(&one);
    here.change(&two);
    let viewers = |project: &ProjectId| usize::from(*project == two);
    let changed = tell((&mut here, node), &mut there, false, viewers);
    assert_eq!(changed.len(), 2);
    assert_eq!((there.elsewhere(&one), there.elsewhere(&two)), (0, 1));
    assert!(!here.told.contains_key(&one), "it takes no memory");
}

#[test]
fn the_viewers_of_all_nodes_add_up_and_those_of_one_that_is_gone_do_not_count() {
    let mut here = Viewers::default();
    let (nodes, demo) = ([NodeId::random(), NodeId::random()], project(0));
    for (node, viewers) in nodes.into_iter().zip([2, 5]) {
        let mut other = Viewers::default();
        other.change(&demo);
        tell((&mut other, node), &mut here, false, |_| viewers);
    }
    assert_eq!(here.elsewhere(&demo), 7);
    assert!(here.forget(|_| false).is_empty());
    let changed = here.forget(|node| node == nodes[0]);
    assert_eq!(changed, std::slice::from_ref(&demo));
    assert_eq!(here.elsewhere(&demo), 5);
}

#[test]
fn whoever_has_missed_something_knows_all_again_once_all_is_told_anew() {
    let (mut here, mut there) = (Viewers::default(), Viewers::default());
    let node = NodeId::random();
    let many = TOLD_AT_ONCE * 2 + 1;
    for number in 0..many {
        here.change(&project(number));
    }
    let changed = tell((&mut here, node), &mut there, true, |_| 1);
    assert_eq!(changed.len(), many);
    let changed = tell((&mut here, node), &mut there, true, |_| 1);
    assert!(changed.is_empty(), "nothing is different: {changed:?}");
    for number in [0, 1] {
        here.change(&project(number));
    }
    let lost = here.tell(
        false,
        |project_| if *project_ == project(0) { 0 } else { 2 },
    );
    assert_eq!(lost.len(), 1);
    let mut changed = tell((&mut here, node), &mut there, true, |_| 0);
    changed.sort_unstable();
    assert_eq!(changed, [0, 1].map(project));
    assert_eq!(
        [0, 1, 2].map(|number| there.elsewhere(&project(number))),
        [0, 2, 1]
    );
    for number in 0..many {
        here.change(&project(number));
    }
    let lost = here.tell(false, |_| 0);
    assert!(lost.len() > 1);
    let changed = tell((&mut here, node), &mut there, true, |_| 0);
    assert_eq!(changed.len(), many - 1, "all that had any");
}

#[test]
fn what_is_no_name_is_left_out() {
    let mut here = Viewers::default();
    let told = Told {
        round: 0,
        is_complete: false,
        viewers: vec![
            (String::new(), "demo0".to_owned(), 1),
            ("ana".to_owned(), "demo0".to_owned(), 1),
        ],
    };
    assert_eq!(here.hear(NodeId::random(), told), [project(0)]);
}
