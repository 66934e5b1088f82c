//! All connections at once, each with its own script that it sends without waiting. An answer that
//! no other connection affects must be exactly the model's; for the rest, one order of events must
//! explain what all have seen.

mod check;
mod ending;
mod script;
mod versions;

use futures_util::future::{join_all, try_join_all};
use serde_json::{Value, json};

use crate::Failure;
use crate::arena::Arena;
use crate::ask::{Ask, Project};
use crate::game::Difference;
use crate::model::World;
use crate::support::{Client, Random};
use check::{Outcome, Received};
use script::{ALL, LATE, MEMBERS, Request, STREAMERS, Script, script};

/// How everybody learns that everything is over: the last post and the last message.
const ENDS: [&str; 2] = ["/end", "/end-too"];
const LAST_WORDS: &str = "that is all";
/// A value that no request of a script has.
const AFTER_ALL: u64 = 1_000_000;

/// Plays history `number` of `seed`; returns how many requests there were.
pub async fn play(arenas: &[Arena], seed: u64, number: u64) -> Result<usize, Failure> {
    let index = usize::try_from(number).unwrap_or_default() % arenas.len();
    let arena = &arenas[index];
    let project = Project {
        streamer: format!("ana-{number}"),
        name: "demo".to_owned(),
    };
    let scripts: Vec<_> = (0..ALL)
        .map(|me| {
            let stream = number * 16 + me as u64;
            let world = World::new(arena.limits, 1);
            script(me, &project, world, Random::new(seed ^ 0x5eed, stream))
        })
        .collect();
    let asked = scripts.iter().map(|script| script.requests.len()).sum();
    let random = Random::new(seed ^ 0xb0a7, number);
    let played = history(arena, &project, &scripts, random).await;
    let log = |(me, script): (usize, &Script)| {
        let shown = move |request: &Request| {
            let ask: String = format!("{:?}", request.ask).chars().take(120).collect();
            format!("{me}: {} {ask}", request.reference)
        };
        script.requests.iter().map(shown).collect::<Vec<_>>()
    };
    match played {
        Ok(()) => Ok(asked),
        Err(difference) => {
            let log = scripts.iter().enumerate().flat_map(log).collect();
            Err(Failure(number, difference, log))
        }
    }
}

async fn history(
    arena: &Arena,
    project: &Project,
    scripts: &[Script],
    mut random: Random,
) -> Result<(), Difference> {
    let mut clients = Vec::new();
    for (me, script) in scripts.iter().enumerate() {
        let mut client = if me == LATE {
            Client::narrow(&arena.url()).await
        } else {
            Client::connect(&arena.url()).await
        };
        ask(&mut client, &script.login, AFTER_ALL).await;
        let mut received = Received::new();
        until(&mut client, &mut received, is_answer).await?;
        clients.push(client);
    }
    let bursts: Vec<_> = (0..ALL).map(|_| 1 + random.below(12)).collect();
    let both = clients.iter_mut().zip(scripts).zip(bursts).enumerate();
    let working = both.map(|(me, ((client, script), burst))| async move {
        let mut received = Vec::new();
        let burst = usize::try_from(burst).unwrap_or(1);
        for requests in script.requests.chunks(burst) {
            let requests = requests.iter().map(|request| {
                let mut json = request.ask.json().unwrap_or_default();
                json["ref"] = request.reference.into();
                json
            });
            client.send_all(requests).await;
            if me != LATE {
                answered(client, &mut received).await?;
            }
        }
        Ok::<_, Difference>(received)
    });
    let mut received = try_join_all(working).await?;

    answered(&mut clients[LATE], &mut received[LATE]).await?;

    // Nobody requests files any more, so the others get these as pushes, after everything that
    // waits. An answer may come before such a push, so each streamer waits for the last post of the
    // other.
    for (me, end) in STREAMERS.into_iter().zip(ENDS) {
        let end = Ask::Post(end.to_owned(), end.into(), None);
        ask(&mut clients[me], &end, AFTER_ALL).await;
        until(&mut clients[me], &mut received[me], is_answer).await?;
    }
    ask(&mut clients[0], &Ask::Say(LAST_WORDS.to_owned()), AFTER_ALL).await;
    until(&mut clients[0], &mut received[0], is_answer).await?;
    let both = clients.iter_mut().zip(&mut received).enumerate();
    try_join_all(both.map(|(me, (client, received))| async move {
        let is_last = |message: &Value| message["data"]["message"] == LAST_WORDS;
        for (streamer, end) in STREAMERS.into_iter().zip(ENDS) {
            let is_end = |message: &Value| message["data"]["name"] == end;
            if streamer != me && !received.iter().any(is_end) {
                until(client, received, is_end).await?;
            }
        }
        if me > 0 && MEMBERS.contains(&me) && !received.iter().any(is_last) {
            until(client, received, is_last).await?;
        }
        if me > 0 {
            answered(client, received).await?;
        }
        Ok::<_, Difference>(())
    }))
    .await?;
    join_all(clients.iter_mut().map(|client| async move {
        client.send_close().await;
        client.closed().await;
    }))
    .await;

    let ends = ENDS.map(|end| (end.to_owned(), (end.to_owned(), end.into())));
    let mut contents = versions::Contents::from(ends);
    contents.extend(check::contents(scripts));
    let outcome = Outcome::new(scripts, &received, &contents)?;
    outcome.check(&tree(arena, project).await?)
}

/// The project's files as a new connection sees them; if they are on a disk, also the disk's.
async fn tree(arena: &Arena, project: &Project) -> Result<versions::Replica, Difference> {
    let mut client = Client::connect(&arena.url()).await;
    let mut received = Vec::new();
    ask(
        &mut client,
        &Ask::Get(project.clone(), None, false),
        AFTER_ALL,
    )
    .await;
    let is_done = |message: &Value| message["type"] == "fileGetDone";
    until(&mut client, &mut received, is_done).await?;
    let mut tree = versions::Replica::default();
    for message in &received {
        tree.take(message, None)?;
    }
    arena.compare_tree(project, &tree.there)?;
    Ok(tree)
}

async fn ask(client: &mut Client, ask: &Ask, reference: u64) {
    let mut request = ask.json().unwrap_or_default();
    request["ref"] = reference.into();
    client.send(request).await;
}

/// Whether this is the last answer to a request that this module makes after the scripts.
fn is_answer(message: &Value) -> bool {
    let kind = message["type"].as_str();
    let is_last = !matches!(
        kind,
        Some("fileAuth" | "chatAuth" | "pullRequestAuth" | "fileGet")
    );
    message["ref"] == AFTER_ALL && is_last
}

/// Asks for an answer, and takes everything that comes before it.
async fn answered(client: &mut Client, received: &mut Received) -> Result<(), Difference> {
    client
        .send(json!({"type": "nothing", "ref": AFTER_ALL}))
        .await;
    until(client, received, is_answer).await?;
    received.retain(|message| message["ref"] != AFTER_ALL);
    Ok(())
}

async fn until(
    client: &mut Client,
    received: &mut Received,
    is_last: impl Fn(&Value) -> bool,
) -> Result<(), Difference> {
    loop {
        let message = client.next_or_close().await;
        let message = message.map_err(|code| format!("the server closed with {code}"))?;
        let is_over = is_last(&message);
        received.push(message);
        if is_over {
            return Ok(());
        }
    }
}
