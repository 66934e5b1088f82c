//! What the pages in a real browser can do with a real server, directly and behind real proxies.
//!
//! Needs Chromium, nginx, Caddy and openssl, so it is not part of the ordinary tests but a separate
//! command, which CI runs: `scripts/browser`. It fails if something is missing.

#[path = "../live/support/mod.rs"]
#[expect(dead_code, unused_imports, reason = "the tests use the rest")]
mod support;

mod chromium;
mod foreign_pages;
mod proxies;
