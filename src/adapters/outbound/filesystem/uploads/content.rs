//! Bringing content into a temporary file.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;

use rustix::fs::Mode;

use crate::adapters::outbound::filesystem::sandbox::error::During;
use crate::adapters::outbound::filesystem::sandbox::layout::Layout;
use crate::adapters::outbound::filesystem::sandbox::temporary::Temporary;
use crate::adapters::outbound::filesystem::uploads::staging::staged_name;
use crate::application::ports::StoreError;
use crate::application::{FileContent, StagedContent};

/// How much is copied at once.
const CHUNK: usize = 64 * 1_024;

/// A temporary file that holds `content`, and the file itself.
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

/// The staged file itself, completed by the tail, where it may be had and is what it should be.
fn take_over(
    layout: &Layout,
    content: &StagedContent,
) -> Result<Option<(Temporary, File)>, StoreError> {
    if !content.movable || !content.is_whole_log() {
        return Ok(None);
    }
    let name = staged_name(content.staged);
    let opened = layout.staging.append(&name, None);
    let mut file = opened.during("open a staged upload")?;
    let length = file.metadata().during("look at a staged upload")?.len();
    if length != content.staged_bytes {
        // An append that failed half-way may have left more than was counted.
        return Ok(None);
    }
    // From here on it is this write's own, and goes with it.
    let temporary = Temporary::guard(&layout.staging, name);
    layout.uploads.take(&content.staged);
    file.write_all(&content.tail).during("write a file")?;
    Ok(Some((temporary, file)))
}

fn assemble(
    layout: &Layout,
    content: &StagedContent,
    mode: Mode,
) -> Result<(Temporary, File), StoreError> {
    let name = staged_name(content.staged);
    let staged = layout.staging.file(&name).during("open a staged upload")?;
    let (temporary, file) = make(layout, mode)?;
    let mut out = BufWriter::with_capacity(CHUNK, file);
    for piece in &content.pieces {
        let end = piece.end.min(content.staged_bytes);
        copy(&staged, piece.start..end, &mut out)?;
        let start = piece.start.max(content.staged_bytes);
        if start < piece.end {
            let tail = slice(&content.tail, start..piece.end, content.staged_bytes);
            let tail = tail.ok_or_else(|| StoreError::failed("a piece lies outside its upload"))?;
            out.write_all(tail).during("write a file")?;
        }
    }
    let file = out
        .into_inner()
        .map_err(std::io::IntoInnerError::into_error);
    Ok((temporary, file.during("write a file")?))
}

fn copy(from: &File, mut range: Range<u64>, to: &mut impl Write) -> Result<(), StoreError> {
    let mut chunk = Vec::new();
    while range.start < range.end {
        // The whole chunk where the rest is too long even to count.
        let rest = usize::try_from(range.end - range.start).unwrap_or(CHUNK);
        chunk.resize(rest.min(CHUNK), 0);
        from.read_exact_at(&mut chunk, range.start)
            .during("read a staged upload")?;
        to.write_all(&chunk).during("write a file")?;
        range.start += chunk.len() as u64;
    }
    Ok(())
}

fn slice(tail: &[u8], range: Range<u64>, staged_bytes: u64) -> Option<&[u8]> {
    let start = usize::try_from(range.start.checked_sub(staged_bytes)?).ok()?;
    let end = usize::try_from(range.end.checked_sub(staged_bytes)?).ok()?;
    tail.get(start..end)
}
