//! The plain HTTP answers on the same port (protocol, section 8).

use serde_json::json;
use tokio_util::sync::CancellationToken;
use warp::http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, X_CONTENT_TYPE_OPTIONS};
use warp::http::{HeaderValue, StatusCode};
use warp::reply::Response;
use warp::{Filter, Rejection, Reply};

use crate::adapters::inbound::transport::WebPages;

const VERSION: &str = env!("CARGO_PKG_VERSION");
const PAGE: &str = include_str!("page.html");

/// `GET /healthz`, `GET /readyz` (503 once `draining` is cancelled) and the page at `/`, which
/// answers only where `web_pages` allows it.
pub fn pages(
    draining: CancellationToken,
    web_pages: WebPages,
) -> impl Filter<Extract = (Response,), Error = Rejection> + Clone {
    let live = warp::path!("healthz").map(|| health("ok", StatusCode::OK));
    let ready = warp::path!("readyz").map(move || {
        if draining.is_cancelled() {
            health("draining", StatusCode::SERVICE_UNAVAILABLE)
        } else {
            health("ok", StatusCode::OK)
        }
    });
    let asked = warp::path::end().and(warp::header::headers_cloned());
    let page = asked.map(move |headers| {
        if let Some(refusal) = web_pages.refusal(&headers) {
            return refusal;
        }
        let page = warp::reply::html(PAGE.replace("{version}", VERSION));
        // The page loads nothing else.
        let policy = "default-src 'none'; style-src 'unsafe-inline'";
        warp::reply::with_header(page, CONTENT_SECURITY_POLICY, policy).into_response()
    });
    let known = live.or(ready).unify().or(page).unify();
    warp::get()
        .or(warp::head())
        .unify()
        .and(known)
        .map(|mut answer: Response| {
            let headers = answer.headers_mut();
            headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
            headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
            answer
        })
}

fn health(status: &'static str, code: StatusCode) -> Response {
    let body = warp::reply::json(&json!({"status": status, "version": VERSION}));
    warp::reply::with_status(body, code).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn get(draining: &CancellationToken, method: &str, path: &str) -> (u16, String) {
        let pages = pages(draining.clone(), WebPages::default());
        let answer = warp::test::request()
            .method(method)
            .path(path)
            .reply(&pages)
            .await;
        (
            answer.status().as_u16(),
            String::from_utf8_lossy(answer.body()).into_owned(),
        )
    }

    #[tokio::test]
    async fn health_says_ok_and_the_version() {
        let (code, body) = get(&CancellationToken::new(), "GET", "/healthz").await;
        assert_eq!(
            (code, body),
            (200, format!(r#"{{"status":"ok","version":"{VERSION}"}}"#))
        );
    }

    #[tokio::test]
    async fn readiness_ends_when_the_server_drains_and_health_does_not() {
        let draining = CancellationToken::new();
        assert_eq!(get(&draining, "GET", "/readyz").await.0, 200);
        draining.cancel();
        assert_eq!(get(&draining, "GET", "/readyz").await.0, 503);
        assert_eq!(get(&draining, "GET", "/healthz").await.0, 200);
    }

    #[tokio::test]
    async fn the_front_page_says_what_this_is() {
        let (code, body) = get(&CancellationToken::new(), "GET", "/").await;
        assert_eq!(code, 200);
        assert!(body.contains("file-ws-server") && body.contains(VERSION));
    }

    #[tokio::test]
    async fn other_paths_and_methods_are_refused() {
        let never = CancellationToken::new();
        assert_eq!(get(&never, "GET", "/other").await.0, 404);
        assert_eq!(get(&never, "POST", "/healthz").await.0, 405);
    }
}
