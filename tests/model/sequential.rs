//! One request at a time: everything that results from it, for everyone, must be the model's.

use crate::Failure;
use crate::arena::Arena;
use crate::ask::{Ask, Project, Section, Token};
use crate::game::{Difference, Game, nothing};
use crate::generator::Generator;
use crate::model::World;
use crate::support::Random;

const STEPS: usize = 50;

/// Plays history `number` of `seed`; returns how many requests there were.
pub async fn play(arenas: &[Arena], seed: u64, number: u64) -> Result<usize, Failure> {
    let index = usize::try_from(number).unwrap_or_default() % arenas.len();
    let arena = &arenas[index];
    let random = Random::new(seed, number);
    let connections = 3 + usize::try_from(number / 4 % 4).unwrap_or_default();
    let mut generator = Generator::new(random, number.to_string(), connections, arena.is_roomy());
    let world = World::new(arena.limits, connections + 1);
    let mut game = Game::new(arena.url(), world);
    let result = history(arena, &mut game, &mut generator, connections).await;
    match result {
        Ok(()) => Ok(game.log.len()),
        Err(difference) => Err(Failure(number, difference, game.log)),
    }
}

async fn history(
    arena: &Arena,
    game: &mut Game,
    generator: &mut Generator,
    connections: usize,
) -> Result<(), Difference> {
    for _ in 0..STEPS {
        let me = generator.below(connections);
        if !game.world.connections[me].is_open {
            game.connect(me).await;
        } else if generator.one_in(40) {
            game.disconnect(me).await?;
        } else if generator.one_in(20) {
            // Sent all at once, because a second of silence would count as the upload's end.
            let mut pieces = generator.pieces();
            let closes = generator.one_in(6);
            if !closes {
                pieces.push(nothing());
            }
            game.ask_all(me, &pieces.iter().collect::<Vec<_>>(), true)
                .await?;
            if closes {
                game.disconnect(me).await?;
            }
        } else {
            let ask = generator.ask(me, &game.world);
            let open = game.world.pulls.len();
            let with_reference = !generator.one_in(10);
            game.ask(me, &ask, with_reference).await?;
            if !with_reference && matches!(ask, Ask::Get(..)) {
                // A `get` without `ref` is not answered for a folder without files, so another
                // answer shows that it was carried out.
                game.ask(me, &nothing(), true).await?;
            }
            if game.world.pulls.len() > open {
                // Makes its id known, in case nobody was told of it.
                game.ask(me, &Ask::PullList, true).await?;
            }
        }
    }
    game.all_quiet().await?;
    let projects = [generator.project(0), generator.project(1)];
    look_at_all(game, connections, &projects).await?;
    game.check_rooms()?;
    arena.compare(game, &projects)?;
    for me in 0..=connections {
        if game.world.connections[me].is_open {
            game.disconnect(me).await?;
        }
    }
    Ok(())
}

/// A new connection sees all files as the model has them.
async fn look_at_all(game: &mut Game, me: usize, projects: &[Project]) -> Result<(), Difference> {
    game.connect(me).await;
    for project in projects {
        let token = Token {
            user: format!("zoe{}", project.streamer),
            project: project.clone(),
            room: None,
            muted: false,
            banned: false,
            rights: None,
            fault: None,
        };
        let room = Section::Member {
            user: token.user.clone(),
            room: token.room(),
        };
        game.ask(me, &Ask::Authenticate(token, vec![room]), true)
            .await?;
        for ask in [
            Ask::Get(project.clone(), None, false),
            Ask::List(project.clone(), None, false),
            Ask::Status(project.clone()),
            Ask::History(None),
        ] {
            game.ask(me, &ask, true).await?;
        }
    }
    Ok(())
}
