use super::*;

const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in lines {
        headers.append(*name, value.parse().expect("the test's header"));
    }
    headers
}

/// A good handshake in which the given lines replace those of the same name.
fn handshake(lines: &[(&'static str, &str)]) -> HeaderMap {
    let mut good = headers(&[
        ("upgrade", "websocket"),
        ("connection", "Upgrade"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", KEY),
    ]);
    for (name, _) in lines {
        good.remove(*name);
    }
    for (name, value) in lines {
        good.append(*name, value.parse().expect("the test's header"));
    }
    good
}

#[test]
fn the_accept_value_is_that_of_the_rfc() {
    let accept = check(&Method::GET, &handshake(&[]));
    assert_eq!(accept.as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
}

#[test]
fn tokens_are_found_in_lists_of_any_case() {
    for lines in [
        &[("connection", "keep-alive, UPGRADE")][..],
        &[("connection", "keep-alive"), ("connection", "upgrade")],
        &[("upgrade", "WebSocket")],
        &[("upgrade", "h2c, websocket")],
        &[(
            "sec-websocket-extensions",
            "permessage-deflate; client_max_window_bits=0",
        )],
        &[("sec-websocket-protocol", "a, b")],
        &[("content-length", "0")],
    ] {
        assert!(check(&Method::GET, &handshake(lines)).is_ok(), "{lines:?}");
    }
}

#[test]
fn what_is_no_handshake_is_refused() {
    for (lines, refusal) in [
        (&[("upgrade", "h2c")][..], HandshakeError::NoUpgrade),
        (
            &[("connection", "keep-alive")],
            HandshakeError::NoConnectionUpgrade,
        ),
        (
            &[("connection", "upgrades")],
            HandshakeError::NoConnectionUpgrade,
        ),
        (&[("sec-websocket-version", "8")], HandshakeError::Version),
        (&[("sec-websocket-version", "")], HandshakeError::Version),
        (
            &[
                ("sec-websocket-version", "13"),
                ("sec-websocket-version", "8"),
            ],
            HandshakeError::Version,
        ),
        (&[("sec-websocket-key", "")], HandshakeError::Key),
        (&[("sec-websocket-key", "c2hvcnQ=")], HandshakeError::Key),
        (
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ")],
            HandshakeError::Key,
        ),
        (
            &[("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZSE=")],
            HandshakeError::Key,
        ),
        (
            &[("sec-websocket-key", KEY), ("sec-websocket-key", KEY)],
            HandshakeError::Key,
        ),
        (&[("content-length", "10")], HandshakeError::Body),
        (&[("transfer-encoding", "chunked")], HandshakeError::Body),
    ] {
        assert_eq!(
            check(&Method::GET, &handshake(lines)),
            Err(refusal),
            "{lines:?}"
        );
    }
    for method in [Method::POST, Method::HEAD, Method::OPTIONS] {
        assert_eq!(check(&method, &handshake(&[])), Err(HandshakeError::Method));
        let plain = HeaderMap::new();
        assert_eq!(check(&method, &plain), Err(HandshakeError::NoUpgrade));
    }
}

#[test]
fn a_refusal_says_what_would_be_taken() {
    let response = HandshakeError::Version.response();
    assert_eq!(response.status(), StatusCode::UPGRADE_REQUIRED);
    assert_eq!(response.headers()[SEC_WEBSOCKET_VERSION], "13");
    assert_eq!(response.headers()[UPGRADE], "websocket");
    let response = HandshakeError::Method.response();
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[ALLOW], "GET");
}
