//! One history that is not random. For a while, a streamer's connection belongs to another user or
//! to nobody. Afterwards it is told of the pull requests that came in between, and of none twice.

use crate::arena::Arena;
use crate::ask::{Ask, Fault, Project, Section, Token};
use crate::game::{Difference, Game};
use crate::model::World;

const ANA: usize = 0;
const BOB: usize = 1;

fn project(name: &str) -> Project {
    Project {
        streamer: "ana".to_owned(),
        name: name.to_owned(),
    }
}

fn token(user: &str, of: &str) -> Token {
    Token {
        user: user.to_owned(),
        project: project(of),
        room: None,
        muted: false,
        banned: false,
        rights: None,
        fault: None,
    }
}

fn streamer(of: &str) -> Ask {
    let (user, project) = ("ana".to_owned(), of.to_owned());
    Ask::Authenticate(token("ana", of), vec![Section::Streamer { user, project }])
}

fn viewer() -> Ask {
    let (user, project) = ("bob".to_owned(), project("demo"));
    Ask::Authenticate(
        token("bob", "demo"),
        vec![Section::Viewer { user, project }],
    )
}

fn member() -> Ask {
    let token = token("bob", "demo");
    let (user, room) = ("bob".to_owned(), token.room());
    Ask::SectionAlone(Section::Member { user, room }, Some(token))
}

fn bare(user: &str, of: &str) -> Ask {
    Ask::Authenticate(token(user, of), Vec::new())
}

fn forged() -> Ask {
    let forged = Token {
        fault: Some(Fault::Forged),
        ..token("ana", "demo")
    };
    Ask::Authenticate(forged, Vec::new())
}

/// What the streamer's connection does while it is not the streamer's.
fn absences() -> Vec<Vec<Ask>> {
    vec![
        vec![member()],
        vec![viewer()],
        vec![bare("bob", "demo")],
        vec![bare("bob", "demo"), viewer(), member(), bare("eve", "demo")],
        vec![forged()],
        vec![streamer("side")],
        vec![bare("ana", "side"), member(), forged()],
    ]
}

/// Plays it; also returns what was done.
pub async fn play(arena: &Arena) -> (Result<(), Difference>, Vec<String>) {
    let mut game = Game::new(arena.url(), World::new(arena.limits, 2));
    let result = history(&mut game).await;
    (result, game.log)
}

async fn history(game: &mut Game) -> Result<(), Difference> {
    for (me, ask) in [(ANA, streamer("demo")), (BOB, viewer())] {
        game.connect(me).await;
        game.ask(me, &ask, true).await?;
    }
    propose(game).await?;
    for absence in absences() {
        for ask in absence {
            game.ask(ANA, &ask, true).await?;
        }
        // A pull request that is withdrawn during the absence; the streamer's connection is never
        // told of it.
        propose(game).await?;
        let newest = game.world.pulls.last().ok_or("no pull request")?.id();
        game.ask(BOB, &Ask::PullDelete(newest, None), true).await?;
        propose(game).await?;
        for _ in 0..2 {
            game.ask(ANA, &streamer("demo"), true).await?;
        }
        let newest = game.world.pulls.last().ok_or("no pull request")?.id();
        game.ask(ANA, &Ask::PullDelete(newest, None), true).await?;
        game.all_quiet().await?;
    }
    for me in [ANA, BOB] {
        game.disconnect(me).await?;
    }
    Ok(())
}

/// Opens a pull request of bob's, and lists it so that its id is known.
async fn propose(game: &mut Game) -> Result<(), Difference> {
    let (title, description) = ("t".to_owned(), None);
    let post = Ask::Post("a".to_owned(), b"a".to_vec(), None);
    for ask in [
        Ask::Create { title, description },
        post,
        Ask::Finish,
        Ask::PullList,
    ] {
        game.ask(BOB, &ask, true).await?;
    }
    Ok(())
}
