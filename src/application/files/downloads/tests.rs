use std::sync::atomic::{AtomicU64, Ordering};

use super::*;
use crate::application::memory::{Holder, MemoryBudget};
use crate::application::ports::MockClock;

const DOWNLOAD: usize = 64 * 1_024;
/// Of this half a quarter is for the downloads of those without a token: two of them.
const MEMORY: usize = 16 * DOWNLOAD + (16 << 20);

struct Scene {
    downloads: Arc<Downloads>,
    memory: Arc<MemoryBudget>,
    clock: Arc<dyn Clock>,
    seconds: Arc<AtomicU64>,
}

impl Scene {
    fn new() -> Self {
        let seconds = Arc::<AtomicU64>::default();
        let (mut clock, now) = (MockClock::new(), Arc::clone(&seconds));
        let uptime = move || Uptime::from_millis(now.load(Ordering::Relaxed) * 1_000);
        clock.expect_uptime().returning(uptime);
        Self {
            downloads: Arc::default(),
            memory: MemoryBudget::new(MEMORY),
            clock: Arc::new(clock),
            seconds,
        }
    }

    fn at(&self, seconds: u64) {
        self.seconds.store(seconds, Ordering::Relaxed);
    }

    async fn begin(&self, account: &Arc<Account>, bytes: usize) -> Result<Download, DownloadError> {
        self.downloads.begin(account, &self.clock, bytes).await
    }

    /// Begins downloads until no more are allowed.
    async fn fill(&self) -> Vec<(Arc<Account>, Download)> {
        let mut all = Vec::new();
        loop {
            let account = self.memory.open_account();
            match self.begin(&account, DOWNLOAD).await {
                Ok(download) => all.push((account, download)),
                Err(error) => {
                    assert!(matches!(error, DownloadError::Unavailable), "{error}");
                    return all;
                }
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn strangers_downloads_leave_half_of_their_memory_to_others() {
    let scene = Scene::new();
    let all = scene.fill().await;
    assert_eq!(all.len(), MEMORY / 8 / DOWNLOAD);
    let stranger = scene.memory.open_account();
    assert!(stranger.has_room(DOWNLOAD), "for what is asked otherwise");
    let known = scene.memory.open_account();
    known.set_holder(Holder::Authenticated);
    assert!(scene.begin(&known, DOWNLOAD).await.is_ok(), "with a token");
}

#[tokio::test(start_paused = true)]
async fn the_download_that_has_stalled_for_longest_makes_way_for_another() {
    let scene = Scene::new();
    let mut all = scene.fill().await;
    for (second, (_, download)) in all.iter().enumerate() {
        scene.at(second as u64);
        download.moved();
    }
    let stranger = scene.memory.open_account();
    let last = all.len() as u64;
    scene.at(3);
    assert!(
        scene.begin(&stranger, DOWNLOAD).await.is_err(),
        "none stalls"
    );
    assert!(all.iter().all(|(account, _)| !account.is_evicted()));
    scene.at(5 + last);
    all[0].1.moved();
    let waits = scene.begin(&stranger, DOWNLOAD);
    let (account, longest) = all.remove(1);
    let leaves = async {
        account.evicted().await;
        drop(longest);
    };
    let (begun, ()) = tokio::join!(waits, leaves);
    assert!(begun.is_ok());
    let cut_off = all.iter().filter(|(account, _)| account.is_evicted());
    assert_eq!(cut_off.count(), 0, "one was enough");
}

#[tokio::test(start_paused = true)]
async fn those_with_a_token_are_not_cut_off_for_those_without() {
    let scene = Scene::new();
    let known = scene.memory.open_account();
    known.set_holder(Holder::Authenticated);
    let _download = scene.begin(&known, DOWNLOAD).await.expect("there is room");
    let all = scene.fill().await;
    scene.at(100);
    let stranger = scene.memory.open_account();
    let _ = scene.begin(&stranger, DOWNLOAD).await;
    assert!(!known.is_evicted());
    assert!(all.iter().any(|(account, _)| account.is_evicted()));
}
