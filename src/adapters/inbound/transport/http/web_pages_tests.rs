use super::*;

/// One row per request: where the server listens, what is configured, whether the request is an
/// upgrade from a trusted proxy, its `Host` and `Origin` (`-`: none), and what it gets.
const REQUESTS: &str = "
listens   publicUrl            allowedOrigins        proxied  Host                Origin                 gets

loopback  -                    -                     no       localhost           -                      ok
loopback  -                    -                     no       LOCALHOST:3005      -                      ok
loopback  -                    -                     no       127.0.0.1:3005      -                      ok
loopback  -                    -                     no       127.9.8.7           -                      ok
loopback  -                    -                     no       [::1]:3005          -                      ok
loopback  -                    -                     no       localhost:3005      http://localhost:4200  ok
loopback  -                    -                     no       localhost:3005      http://127.0.0.1       ok
loopback  -                    -                     no       localhost:3005      https://[::1]:1        ok
loopback  -                    -                     no       localhost:3005      https://evil.example   origin
loopback  -                    -                     no       localhost:3005      null                   origin
loopback  -                    -                     no       localhost:3005      http://localhost.evil.example  origin
loopback  -                    -                     no       localhost:3005      http://localhost@evil.example  origin
loopback  -                    -                     no       rebound.example     -                      host
loopback  -                    -                     no       rebound.example     http://rebound.example  host
loopback  -                    -                     no       localhost.evil.example  -                  host
loopback  -                    -                     no       evil@localhost      -                      host
loopback  -                    -                     no       127.0.0.1.evil.example  -                  host
loopback  -                    -                     no       192.0.2.1           -                      host
loopback  -                    -                     no       -                   -                      host

loopback  https://code.example -                     no       code.example        -                      ok
loopback  https://code.example -                     no       code.example:443    https://code.example   ok
loopback  https://code.example -                     no       Code.Example        https://CODE.example:443  ok
loopback  https://code.example -                     no       localhost           https://code.example   ok
loopback  https://code.example -                     no       code.example        http://code.example    origin
loopback  https://code.example -                     no       other.example       -                      host
loopback  https://code.example https://live.example  no       code.example        https://live.example   ok
loopback  -                    https://live.example  no       localhost           https://live.example   ok
loopback  -                    https://live.example  no       localhost           http://localhost:4200  ok
loopback  -                    https://live.example  no       live.example        https://live.example   host

loopback  -                    -                     yes      code.example        -                      ok
loopback  -                    -                     yes      code.example        https://any.example    ok
loopback  -                    -                     yes      code.example        null                   ok
loopback  https://code.example -                     yes      127.0.0.1:3005      https://code.example   ok
loopback  https://code.example -                     yes      code.example        https://any.example    origin
loopback  -                    https://live.example  yes      code.example        https://live.example   ok
loopback  -                    https://live.example  yes      code.example        https://code.example   origin
loopback  -                    https://live.example  yes      code.example        http://localhost       origin
loopback  -                    https://live.example  yes      code.example        -                      ok

all       -                    -                     no       any.example         https://any.example    ok
all       -                    -                     no       any.example         null                   ok
all       https://code.example -                     no       any.example         https://any.example    ok
all       -                    https://live.example  no       any.example         -                      ok
all       -                    https://live.example  no       any.example         https://live.example   ok
all       -                    https://live.example  no       any.example         HTTPS://Live.example:443  ok
all       -                    https://live.example  no       any.example         http://live.example    origin
all       -                    https://live.example  no       any.example         https://live.example.evil.example  origin
all       -                    https://live.example  no       any.example         https://any.example    origin
all       -                    https://live.example  no       192.0.2.1:3005      http://192.0.2.1:3005  ok
all       -                    https://live.example  no       192.0.2.1           http://192.0.2.1       ok
all       -                    https://live.example  no       192.0.2.1:3005      http://192.0.2.1:3006  origin
all       -                    https://live.example  no       [2001:db8::1]       http://[2001:db8::1]   ok
all       -                    https://live.example  no       localhost:3005      http://localhost:3005  ok
all       -                    https://live.example  no       localhost:3005      http://localhost:3006  origin
all       https://code.example https://live.example  no       any.example         https://code.example   ok
all       https://code.example https://live.example  no       code.example        http://code.example    ok
all       -                    https://live.example  no       any.example         null                   origin
all       -                    http://localhost:4200  no      any.example         http://localhost:4200  ok
";

#[test]
fn pages_and_names_pass_as_the_table_says() {
    let rows = REQUESTS.lines().filter(|line| !line.is_empty()).skip(1);
    for row in rows {
        let columns: Vec<_> = row.split_whitespace().collect();
        let [listens, public, allowed, proxied, host, origin, gets] = columns[..] else {
            panic!("{row}");
        };
        let some = |column: &'static str| (column != "-").then_some(column);
        let origin_of = |text: &str| text.parse::<Origin>().expect("an origin");
        let pages = WebPages {
            loopback_only: listens == "loopback",
            public_url: some(public).map(origin_of),
            allowed_origins: some(allowed).map(|allowed| vec![origin_of(allowed)]),
        };
        let mut headers = HeaderMap::new();
        for (name, value) in [(HOST, some(host)), (ORIGIN, some(origin))] {
            headers.extend(value.map(|value| (name, HeaderValue::from_static(value))));
        }
        let expected = match gets {
            "host" => Err(HandshakeError::Host),
            "origin" => Err(HandshakeError::Origin),
            _ => Ok(()),
        };
        assert_eq!(pages.check(&headers, proxied == "yes"), expected, "{row}");
    }
}

#[test]
fn of_several_origins_all_must_be_allowed() {
    let pages = WebPages {
        allowed_origins: Some(vec!["https://live.example".parse().expect("an origin")]),
        ..WebPages::default()
    };
    let mut headers = HeaderMap::new();
    for (origin, expected) in [
        ("https://live.example", Ok(())),
        ("https://evil.example", Err(HandshakeError::Origin)),
    ] {
        headers.append(ORIGIN, HeaderValue::from_static(origin));
        assert_eq!(pages.check(&headers, false), expected);
    }
}

#[test]
fn what_can_match_no_page_is_no_origin() {
    for text in [
        "https://live.example",
        "https://live.example/",
        "http://localhost:4200",
        "http://[::1]:80",
        "app://desk",
    ] {
        text.parse::<Origin>().expect(text);
    }
    for text in [
        "",
        "*",
        "null",
        "live.example",
        "live.example:443",
        "https://*.live.example",
        "https://live.example/path",
        "https://live.example?a=b",
        "https://ana@live.example",
        "https://",
        "https://live.example:99999",
        "https://live.example:",
        "https://live.example#x",
        "wss://live.example",
    ] {
        let why = text.parse::<Origin>().expect_err(text);
        assert!(why.starts_with("must be"), "{text}: {why}");
    }
}

#[test]
fn a_refusal_names_the_key_that_would_allow_it() {
    for (error, key) in [
        (HandshakeError::Host, "publicUrl"),
        (HandshakeError::Origin, "allowedOrigins"),
    ] {
        assert!(error.to_string().contains(key), "{error}");
        assert_eq!(error.response().status(), 403);
    }
}

#[test]
fn a_page_that_hides_its_address_is_known_by_what_the_browser_adds() {
    let listed = Some(vec!["https://live.example".parse().expect("an origin")]);
    let public = Some("https://code.example".parse().expect("an origin"));
    for (loopback_only, host, site, passes) in [
        (true, "localhost:3005", Some("same-origin"), true),
        (true, "code.example", Some("same-origin"), true),
        (true, "localhost:3005", Some("same-site"), false),
        (true, "localhost:3005", Some("cross-site"), false),
        (true, "localhost:3005", Some("none"), false),
        (true, "localhost:3005", None, false),
        (true, "rebound.example", Some("same-origin"), false),
        (false, "192.0.2.1", Some("same-origin"), true),
        (false, "code.example", Some("same-origin"), true),
        (false, "rebound.example", Some("same-origin"), false),
        (false, "192.0.2.1", Some("cross-site"), false),
        (false, "192.0.2.1", None, false),
    ] {
        let pages = WebPages {
            loopback_only,
            public_url: public.clone(),
            allowed_origins: listed.clone(),
        };
        let mut headers = HeaderMap::from_iter([
            (HOST, HeaderValue::from_static(host)),
            (ORIGIN, HeaderValue::from_static("null")),
        ]);
        if let Some(site) = site {
            headers.insert("sec-fetch-site", HeaderValue::from_static(site));
        }
        let found = pages.check(&headers, false).is_ok();
        assert_eq!(found, passes, "{loopback_only} {host} {site:?}");
    }
}
