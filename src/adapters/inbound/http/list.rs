//! The list of a project's files, as JSON.

use std::io::Write as _;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use serde::Serialize;
use tokio::task::yield_now;

use super::pieces::Pieces;
use crate::application::files::download::Visitor;
use crate::application::files::downloads::{Download, DownloadError};
use crate::application::{FileStream, NextFile};
use crate::domain::{FilePath, ProjectEntry};

/// How much of the list is made before other tasks have their turn.
const SLICE_BYTES: usize = 16 * 1_024;

/// About how much memory the compression of one list takes.
const GZIP_BYTES: usize = 320 * 1_024;

const BEGINNING: &[u8] = br#"{"name":"/","files":["#;
const END: &[u8] = b"]}";

#[derive(Serialize)]
struct Entry<'a> {
    name: &'a str,
    size: u64,
    /// In milliseconds since the epoch.
    modified: u64,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    executable: bool,
}

/// Where the list is written to, as it is or compressed.
enum Out {
    Plain(Vec<u8>),
    Gzip(GzEncoder<Vec<u8>>),
}

impl Out {
    fn write(&mut self, bytes: &[u8]) {
        let written = match self {
            Self::Plain(out) => out.write_all(bytes),
            Self::Gzip(out) => out.write_all(bytes),
        };
        written.expect("writing into memory does not fail");
    }

    fn take(&mut self) -> Bytes {
        let out = match self {
            Self::Plain(out) => out,
            Self::Gzip(out) => out.get_mut(),
        };
        std::mem::take(out).into()
    }

    /// Ends the output, and returns what is left of it.
    fn finish(self) -> Bytes {
        match self {
            Self::Plain(out) => out,
            Self::Gzip(out) => out.finish().expect("writing into memory does not fail"),
        }
        .into()
    }
}

/// A list that is being sent.
pub(super) struct List {
    files: FileStream,
    /// `None` once the list has ended.
    out: Option<Out>,
    is_first: bool,
    _download: Download,
}

impl List {
    /// The list of these files.
    ///
    /// # Errors
    /// There is no memory for it.
    pub async fn new(
        files: FileStream,
        gzipped: bool,
        visitor: &Visitor,
    ) -> Result<Self, DownloadError> {
        let bytes = 2 * SLICE_BYTES + if gzipped { GZIP_BYTES } else { 0 };
        let download = visitor.download(bytes).await?;
        let mut out = if gzipped {
            Out::Gzip(GzEncoder::new(Vec::new(), Compression::default()))
        } else {
            Out::Plain(Vec::new())
        };
        out.write(BEGINNING);
        Ok(Self {
            files,
            out: Some(out),
            is_first: true,
            _download: download,
        })
    }

    fn write(&mut self, path: &FilePath, entry: &ProjectEntry) -> usize {
        let entry = Entry {
            name: path.as_str(),
            size: entry.bytes,
            modified: entry.modified.as_millis(),
            executable: entry.executable,
        };
        let mut text = Vec::with_capacity(entry.name.len() + 64);
        if !std::mem::take(&mut self.is_first) {
            text.push(b',');
        }
        serde_json::to_writer(&mut text, &entry).expect("texts and numbers are JSON");
        if let Some(out) = &mut self.out {
            out.write(&text);
        }
        text.len()
    }
}

impl Pieces for List {
    async fn next(&mut self) -> Option<Result<Bytes, DownloadError>> {
        loop {
            self.out.as_ref()?;
            let mut slice = 0;
            while slice < SLICE_BYTES {
                match self.files.next_listed().await {
                    Some(NextFile::File(path, entry)) => slice += self.write(&path, &entry),
                    Some(NextFile::Unreadable(_) | NextFile::Broken(_)) => {
                        self.out = None;
                        return Some(Err(DownloadError::Failed));
                    }
                    None => {
                        let mut out = self.out.take()?;
                        out.write(END);
                        return Some(Ok(out.finish()));
                    }
                }
            }
            // The loop may not have waited for anything, so let others run.
            yield_now().await;
            let piece = self.out.as_mut()?.take();
            if !piece.is_empty() {
                return Some(Ok(piece));
            }
        }
    }
}
