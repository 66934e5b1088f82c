//! Writes content to a temporary file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rustix::fs::Mode;
use tokio::runtime::Handle;

use crate::adapters::outbound::filesystem::sandbox::error::During;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::sandbox::temporary::Temporary;
use crate::adapters::outbound::filesystem::uploads::names::staged_name;
use crate::application::ports::{StagedUpload, StoreError};
use crate::application::{FileContent, StagedContent, Stretch};

/// How much is copied at once.
const CHUNK: usize = 64 * 1_024;

/// A temporary file that contains `content`, and the file itself.
pub(crate) fn write(
    layout: &Layout,
    content: &FileContent,
    mode: Mode,
) -> Result<(Temporary, File), StoreError> {
    match content {
        FileContent::Memory(bytes) => {
            let (temporary, mut file) = make(layout, mode)?;
            file.write_all(bytes).during("write a file")?;
            Ok((temporary, file))
        }
        FileContent::Staged(staged) => match take_over(layout, staged)? {
            Some(taken) => Ok(taken),
            None => assemble(layout, staged, mode),
        },
    }
}

fn make(layout: &Layout, mode: Mode) -> Result<(Temporary, File), StoreError> {
    layout.temporary(mode).during("make a temporary file")
}

/// The staged file itself with the tail appended, if it may be moved and is exactly the content.
fn take_over(
    layout: &Layout,
    content: &StagedContent,
) -> Result<Option<(Temporary, File)>, StoreError> {
    if !content.movable || !content.is_whole_log() {
        return Ok(None);
    }
    let id = content.staged.id();
    if !layout.uploads.contains(&id) {
        return Ok(None);
    }
    let name = staged_name(id);
    let opened = layout.staging.append(&name, None);
    let mut file = opened.during("open a staged upload")?;
    let length = file.metadata().during("look at a staged upload")?.len();
    if length != content.staged_bytes {
        // An append that failed half-way may have left more than was counted.
        return Ok(None);
    }
    // From here on the staged file belongs to this write, and is removed with it.
    let temporary = Temporary::guard(&layout.staging, name);
    layout.uploads.take(&id);
    file.write_all(&content.tail).during("write a file")?;
    Ok(Some((temporary, file)))
}

fn assemble(
    layout: &Layout,
    content: &StagedContent,
    mode: Mode,
) -> Result<(Temporary, File), StoreError> {
    let stretches = content.stretches()?;
    let staged = Source::open(layout, content)?;
    let (temporary, file) = make(layout, mode)?;
    let mut out = BufWriter::with_capacity(CHUNK, file);
    for stretch in stretches {
        match stretch {
            Stretch::Staged(range) => staged.copy(range, &mut out)?,
            Stretch::Memory(bytes) => out.write_all(bytes).during("write a file")?,
        }
    }
    let file = out
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error);
    Ok((temporary, file.during("write a file")?))
}

/// Where the staged bytes are read from.
enum Source<'a> {
    /// A staging file of this store.
    Own(File),
    /// Another store's upload. This blocking thread waits for it on the runtime.
    Foreign(&'a dyn StagedUpload, Handle),
}

impl<'a> Source<'a> {
    fn open(layout: &Layout, content: &'a StagedContent) -> Result<Self, StoreError> {
        let id = content.staged.id();
        if layout.uploads.contains(&id) {
            let file = layout.staging.file(&staged_name(id));
            return Ok(Self::Own(file.during("open a staged upload")?));
        }
        let runtime = Handle::try_current().map_err(StoreError::failed)?;
        Ok(Self::Foreign(content.staged.as_ref(), runtime))
    }

    fn copy(&self, mut range: Range<u64>, to: &mut impl Write) -> Result<(), StoreError> {
        let mut chunk = Vec::new();
        while range.start < range.end {
            // If the rest is too long for a `usize`, take a whole chunk.
            let rest = usize::try_from(range.end - range.start).unwrap_or(CHUNK);
            let length = rest.min(CHUNK);
            match self {
                Self::Own(file) => {
                    chunk.resize(length, 0);
                    let read = file.read_exact_at(&mut chunk, range.start);
                    read.during("read a staged upload")?;
                    to.write_all(&chunk).during("write a file")?;
                }
                Self::Foreign(staged, runtime) => {
                    let bytes = runtime.block_on(staged.read(range.start, length))?;
                    to.write_all(&bytes).during("write a file")?;
                }
            }
            range.start += length as u64;
        }
        Ok(())
    }
}
