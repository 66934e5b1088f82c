//! `twicecast completions` and `twicecast man`.

use crate::support::twicecast;

#[tokio::test(flavor = "multi_thread")]
async fn every_shell_has_its_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let said = twicecast(&["completions", shell]).await;
        assert_eq!(said.code, 0, "{said:?}");
        assert!(
            said.out.contains("mirror") && said.out.contains("once"),
            "{said:?}"
        );
    }
    assert_eq!(twicecast(&["completions", "tcsh"]).await.code, 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_manual_has_a_page_for_each_command() {
    let said = twicecast(&["man"]).await;
    assert!(
        said.code == 0 && said.out.contains(".TH twicecast 1"),
        "{said:?}"
    );
    for command in [
        "share",
        "mirror",
        "token",
        "pulls",
        "propose",
        "proposals",
        "chat",
        "status",
        "doctor",
        "completions",
        "man",
    ] {
        let said = twicecast(&["man", command]).await;
        assert!(
            said.out.contains(&format!(".TH twicecast-{command} 1")),
            "{said:?}"
        );
        assert!(said.out.contains("Exit codes"), "{said:?}");
    }
    let said = twicecast(&["man", "nope"]).await;
    assert!(said.code == 2 && said.err.contains("chat"), "{said:?}");
}
