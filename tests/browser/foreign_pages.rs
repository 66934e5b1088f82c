use crate::chromium::Pages;
use crate::support::*;

#[tokio::test]
async fn a_foreign_page_neither_reads_nor_writes_also_under_a_rebound_name() {
    let server = Server::start();
    let mut ana = server.streamer().await;
    ana.ok(post("old", "as it was")).await;
    let mut pages = Pages::serve().await;
    let urls: Vec<_> = ["127.0.0.1", "localhost", "[::1]", "rebound.example"]
        .map(|host| format!("ws://{host}:{}", server.port))
        .to_vec();
    let names = ["evil.example 127.0.0.1", "rebound.example 127.0.0.1"].map(str::to_owned);
    let port = pages.address.port();
    for origin in ["evil.example", "rebound.example"] {
        let told = pages
            .tell(&format!("http://{origin}:{port}"), &names, &urls)
            .await;
        assert_eq!(told, ["refused"; 4], "{origin}");
    }
    // The same page, served by this machine, may do both, except under the foreign name.
    let told = pages
        .tell(&format!("http://localhost:{port}"), &names, &urls)
        .await;
    let all = "reads and writes";
    assert_eq!(told, [all, all, all, "refused"]);
}
