//! The viewers' link of a `share --local` that goes on for longer than the link's token holds.

use std::convert::Infallible;
use std::path::Path;
use std::time::Duration;

use tokio::sync::mpsc;

use crate::commands::share::invitation::Invitation;
use crate::credentials::Credentials;
use crate::embedded::LocalServer;
use crate::failure::Failure;
use crate::local_settings::ViewersLink;
use crate::publish::output::Event;
use crate::publish::page::{Page, Wish};
use crate::ui::time::{self, date_and_time};

/// How long before its end a link is replaced, in seconds.
const AHEAD: u64 = 3_600;
/// How often it is looked at. A computer may have slept in between.
const EVERY: Duration = Duration::from_secs(60);

/// Replaces the viewers' link of a local server before it ends, for as long as it is awaited.
pub fn renew_link<'a>(
    local: Option<(&'a mut LocalServer, ViewersLink)>,
    credentials: &Credentials,
    dir: &'a Path,
    page: Option<&Page>,
) -> impl Future<Output = Infallible> + use<'a> {
    let renewal = local.zip(page).map(|((server, link), page)| Renewal {
        server,
        credentials: credentials.clone(),
        dir,
        link,
        wishes: page.wish.clone(),
    });
    async {
        match renewal {
            Some(renewal) => renewal.run().await,
            None => std::future::pending().await,
        }
    }
}

/// Replaces a link before its token expires.
struct Renewal<'a> {
    server: &'a mut LocalServer,
    credentials: Credentials,
    dir: &'a Path,
    /// The present link.
    link: ViewersLink,
    /// Where the streamer is told.
    wishes: mpsc::Sender<Wish>,
}

impl Renewal<'_> {
    /// Goes on for as long as it is awaited.
    async fn run(mut self) -> Infallible {
        loop {
            soon_over(self.link.until, now).await;
            let event = match self.renew() {
                Ok(until) => Event::Note {
                    text: format!(
                        "the viewers' link ends soon; `twicecast link` prints one that holds \
                         until {}",
                        date_and_time(until)
                    ),
                },
                Err(failure) => Event::Note {
                    text: format!("The viewers' link ends soon. {failure}"),
                },
            };
            let _ = self.wishes.send(Wish::Tell(event)).await;
        }
    }

    /// Keeps a fresh link for `twicecast link`, and says until when it holds.
    fn renew(&mut self) -> Result<u64, Failure> {
        let invitation = Invitation::new(self.server, &self.credentials, self.dir)?;
        let (link, until) = (invitation.link()?, invitation.until());
        self.server.keep(&self.credentials, self.dir, &link)?;
        self.link = link;
        Ok(until)
    }
}

/// Waits until a token that holds `until` then, in seconds since the epoch, is about to expire; for
/// ever, where there is none.
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

fn now() -> u64 {
    u64::try_from(time::now() / 1_000).unwrap_or_default()
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
}
