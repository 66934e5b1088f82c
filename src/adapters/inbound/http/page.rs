//! The page and its parts, which the program carries in itself. A debug build reads them from the
//! source folder instead, at each request, so that people who work on the page see what they have
//! just saved.

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{LazyLock, Mutex};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, HeaderValue};
use rust_embed::Embed;
use sha2::{Digest as _, Sha256};
use warp::reply::Response;

use super::address::{PARTS, VERSION_DIGITS};
use super::answers::not_modified;
use super::headers::{accepts_gzip, is_unchanged};
use crate::application::locks::lock;

/// The page itself, and the licences of what it uses.
pub(super) const INDEX: &str = "index.html";
pub(super) const NOTICES: &str = "vendor/NOTICES.txt";

/// For a part whose address changes whenever it changes.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

const TEXT: &str = "text/plain; charset=utf-8";
const UNKNOWN: &str = "application/octet-stream";

/// The type of a file by the ending of its name, and whether it is worth compressing.
const TYPES: [(&str, &str, bool); 9] = [
    ("css", "text/css; charset=utf-8", true),
    ("html", "text/html; charset=utf-8", true),
    ("ico", "image/x-icon", false),
    ("js", "text/javascript; charset=utf-8", true),
    ("json", "application/json", true),
    ("png", "image/png", false),
    ("svg", "image/svg+xml", true),
    ("ts", TEXT, true),
    ("txt", TEXT, true),
];

#[derive(Embed)]
#[folder = "clients/viewer/page"]
struct Files;

/// The page itself, which asks for its parts under their version.
pub(super) fn index(asked: &HeaderMap) -> Option<Response> {
    let index = Part::find(INDEX)?;
    let index = version().map_or(index.clone(), |version| index.in_version(version));
    Some(index.answer(INDEX, asked))
}

/// The part of the page at `path`, which browsers may keep if they ask for the present `version`.
pub(super) fn part(path: &str, version: Option<&str>, asked: &HeaderMap) -> Option<Response> {
    let mut answer = Part::find(path)?.answer(path, asked);
    if version.is_some() && version == self::version() {
        answer.headers_mut().insert(CACHE_CONTROL, KEPT);
    }
    Some(answer)
}

/// The version that all parts have in their address, so that browsers need not ask for them again.
/// It changes whenever a part does. A debug build has none, because its parts may change at any
/// time.
fn version() -> Option<&'static str> {
    static VERSION: LazyLock<String> = LazyLock::new(version_of_all);
    (!cfg!(debug_assertions)).then(|| VERSION.as_str())
}

fn version_of_all() -> String {
    let mut all = Sha256::new();
    for path in Files::iter() {
        all.update(path.as_bytes());
        all.update(Files::get(&path).map_or([0; 32], |file| file.metadata.sha256_hash()));
    }
    let mut version = hex(&all.finalize());
    version.truncate(VERSION_DIGITS);
    version
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    let mut text = String::new();
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// A file of the page.
#[derive(Debug, Clone)]
struct Part {
    content: Bytes,
    sha256: [u8; 32],
}

impl Part {
    fn find(path: &str) -> Option<Self> {
        let file = Files::get(path)?;
        Some(Self {
            content: match file.data {
                Cow::Borrowed(content) => Bytes::from_static(content),
                Cow::Owned(content) => content.into(),
            },
            sha256: file.metadata.sha256_hash(),
        })
    }

    /// The same file, with this version in the addresses of the parts that it asks for.
    fn in_version(&self, version: &str) -> Self {
        let text = String::from_utf8_lossy(&self.content);
        let text = text.replace(PARTS, &format!("{PARTS}{version}/"));
        Self {
            sha256: Sha256::digest(&text).into(),
            content: text.into(),
        }
    }

    /// The file, or 304 if the client has it already.
    fn answer(&self, path: &str, asked: &HeaderMap) -> Response {
        let (content_type, is_compressible) = type_of(path);
        let gzipped = is_compressible && accepts_gzip(asked);
        let tag = self.tag(gzipped);
        let mut answer = if is_unchanged(asked, &tag) {
            not_modified()
        } else {
            let mut found = Response::new(if gzipped {
                self.compressed(path).into()
            } else {
                self.content.clone().into()
            });
            let headers = found.headers_mut();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            if gzipped {
                headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
            }
            found
        };
        let headers = answer.headers_mut();
        headers.insert(ETAG, tag);
        if is_compressible {
            headers.insert(VARY, HeaderValue::from_static("accept-encoding"));
        }
        answer
    }

    /// A tag that differs whenever the bytes that are sent do.
    fn tag(&self, gzipped: bool) -> HeaderValue {
        let hash = hex(&self.sha256[..16]);
        let coding = if gzipped { "-gzip" } else { "" };
        let tag = HeaderValue::try_from(format!("\"{hash}{coding}\""));
        tag.expect("hex digits are a valid header value")
    }

    /// The file in gzip. It is compressed once, at the first request, which takes about 13 ms for
    /// the largest file; others wait for it. Compressing when the program is built would need all
    /// this at build time as well.
    fn compressed(&self, path: &str) -> Bytes {
        type Compressed = HashMap<String, ([u8; 32], Bytes)>;
        static COMPRESSED: LazyLock<Mutex<Compressed>> = LazyLock::new(Mutex::default);
        let mut all = lock(&COMPRESSED);
        if let Some((sha256, bytes)) = all.get(path)
            && *sha256 == self.sha256
        {
            return bytes.clone();
        }
        let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
        let written = gzip.write_all(&self.content).and_then(|()| gzip.finish());
        let bytes = Bytes::from(written.expect("writing into memory does not fail"));
        all.insert(path.to_owned(), (self.sha256, bytes.clone()));
        bytes
    }
}

fn type_of(path: &str) -> (&'static str, bool) {
    let ending = path.rsplit('.').next();
    let known = TYPES.iter().find(|(known, ..)| Some(*known) == ending);
    known.map_or((UNKNOWN, false), |(_, name, is_compressible)| {
        (*name, *is_compressible)
    })
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use flate2::read::GzDecoder;
    use http::header::{ACCEPT_ENCODING, IF_NONE_MATCH};

    use super::*;

    fn asking(name: http::HeaderName, value: &HeaderValue) -> HeaderMap {
        HeaderMap::from_iter([(name, value.clone())])
    }

    #[test]
    fn every_part_of_the_page_has_a_type() {
        assert!(Files::iter().any(|path| path == INDEX));
        for path in Files::iter() {
            assert_ne!(type_of(&path).0, UNKNOWN, "{path}");
        }
    }

    #[test]
    fn nothing_outside_the_folder_is_a_part() {
        for path in [
            "",
            ".",
            "/",
            "src",
            "../README.md",
            "../../../Cargo.toml",
            "/etc/hostname",
            "src/../index.html/..",
            "index.html/",
            "index.html\0",
        ] {
            assert!(part(path, None, &HeaderMap::new()).is_none(), "{path:?}");
        }
    }

    #[test]
    fn a_part_is_compressed_for_those_who_accept_it_and_has_a_tag_of_its_own_then() {
        let plain = part(INDEX, None, &HeaderMap::new()).expect("the page");
        let gzip = asking(ACCEPT_ENCODING, &HeaderValue::from_static("br, gzip"));
        let gzipped = part(INDEX, None, &gzip).expect("the page");
        assert_eq!(plain.headers().get(CONTENT_ENCODING), None);
        assert_eq!(gzipped.headers()[CONTENT_ENCODING], "gzip");
        assert_ne!(plain.headers()[ETAG], gzipped.headers()[ETAG]);
        for answer in [&plain, &gzipped] {
            assert_eq!(answer.headers()[VARY], "accept-encoding");
            assert_eq!(answer.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        }
        let file = Part::find(INDEX).expect("the page");
        let bytes = file.compressed(INDEX);
        let mut text = Vec::new();
        let mut gzip = GzDecoder::new(&bytes[..]);
        gzip.read_to_end(&mut text).expect("gzip");
        assert_eq!(text, file.content);
    }

    #[test]
    fn a_part_that_is_known_is_not_sent_again() {
        let first = part(INDEX, None, &HeaderMap::new()).expect("the page");
        let again = asking(IF_NONE_MATCH, &first.headers()[ETAG]);
        let answer = part(INDEX, None, &again).expect("the page");
        assert_eq!(answer.status(), 304);
        assert_eq!(answer.headers()[ETAG], first.headers()[ETAG]);
        let other = asking(IF_NONE_MATCH, &HeaderValue::from_static("\"other\""));
        assert_eq!(part(INDEX, None, &other).expect("the page").status(), 200);
    }

    #[test]
    fn the_page_asks_for_all_its_parts_in_its_version() {
        let index = Part::find(INDEX).expect("the page");
        let version = version_of_all();
        assert_eq!(version.len(), VERSION_DIGITS);
        assert_eq!(version, version_of_all());
        let versioned = index.in_version(&version);
        let count = |part: &Part, what: &str| {
            let text = str::from_utf8(&part.content).expect("a text");
            text.matches(what).count()
        };
        let parts = count(&index, PARTS);
        assert!(parts > 0);
        assert_eq!(count(&versioned, PARTS), parts);
        assert_eq!(count(&versioned, &format!("{PARTS}{version}/")), parts);
        assert_ne!(versioned.tag(false), index.tag(false));
        // A debug build has no version. A part of an old version is still found, but not kept.
        let old = Some("0123456789abcdef");
        let old = part(INDEX, old, &HeaderMap::new()).expect("the page");
        assert!(!old.headers().contains_key(CACHE_CONTROL));
        let own = super::version();
        assert_eq!(own.is_some(), !cfg!(debug_assertions));
        let kept = part(INDEX, own, &HeaderMap::new()).expect("the page");
        assert_eq!(kept.headers().get(CACHE_CONTROL).is_some(), own.is_some());
    }
}
