//! The built-in list of names that look like secrets, and what overrides it.

use crate::failure::Failure;
use crate::names::shown;
use crate::rules::patterns::{Case, Patterns};

/// Names that are held back unless `--allow` names them, in git's syntax, in any case.
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
    "!credentials/",
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
    "serviceAccountKey*.json",
    "*firebase-adminsdk*.json",
    "application_default_credentials.json",
    "token.json",
    // Composer's.
    "auth.json",
    // Azure Functions'.
    "local.settings.json",
    "*.publishsettings",
    ".netrc",
    "_netrc",
    // OBS stores the streaming key here.
    "profiles/*/service.json",
    "stream_key*",
    "stream-key*",
    "streamkey*",
    ".zhistory",
    "passwords.txt",
    ".password*",
    ".m2/settings.xml",
    ".gradle/gradle.properties",
    ".pgpass",
    ".my.cnf",
    ".mylogin.cnf",
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
    "terraform.tfstate*",
    "wp-config.php",
    // Histories of what people have typed, which may contain passwords.
    "*_history",
    "!*_history/",
    ".history",
    ".histfile",
    ".lesshst",
    ".viminfo",
    // Browsers' passwords and sessions.
    "logins.json",
    "logins-backup.json",
    "key3.db",
    "key4.db",
    "signons.sqlite",
    "cookies.sqlite",
    "Cookies",
    "!Cookies/",
    "Login Data",
    "Login Data For Account",
    // Keyrings, and files that grant access.
    "*.keyring",
    "*.keychain",
    "*.keychain-db",
    "*.kwl",
    ".Xauthority",
    ".ICEauthority",
    // Files in which command-line tools store credentials.
    "**/gh/hosts.yml",
    "**/hub/hosts.yml",
    "**/glab-cli/config.yml",
    "**/doctl/config.yaml",
    "rclone.conf",
    "**/.config/gcloud/",
    "settings-security.xml",
    // Folders in which tools store credentials.
    ".ssh/",
    ".gnupg/",
    ".aws/",
    ".azure/",
    ".gcloud/",
    ".kube/",
    ".docker/",
    ".password-store/",
    "keyrings/",
];

/// The list without what is allowed.
#[derive(Debug)]
pub struct Secrets {
    list: Patterns,
    allowed: Patterns,
}

impl Secrets {
    /// The list without what these patterns name, in git's syntax.
    ///
    /// # Errors
    ///
    /// If a pattern is invalid.
    pub fn new(allow: &[String]) -> Result<Self, Failure> {
        let allowed = Patterns::read(allow.join("\n").as_bytes(), Case::Sensitive);
        if let Some(unusable) = allowed.unusable().first() {
            return Err(Failure::usage(format!(
                "--allow {} is no pattern as in a .gitignore: {}.",
                shown(&unusable.text),
                unusable.why
            )));
        }
        Ok(Self {
            list: Patterns::read(PATTERNS.join("\n").as_bytes(), Case::Folded),
            allowed,
        })
    }

    /// The pattern that holds back a file or folder with that full name, if there is one; the
    /// folders above it must not be held back. If anything is allowed, folders are searched: it may
    /// be in one of them.
    pub fn judge(&self, full: &str, is_folder: bool) -> Option<&'static str> {
        if is_folder && !self.allowed.is_empty() {
            return None;
        }
        let path = full.trim_start_matches('/');
        let found = if self.allowed.is_empty() {
            self.list.decide(path, is_folder)
        } else {
            self.list.decide_with_folders(path, is_folder)
        };
        let found = found.filter(|found| !found.is_negative() && !self.is_allowed(full))?;
        PATTERNS.get(found.line - 1).copied()
    }

    /// Whether a file with that full name is allowed, whatever it looks like.
    pub fn is_allowed(&self, full: &str) -> bool {
        self.allowed.name(full.trim_start_matches('/'), false)
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
            ("/serviceAccountKey.json", "serviceAccountKey*.json"),
            (
                "/x-firebase-adminsdk-ab1-2c.json",
                "*firebase-adminsdk*.json",
            ),
            ("/token.json", "token.json"),
            ("/auth.json", "auth.json"),
            ("/local.settings.json", "local.settings.json"),
            ("/.mylogin.cnf", ".mylogin.cnf"),
            ("/.bash_history", "*_history"),
            ("/home/.config/gh/hosts.yml", "**/gh/hosts.yml"),
            ("/p/logins.json", "logins.json"),
            ("/p/key4.db", "key4.db"),
            ("/p/Cookies", "Cookies"),
            ("/login.keyring", "*.keyring"),
            ("/terraform.tfstate", "terraform.tfstate*"),
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
            "/docs/history",
            "/src/history.rs",
            "/src/tokens.rs",
            "/cookies.js",
            "/design/tokens.json",
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
        for (folder, pattern) in [
            ("/.ssh", ".ssh/"),
            ("/home/.docker", ".docker/"),
            ("/share/keyrings", "keyrings/"),
        ] {
            assert_eq!(secrets.judge(folder, true), Some(pattern));
        }
        for folder in ["/src/credentials", "/src/cookies", "/chat_history"] {
            assert_eq!(secrets.judge(folder, true), None, "{folder}");
        }
        let secrets = Secrets::new(&["x".to_owned()]).unwrap();
        assert_eq!(secrets.judge("/.ssh", true), None);
        assert_eq!(secrets.judge("/home/.ssh/config", false), Some(".ssh/"));
        assert_eq!(secrets.judge("/home/.ssh/x", false), None);
    }
}
