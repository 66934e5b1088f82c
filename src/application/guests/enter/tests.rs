use super::*;
use crate::application::command::Command;
use crate::application::request_error::BadParameters;
use crate::application::test_world::{
    ADDRESS, ANA, BOB, Scene, World, as_guest, authenticate, creation, demo, is_bad,
    is_unauthorized, new_session, other, pull_request, streaming, viewing,
};
use crate::domain::ClientAddress;
use crate::domain::{GuestAccess, GuestName, Sections, UserName};

/// Twelve hours after the start, in seconds.
const MORNING: u64 = 1_000 + 12 * 3_600;

fn enter(name: &'static str) -> Command {
    as_guest("ana/demo", Ok(name))
}

async fn pass(scene: &Scene, session: &mut Session, command: Command) -> GuestPass {
    match scene.ask(session, command).await.as_deref() {
        Ok([Reply::GuestEnter(pass)]) => pass.clone(),
        other => panic!("{other:?} instead of a pass"),
    }
}

/// The claims that the pass was signed with.
fn claims(user: &str, rights: &[&str], expires: u64) -> Claims {
    Claims {
        username: Some(user.into()),
        streamer: Some("ana".into()),
        project: Some("demo".into()),
        rights: Some(rights.iter().map(|right| (*right).to_owned()).collect()),
        expires_at: Timestamp::from_secs(expires),
        ..Claims::default()
    }
}

fn free(name: &str) -> GuestName {
    GuestName::parse(name).expect("a guest's name")
}

#[tokio::test]
async fn a_guest_is_given_a_token_for_twelve_hours_with_the_rights_of_guests() {
    for (access, rights) in [
        (GuestAccess::Chat, &["read", "chat"][..]),
        (GuestAccess::Propose, &["read", "chat", "propose"]),
    ] {
        let mut world = World::new();
        world.policy.guests = access;
        let scene = world.build();
        let mut nobody = new_session(1);
        let pass = pass(&scene, &mut nobody, enter("Zoë")).await;
        assert_eq!(pass.name.as_str(), "~Zoë");
        assert_eq!(
            (pass.access, pass.expires),
            (access, Timestamp::from_secs(MORNING))
        );
        let signed = format!("signed {:?}", claims("~Zoë", rights, MORNING));
        assert_eq!(pass.token, signed);
        assert!(!format!("{pass:?}").contains("signed"), "never shown");
        let taken = format!("guest \"Zoë\" of ana/demo until {MORNING}000");
        assert_eq!(scene.journal.take(), [taken]);
        assert!(nobody.identity.is_none(), "it does not authenticate");
    }
}

#[tokio::test]
async fn where_there_are_no_guests_nobody_enters_whatever_they_ask_for() {
    let mut world = World::new();
    world.policy.guests = GuestAccess::Off;
    let scene = world.build_over(|ports| ports.guest_tokens = None);
    for mut session in [new_session(1), scene.streamer().await] {
        assert!(is_unauthorized(
            &scene.ask(&mut session, enter("bob")).await
        ));
        let ill_typed = Command::EnterAsGuest(Err(BadParameters::new("no")));
        assert!(is_unauthorized(&scene.ask(&mut session, ill_typed).await));
    }
    assert!(scene.journal.take().is_empty());
}

#[tokio::test]
async fn a_project_that_does_not_exist_has_no_guests() {
    for state in [ProjectState::Absent, ProjectState::Foreign] {
        let mut world = World::new();
        world
            .projects
            .expect_state()
            .return_once(move |_| Ok(state));
        let scene = world.build();
        assert!(is_bad(&scene.ask(&mut new_session(1), enter("bob")).await));
        assert!(scene.journal.take().is_empty());
    }
}

#[tokio::test]
async fn a_taken_name_and_a_full_project_are_said_so() {
    for (error, refusal) in [
        (
            GuestError::Taken {
                free: free("bob-2"),
            },
            RequestError::NameTaken {
                free: free("bob-2"),
            },
        ),
        (
            GuestError::TooMany,
            RequestError::LimitExceeded {
                limit: "maxGuests",
                value: 100,
            },
        ),
    ] {
        let mut world = World::new();
        let take = world.guests.expect_take();
        take.returning(move |_, _| Err(error.clone().into()));
        let scene = world.build();
        for _ in 0..10 {
            let answer = scene.ask(&mut new_session(1), enter("bob")).await;
            assert_eq!(
                answer,
                Err(refusal.clone()),
                "a name that was not given does not count"
            );
        }
    }
}

#[tokio::test]
async fn the_store_is_told_who_has_open_pull_requests_and_how_many_guests_there_may_be() {
    let mut world = World::new();
    world.open = vec![
        pull_request(1, demo(), "~pat"),
        pull_request(2, demo(), "bob"),
        pull_request(3, other(), "~eve"),
    ];
    let take = world.guests.expect_take().once();
    take.returning(|project, entry| {
        assert_eq!(project, &demo());
        let authors: Vec<_> = entry.authors.iter().map(UserName::as_str).collect();
        assert_eq!((authors, entry.max_guests), (vec!["bob", "~pat"], 100));
        assert_eq!(
            (entry.now, entry.guest.until),
            (Timestamp::from_secs(1_000), Timestamp::from_secs(MORNING))
        );
        Ok(())
    });
    let scene = world.build();
    pass(&scene, &mut new_session(1), enter("bob")).await;
}

#[tokio::test]
async fn an_address_takes_so_many_names_an_hour() {
    let scene = World::new().build();
    let elsewhere = || {
        let mut session = new_session(1);
        session.address = ClientAddress(2);
        session
    };
    for name in ["a", "b", "c"] {
        pass(&scene, &mut new_session(1), enter(name)).await;
    }
    let retry_after = std::time::Duration::from_secs(3_600);
    let refused = scene.ask(&mut new_session(2), enter("d")).await;
    assert_eq!(refused, Err(RequestError::RateLimited { retry_after }));
    assert_eq!(new_session(1).address, ADDRESS);
    pass(&scene, &mut elsewhere(), enter("d")).await;
    scene.set_clock(9_999);
    assert!(
        scene.ask(&mut new_session(2), enter("d")).await.is_err(),
        "by the uptime"
    );
    scene.at(1_000 + 3_600);
    pass(&scene, &mut new_session(2), enter("e")).await;
}

#[tokio::test]
async fn where_reading_needs_a_token_nobody_stays_longer_as_a_guest() {
    let scene = World::private().build();
    let rights = &["read", "chat"];
    assert!(is_unauthorized(
        &scene.ask(&mut new_session(1), enter("bob")).await
    ));
    let mut viewer = scene.connect(2, BOB, Sections::default()).await;
    let given = pass(&scene, &mut viewer, enter("bob")).await;
    assert_eq!(
        given.token,
        format!("signed {:?}", claims("~bob", rights, 2_000))
    );
    assert_eq!(given.expires, Timestamp::from_secs(2_000));

    let token = "eve:ana/demo,exp=99999,muted=1500,banned=1600,rights=read";
    let mut muted = scene.connect(3, token, Sections::default()).await;
    let given = pass(&scene, &mut muted, enter("eve")).await;
    let as_before = Claims {
        muted_until: Some(Timestamp::from_secs(1_500)),
        banned_until: Some(Timestamp::from_secs(1_600)),
        ..claims("~eve", rights, MORNING)
    };
    assert_eq!(given.token, format!("signed {as_before:?}"));

    let scene = World::new().build();
    let mut viewer = scene.connect(2, BOB, Sections::default()).await;
    let given = pass(&scene, &mut viewer, enter("bob")).await;
    assert_eq!(
        given.expires,
        Timestamp::from_secs(MORNING),
        "anybody may read"
    );
}

#[tokio::test]
async fn a_guests_token_gives_what_guests_may_do_now_and_no_role_of_a_streamer() {
    const GUEST: &str = "~bob:ana/demo,rights=read+chat+propose,guest=1";
    for (access, may_propose) in [(GuestAccess::Propose, true), (GuestAccess::Chat, false)] {
        let mut world = World::new();
        world.policy.guests = access;
        let scene = world.build();
        let mut guest = scene.connect(1, GUEST, viewing("~bob", "ana/demo")).await;
        let answer = scene.ask(&mut guest, creation("title")).await;
        assert_eq!(answer.is_ok(), may_propose, "{access:?}");
    }
    let scene = World::new().build();
    for (token, sections) in [
        ("~bob:ana/demo", viewing("~bob", "ana/demo")),
        ("~bob:~bob/demo", streaming("~bob/demo")),
        ("~bob:~bob/demo,guest=1,rights=read", streaming("~bob/demo")),
        ("bob:ana/demo,guest=1", viewing("bob", "ana/demo")),
    ] {
        let request = authenticate(token, sections);
        let answer = scene.ask(&mut new_session(1), request).await;
        assert!(is_unauthorized(&answer), "{token}");
    }
    let answer = scene
        .ask(
            &mut new_session(1),
            authenticate(ANA, streaming("ana/demo")),
        )
        .await;
    assert!(answer.is_ok());
}
