//! A bot: it greets the chat room, lists the project, and proposes a file that lists what is in it.
//!
//!     export BOT_TOKEN=…
//!     cargo run -p twicecast-client --example bot -- ws://127.0.0.1:3005 ana demo bot

use twicecast_client::client::Post;
use twicecast_client::{Client, Error, Section};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let [url, streamer, project, username] = &words[..] else {
        eprintln!("usage: bot URL STREAMER PROJECT NAME");
        std::process::exit(2);
    };
    let token = std::env::var("BOT_TOKEN").unwrap_or_default();
    run(url, &token, streamer, project, username).await
}

/// Does its work with a token that names the bot, the room `STREAMER/PROJECT` and the project.
pub(crate) async fn run(
    url: &str,
    token: &str,
    streamer: &str,
    project: &str,
    username: &str,
) -> Result<(), Error> {
    let room = &format!("{streamer}/{project}");
    let mut client = Client::connect(url).await?;
    let chat = Section::Chat { username, room };
    client.authenticate(token, chat).await?;
    client.say("Hello, I am a bot.").await?;

    let viewer = Section::PullRequest {
        username,
        streamer,
        project,
    };
    client.authenticate(token, viewer).await?;
    let (files, _) = client.list(streamer, project).await?;
    let names: String = files.iter().map(|file| file.name.clone() + "\n").collect();

    client
        .begin_proposal("An index", "Names all files.")
        .await?;
    client.post(Post::of("/INDEX", names.as_bytes())).await?;
    client.propose().await?;
    client.leave().await;
    Ok(())
}
