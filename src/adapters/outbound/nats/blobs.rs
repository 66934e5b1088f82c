//! Large contents: kept as chunks in a stream of their own, and copied to a file of this node while
//! they are read.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use async_trait::async_trait;
use bytes::{Bytes, BytesMut};
use futures_util::stream::FuturesUnordered;
use futures_util::{FutureExt as _, StreamExt as _};
use serde_json::json;
use sha2::{Digest as _, Sha256};
use tokio::sync::OnceCell;
use tokio::time::sleep;

use crate::adapters::outbound::nats::engine::Engine;
use crate::adapters::outbound::nats::entry::{Content, INLINE_BYTES};
use crate::adapters::outbound::nats::publish::Outgoing;
use crate::adapters::outbound::system::random_bytes;
use crate::application::FileContent;
use crate::application::locks::lock;
use crate::application::ports::{FileSource, StagingId, StoreError, UploadStore};
use crate::domain::ContentHash;

/// How long a chunk is: well below what the engine takes as one message.
pub(crate) const CHUNK_BYTES: usize = 512 * 1_024;

/// How many chunks are under way at once.
const AT_ONCE: usize = 8;

/// How long a content stays after it has been replaced, for those who still read it.
pub(crate) const KEPT: Duration = Duration::from_secs(10 * 60);

/// The next number for a staged file of this node's own. The application's numbers never get this
/// high.
static LAST_STAGED: AtomicU64 = AtomicU64::new(1 << 63);

/// A number for a staged file of this node that nothing else has.
pub(crate) fn own_staging_id() -> StagingId {
    StagingId(LAST_STAGED.fetch_add(1, Ordering::Relaxed))
}

/// Writes and reads large contents.
pub(crate) struct Blobs {
    engine: Arc<Engine>,
    /// Where this node keeps what is being read.
    files: Arc<dyn UploadStore>,
    read: Mutex<HashMap<String, Weak<Reading>>>,
}

/// A content that somebody reads.
#[derive(Default)]
struct Reading(OnceCell<Arc<Spooled>>);

impl Blobs {
    pub fn new(engine: Arc<Engine>, files: Arc<dyn UploadStore>) -> Self {
        Self {
            engine,
            files,
            read: Mutex::default(),
        }
    }

    /// Takes over a content: hands a small one back, and keeps any other under a name of its own.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn take(&self, content: FileContent) -> Result<(ContentHash, Content), StoreError> {
        if content.bytes() <= INLINE_BYTES {
            let content = content.read().await?;
            let hash = ContentHash::from_bytes(Sha256::digest(&content).into());
            return Ok((hash, Content::Inline(content)));
        }
        let blob = new_name()?;
        let hash = self.write(&blob, content).await?;
        Ok((hash, Content::Blob(blob)))
    }

    /// Notes the owner of a content, or of all contents whose names begin with `blob` and a dot:
    /// the subject of the only entry of the log that may name them. Called once their change has
    /// ended, unless they were removed. When the entry does not name them, they can be removed,
    /// even if this node has ended by then: see `orphans.rs`.
    pub fn note_owner(&self, blob: &str, entry: String) {
        let engine = Arc::clone(&self.engine);
        let owner = Outgoing {
            subject: engine.subjects.owner(blob),
            payload: entry.into(),
        };
        tokio::spawn(async move {
            if let Err(error) = engine.publish_at_last(owner).await {
                tracing::debug!(%error, "cannot note what names a content");
            }
        });
    }

    /// Keeps the whole content under that name, or fails.
    ///
    /// # Errors
    /// `Failed`; what has been written of it is removed.
    pub async fn write(&self, blob: &str, content: FileContent) -> Result<ContentHash, StoreError> {
        let mut writing = Writing {
            blobs: self,
            blob,
            hash: Sha256::new(),
            chunk: BytesMut::new(),
            number: 0,
            under_way: FuturesUnordered::new(),
        };
        let written = async {
            for piece in content.pieces(CHUNK_BYTES as u64)? {
                writing.add(&piece.read().await?).await?;
            }
            writing.finish().await
        };
        let written = written.await;
        if written.is_err() {
            self.remove(blob).await;
        }
        written
    }

    /// Opens a content of that length for reading. It is copied to this node once for all who read
    /// it at the same time. `None` if it is no longer kept.
    ///
    /// # Errors
    /// `Failed`.
    pub async fn open(
        &self,
        blob: &str,
        bytes: u64,
    ) -> Result<Option<Arc<dyn FileSource>>, StoreError> {
        let reading = {
            let mut read = lock(&self.read);
            read.retain(|_, reading| reading.strong_count() > 0);
            let known = read.get(blob).and_then(Weak::upgrade);
            known.unwrap_or_else(|| {
                let reading = Arc::<Reading>::default();
                read.insert(blob.to_owned(), Arc::downgrade(&reading));
                reading
            })
        };
        let copied = reading.0.get_or_try_init(|| self.copy(blob, bytes)).await;
        match copied {
            Ok(spooled) => Ok(Some(Arc::new(Shared {
                spooled: Arc::clone(spooled),
                _reading: reading.clone(),
            }))),
            Err(StoreError::NotFound) => Ok(None),
            Err(error) => Err(error),
        }
    }

    async fn copy(&self, blob: &str, bytes: u64) -> Result<Arc<Spooled>, StoreError> {
        let spooled = Spooled {
            files: Arc::clone(&self.files),
            id: own_staging_id(),
        };
        let chunks = bytes.div_ceil(CHUNK_BYTES as u64);
        let fetch = |number| self.chunk(blob, number);
        let mut fetched = futures_util::stream::iter(0..chunks)
            .map(fetch)
            .buffered(AT_ONCE);
        let mut length = 0;
        while let Some(chunk) = fetched.next().await {
            let chunk = chunk?.ok_or(StoreError::NotFound)?;
            length += chunk.len() as u64;
            self.files.append(spooled.id, chunk).await?;
        }
        if length != bytes {
            return Err(StoreError::failed(
                "a large content is not as long as it was",
            ));
        }
        Ok(Arc::new(spooled))
    }

    async fn chunk(&self, blob: &str, number: u64) -> Result<Option<Bytes>, StoreError> {
        let stream = self.engine.subjects.blob_stream();
        let request = json!({ "last_by_subj": self.engine.subjects.chunk(blob, number) });
        let found = match self.engine.direct(&stream, &request).await? {
            Some(found) => Some(found),
            // The server that was asked may not have it yet.
            None => self.engine.ask_leader(&stream, &request).await?,
        };
        Ok(found.map(|found| found.payload))
    }

    /// Removes contents that have been replaced, once nobody can be reading them any more.
    pub fn remove_later(&self, blobs: Vec<String>) {
        let engine = Arc::downgrade(&self.engine);
        if blobs.is_empty() {
            return;
        }
        tokio::spawn(async move {
            sleep(KEPT).await;
            if let Some(engine) = engine.upgrade() {
                for blob in &blobs {
                    engine.remove_blob(blob).await;
                }
            }
        });
    }

    /// Removes a content, or all contents whose names begin with `blob` and a dot.
    pub async fn remove(&self, blob: &str) {
        self.engine.remove_blob(blob).await;
    }
}

impl Engine {
    /// Removes a content, or all contents whose names begin with `blob` and a dot.
    async fn remove_blob(&self, blob: &str) {
        let (stream, chunks) = (self.subjects.blob_stream(), self.subjects.chunks(blob));
        if let Err(error) = self.purge(&stream, &chunks, None).await {
            tracing::debug!(%error, "a content that nobody needs any more stays for now");
        }
    }
}

fn new_name() -> Result<String, StoreError> {
    let random = random_bytes().map_err(StoreError::failed)?;
    Ok(ContentHash::from_bytes(random).to_string())
}

type Sending<'a> = futures_util::future::BoxFuture<'a, Result<(), StoreError>>;

/// A content that is being written.
struct Writing<'a> {
    blobs: &'a Blobs,
    blob: &'a str,
    hash: Sha256,
    /// What is not sent yet.
    chunk: BytesMut,
    number: u64,
    under_way: FuturesUnordered<Sending<'a>>,
}

impl Writing<'_> {
    async fn add(&mut self, bytes: &[u8]) -> Result<(), StoreError> {
        self.hash.update(bytes);
        let mut rest = bytes;
        while !rest.is_empty() {
            let taken = rest.len().min(CHUNK_BYTES - self.chunk.len());
            let (now, later) = rest.split_at(taken);
            self.chunk.extend_from_slice(now);
            rest = later;
            if self.chunk.len() == CHUNK_BYTES {
                self.send().await?;
            }
        }
        Ok(())
    }

    async fn send(&mut self) -> Result<(), StoreError> {
        while self.under_way.len() >= AT_ONCE {
            self.under_way.next().await.unwrap_or(Ok(()))?;
        }
        let engine = &self.blobs.engine;
        let message = Outgoing {
            subject: engine.subjects.chunk(self.blob, self.number),
            payload: self.chunk.split().freeze(),
        };
        let sending = async move {
            // Sending it twice does no harm: it is the same content in the same place.
            engine.publish_at_last(message).await
        };
        self.under_way.push(sending.boxed());
        self.number += 1;
        Ok(())
    }

    async fn finish(mut self) -> Result<ContentHash, StoreError> {
        if !self.chunk.is_empty() {
            self.send().await?;
        }
        while let Some(sent) = self.under_way.next().await {
            sent?;
        }
        Ok(ContentHash::from_bytes(self.hash.finalize().into()))
    }
}

/// A copy on this node; removed when its last reader is gone.
struct Spooled {
    files: Arc<dyn UploadStore>,
    id: StagingId,
}

impl Drop for Spooled {
    fn drop(&mut self) {
        self.files.discard(self.id);
    }
}

/// A reader's hold on a copy. As long as there is one, other readers find the copy.
struct Shared {
    spooled: Arc<Spooled>,
    _reading: Arc<Reading>,
}

#[async_trait]
impl FileSource for Shared {
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        self.spooled
            .files
            .read(self.spooled.id, offset, length)
            .await
    }
}
