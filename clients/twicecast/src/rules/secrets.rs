//! The built-in list of what looks like a secret, and what lifts it.

use ignore::gitignore::{Gitignore, GitignoreBuilder};

use crate::failure::Failure;
use crate::names::shown;

/// Names that are held back unless `--allow` names them, in git's syntax, whatever their case.
pub const PATTERNS: &[&str] = &[
    // Environments.
    ".env*",
    "?*.env",
    // Private keys and key stores.
    "*.pem",
    "*.key",
    "*.p8",
    "*.p12",
    "*.pfx",
    "*.ppk",
    "*.jks",
    "*.keystore",
    "*.kdb",
    "*.kdbx",
    "*.agekey",
    "*_rsa",
    "*_dsa",
    "*_ecdsa",
    "*_ecdsa_sk",
    "*_ed25519",
    "*_ed25519_sk",
    "id_rsa*",
    "id_dsa*",
    "id_ecdsa*",
    "id_ed25519*",
    "!*.pub",
    "secring.*",
    // Credentials.
    "credentials",
    "credentials.*",
    "*credentials*.json",
    "secret",
    "secrets",
    ".secret*",
    "secret.*",
    "secrets.*",
    "*service-account*.json",
    "*service_account*.json",
    "client_secret*.json",
    ".netrc",
    "_netrc",
    ".pgpass",
    ".my.cnf",
    ".htpasswd",
    ".npmrc",
    ".yarnrc.yml",
    ".pypirc",
    ".git-credentials",
    ".dockercfg",
    ".dockerconfigjson",
    ".s3cfg",
    ".boto",
    ".vault-token",
    ".vault_pass*",
    ".terraformrc",
    "*.tfstate",
    "*.tfstate.*",
    "*.tfvars",
    "*.tfvars.json",
    ".dev.vars*",
    "*kubeconfig*",
    "*.ovpn",
    "*.mobileprovision",
    "key.properties",
    "keystore.properties",
    // What some editors write before it takes a file's place.
    ".goutputstream-*",
    // Folders that tools keep theirs in.
    ".ssh/",
    ".gnupg/",
    ".aws/",
    ".azure/",
    ".gcloud/",
    ".kube/",
    ".docker/",
    ".password-store/",
];

/// The list, less what is allowed.
#[derive(Debug)]
pub struct Secrets {
    list: Gitignore,
    allowed: Gitignore,
}

impl Secrets {
    /// The list less what these patterns name, in git's syntax.
    ///
    /// # Errors
    ///
    /// A pattern that is none.
    pub fn new(allow: &[String]) -> Result<Self, Failure> {
        let mut list = GitignoreBuilder::new("");
        let unusable = |pattern: &str, error: ignore::Error| {
            Failure::usage(format!(
                "--allow {} is no pattern as in a .gitignore: {error}.",
                shown(pattern)
            ))
        };
        let insensitive = list.case_insensitive(true).map(|_| ());
        insensitive.map_err(|error| unusable("", error))?;
        for pattern in PATTERNS {
            let added = list.add_line(None, pattern).map(|_| ());
            added.map_err(|error| unusable(pattern, error))?;
        }
        let mut allowed = GitignoreBuilder::new("");
        for pattern in allow {
            let added = allowed.add_line(None, pattern).map(|_| ());
            added.map_err(|error| unusable(pattern, error))?;
        }
        Ok(Self {
            list: list.build().map_err(|error| unusable("", error))?,
            allowed: allowed
                .build()
                .map_err(|error| unusable(&allow.join(" "), error))?,
        })
    }

    /// The pattern by which a file or folder of that full name is held back, if one does. A folder
    /// is looked into where anything is allowed: that may be something in it.
    pub fn judge(&self, full: &str, is_folder: bool) -> Option<&'static str> {
        if is_folder && !self.allowed.is_empty() {
            return None;
        }
        let path = full.trim_start_matches('/');
        let found = self.list.matched_path_or_any_parents(path, is_folder);
        if !found.is_ignore() {
            return None;
        }
        let pattern = found.inner()?.original();
        let allowed = self.allowed.matched_path_or_any_parents(path, is_folder);
        if allowed.is_ignore() {
            return None;
        }
        PATTERNS.iter().find(|known| **known == pattern).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(allow: &[&str], full: &str) -> Option<&'static str> {
        let allow: Vec<_> = allow.iter().map(|&pattern| pattern.to_owned()).collect();
        Secrets::new(&allow).unwrap().judge(full, false)
    }

    #[test]
    fn what_looks_like_a_secret_is_held_back_wherever_it_lies_and_however_it_is_spelt() {
        for (name, pattern) in [
            ("/.env", ".env*"),
            ("/app/.env.production", ".env*"),
            ("/.ENV", ".env*"),
            ("/certs/server.pem", "*.pem"),
            ("/certs/Server.PEM", "*.pem"),
            ("/home/.ssh/config", ".ssh/"),
            ("/id_ed25519", "id_ed25519*"),
            ("/id_rsa_github", "id_rsa*"),
            ("/deploy/credentials.json", "*credentials*.json"),
            ("/vault.kdbx", "*.kdbx"),
            ("/infra/prod.tfvars", "*.tfvars"),
        ] {
            assert_eq!(judge(&[], name), Some(pattern), "{name}");
        }
        for name in [
            "/src/main.rs",
            "/environment.rs",
            "/id_ed25519.pub",
            "/keyboard.rs",
            "/src/secrets_test.rs",
            "/docs/credentials-explained.md",
        ] {
            assert_eq!(judge(&[], name), None, "{name}");
        }
    }

    #[test]
    fn what_is_allowed_is_lifted_and_nothing_else() {
        assert_eq!(judge(&[".env.example"], "/.env.example"), None);
        assert_eq!(judge(&[".env.example"], "/.env"), Some(".env*"));
        assert_eq!(judge(&["/test/*.pem"], "/test/a.pem"), None);
        assert_eq!(judge(&["/test/*.pem"], "/a.pem"), Some("*.pem"));
        assert_eq!(judge(&[".aws/config"], "/.aws/config"), None);
        assert_eq!(
            judge(&[".aws/config"], "/.aws/credentials"),
            Some("credentials")
        );
    }

    #[test]
    fn a_secret_folder_is_looked_into_only_where_something_is_allowed() {
        let secrets = Secrets::new(&[]).unwrap();
        assert_eq!(secrets.judge("/.ssh", true), Some(".ssh/"));
        let secrets = Secrets::new(&["x".to_owned()]).unwrap();
        assert_eq!(secrets.judge("/.ssh", true), None);
    }
}
