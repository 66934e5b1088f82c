//! Links to a project's page, which viewers open in a browser.
//!
//! The token is in the fragment, which a browser never sends.

use twicecast_client::connection::websocket;

use crate::connection;
use crate::failure::Failure;

/// The address of a server for a browser: scheme, host and, if it is not the usual one, port.
///
/// # Errors
///
/// A sentence, if the server's address is invalid.
pub fn origin(url: &str) -> Result<String, Failure> {
    let (host, port) = connection::address(url)?;
    let (scheme, usual) = if websocket(url).starts_with("wss:") {
        ("https", 443)
    } else {
        ("http", 80)
    };
    let host = if host.contains(':') {
        format!("[{host}]")
    } else {
        host
    };
    Ok(if port == usual {
        format!("{scheme}://{host}")
    } else {
        format!("{scheme}://{host}:{port}")
    })
}

/// Checks an address at which others reach a server, and returns it as the key `publicUrl` takes
/// it.
///
/// # Errors
///
/// What the address must look like.
pub fn public_url(text: &str) -> Result<String, String> {
    let wrong = || "must look like https://code.example.org".to_owned();
    let bare = text.strip_suffix('/').unwrap_or(text);
    let is_web = bare.starts_with("https://") || bare.starts_with("http://");
    let found = origin(bare).map_err(|_| wrong())?;
    // The usual port may be given.
    let is_whole = bare == found || bare.strip_prefix(&*found).is_some_and(is_port);
    if is_web && is_whole {
        Ok(found)
    } else {
        Err(wrong())
    }
}

fn is_port(rest: &str) -> bool {
    [":80", ":443"].contains(&rest)
}

/// The page of a project on the server at `origin`.
///
/// # Errors
///
/// A sentence, if the project cannot have a page.
pub fn page(origin: &str, streamer: &str, project: &str) -> Result<String, Failure> {
    if streamer == "-" {
        return Err(Failure::usage(
            "A streamer who is called - has no page: its address is taken by the page's own parts.",
        ));
    }
    let (streamer, project) = (encoded(streamer), encoded(project));
    Ok(format!("{origin}/{streamer}/{project}"))
}

/// The address of a page with the token that opens it.
pub fn with_token(page: &str, token: &str) -> String {
    format!("{page}#token={token}")
}

/// A name as one segment of an address (RFC 3986, section 2.3).
fn encoded(name: &str) -> String {
    use std::fmt::Write as _;
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            text.push(byte.into());
        } else {
            // Writing to a String cannot fail.
            let _ = write!(text, "%{byte:02X}");
        }
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_browser_finds_a_server_where_its_websocket_is() {
        for (url, expected) in [
            ("ws://127.0.0.1:3005", "http://127.0.0.1:3005"),
            ("ws://Host", "http://Host"),
            ("wss://live.example", "https://live.example"),
            ("wss://live.example:443/ws", "https://live.example"),
            ("wss://live.example:8443/", "https://live.example:8443"),
            ("ws://[::1]:9", "http://[::1]:9"),
            ("https://live.example", "https://live.example"),
        ] {
            assert_eq!(origin(url).unwrap(), expected, "{url}");
        }
        assert!(origin("file:///x").is_err());
    }

    #[test]
    fn a_public_address_is_that_of_a_whole_server() {
        for (text, expected) in [
            ("https://live.example", Some("https://live.example")),
            ("https://live.example/", Some("https://live.example")),
            ("https://live.example:443", Some("https://live.example")),
            ("http://10.0.0.1:8080", Some("http://10.0.0.1:8080")),
            ("live.example", None),
            ("wss://live.example", None),
            ("https://live.example/path", None),
            ("https://user@live.example", None),
            ("https://live.example?x", None),
            ("https://live.example#x", None),
            ("https://", None),
            ("https://a b", None),
        ] {
            assert_eq!(public_url(text).ok().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn a_name_is_one_segment_whatever_is_in_it() {
        let page = |streamer, project| page("http://h", streamer, project).unwrap();
        for (streamer, project, expected) in [
            ("ana", "demo", "http://h/ana/demo"),
            (
                "ana",
                "C/C++ d\u{e9}mo",
                "http://h/ana/C%2FC%2B%2B%20d%C3%A9mo",
            ),
            ("ana", "100%", "http://h/ana/100%25"),
            ("ana", "a%2Fb", "http://h/ana/a%252Fb"),
            ("ana", "a\\b", "http://h/ana/a%5Cb"),
            ("a#b?c", "'\"<>&", "http://h/a%23b%3Fc/%27%22%3C%3E%26"),
            ("ana", "\u{202e}", "http://h/ana/%E2%80%AE"),
        ] {
            assert_eq!(page(streamer, project), expected);
        }
        assert!(super::page("http://h", "-", "demo").is_err());
    }

    #[test]
    fn a_token_stands_in_the_fragment() {
        let link = with_token("http://h/ana/demo", "a.b-_.c");
        assert_eq!(link, "http://h/ana/demo#token=a.b-_.c");
    }
}
