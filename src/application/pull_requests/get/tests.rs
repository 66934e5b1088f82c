use crate::application::command::{Command, DeletePullRequest};
use crate::application::outcome::{CommandOutcome, LongAnswer};
use crate::application::pull_requests::pages::next_pull_requests;
use crate::application::request_error::RequestError;
use crate::application::session::dispatch::execute;
use crate::application::session::state::Session;
use crate::application::test_world::{
    ANA, BOB, EXPIRY, Scene, World, creation, demo, get, is_unauthorized, list, long_names,
    new_session, other, pull_request, streaming, viewing,
};
use crate::domain::Sections;
use crate::domain::{Outcome, PullRequest, PullRequestId};

fn id(number: u128) -> PullRequestId {
    PullRequestId::from_u128(number)
}

fn look(number: u128) -> Command {
    Command::GetPullRequest(Ok(Some(id(number))))
}

/// The ids that `list` returns.
async fn listed(scene: &Scene, session: &mut Session) -> Vec<PullRequestId> {
    let execution = execute(&scene.app, session, Command::ListPullRequests).await;
    let CommandOutcome::Long(LongAnswer::PullRequests(mut pages)) = execution else {
        panic!("refused");
    };
    let mut ids = Vec::new();
    while !pages.is_over() {
        let page = next_pull_requests(&scene.app, &mut pages).await;
        ids.extend(page.expect("found").0.iter().map(|found| found.id));
    }
    ids
}

/// A world with open pull requests: 7 of bob and 8 of pat in `ana/demo`, 9 of bob in `dan/other`.
fn with_three() -> World {
    let mut world = World::new();
    world.open = vec![
        pull_request(7, demo(), "bob"),
        pull_request(8, demo(), "pat"),
        pull_request(9, other(), "bob"),
    ];
    world
}

#[tokio::test]
async fn a_pull_request_is_visible_to_its_streamer_and_its_owner_alone() {
    let scene = with_three().build();
    let dan = "dan:dan/other";
    let cases = [
        // Who, their token and role, and which pull requests they may see.
        ("streamer", ANA, None, vec![7, 8]),
        ("owner", BOB, Some("bob"), vec![7]),
        ("the other owner", "pat:ana/demo", Some("pat"), vec![8]),
        ("a third", "eve:ana/demo", Some("eve"), vec![]),
        ("the streamer as a mere viewer", ANA, Some("ana"), vec![]),
        ("another streamer", dan, Some("dan"), vec![]),
        ("an owner elsewhere", "bob:dan/other", Some("bob"), vec![9]),
    ];
    for (who, token, viewer, visible) in cases {
        let sections = match viewer {
            None => streaming("ana/demo"),
            Some(user) => viewing(user, token.split_once(':').expect("a project").1),
        };
        let mut session = scene.connect(5, token, sections).await;
        let ids: Vec<_> = visible.iter().copied().map(id).collect();
        assert_eq!(listed(&scene, &mut session).await, ids, "{who}");
        for number in [7, 8, 9, 10] {
            let names = scene.names(&mut session, look(number)).await;
            let expected = if visible.contains(&number) {
                Ok(vec!["/p".to_owned()])
            } else {
                Err(RequestError::UNKNOWN_PULL_REQUEST)
            };
            assert_eq!(names, expected, "{who} {number}");
        }
        let impossible = scene
            .names(&mut session, Command::GetPullRequest(Ok(None)))
            .await;
        assert_eq!(impossible, Err(RequestError::UNKNOWN_PULL_REQUEST), "{who}");
    }
}

#[tokio::test]
async fn without_a_role_in_a_project_there_is_nothing_to_propose_to() {
    let commands: [fn() -> Command; 5] = [
        || creation("title"),
        || Command::FinishPullRequest,
        || look(7),
        || {
            Command::DeletePullRequest(Ok(DeletePullRequest {
                id: Some(id(7)),
                outcome: Outcome::Closed,
            }))
        },
        || Command::ListPullRequests,
    ];
    let scene = with_three().build();
    let mut nobody = new_session(9);
    let mut without_role = scene.connect(2, BOB, Sections::default()).await;
    let mut expired = scene.viewer().await;
    for command in commands {
        assert!(is_unauthorized(&scene.ask(&mut nobody, command()).await));
        assert!(is_unauthorized(
            &scene.ask(&mut without_role, command()).await
        ));
    }
    scene.at(EXPIRY);
    for command in commands {
        assert!(is_unauthorized(&scene.ask(&mut expired, command()).await));
    }
}

#[tokio::test]
async fn a_pull_request_is_reserved_until_all_its_files_have_been_sent() {
    let mut world = World::new();
    world.open = vec![long_names(pull_request(7, demo(), "bob"))];
    let bytes = world.open[0].memory_bytes();
    assert!(bytes > 400_000 && bytes <= PullRequest::MOST_BYTES);
    let scene = world.build();
    let mut streamer = scene.connect(1, ANA, streaming("ana/demo")).await;
    let before = streamer.account.held();
    let name = format!("/{}/", id(7));
    for command in [look(7), get(demo(), &name, true), list(demo(), &name, true)] {
        assert_eq!(command.answer_bytes(), PullRequest::MOST_BYTES);
        let outcome = execute(&scene.app, &mut streamer, command).await;
        assert!(matches!(outcome, CommandOutcome::Long(_)));
        assert_eq!(streamer.account.held(), before + bytes);
        drop(outcome);
        assert_eq!(streamer.account.held(), before);
    }
    assert_eq!(get(demo(), "/src", true).answer_bytes(), 0);
}
