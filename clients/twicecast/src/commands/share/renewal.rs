//! Renews the tokens that `share --local` has printed, if it runs for longer than they hold.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::commands::share::args::ShareArgs;
use crate::commands::share::invitation::{Invited, invite};
use crate::credentials::Credentials;
use crate::embedded::LocalServer;
use crate::failure::Failure;
use crate::publish::output::Event;
use crate::publish::page::{Page, Wish};
use crate::ui::time::now_in_seconds;

/// How long before their end they are replaced, in seconds.
const AHEAD: u64 = 3_600;
/// How often the clock is checked, because the computer may have slept.
const EVERY: Duration = Duration::from_secs(60);

/// Replaces what the share with the `local` server has printed before it expires, for as long as
/// this is awaited. `local` also says until when that holds. The streamer is told through `page`.
pub fn renew<'a>(
    local: Option<(&'a mut LocalServer, Option<u64>)>,
    credentials: &Credentials,
    dir: &'a Path,
    args: &'a ShareArgs,
    page: Option<&Page>,
) -> impl Future<Output = Infallible> + use<'a> {
    let renewal = local.zip(page).map(|((server, until), page)| {
        let (credentials, wishes) = (credentials.clone(), page.wish.clone());
        let again = move || invite(server, &credentials, dir, args);
        run(again, until, wishes)
    });
    async {
        match renewal {
            Some(renewal) => renewal.await,
            None => std::future::pending().await,
        }
    }
}

async fn run(
    mut again: impl FnMut() -> Result<Invited, Failure>,
    mut until: Option<u64>,
    wishes: mpsc::Sender<Wish>,
) -> Infallible {
    let mut is_told = false;
    loop {
        soon_over(until, now_in_seconds).await;
        match again() {
            Ok(invited) => {
                (until, is_told) = (invited.until, false);
                for event in invited.events {
                    let _ = wishes.send(Wish::Tell(event)).await;
                }
            }
            // The attempt is repeated every minute, but reported only once.
            Err(_) if is_told => {}
            Err(failure) => {
                is_told = true;
                let text = format!("The viewers' link ends soon. {failure}");
                let _ = wishes.send(Wish::Tell(Event::Note { text })).await;
            }
        }
    }
}

/// Waits until a token that holds until `until`, in seconds since the epoch, is about to expire;
/// for ever if there is none.
async fn soon_over(until: Option<u64>, now: impl Fn() -> u64) {
    let Some(until) = until else {
        return std::future::pending().await;
    };
    loop {
        tokio::time::sleep(EVERY).await;
        if now() + AHEAD >= until {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::{Instant, timeout};

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_link_is_replaced_an_hour_before_its_end_and_one_without_end_never() {
        let begun = Instant::now();
        soon_over(Some(43_200), || begun.elapsed().as_secs()).await;
        let waited = begun.elapsed().as_secs();
        assert!((39_600..39_720).contains(&waited), "{waited}");
        let forever = soon_over(None, || 0);
        let year = Duration::from_secs(31_536_000);
        timeout(year, forever).await.expect_err("it has no end");
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_ended_while_the_computer_slept_is_replaced_within_a_minute() {
        let begun = Instant::now();
        soon_over(Some(1_000), || 50_000).await;
        assert!(begun.elapsed() <= EVERY);
    }

    #[tokio::test(start_paused = true)]
    async fn what_cannot_be_replaced_is_tried_again_and_said_once() {
        let note = |text: &str| Event::Note { text: text.into() };
        let (wish, mut wishes) = mpsc::channel(8);
        let mut tries = 0;
        let again = || {
            tries += 1;
            if tries < 4 {
                return Err(Failure::usage("No."));
            }
            let events = [note("link"), note("commands")];
            Ok(Invited {
                events,
                until: None,
            })
        };
        let told = async {
            let mut texts = Vec::new();
            while texts.len() < 3 {
                if let Some(Wish::Tell(Event::Note { text })) = wishes.recv().await {
                    texts.push(text);
                }
            }
            texts
        };
        tokio::select! {
            never = run(again, Some(0), wish) => match never {},
            texts = told => {
                assert_eq!(texts, ["The viewers' link ends soon. No.", "link", "commands"]);
            }
        }
    }
}
