use super::*;
use crate::application::command::Command;
use crate::application::files::post_file::settle_upload;
use crate::application::ports::StoreError;
use crate::application::pull_requests::pages::next_pull_requests;
use crate::application::request_error::BadParameters;
use crate::application::session::dispatch::execute;
use crate::application::session::expiry::withdraw_expired;
use crate::application::test_world::{
    ANA, BOB, EXPIRY, START, Scene, World, authenticate, both, chatting, creation, demo,
    desktop_part, disk_full, is_bad, is_unauthorized, new_session, over, part, post, project,
    pull_request, separately, streaming, viewing, watch,
};
use crate::domain::{PullRequestId, WriteTarget};

fn session() -> Session {
    new_session(1)
}

fn all_sections() -> Sections {
    let chat = chatting("ana", "ana/demo");
    both(
        both(streaming("ana/demo"), chat),
        viewing("ana", "ana/demo"),
    )
}

/// The open uploads of the connection into its project.
fn uploads(session: &Session) -> Vec<String> {
    let names = session.uploads.names_into(&WriteTarget::Project(demo()));
    names.iter().map(ToString::to_string).collect()
}

#[tokio::test]
async fn one_reply_per_section_and_the_last_one() {
    let (file, chat, viewer) = (Reply::FileAuth, Reply::ChatAuth, Reply::PullRequestAuth);
    let cases = [
        (Sections::default(), vec![]),
        (streaming("ana/demo"), vec![file.clone()]),
        (chatting("ana", "ana/demo"), vec![chat.clone()]),
        (viewing("ana", "ana/demo"), vec![viewer.clone()]),
        (all_sections(), vec![file, chat, viewer]),
    ];
    for (sections, mut replies) in cases {
        replies.push(Reply::Authentication);
        let scene = World::new().build();
        let answer = scene.ask(&mut session(), authenticate(ANA, sections)).await;
        assert_eq!(answer, Ok(replies));
    }
}

#[tokio::test]
async fn claims_that_do_not_match_are_401() {
    let cases = [
        ("", streaming("ana/demo")),
        ("garbage", streaming("ana/demo")),
        ("ana:ana/demo,odd=1", streaming("ana/demo")),
        ("ana:ana/demo,exp=1000", streaming("ana/demo")),
        ("ana:ana/demo,nbf=1006", streaming("ana/demo")),
        (":ana/demo", streaming("ana/demo")),
        ("../x:ana/demo", Sections::default()),
        ("ana:", streaming("ana/demo")),
        (BOB, streaming("ana/demo")),
        (BOB, streaming("bob/demo")),
        (ANA, streaming("ana/another")),
        (ANA, streaming("dan/demo")),
        (BOB, viewing("ana", "ana/demo")),
        (BOB, viewing("bob", "ana/another")),
        (BOB, viewing("bob", "dan/demo")),
        ("bob:", viewing("bob", "ana/demo")),
        (BOB, chatting("ana", "ana/demo")),
        (BOB, chatting("bob", "lobby")),
        ("bob:ana/demo,room=lobby", chatting("bob", "ana/demo")),
        ("bob:", chatting("bob", "ana/demo")),
        ("bob:ana/demo,banned=1001", chatting("bob", "ana/demo")),
    ];
    for (token, sections) in cases {
        let scene = World::new().build();
        let mut session = session();
        let answer = scene
            .ask(&mut session, authenticate(token, sections.clone()))
            .await;
        assert!(is_unauthorized(&answer), "{token} {sections:?}: {answer:?}");
        assert!(!session.is_authenticated());
        assert!(scene.journal.take().is_empty(), "{token} {sections:?}");
    }
}

#[tokio::test]
async fn claims_that_barely_match_are_good() {
    let cases = [
        ("ana:ana/demo,exp=1001", streaming("ana/demo")),
        ("ana:ana/demo,nbf=1005", streaming("ana/demo")),
        ("bob:ana/demo,room=lobby", chatting("bob", "lobby")),
        ("bob:ana/demo,banned=1000", chatting("bob", "ana/demo")),
        ("bob:ana/demo,muted=9999", chatting("bob", "ana/demo")),
    ];
    for (token, sections) in cases {
        let scene = World::new().build();
        let answer = scene
            .ask(&mut session(), authenticate(token, sections))
            .await;
        assert!(answer.is_ok(), "{token}: {answer:?}");
    }
}

/// A connection that is streamer, viewer and member, watches another project, and has an upload and
/// a draft with an upload.
async fn one_with_everything(scene: &Scene) -> Session {
    let mut session = scene.connect(1, ANA, all_sections()).await;
    for command in [
        watch(project("dan/other")),
        part("/u", "begun", 1, 2),
        creation("title"),
        part("/v", "begun", 1, 2),
    ] {
        scene.ask(&mut session, command).await.expect("allowed");
    }
    scene.journal.take();
    session
}

#[tokio::test]
async fn a_renewed_token_with_fewer_rights_ends_what_it_does_not_allow() {
    let names = |command: &str| format!("{command} #1 updates ana/demo");
    for (rights, public_read, keeps) in [
        ("read+chat+propose", false, [true, true, true]),
        ("read+chat", false, [true, true, false]),
        ("read", true, [true, false, false]),
        ("chat+propose", true, [false, true, false]),
        ("chat+propose", false, [false, false, false]),
        ("propose", true, [false, false, false]),
        ("", false, [false, false, false]),
    ] {
        let mut world = World::new();
        world.policy.public.read = public_read;
        let scene = world.build();
        let sections = both(viewing("bob", "ana/demo"), chatting("bob", "ana/demo"));
        let mut session = scene.connect(1, BOB, sections).await;
        for command in [creation("title"), part("/v", "begun", 1, 2)] {
            scene.ask(&mut session, command).await.expect("allowed");
        }
        scene.journal.take();
        let draft = session.draft.as_ref().expect("a draft").id;
        let token = format!("bob:ana/demo,rights={rights}");
        let renewal = authenticate(&token, Sections::default());
        scene
            .ask(&mut session, renewal)
            .await
            .expect("a good token");
        let journal = scene.journal.take();
        let [views, chats, proposes] = keeps;
        assert_eq!(session.roles.viewer, views, "{rights}");
        assert_eq!(session.roles.room.is_some(), chats, "{rights}");
        assert_eq!(session.draft.is_some(), proposes, "{rights}");
        let uploads = session.uploads.names_into(&WriteTarget::Draft(draft));
        assert_eq!(uploads.len(), usize::from(proposes), "{rights}");
        assert_eq!(journal.contains(&names("unsubscribe")), !views, "{rights}");
        let left = journal.contains(&"leave ana/demo bob".to_owned());
        assert_eq!(left, !chats, "{rights}");
    }

    let scene = World::new().build();
    let mut session = one_with_everything(&scene).await;
    let limited = "ana:ana/demo,rights=read+chat+propose";
    let renewal = authenticate(limited, Sections::default());
    scene
        .ask(&mut session, renewal)
        .await
        .expect("a good token");
    assert!(session.roles.streamer.is_none() && session.roles.viewer);
    let journal = scene.journal.take();
    assert!(
        journal.contains(&"depart #1 ana/demo".to_owned()),
        "{journal:?}"
    );
}

#[tokio::test]
async fn a_failed_authenticate_fails_closed() {
    let shapeless = || Command::Authenticate(Err(BadParameters::new("no")));
    let failures = [
        shapeless(),
        authenticate("garbage", Sections::default()),
        authenticate(BOB, streaming("ana/demo")),
    ];
    for command in failures {
        let scene = World::new().build();
        let mut session = one_with_everything(&scene).await;
        assert!(scene.ask(&mut session, command).await.is_err());
        assert_eq!(session.roles, Roles::default());
        assert!(!session.is_authenticated());
        assert!(session.draft.is_none());
        assert!(uploads(&session).is_empty());
        assert_eq!(
            scene.journal.take(),
            [
                "draft discard",
                "unsubscribe #1 proposals ana/demo",
                "unsubscribe #1 updates ana/demo",
                "unsubscribe #1 outcomes ana/demo ana",
                "unsubscribe #1 room ana/demo",
                "leave ana/demo ana",
                "depart #1 ana/demo",
            ],
            "the watch stays"
        );
    }
}

#[tokio::test]
async fn failing_closed_ends_the_watches_where_reading_needs_a_token() {
    let scene = World::private().build();
    let mut session = scene.connect(1, BOB, Sections::default()).await;
    let watch = watch(demo());
    scene.ask(&mut session, watch).await.expect("may read");
    scene.journal.take();
    let again = authenticate("garbage", Sections::default());
    assert!(scene.ask(&mut session, again).await.is_err());
    assert_eq!(scene.journal.take(), ["unsubscribe #1 updates ana/demo"]);
    let renewal = authenticate(BOB, Sections::default());
    scene
        .ask(&mut session, renewal)
        .await
        .expect("a good token");
    assert!(
        scene.journal.take().is_empty(),
        "the watch is gone for good"
    );
}

#[tokio::test]
async fn nothing_changes_before_every_check_has_passed() {
    // The last section is the one that fails.
    let scene = World::new().build();
    let sections = both(streaming("ana/demo"), viewing("ana", "ana/another"));
    let answer = scene.ask(&mut session(), authenticate(ANA, sections)).await;
    assert!(is_unauthorized(&answer));
    assert!(scene.journal.take().is_empty());

    let mut world = World::new();
    world.rooms.expect_enter().returning(|_, _, _| false);
    let scene = world.build();
    let answer = scene
        .ask(&mut session(), authenticate(ANA, all_sections()))
        .await;
    assert_eq!(answer, Err(over("maxRooms", 10)));
    assert!(scene.journal.take().is_empty(), "not even registered");
}

#[tokio::test]
async fn the_checks_come_in_the_order_of_the_contract() {
    let shape = Command::Authenticate(Err(BadParameters::new("no name")));
    let cases = [
        (shape, false),
        (authenticate("garbage", viewing("bob", "ana/demo")), true),
        (authenticate(BOB, viewing("bob", "ana/gone")), true),
        (authenticate(BOB, viewing("bob", "ana/demo")), false),
    ];
    for (command, unauthorized) in cases {
        let mut world = World::new();
        let absent = |_: &ProjectId| Ok(ProjectState::Absent);
        world.projects.expect_state().returning(absent);
        let scene = world.build();
        let shown = format!("{command:?}");
        let answer = scene.ask(&mut session(), command).await;
        assert_eq!(is_unauthorized(&answer), unauthorized, "{shown}");
        assert_eq!(is_bad(&answer), !unauthorized, "{shown}");
    }
}

#[tokio::test]
async fn a_viewer_needs_the_streamer_or_the_project() {
    let absent = || {
        let mut world = World::new();
        let absent = |_: &ProjectId| Ok(ProjectState::Absent);
        world.projects.expect_state().returning(absent);
        world
    };
    let view = || authenticate(BOB, viewing("bob", "ana/demo"));

    let scene = absent().build();
    let answer = scene.ask(&mut session(), view()).await;
    assert_eq!(answer, Err(NOT_THERE));

    let mut world = absent();
    world.presence.expect_streamers().return_const(1_usize);
    let answer = world.build().ask(&mut session(), view()).await;
    assert!(answer.is_ok(), "the streamer is connected");

    let scene = absent().build();
    let sections = both(streaming("ana/demo"), viewing("ana", "ana/demo"));
    let answer = scene.ask(&mut session(), authenticate(ANA, sections)).await;
    assert!(answer.is_ok(), "a file section in the same message counts");

    let answer = World::new().build().ask(&mut session(), view()).await;
    assert!(answer.is_ok(), "the project exists");
}

#[tokio::test]
async fn a_foreign_folder_is_400_and_no_project() {
    let mut world = World::new();
    let foreign = |_: &ProjectId| Ok(ProjectState::Foreign);
    world.projects.expect_state().returning(foreign);
    let scene = world.build();
    for (token, sections, refusal) in [
        (ANA, streaming("ana/demo"), FOREIGN),
        (BOB, viewing("bob", "ana/demo"), NOT_THERE),
    ] {
        let answer = scene
            .ask(&mut session(), authenticate(token, sections))
            .await;
        assert_eq!(answer, Err(refusal));
        assert!(scene.journal.take().is_empty());
    }
    // It became foreign between the check and the registration.
    let mut world = World::new();
    let in_the_way = |_: &ProjectId| Err(StoreError::PathConflict);
    world.projects.expect_register().returning(in_the_way);
    let scene = world.build();
    let answer = scene
        .ask(&mut session(), authenticate(ANA, streaming("ana/demo")))
        .await;
    assert_eq!(answer, Err(FOREIGN));
    assert!(scene.journal.take().is_empty());
}

#[tokio::test]
async fn a_room_is_left_again_if_the_project_cannot_be_registered() {
    let mut world = World::new();
    let in_the_way = |_: &ProjectId| Err(StoreError::PathConflict);
    world.projects.expect_register().returning(in_the_way);
    let scene = world.build();
    let mut session = session();
    let answer = scene
        .ask(&mut session, authenticate(ANA, all_sections()))
        .await;
    assert_eq!(answer, Err(FOREIGN));
    assert_eq!(
        scene.journal.take(),
        ["enter ana/demo ana", "leave ana/demo ana"]
    );
    assert!(session.attached.room.is_none());
}

#[tokio::test]
async fn a_renewed_token_keeps_what_it_still_allows() {
    let scene = World::new().build();
    let mut session = one_with_everything(&scene).await;
    let before = session.roles.clone();
    let renewal = authenticate("ana:ana/demo,exp=3000", Sections::default());
    scene
        .ask(&mut session, renewal)
        .await
        .expect("a good token");
    assert_eq!(session.roles, before);
    assert!(session.draft.is_some());
    assert_eq!(uploads(&session), ["/u"]);
    assert!(scene.journal.take().is_empty(), "nobody is told anything");
}

#[tokio::test]
async fn another_token_ends_what_it_does_not_allow() {
    // Token, whether streamer and viewer stay, whether the room stays.
    let cases = [
        ("ana:ana/demo,room=lobby", true, false),
        ("ana:ana/demo,banned=5000", true, false),
        ("ana:ana/other,room=ana/demo", false, true),
        ("ana:,room=ana/demo", false, true),
        ("bob:ana/demo", false, false),
        ("dan:dan/other", false, false),
    ];
    for (token, keeps_project, keeps_room) in cases {
        let scene = World::new().build();
        let mut session = one_with_everything(&scene).await;
        let other = authenticate(token, Sections::default());
        scene.ask(&mut session, other).await.expect("a good token");
        assert_eq!(session.roles.streamer.is_some(), keeps_project, "{token}");
        assert_eq!(session.roles.viewer, keeps_project, "{token}");
        assert_eq!(session.draft.is_some(), keeps_project, "{token}");
        assert_eq!(!uploads(&session).is_empty(), keeps_project, "{token}");
        assert_eq!(session.roles.room.is_some(), keeps_room, "{token}");
        let journal = scene.journal.take();
        let left = journal.contains(&"leave ana/demo ana".to_owned());
        let departed = journal.contains(&"depart #1 ana/demo".to_owned());
        assert_eq!((departed, left), (!keeps_project, !keeps_room), "{token}");
    }
}

#[tokio::test]
async fn a_draft_is_its_authors_though_another_comes_with_a_role_in_the_project() {
    let scene = World::new().build();
    let mut session = one_with_everything(&scene).await;
    let other = authenticate("bob:ana/demo", viewing("bob", "ana/demo"));
    scene.ask(&mut session, other).await.expect("a good token");
    assert!(session.roles.viewer);
    assert!(session.draft.is_none());
}

#[tokio::test]
async fn another_chat_section_moves_the_connection() {
    let scene = World::new().build();
    let mut session = scene.connect(1, BOB, chatting("bob", "ana/demo")).await;
    let token = "bob:ana/demo,room=lobby";
    let other = authenticate(token, chatting("bob", "lobby"));
    scene.ask(&mut session, other).await.expect("a good token");
    assert_eq!(
        scene.journal.take(),
        [
            "enter lobby bob",
            "leave ana/demo bob",
            "unsubscribe #1 room ana/demo",
            "subscribe #1 room lobby",
        ],
        "entered once: what was free while it was looked for may be taken by then"
    );
}

#[tokio::test]
async fn a_separate_form_takes_the_token_that_the_connection_holds() {
    let scene = World::new().build();
    let mut session = session();
    let view = || separately(None, viewing("bob", "ana/demo"));
    assert!(is_unauthorized(&scene.ask(&mut session, view()).await));
    let token = authenticate(BOB, Sections::default());
    scene.ask(&mut session, token).await.expect("a good token");
    let answer = scene.ask(&mut session, view()).await;
    assert_eq!(answer, Ok(vec![Reply::PullRequestAuth]));
    let chat = separately(None, chatting("bob", "ana/demo"));
    assert_eq!(
        scene.ask(&mut session, chat).await,
        Ok(vec![Reply::ChatAuth])
    );
    assert!(session.roles.viewer, "one role does not end another");
    scene.at(EXPIRY);
    assert!(is_unauthorized(&scene.ask(&mut session, view()).await));
    let fresh = separately(Some("ana:ana/demo,exp=3000"), streaming("ana/demo"));
    assert_eq!(
        scene.ask(&mut session, fresh).await,
        Ok(vec![Reply::FileAuth])
    );
}

#[tokio::test]
async fn a_separate_form_that_fails_changes_nothing() {
    let shapeless = |token: Option<&str>| {
        let section = Err(BadParameters::new("no name"));
        let token = token.map(str::to_owned);
        Command::AuthenticateSection(Ok(AuthenticateSection { token, section }))
    };
    let failures = [
        Command::AuthenticateSection(Err(BadParameters::new("no object"))),
        shapeless(None),
        shapeless(Some(ANA)),
        separately(Some(""), streaming("ana/demo")),
        separately(Some("garbage"), streaming("ana/demo")),
        separately(Some(BOB), streaming("ana/demo")),
        separately(None, streaming("dan/demo")),
        separately(None, chatting("ana", "lobby")),
        separately(None, viewing("bob", "ana/demo")),
    ];
    for command in failures {
        let scene = World::new().build();
        let mut session = one_with_everything(&scene).await;
        let (roles, identity) = (session.roles.clone(), session.identity.clone());
        let shown = format!("{command:?}");
        assert!(scene.ask(&mut session, command).await.is_err(), "{shown}");
        assert_eq!((&session.roles, &session.identity), (&roles, &identity));
        assert_eq!(uploads(&session), ["/u"], "{shown}");
        assert!(session.draft.is_some(), "{shown}");
        assert!(scene.journal.take().is_empty(), "{shown}");
    }
}

#[tokio::test]
async fn without_a_token_a_separate_form_is_401_whatever_its_section() {
    let section = Err(BadParameters::new("no name"));
    let form = AuthenticateSection {
        token: None,
        section,
    };
    let command = Command::AuthenticateSection(Ok(form));
    let answer = World::new().build().ask(&mut session(), command).await;
    assert!(is_unauthorized(&answer));
}

#[tokio::test]
async fn one_failure_too_many_is_the_last() {
    let bad = || authenticate("garbage", Sections::default());
    let bad_form = || separately(None, streaming("dan/demo"));
    let shapeless = || Command::Authenticate(Err(BadParameters::new("no")));
    let scene = World::new().build();
    let mut session = session();
    for (command, for_good) in [
        (bad(), false),
        (shapeless(), false), // a 400 does not count
        (bad_form(), false),
        (authenticate(ANA, Sections::default()), false), // a success resets
        (bad(), false),
        (bad_form(), false),
        (bad(), true),
        (bad(), true),
    ] {
        let shown = format!("{command:?}");
        let execution = execute(&scene.app, &mut session, command).await;
        let last = matches!(execution, CommandOutcome::RefusedForGood(_));
        assert_eq!(last, for_good, "{shown}");
    }
}

#[tokio::test]
async fn a_streamer_is_given_what_has_waited_once_per_connection() {
    let mut world = World::new();
    world.open = vec![
        pull_request(7, demo(), "bob"),
        pull_request(8, demo(), "pat"),
    ];
    let scene = world.build();
    let mut session = session();
    for told in [2, 0] {
        let command = authenticate(ANA, streaming("ana/demo"));
        let execution = execute(&scene.app, &mut session, command).await;
        let CommandOutcome::Authenticated { waiting, .. } = execution else {
            panic!("refused");
        };
        let mut ids = Vec::new();
        if let Some(mut pages) = waiting {
            let page = next_pull_requests(&scene.app, &mut pages).await;
            (ids, _) = page.expect("the store answers");
        }
        assert_eq!(ids.len(), told);
    }
}

#[tokio::test]
async fn after_an_expiry_the_streamer_is_told_only_of_what_has_come_since() {
    let mut world = World::new();
    world.open = vec![
        pull_request(7, demo(), "bob"),
        pull_request(8, demo(), "pat"),
    ];
    world.open[1].date = Timestamp::from_secs(EXPIRY + 5);
    let scene = world.build();
    let mut session = scene.streamer().await;
    scene.at(EXPIRY);
    withdraw_expired(&scene.app, &mut session);
    scene.at(EXPIRY + 10);
    let token = "ana:ana/demo,exp=3000";
    let told = waiting(&scene, &mut session, token, Sections::default()).await;
    assert_eq!(told, [PullRequestId::from_u128(8)]);
}

/// The ids of the pull requests waiting for a streamer who authenticates this way.
async fn waiting(
    scene: &Scene,
    session: &mut Session,
    token: &str,
    sections: Sections,
) -> Vec<PullRequestId> {
    let command = authenticate(token, sections);
    let CommandOutcome::Authenticated { waiting, .. } = execute(&scene.app, session, command).await
    else {
        panic!("refused");
    };
    let Some(mut pages) = waiting else {
        return Vec::new();
    };
    let page = next_pull_requests(&scene.app, &mut pages).await;
    let (found, _) = page.expect("the store answers");
    found.iter().map(|found| found.id).collect()
}

#[tokio::test]
async fn a_streamer_who_goes_over_to_another_project_is_told_of_all_that_waits_there() {
    let mut world = World::new();
    world.open = vec![
        pull_request(7, demo(), "bob"),
        pull_request(8, project("ana/other"), "bob"),
    ];
    let scene = world.build();
    let mut session = session();
    assert_eq!(
        waiting(&scene, &mut session, ANA, streaming("ana/demo")).await,
        [PullRequestId::from_u128(7)]
    );
    let token = "ana:ana/other";
    assert_eq!(
        waiting(&scene, &mut session, token, streaming("ana/other")).await,
        [PullRequestId::from_u128(8)]
    );
    assert!(
        waiting(&scene, &mut session, token, streaming("ana/other"))
            .await
            .is_empty()
    );
}

#[tokio::test]
async fn a_streamer_who_comes_back_is_told_of_what_has_come_since_and_of_nothing_twice() {
    let garbage = || authenticate("garbage", Sections::default());
    let nobody = || authenticate("bob:", Sections::default());
    let bare = |token| authenticate(token, Sections::default());
    let other = || authenticate("ana:ana/other", streaming("ana/other"));
    let viewer = || authenticate(BOB, viewing("bob", "ana/demo"));
    // What the connection does between losing the role of streamer of `ana/demo` and regaining it.
    let cases = [
        vec![viewer()],
        vec![bare(BOB)],
        vec![separately(Some(BOB), chatting("bob", "ana/demo"))],
        vec![separately(Some(BOB), viewing("bob", "ana/demo"))],
        vec![bare(BOB), viewer(), bare(BOB)],
        vec![viewer(), nobody(), bare(BOB)],
        vec![nobody()],
        vec![garbage()],
        vec![bare(BOB), garbage(), viewer()],
        vec![bare("ana:ana/other")],
        vec![other()],
        vec![other(), bare(BOB), garbage(), other()],
    ];
    for commands in cases {
        let shown = format!("{commands:?}");
        let mut world = World::new();
        world.open = vec![
            pull_request(7, demo(), "bob"),
            pull_request(8, demo(), "bob"),
        ];
        world.open[1].date = Timestamp::from_secs(START + 15);
        let scene = world.build();
        let mut session = scene.streamer().await;
        scene.at(START + 10);
        for command in commands {
            let _ = scene.ask(&mut session, command).await;
        }
        scene.at(START + 20);
        let new = [PullRequestId::from_u128(8)];
        for told in [&new[..], &[]] {
            let back = waiting(&scene, &mut session, ANA, streaming("ana/demo")).await;
            assert_eq!(back, told, "{shown}");
        }
        let viewer = authenticate(BOB, viewing("bob", "ana/demo"));
        scene.ask(&mut session, viewer).await.expect("a good token");
        let back = waiting(&scene, &mut session, ANA, streaming("ana/demo")).await;
        assert!(back.is_empty(), "{shown}");
    }
}

#[tokio::test]
async fn a_streamer_whose_waiting_pull_requests_cannot_be_read_is_told_the_next_time() {
    let mut world = World::new();
    world.open = vec![pull_request(7, demo(), "bob")];
    let fails = |_: &ProjectId, _, _| Err(disk_full());
    let open_since = world.pull_requests.expect_open_since();
    open_since.once().returning(fails);
    let scene = world.build();
    let mut session = session();
    for waits in [false, true, false] {
        let command = authenticate(ANA, streaming("ana/demo"));
        let execution = execute(&scene.app, &mut session, command).await;
        let CommandOutcome::Authenticated { waiting, .. } = execution else {
            panic!("refused");
        };
        assert_eq!(waiting.is_some(), waits);
    }
}

#[tokio::test]
async fn an_expired_token_is_withdrawn_once_and_presence_stays() {
    let scene = World::new().build();
    let mut session = one_with_everything(&scene).await;
    assert_eq!(withdraw_expired(&scene.app, &mut session), None);
    scene.at(EXPIRY);
    let told = withdraw_expired(&scene.app, &mut session);
    assert!(matches!(told, Some(RequestError::Unauthorized(_))));
    assert_eq!(
        withdraw_expired(&scene.app, &mut session),
        None,
        "told once"
    );
    assert_eq!(
        scene.journal.take(),
        [
            "unsubscribe #1 proposals ana/demo",
            "unsubscribe #1 outcomes ana/demo ana",
            "unsubscribe #1 room ana/demo",
            "leave ana/demo ana",
        ]
    );
    assert!(session.draft.is_some());
    assert_eq!(uploads(&session), ["/u"]);

    let renewal = authenticate("ana:ana/demo,exp=3000", Sections::default());
    scene
        .ask(&mut session, renewal)
        .await
        .expect("a good token");
    let journal = scene.journal.take();
    let restored = &journal[journal.len() - 4..];
    assert_eq!(
        restored,
        [
            "enter ana/demo ana",
            "subscribe #1 outcomes ana/demo ana",
            "subscribe #1 room ana/demo",
            "subscribe #1 proposals ana/demo",
        ]
    );
    scene.at(3_000);
    assert!(withdraw_expired(&scene.app, &mut session).is_some());
}

#[tokio::test]
async fn an_expired_token_ends_the_updates_where_reading_needs_one() {
    let scene = World::private().build();
    let mut session = scene.viewer().await;
    scene.at(EXPIRY);
    assert!(withdraw_expired(&scene.app, &mut session).is_some());
    let withdrawn = [
        "unsubscribe #2 updates ana/demo",
        "unsubscribe #2 outcomes ana/demo bob",
    ];
    assert_eq!(scene.journal.take(), withdrawn);
    let renewal = authenticate("bob:ana/demo,exp=3000", Sections::default());
    scene
        .ask(&mut session, renewal)
        .await
        .expect("a good token");
    let restored = withdrawn.map(|entry| entry.trim_start_matches("un").to_owned());
    assert_eq!(scene.journal.take(), restored);
}

#[tokio::test]
async fn an_upload_that_would_complete_after_the_expiry_is_401() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let first = part("/u", "one", 1, 2);
    scene.ask(&mut session, first).await.expect("a part");
    scene.at(EXPIRY);
    let last = || part("/u", "two", 2, 2);
    assert!(is_unauthorized(&scene.ask(&mut session, last()).await));
    let whole = post("/w", "whole");
    assert!(is_unauthorized(&scene.ask(&mut session, whole).await));
    assert!(scene.journal.take().is_empty());
    let renewal = authenticate("ana:ana/demo,exp=3000", Sections::default());
    scene
        .ask(&mut session, renewal)
        .await
        .expect("a good token");
    let answer = scene.ask(&mut session, last()).await;
    assert_eq!(answer, Ok(vec![Reply::FilePosted]), "it was only suspended");
}

#[tokio::test]
async fn an_upload_settled_after_the_expiry_is_401() {
    let scene = World::new().build();
    let mut session = scene.streamer().await;
    let first = desktop_part("/u", 375, 1, 2);
    scene.ask(&mut session, first).await.expect("a part");
    scene.at(EXPIRY);
    let settled = settle_upload(&scene.app, &mut session, None).await;
    let answer = scene.finish(settled.expect("it settles")).await;
    assert!(is_unauthorized(&answer));
    assert!(scene.journal.take().is_empty());
}

#[tokio::test]
async fn a_room_left_by_expiry_may_be_full_on_return() {
    let mut world = World::new();
    world
        .rooms
        .expect_enter()
        .times(1)
        .returning(|_, _, _| true);
    world.rooms.expect_enter().returning(|_, _, _| false);
    let scene = world.build();
    let mut session = scene.connect(2, BOB, chatting("bob", "ana/demo")).await;
    scene.at(EXPIRY);
    withdraw_expired(&scene.app, &mut session);
    let renewal = authenticate("bob:ana/demo,exp=3000", Sections::default());
    let answer = scene.ask(&mut session, renewal).await;
    assert_eq!(answer, Err(over("maxRooms", 10)));
}
