//! A project's files: their list, one of them, or all in a zip.

use http::header::{
    ACCEPT_RANGES, AUTHORIZATION, CACHE_CONTROL, CONTENT_DISPOSITION, CONTENT_ENCODING,
    CONTENT_LENGTH, CONTENT_RANGE, CONTENT_SECURITY_POLICY, CONTENT_TYPE, ETAG, RETRY_AFTER, VARY,
    WWW_AUTHENTICATE,
};
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use warp::reply::Response;

use super::answers::{not_modified, refusal};
use super::headers::{accepts_gzip, is_unchanged};
use super::list::List;
use super::pieces::{self, Pieces};
use super::range::{Part, part};
use super::zip::Zip;
use crate::application::Application;
use crate::application::files::download::{FileDownload, Visitor, project_file, project_files};
use crate::application::files::downloads::DownloadError;
use crate::domain::{FilePath, ProjectId, Version, is_invisible};

/// A browser never shows a project's content as a document of this origin, not even as one that
/// does nothing.
const SANDBOX: &str = "sandbox; default-src 'none'";

/// All characters but those that a name may hold in `filename*` (RFC 8187).
const ENCODED: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_');

/// What a client asks for, as far as it concerns these answers.
pub(super) struct Asked<'a> {
    pub app: &'a Application,
    pub visitor: &'a Visitor,
    pub headers: &'a HeaderMap,
    /// Whether only the head of the answer is wanted.
    pub head_only: bool,
}

/// The token in the headers, if there is one.
pub(super) fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Asked<'_> {
    /// The list of the project's files.
    pub async fn list(&self, project: &ProjectId) -> Response {
        let (revision, files) = match project_files(self.app, self.visitor, project).await {
            Ok(found) => found,
            Err(error) => return refused(&error),
        };
        // A weak tag, because it is the same for every encoding.
        let tag = header(format!(
            "W/\"{:x}-{:x}\"",
            revision.origin, revision.changes
        ));
        let gzipped = accepts_gzip(self.headers);
        let mut answer = if is_unchanged(self.headers, &tag) {
            not_modified()
        } else {
            let mut answer = if self.head_only {
                Response::default()
            } else {
                match List::new(files, gzipped, self.visitor).await {
                    Ok(list) => pieces::answer(list),
                    Err(error) => return refused(&error),
                }
            };
            let headers = answer.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
            if gzipped {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            answer
        };
        let headers = answer.headers_mut();
        headers.insert(ETAG, tag);
        headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        keep_private(answer)
    }

    /// One file, or a part of it.
    pub async fn file(&self, project: &ProjectId, path: &FilePath) -> Response {
        let file = match project_file(self.app, self.visitor, project, path).await {
            Ok(file) => file,
            Err(error) => return refused(&error),
        };
        let bytes = file.bytes();
        let version = file.version();
        let tag = (version != Version::UNKNOWN)
            .then(|| header(format!("\"{:x}-{bytes:x}\"", version.number())));
        let is_known = tag.as_ref();
        let mut answer = if is_known.is_some_and(|tag| is_unchanged(self.headers, tag)) {
            not_modified()
        } else {
            match part(self.headers, bytes, tag.as_ref()) {
                Part::Whole => self.content(file, bytes),
                Part::Bytes(range) => {
                    let (first, last) = (range.start, range.end - 1);
                    let length = range.end - range.start;
                    let mut answer = self.content(file.part(range), length);
                    *answer.status_mut() = StatusCode::PARTIAL_CONTENT;
                    let range = header(format!("bytes {first}-{last}/{bytes}"));
                    answer.headers_mut().insert(CONTENT_RANGE, range);
                    answer
                }
                Part::Unsatisfiable => {
                    let status = StatusCode::RANGE_NOT_SATISFIABLE;
                    let mut answer = refusal(status, "the file has no such bytes");
                    let range = header(format!("bytes */{bytes}"));
                    answer.headers_mut().insert(CONTENT_RANGE, range);
                    answer
                }
            }
        };
        let headers = answer.headers_mut();
        headers.insert(ACCEPT_RANGES, HeaderValue::from_static("bytes"));
        if let Some(tag) = tag {
            headers.insert(ETAG, tag);
        }
        keep_private(answer)
    }

    fn content(&self, file: FileDownload, bytes: u64) -> Response {
        let mut answer = if self.head_only {
            Response::default()
        } else {
            pieces::answer(file)
        };
        let headers = answer.headers_mut();
        headers.insert(CONTENT_LENGTH, bytes.into());
        let octets = HeaderValue::from_static("application/octet-stream");
        headers.insert(CONTENT_TYPE, octets);
        headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
        answer
    }

    /// All files in a zip.
    pub async fn zip(&self, project: &ProjectId) -> Response {
        let files = match project_files(self.app, self.visitor, project).await {
            Ok((_, files)) => files,
            Err(error) => return refused(&error),
        };
        let mut answer = if self.head_only {
            Response::default()
        } else {
            match Zip::new(files, self.visitor).await {
                Ok(zip) => pieces::answer(zip),
                Err(error) => return refused(&error),
            }
        };
        let name = harmless(project.name.as_str());
        let name = utf8_percent_encode(&name, &ENCODED);
        let disposition = header(format!("attachment; filename*=UTF-8''{name}.zip"));
        let headers = answer.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/zip"));
        headers.insert(CONTENT_DISPOSITION, disposition);
        keep_private(answer)
    }
}

impl Pieces for FileDownload {
    async fn next(&mut self) -> Option<Result<bytes::Bytes, DownloadError>> {
        self.next().await
    }
}

/// Replaces what makes a name look like a path or like another name: slashes, and characters that
/// reverse or hide others.
fn harmless(name: &str) -> String {
    name.replace(
        |letter| matches!(letter, '/' | '\\') || is_invisible(letter),
        "_",
    )
}

/// A header's value. `text` must be visible ASCII.
fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("it has no other characters")
}

/// Lets nobody but the client keep the answer, and no browser show it.
fn keep_private(mut answer: Response) -> Response {
    // Refusals are not kept at all.
    let is_refused = answer.status() == StatusCode::RANGE_NOT_SATISFIABLE;
    let headers = answer.headers_mut();
    let set = |headers: &mut HeaderMap, name: HeaderName, value| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    if !is_refused {
        set(headers, CACHE_CONTROL, "private, no-cache");
    }
    set(headers, CONTENT_SECURITY_POLICY, SANDBOX);
    answer
}

fn refused(error: &DownloadError) -> Response {
    let (status, extra) = match error {
        DownloadError::Unauthorized(_) => {
            (StatusCode::UNAUTHORIZED, Some((WWW_AUTHENTICATE, "Bearer")))
        }
        DownloadError::Missing => (StatusCode::NOT_FOUND, None),
        DownloadError::Unavailable => (StatusCode::SERVICE_UNAVAILABLE, Some((RETRY_AFTER, "1"))),
        DownloadError::Failed => (StatusCode::INTERNAL_SERVER_ERROR, None),
    };
    let mut answer = refusal(status, &error.to_string());
    if let Some((name, value)) = extra {
        let value = HeaderValue::from_static(value);
        answer.headers_mut().insert(name, value);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_in_the_header_of_bearers() {
        for (value, expected) in [
            ("Bearer a.b.c", Some("a.b.c")),
            ("bearer  a.b.c ", Some("a.b.c")),
            ("Bearer ", Some("")),
            ("Bearer", None),
            ("Basic YTpi", None),
            ("a.b.c", None),
        ] {
            let value = HeaderValue::from_static(value);
            let headers = HeaderMap::from_iter([(AUTHORIZATION, value.clone())]);
            assert_eq!(bearer(&headers), expected, "{value:?}");
        }
        assert_eq!(bearer(&HeaderMap::new()), None);
    }
}
