//! What the headers of a request ask for, and the headers that every answer has.

use http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_SECURITY_POLICY, IF_NONE_MATCH, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue};
use warp::reply::Response;

/// What the page may load and do. Trusted types keep texts from becoming markup.
const PAGE_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' blob: data:; connect-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types lit-html";

/// Denies everything in wide use that browsers let a page allow or deny.
const PERMISSIONS: &str = "accelerometer=(), autoplay=(), camera=(), display-capture=(), \
    encrypted-media=(), fullscreen=(), gamepad=(), geolocation=(), gyroscope=(), hid=(), \
    idle-detection=(), local-fonts=(), magnetometer=(), microphone=(), midi=(), payment=(), \
    picture-in-picture=(), publickey-credentials-get=(), screen-wake-lock=(), serial=(), \
    usb=(), xr-spatial-tracking=()";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// Adds the headers that every answer has, except where the answer has its own.
pub(in crate::adapters::inbound) fn secure(answer: &mut Response) {
    let is_reusable = answer.status().is_success() || answer.status() == 304;
    // A browser that keeps an answer must ask again each time. It must not keep refusals.
    let cache = if is_reusable { "no-cache" } else { "no-store" };
    for (name, value) in [
        (CACHE_CONTROL, cache),
        (CONTENT_SECURITY_POLICY, PAGE_POLICY),
        (OPENER_POLICY, "same-origin"),
        (PERMISSIONS_POLICY, PERMISSIONS),
        (REFERRER_POLICY, "no-referrer"),
        (RESOURCE_POLICY, "same-origin"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (X_FRAME_OPTIONS, "DENY"),
    ] {
        let headers = answer.headers_mut();
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
}

/// Whether the client already has the content with this tag.
pub(super) fn is_unchanged(asked: &HeaderMap, tag: &HeaderValue) -> bool {
    let bare = |tag: &str| tag.trim().trim_start_matches("W/").to_owned();
    let tag = tag.to_str().map(bare);
    let values = asked.get_all(IF_NONE_MATCH).iter();
    let mut values = values.filter_map(|value| value.to_str().ok());
    // No tag of this server has a comma in it.
    tag.is_ok_and(|tag| {
        values.any(|value| {
            value
                .split(',')
                .any(|known| known.trim() == "*" || bare(known) == tag)
        })
    })
}

/// Whether the client takes an answer in gzip (RFC 9110, section 12.5.3).
pub(super) fn accepts_gzip(asked: &HeaderMap) -> bool {
    let values = asked.get_all(ACCEPT_ENCODING).iter();
    let codings = values.filter_map(|value| value.to_str().ok());
    let codings = codings.flat_map(|value| value.split(','));
    let mut any = false;
    for coding in codings {
        let (name, quality) = coding.split_once(';').unwrap_or((coding, ""));
        let quality = quality.trim().strip_prefix("q=").unwrap_or("1");
        let is_wanted = quality
            .trim()
            .parse()
            .is_ok_and(|quality: f32| quality > 0.0);
        match name.trim().to_ascii_lowercase().as_str() {
            // This overrides the asterisk, wherever that stands.
            "gzip" | "x-gzip" => return is_wanted,
            "*" => any = is_wanted,
            _ => {}
        }
    }
    any
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gzip_is_for_those_who_accept_it() {
        for (value, expected) in [
            ("gzip", true),
            ("gzip, deflate, br, zstd", true),
            ("br;q=1.0, GZIP;q=0.8", true),
            ("x-gzip", true),
            ("*", true),
            ("*;q=0.5, gzip;q=0", false),
            ("gzip;q=0, *", false),
            ("gzip; q=0.001", true),
            ("gzip;q=0.000", false),
            ("gzip;q=nonsense", false),
            ("br", false),
            ("identity", false),
            ("", false),
        ] {
            let asked = HeaderMap::from_iter([(ACCEPT_ENCODING, HeaderValue::from_static(value))]);
            assert_eq!(accepts_gzip(&asked), expected, "{value}");
        }
        assert!(!accepts_gzip(&HeaderMap::new()));
    }

    #[test]
    fn a_client_that_has_the_tag_needs_no_more() {
        for (known, tag, expected) in [
            ("\"a\"", "\"a\"", true),
            ("W/\"a\"", "\"a\"", true),
            ("\"a\"", "W/\"a\"", true),
            ("\"x\", W/\"y\" ,\"a\"", "\"a\"", true),
            ("*", "\"a\"", true),
            ("\"b\"", "\"a\"", false),
            ("a", "\"a\"", false),
            ("", "\"a\"", false),
        ] {
            let asked = HeaderMap::from_iter([(IF_NONE_MATCH, HeaderValue::from_static(known))]);
            let tag = HeaderValue::from_static(tag);
            assert_eq!(is_unchanged(&asked, &tag), expected, "{known} {tag:?}");
        }
    }

    #[test]
    fn an_answer_keeps_its_own_headers_and_gets_the_others() {
        let mut answer = Response::default();
        let own = HeaderValue::from_static("sandbox");
        answer.headers_mut().insert(CONTENT_SECURITY_POLICY, own);
        secure(&mut answer);
        let headers = answer.headers();
        assert_eq!(headers[CONTENT_SECURITY_POLICY], "sandbox");
        assert_eq!(headers[CACHE_CONTROL], "no-cache");
        assert_eq!(headers[X_FRAME_OPTIONS], "DENY");
        *answer.status_mut() = http::StatusCode::NOT_FOUND;
        answer.headers_mut().remove(CACHE_CONTROL);
        secure(&mut answer);
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
    }
}
