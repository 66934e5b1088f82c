//! The plain HTTP answers on the same port (protocol, section 8).

mod address;
mod answers;
mod form;
mod headers;
mod list;
mod page;
mod pieces;
mod project_files;
mod range;
mod zip;

use std::sync::Arc;
use std::time::Duration;

use bytes::Buf;
use futures_util::Stream;
use http::header::{ALLOW, CACHE_CONTROL, CONNECTION, LOCATION};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde_json::json;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use warp::path::FullPath;
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use self::address::Address;
pub(super) use self::answers::refusal;
pub(super) use self::headers::secure;
use self::project_files::Asked;
use crate::adapters::inbound::transport::{PlainConnection, asks_for_websocket};
use crate::application::Application;
use crate::application::files::download::Visitor;
use crate::application::ports::EngineState;

const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What the plain answers are made of.
pub struct Site {
    /// What reads the projects.
    pub application: Arc<Application>,
    /// Cancelled once the server drains, which is then no longer ready.
    pub draining: CancellationToken,
    /// Whether the engine answers; if not, the server is not ready either.
    pub engine: watch::Receiver<EngineState>,
    /// How long the body of a request may take.
    pub body_timeout: Duration,
}

/// A request without its body.
struct Request {
    method: Method,
    path: FullPath,
    headers: HeaderMap,
    connection: PlainConnection,
}

/// Answers every request that reaches this filter.
pub fn pages(site: Site) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    let site = Arc::new(site);
    let request = warp::method()
        .and(warp::path::full())
        .and(warp::header::headers_cloned())
        .and(warp::ext::get::<PlainConnection>())
        .map(|method, path, headers, connection| Request {
            method,
            path,
            headers,
            connection,
        });
    request
        .and(warp::body::stream())
        .and_then(move |request, body| {
            let site = Arc::clone(&site);
            async move {
                let mut answer = site.answer(&request, body).await;
                secure(&mut answer);
                Ok::<_, Rejection>(answer)
            }
        })
}

impl Site {
    async fn answer<B: Buf>(
        &self,
        request: &Request,
        body: impl Stream<Item = Result<B, warp::Error>>,
    ) -> Response {
        let address = Address::of(request.path.as_str());
        let is_health = matches!(address, Some(Address::Health | Address::Readiness));
        if !is_health && let Some(refusal) = request.connection.page_refusal(&request.headers) {
            return refusal;
        }
        // An upgrade that comes this far is for an address that does not accept any.
        let address = address.filter(|_| !asks_for_websocket(&request.headers));
        let Some(address) = address else {
            return nothing_here();
        };
        if let Some(refusal) = wrong_method(&request.method, &address) {
            return refusal;
        }
        match address {
            Address::Readiness if self.draining.is_cancelled() => {
                return health("draining", StatusCode::SERVICE_UNAVAILABLE);
            }
            Address::Readiness if *self.engine.borrow() != EngineState::Ready => {
                return health("silent", StatusCode::SERVICE_UNAVAILABLE);
            }
            Address::Health | Address::Readiness => return health("ok", StatusCode::OK),
            _ => {}
        }
        if let Some(full) = request.connection.enter(&request.headers) {
            return full;
        }
        if !is_of_project(&address) {
            return shown(&address, &request.headers);
        }
        let mut token = project_files::bearer(&request.headers).map(str::to_owned);
        if request.method == Method::POST {
            match timeout(self.body_timeout, form::token(body)).await {
                Ok(Ok(found)) => token = found.or(token),
                Ok(Err(form::TooLong)) => {
                    return refusal(StatusCode::PAYLOAD_TOO_LARGE, "the form is too long");
                }
                Err(_) => {
                    return refusal(StatusCode::REQUEST_TIMEOUT, "the form comes too slowly");
                }
            }
        }
        let app = &self.application;
        let visitor = Visitor::new(
            app,
            token.as_deref(),
            request.connection.account(),
            request.connection.download_client(),
        );
        let asked = Asked {
            app,
            visitor: &visitor,
            headers: &request.headers,
            head_only: request.method == Method::HEAD,
        };
        match address {
            Address::List(project) => asked.list(&project).await,
            Address::File(project, path) => asked.file(&project, &path).await,
            Address::Zip(project) => asked.zip(&project).await,
            _ => nothing_here(),
        }
    }
}

fn is_of_project(address: &Address) -> bool {
    matches!(
        address,
        Address::List(_) | Address::File(..) | Address::Zip(_)
    )
}

/// The answer if the address does not have the method.
fn wrong_method(method: &Method, address: &Address) -> Option<Response> {
    let methods = match address {
        Address::Zip(_) => "GET, HEAD, POST",
        _ => "GET, HEAD",
    };
    if methods.split(", ").any(|known| known == method.as_str()) {
        return None;
    }
    let sentence = format!("this address has {methods}");
    let mut answer = refusal(StatusCode::METHOD_NOT_ALLOWED, &sentence);
    let methods = HeaderValue::from_static(methods);
    answer.headers_mut().insert(ALLOW, methods);
    Some(answer)
}

/// The page, or what belongs to it.
fn shown(address: &Address, headers: &HeaderMap) -> Response {
    let (path, version) = match address {
        Address::Moved(to) => return moved(to),
        Address::Part { path, version } => (path.as_str(), version.as_deref()),
        Address::Licences => (page::NOTICES, None),
        _ => return page::index(headers).unwrap_or_else(nothing_here),
    };
    page::part(path, version, headers).unwrap_or_else(nothing_here)
}

fn moved(to: &str) -> Response {
    let Ok(to) = HeaderValue::try_from(to) else {
        return nothing_here();
    };
    let mut answer = refusal(StatusCode::PERMANENT_REDIRECT, "without the / at the end");
    answer.headers_mut().insert(LOCATION, to);
    answer
}

fn nothing_here() -> Response {
    refusal(StatusCode::NOT_FOUND, "there is nothing at this address")
}

fn health(status: &'static str, code: StatusCode) -> Response {
    let body = warp::reply::json(&json!({"status": status, "version": VERSION}));
    let mut answer = warp::reply::with_status(body, code).into_response();
    let headers = answer.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    // This request does not count as a connection, so it must not keep one.
    headers.insert(CONNECTION, HeaderValue::from_static("close"));
    answer
}

#[cfg(test)]
mod tests {
    use http::header::{CONTENT_SECURITY_POLICY, ETAG, ORIGIN};

    use super::*;
    use crate::adapters::inbound::transport::WebPages;
    use crate::application::test_world::World;

    fn site() -> Site {
        Site {
            application: World::new().build().app,
            draining: CancellationToken::new(),
            engine: EngineState::always_ready(),
            body_timeout: Duration::from_secs(10),
        }
    }

    async fn ask(site: Site, method: &str, path: &str) -> http::Response<bytes::Bytes> {
        let request = warp::test::request().method(method).path(path);
        let request = request.extension(PlainConnection::alone());
        request.reply(&pages(site)).await
    }

    #[tokio::test]
    async fn health_says_ok_and_the_version() {
        let answer = ask(site(), "GET", "/healthz").await;
        assert_eq!(answer.status(), 200);
        assert_eq!(answer.headers()[CACHE_CONTROL], "no-store");
        assert_eq!(answer.headers()[CONNECTION], "close");
        let expected = format!(r#"{{"status":"ok","version":"{VERSION}"}}"#);
        assert_eq!(answer.body(), &expected);
    }

    #[tokio::test]
    async fn readiness_ends_when_the_server_drains_and_health_does_not() {
        assert_eq!(ask(site(), "GET", "/readyz").await.status(), 200);
        for (path, status) in [("/readyz", 503), ("/healthz", 200)] {
            let site = site();
            site.draining.cancel();
            assert_eq!(ask(site, "GET", path).await.status(), status);
        }
    }

    #[tokio::test]
    async fn readiness_ends_while_the_engine_does_not_answer_and_health_does_not() {
        for state in [EngineState::Silent, EngineState::Lost] {
            let (_told, engine) = watch::channel(state);
            for (path, status) in [("/readyz", 503), ("/healthz", 200)] {
                let engine = engine.clone();
                let site = Site { engine, ..site() };
                assert_eq!(ask(site, "GET", path).await.status(), status);
            }
        }
    }

    #[tokio::test]
    async fn the_page_is_the_same_at_every_address_that_it_has() {
        let front = ask(site(), "GET", "/").await;
        assert_eq!(front.status(), 200);
        let project = ask(site(), "GET", "/ana/no-such-project").await;
        assert_eq!(project.status(), 200);
        assert_eq!(project.headers()[ETAG], front.headers()[ETAG]);
        assert_eq!(project.body(), front.body());
    }

    #[tokio::test]
    async fn a_slash_too_many_leads_to_the_address_without() {
        let answer = ask(site(), "GET", "/ana/a%2Fb/").await;
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
            ("POST", "/-/files/ana/demo", 405),
            ("PUT", "/-/raw/ana/demo/a", 405),
            ("PUT", "/-/zip/ana/demo", 405),
            ("GET", "/-/raw/ana/demo/../../x", 404),
            ("GET", "/-/raw/ana/demo/none", 404),
        ] {
            let answer = ask(site(), method, path).await;
            assert_eq!(answer.status(), status, "{method} {path}");
            assert_eq!(answer.headers()[CACHE_CONTROL], "no-store", "{path}");
            assert_eq!(answer.headers().contains_key(ALLOW), status == 405);
        }
    }

    #[tokio::test]
    async fn no_other_address_is_a_websocket() {
        for path in ["/ana/demo", "/-/viewer/index.html", "/healthz", "/ws/demo"] {
            let request = warp::test::request().path(path);
            let request = request.header("upgrade", "WebSocket");
            let request = request.extension(PlainConnection::alone());
            let answer = request.reply(&pages(site())).await;
            assert_eq!(answer.status(), 404, "{path}");
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
            let answer = ask(site(), "GET", path).await;
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
        for (path, status) in [
            ("/healthz", 200),
            ("/", 403),
            ("/ana/demo", 403),
            ("/ana/demo/", 403),
            ("/-/viewer/index.html", 403),
            ("/-/licenses", 403),
            ("/-/files/ana/demo", 403),
            ("/-/raw/ana/demo/a", 403),
            ("/-/zip/ana/demo", 403),
            ("/other", 403),
            ("/-/viewer/none.js", 403),
        ] {
            let web_pages = WebPages {
                loopback_only: true,
                ..WebPages::default()
            };
            let request = warp::test::request().path(path).header("host", "localhost");
            let request = request.header(ORIGIN, "https://evil.example");
            let request = request.extension(PlainConnection::alone_for(web_pages));
            let answer = request.reply(&pages(site())).await;
            assert_eq!(answer.status(), status, "{path}");
        }
    }
}
