//! Files opened for reading.

use std::fs::{File, Metadata};
use std::os::unix::fs::FileExt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use tokio::sync::OwnedSemaphorePermit;

use crate::adapters::outbound::filesystem::pool::blocking_pool::BlockingPool;
use crate::adapters::outbound::filesystem::projects::versions::{FileState, modified};
use crate::adapters::outbound::filesystem::sandbox::error::During;
use crate::application::ports::{FileSource, HELD_FILE_BYTES, OpenFile, StoreError};
use crate::domain::Version;

/// Files up to this length are read while they are opened: one hop to a blocking thread instead of
/// two, and no open file kept.
pub(crate) const READ_AT_ONCE: u64 = HELD_FILE_BYTES as u64;

/// Reads a file that has just been opened, or keeps it open if it is long. Keeping it open requires
/// `permit`; without one, the result is `None`. `version_of` finds the file's version in its
/// metadata.
pub(crate) fn open(
    (file, metadata): (File, Metadata),
    pool: BlockingPool,
    permit: Option<OwnedSemaphorePermit>,
    version_of: impl FnOnce(FileState) -> Version,
) -> Result<Option<OpenFile>, StoreError> {
    let state = FileState::from(&metadata);
    let bytes = state.bytes;
    let source: Arc<dyn FileSource> = if bytes <= READ_AT_ONCE {
        Arc::new(read_at(&file, state, 0, bytes)?)
    } else if let Some(permit) = permit {
        Arc::new(OnDisk {
            file: Arc::new((file, permit)),
            state,
            pool,
        })
    } else {
        return Ok(None);
    };
    Ok(Some(OpenFile {
        version: version_of(state),
        bytes,
        modified: modified(state.nanos),
        executable: state.executable,
        source,
    }))
}

/// A file that is read as needed; open as long as this lives.
struct OnDisk {
    file: Arc<(File, OwnedSemaphorePermit)>,
    /// The file's state when it was opened.
    state: FileState,
    pool: BlockingPool,
}

#[async_trait]
impl FileSource for OnDisk {
    async fn read(&self, offset: u64, length: usize) -> Result<Bytes, StoreError> {
        let length = length as u64;
        // Checked before any memory is allocated for it.
        if offset
            .checked_add(length)
            .is_none_or(|end| end > self.state.bytes)
        {
            return Err(StoreError::failed("asked for more than the file has"));
        }
        let (file, state) = (Arc::clone(&self.file), self.state);
        let read = move || read_at(&file.0, state, offset, length);
        self.pool.run(read).await
    }
}

/// Reads from a file that was in `state` when it was opened. A read of the last byte checks that
/// the file is still in that state: if another program writes into a file, what is read may mix two
/// versions. The server itself never writes into a file: it moves a new one into its place.
fn read_at(file: &File, state: FileState, offset: u64, length: u64) -> Result<Bytes, StoreError> {
    let mut bytes = vec![0; usize::try_from(length).map_err(StoreError::failed)?];
    file.read_exact_at(&mut bytes, offset)
        .during("read a file")?;
    if offset + length == state.bytes {
        let metadata = file.metadata().map_err(StoreError::failed)?;
        if !FileState::from(&metadata).has_content_of(&state) {
            return Err(StoreError::failed("the file was changed while it was read"));
        }
    }
    Ok(bytes.into())
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[tokio::test]
    async fn a_small_file_that_changes_while_it_is_opened_is_not_opened() {
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(b"old and").expect("writes");
        let before = file.metadata().expect("metadata");
        file.write_all(b" new").expect("writes");
        let changed = open(
            (file, before),
            BlockingPool::reads(crate::application::DiskWork::Reads, &Arc::default()),
            None,
            |_| Version::UNKNOWN,
        );
        assert!(matches!(changed, Err(StoreError::Failed(_))));
    }
}
