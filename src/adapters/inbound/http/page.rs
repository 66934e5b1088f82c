//! The page and its parts, which the program carries in itself. A debug build reads them from the
//! source folder instead, at each request, so that who works on the page sees what they have just
//! saved.

use std::collections::HashMap;
use std::io::Write as _;
use std::sync::{Mutex, OnceLock};

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, VARY};
use http::{HeaderMap, HeaderValue};
use rust_embed::{Embed, EmbeddedFile};
use warp::reply::Response;

use super::answers::not_modified;
use super::headers::{accepts_gzip, is_unchanged};
use crate::application::locks::lock;

/// The page itself, and the licences of what it uses.
pub(super) const INDEX: &str = "index.html";
pub(super) const NOTICES: &str = "vendor/NOTICES.txt";

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

/// The part of the page at `path`, as `asked`; `None` if there is none.
pub(super) fn part(path: &str, asked: &HeaderMap) -> Option<Response> {
    let file = Files::get(path)?;
    let (content_type, is_compressible) = type_of(path);
    let gzipped = is_compressible && accepts_gzip(asked);
    let tag = tag(&file, gzipped);
    let mut answer = if is_unchanged(asked, &tag) {
        not_modified()
    } else {
        let mut found = Response::new(if gzipped {
            compressed(path, &tag, &file).into()
        } else {
            Bytes::from(file.data.into_owned()).into()
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
    Some(answer)
}

fn type_of(path: &str) -> (&'static str, bool) {
    let ending = path.rsplit('.').next();
    let known = TYPES.iter().find(|(known, ..)| Some(*known) == ending);
    known.map_or((UNKNOWN, false), |(_, name, is_compressible)| {
        (*name, *is_compressible)
    })
}

/// Differs whenever the bytes that are sent do.
fn tag(file: &EmbeddedFile, gzipped: bool) -> HeaderValue {
    use std::fmt::Write as _;
    let mut tag = String::from("\"");
    for byte in &file.metadata.sha256_hash()[..16] {
        // Writing to a text does not fail.
        let _ = write!(tag, "{byte:02x}");
    }
    tag.push_str(if gzipped { "-gzip\"" } else { "\"" });
    HeaderValue::try_from(tag).expect("hex digits are a valid header value")
}

/// The file in gzip. It is compressed once, when somebody asks for it first: to do so when the
/// program is built would need all this at build time as well.
fn compressed(path: &str, tag: &HeaderValue, file: &EmbeddedFile) -> Bytes {
    type Compressed = HashMap<String, (HeaderValue, Bytes)>;
    static COMPRESSED: OnceLock<Mutex<Compressed>> = OnceLock::new();
    let all = COMPRESSED.get_or_init(Mutex::default);
    if let Some((known, bytes)) = lock(all).get(path)
        && known == tag
    {
        return bytes.clone();
    }
    let mut gzip = GzEncoder::new(Vec::new(), Compression::best());
    let written = gzip.write_all(&file.data).and_then(|()| gzip.finish());
    let bytes = Bytes::from(written.expect("writing into memory does not fail"));
    lock(all).insert(path.to_owned(), (tag.clone(), bytes.clone()));
    bytes
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
            assert!(part(path, &HeaderMap::new()).is_none(), "{path:?}");
        }
    }

    #[test]
    fn a_part_is_compressed_for_those_who_accept_it_and_has_a_tag_of_its_own_then() {
        let plain = part(INDEX, &HeaderMap::new()).expect("the page");
        let gzip = asking(ACCEPT_ENCODING, &HeaderValue::from_static("br, gzip"));
        let gzipped = part(INDEX, &gzip).expect("the page");
        assert_eq!(plain.headers().get(CONTENT_ENCODING), None);
        assert_eq!(gzipped.headers()[CONTENT_ENCODING], "gzip");
        assert_ne!(plain.headers()[ETAG], gzipped.headers()[ETAG]);
        for answer in [&plain, &gzipped] {
            assert_eq!(answer.headers()[VARY], "accept-encoding");
            assert_eq!(answer.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        }
        let file = Files::get(INDEX).expect("the page");
        let tag = tag(&file, true);
        let bytes = compressed(INDEX, &tag, &file);
        let mut text = Vec::new();
        let mut gzip = GzDecoder::new(&bytes[..]);
        gzip.read_to_end(&mut text).expect("gzip");
        assert_eq!(text, &*Files::get(INDEX).expect("the page").data);
    }

    #[test]
    fn a_part_that_is_known_is_not_sent_again() {
        let first = part(INDEX, &HeaderMap::new()).expect("the page");
        let again = asking(IF_NONE_MATCH, &first.headers()[ETAG]);
        let answer = part(INDEX, &again).expect("the page");
        assert_eq!(answer.status(), 304);
        assert_eq!(answer.headers()[ETAG], first.headers()[ETAG]);
        let other = asking(IF_NONE_MATCH, &HeaderValue::from_static("\"other\""));
        assert_eq!(part(INDEX, &other).expect("the page").status(), 200);
    }
}
