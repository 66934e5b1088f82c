//! The plain HTTP answers on the same port (protocol, section 8).

mod address;
mod headers;
mod page;

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::json;
use tokio_util::sync::CancellationToken;
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use self::address::Address;
use crate::adapters::inbound::transport::{PlainConnection, WebPages};

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the plain answers are made of.
#[derive(Debug, Clone)]
pub struct Site {
    /// Cancelled once the server drains: it is not ready any more.
    pub draining: CancellationToken,
    /// Which web pages, and which names of the server, get anything but health.
    pub web_pages: WebPages,
}

/// Answers every request that is left to it.
pub fn pages(site: Site) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    warp::method()
        .and(warp::path::full())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<PlainConnection>())
        .and_then(
            move |method, path: FullPath, headers, connection: PlainConnection| {
                let answer = site.answer(&method, path.as_str(), &headers, &connection);
                std::future::ready(Ok::<_, Rejection>(answer))
            },
        )
}

impl Site {
    fn answer(
        &self,
        method: &Method,
        path: &str,
        headers: &HeaderMap,
        connection: &PlainConnection,
    ) -> Response {
        let address = Address::of(path);
        let is_read = matches!(*method, Method::GET | Method::HEAD);
        let mut answer = match address {
            None => refusal(StatusCode::NOT_FOUND, "there is nothing at this address"),
            Some(_) if !is_read => {
                let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD are");
                let allowed = HeaderValue::from_static("GET, HEAD");
                answer.headers_mut().insert(ALLOW, allowed);
                answer
            }
            Some(Address::Readiness) if self.draining.is_cancelled() => {
                health("draining", StatusCode::SERVICE_UNAVAILABLE)
            }
            Some(Address::Health | Address::Readiness) => health("ok", StatusCode::OK),
            Some(address) => match self.web_pages.refusal(headers) {
                Some(refusal) => refusal,
                None => match connection.enter(headers) {
                    Some(full) => full,
                    None => shown(&address, headers),
                },
            },
        };
        headers::secure(&mut answer);
        answer
    }
}

/// The page, or what belongs to it.
fn shown(address: &Address, headers: &HeaderMap) -> Response {
    let path = match address {
        Address::Moved(to) => return moved(to),
        Address::Part(path) => path,
        Address::Licences => page::NOTICES,
        _ => page::INDEX,
    };
    page::part(path, headers)
        .unwrap_or_else(|| refusal(StatusCode::NOT_FOUND, "the page has no such part"))
}

fn moved(to: &str) -> Response {
    match HeaderValue::try_from(to) {
        Ok(to) => {
            let mut answer = refusal(StatusCode::PERMANENT_REDIRECT, "without the / at the end");
            answer.headers_mut().insert(LOCATION, to);
            answer
        }
        Err(_) => refusal(StatusCode::NOT_FOUND, "there is nothing at this address"),
    }
}

/// An answer of one sentence.
fn refusal(status: StatusCode, sentence: &str) -> Response {
    let mut answer = Response::new(format!("{sentence}\n").into());
    *answer.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; charset=utf-8");
    answer.headers_mut().insert(CONTENT_TYPE, text);
    answer
}

fn health(status: &'static str, code: StatusCode) -> Response {
    let body = warp::reply::json(&json!({"status": status, "version": VERSION}));
    let answer = warp::reply::with_status(body, code);
    warp::reply::with_header(answer, CACHE_CONTROL, "no-store").into_response()
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_SECURITY_POLICY, ETAG, ORIGIN};

    use super::*;

    fn site() -> Site {
        Site {
            draining: CancellationToken::new(),
            web_pages: WebPages::default(),
        }
    }

    async fn ask(site: &Site, method: &str, path: &str) -> http::Response<bytes::Bytes> {
        let request = warp::test::request().method(method).path(path);
        let request = request.extension(PlainConnection::alone());
        request.reply(&pages(site.clone())).await
    }

    #[tokio::test]
    async fn health_says_ok_and_the_version() {
        let answer = ask(&site(), "GET", "/healthz").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
        let expected = format!(r#"{{"status":"ok","version":"{VERSION}"}}"#);
        assert_eq!(answer.body(), &expected);
    }

    #[tokio::test]
    async fn readiness_ends_when_the_server_drains_and_health_does_not() {
        let site = site();
        assert_eq!(ask(&site, "GET", "/readyz").await.status(), 200);
        site.draining.cancel();
        assert_eq!(ask(&site, "GET", "/readyz").await.status(), 503);
        assert_eq!(ask(&site, "GET", "/healthz").await.status(), 200);
    }

    #[tokio::test]
    async fn the_page_is_the_same_at_every_address_that_it_has() {
        let site = site();
        let front = ask(&site, "GET", "/").await;
        assert_eq!(front.status(), 200);
        let project = ask(&site, "GET", "/ana/no-such-project").await;
        assert_eq!(project.status(), 200);
        assert_eq!(project.headers()[ETAG], front.headers()[ETAG]);
        assert_eq!(project.body(), front.body());
    }

    #[tokio::test]
    async fn a_slash_too_many_leads_to_the_address_without() {
        let answer = ask(&site(), "GET", "/ana/a%2Fb/").await;
        assert_eq!(answer.status(), 308);
        assert_eq!(answer.headers()[LOCATION], "/ana/a%2Fb");
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_refused() {
        for (method, path, status) in [
            ("GET", "/other", 404),
            ("POST", "/other", 404),
            ("GET", "/-/viewer/none.js", 404),
            ("GET", "/-/viewer/../../Cargo.toml", 404),
            ("POST", "/healthz", 405),
            ("POST", "/ana/demo", 405),
            ("DELETE", "/", 405),
        ] {
            let answer = ask(&site(), method, path).await;
            assert_eq!(answer.status(), status, "{method} {path}");
            assert_eq!(answer.headers()[CACHE_CONTROL], "no-store", "{path}");
            assert_eq!(answer.headers().contains_key(ALLOW), status == 405);
        }
    }

    #[tokio::test]
    async fn every_answer_has_the_headers_that_bind_the_page() {
        let names = [
            "cache-control",
            "content-security-policy",
            "cross-origin-opener-policy",
            "cross-origin-resource-policy",
            "permissions-policy",
            "referrer-policy",
            "x-content-type-options",
            "x-frame-options",
        ];
        for path in ["/", "/ana/demo", "/-/viewer/index.html", "/other", "/a/b/"] {
            let answer = ask(&site(), "GET", path).await;
            for name in names {
                assert!(answer.headers().contains_key(name), "{path} lacks {name}");
            }
            let policy = answer.headers()[CONTENT_SECURITY_POLICY].to_str();
            let policy = policy.expect("a text");
            assert!(policy.starts_with("default-src 'none'; script-src 'self';"));
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }

    #[tokio::test]
    async fn a_page_of_another_origin_gets_health_alone() {
        let site = Site {
            web_pages: WebPages {
                loopback_only: true,
                ..WebPages::default()
            },
            ..site()
        };
        for (path, status) in [
            ("/healthz", 200),
            ("/", 403),
            ("/ana/demo", 403),
            ("/ana/demo/", 403),
            ("/-/viewer/index.html", 403),
            ("/-/licenses", 403),
        ] {
            let request = warp::test::request().path(path).header("host", "localhost");
            let request = request.header(ORIGIN, "https://evil.example");
            let request = request.extension(PlainConnection::alone());
            let answer = request.reply(&pages(site.clone())).await;
            assert_eq!(answer.status(), status, "{path}");
        }
    }
}
