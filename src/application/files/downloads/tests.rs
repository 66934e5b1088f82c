use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};

use super::*;
use crate::application::memory::MemoryBudget;

const DOWNLOAD: usize = 64 * 1_024;
const MEMORY: usize = 64 << 20;
/// Downloads without a token may take half of a quarter of the memory.
const STRANGERS: usize = MEMORY / 8 / DOWNLOAD;

/// A client at some address that has taken nothing for this many seconds.
#[derive(Debug)]
struct Client {
    address: u8,
    stalled: AtomicU64,
}

impl Client {
    fn stalls_for(&self, seconds: u64) {
        self.stalled.store(seconds, Ordering::Relaxed);
    }
}

impl DownloadClient for Client {
    fn stalled_for(&self) -> Duration {
        Duration::from_secs(self.stalled.load(Ordering::Relaxed))
    }

    fn address(&self) -> ClientAddress {
        ClientAddress(self.address.into())
    }
}

/// A download with its account and its client.
struct Begun {
    account: Arc<Account>,
    client: Arc<Client>,
    download: Download,
}

struct Scene {
    downloads: Arc<Downloads>,
    memory: Arc<MemoryBudget>,
    addresses: AtomicU8,
}

impl Scene {
    fn new() -> Self {
        Self {
            downloads: Arc::default(),
            memory: MemoryBudget::new(MEMORY),
            addresses: AtomicU8::new(1),
        }
    }

    /// Begins a download from a new address.
    async fn begin(&self, holder: Holder) -> Option<Begun> {
        let address = self.addresses.fetch_add(1, Ordering::Relaxed);
        self.begin_at(address, holder).await
    }

    async fn begin_at(&self, address: u8, holder: Holder) -> Option<Begun> {
        let account = self.memory.open_account();
        let stalled = AtomicU64::default();
        let client = Arc::new(Client { address, stalled });
        account.set_holder(holder);
        let known: Arc<dyn DownloadClient> = client.clone();
        let begun = self.downloads.begin(&account, &known, DOWNLOAD).await;
        if let Err(error) = &begun {
            assert!(matches!(error, DownloadError::Unavailable), "{error}");
        }
        Some(Begun {
            download: begun.ok()?,
            account,
            client,
        })
    }

    /// Begins downloads without a token until no more are allowed.
    async fn fill(&self) -> Vec<Begun> {
        let mut all = Vec::new();
        while let Some(begun) = self.begin(Holder::Unauthenticated).await {
            all.push(begun);
        }
        all
    }
}

fn cut_off(all: &[Begun]) -> usize {
    all.iter()
        .filter(|begun| begun.account.is_evicted())
        .count()
}

#[tokio::test(start_paused = true)]
async fn strangers_downloads_leave_half_of_their_memory_to_others() {
    let scene = Scene::new();
    let all = scene.fill().await;
    assert_eq!(all.len(), STRANGERS);
    let stranger = scene.memory.open_account();
    assert!(stranger.has_room(DOWNLOAD), "for what is asked otherwise");
    assert!(scene.begin(Holder::Authenticated).await.is_some());
    drop(all);
    assert!(scene.begin(Holder::Unauthenticated).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn what_strangers_hold_otherwise_is_none_of_their_downloads_half() {
    let scene = Scene::new();
    let lists = scene.memory.open_account();
    let _held = lists.reserve(MEMORY / 8 + DOWNLOAD);
    assert!(scene.begin(Holder::Unauthenticated).await.is_some());
}

#[tokio::test(start_paused = true)]
async fn where_strangers_hold_all_that_they_may_the_largest_makes_way_for_a_download() {
    let scene = Scene::new();
    let lists = scene.memory.open_account();
    let held = lists.reserve(MEMORY / 4);
    let memory = Arc::clone(&scene.memory);
    let relieving = tokio::spawn(async move { memory.relieve().await });
    let closes = async {
        lists.evicted().await;
        drop(held);
    };
    let (begun, ()) = tokio::join!(scene.begin(Holder::Unauthenticated), closes);
    assert!(begun.is_some());
    relieving.abort();
}

#[tokio::test(start_paused = true)]
async fn what_grows_counts_as_what_it_has_become() {
    let scene = Scene::new();
    let mut first = scene
        .begin(Holder::Unauthenticated)
        .await
        .expect("is first");
    first.download.set(3 * DOWNLOAD);
    assert_eq!(first.download.bytes(), 3 * DOWNLOAD);
    assert_eq!(scene.fill().await.len(), STRANGERS - 3);
}

#[tokio::test(start_paused = true)]
async fn the_one_that_has_stalled_for_longest_and_for_five_seconds_makes_way() {
    let scene = Scene::new();
    let mut all = scene.fill().await;
    all[3].client.stalls_for(4);
    assert!(scene.begin(Holder::Unauthenticated).await.is_none());
    assert_eq!(cut_off(&all), 0, "nobody has stalled for long enough");
    all[3].client.stalls_for(5);
    all[7].client.stalls_for(6);
    let longest = all.remove(7);
    let leaves = async {
        longest.account.evicted().await;
        drop(longest);
    };
    let (begun, ()) = tokio::join!(scene.begin(Holder::Unauthenticated), leaves);
    assert!(begun.is_some());
    assert_eq!(cut_off(&all), 0, "one was enough");
}

#[tokio::test(start_paused = true)]
async fn one_that_is_refused_after_all_has_cost_no_more_than_one_other() {
    let scene = Scene::new();
    let all = scene.fill().await;
    for begun in &all {
        begun.client.stalls_for(60);
    }
    // The download that is cut off does not end, and no second one is cut off.
    assert!(scene.begin(Holder::Unauthenticated).await.is_none());
    assert_eq!(cut_off(&all), 1);
}

#[tokio::test(start_paused = true)]
async fn those_with_a_token_are_not_cut_off_for_those_without() {
    let scene = Scene::new();
    let known = scene.begin(Holder::Authenticated).await.expect("has room");
    known.client.stalls_for(100);
    let all = scene.fill().await;
    all[0].client.stalls_for(5);
    assert!(scene.begin(Holder::Unauthenticated).await.is_none());
    assert!(!known.account.is_evicted());
    assert!(all[0].account.is_evicted());
}

#[tokio::test(start_paused = true)]
async fn those_of_one_address_leave_most_to_others_and_make_way_for_each_other() {
    let scene = Scene::new();
    let mut all = Vec::new();
    while let Some(begun) = scene.begin_at(0, Holder::Unauthenticated).await {
        all.push(begun);
    }
    assert_eq!(all.len(), STRANGERS / ADDRESS_PART);
    let other = scene
        .begin(Holder::Unauthenticated)
        .await
        .expect("has room");
    other.client.stalls_for(60);
    all[2].client.stalls_for(5);
    assert!(scene.begin_at(0, Holder::Unauthenticated).await.is_none());
    assert!(!other.account.is_evicted(), "it is no help");
    assert!(all[2].account.is_evicted());
    let known = scene.begin_at(0, Holder::Authenticated).await;
    assert!(known.is_some(), "with a token");
}
