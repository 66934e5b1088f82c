//! The servers that this user has named before, like ssh's `known_hosts`: a folder that somebody
//! else has prepared must not get a token sent to a stranger.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use crate::connection;
use crate::credentials::flags::AddressSource;
use crate::failure::Failure;
use crate::fs::user_dirs::{lies_in, private_folder};
use crate::local_settings::is_here;
use crate::names::shown;
use crate::ui::output::warn;
use crate::ui::question::{Preset, is_confirmed};

/// The most bytes that are read of the file.
const BYTES_MAX: u64 = 1_048_576;

/// The file with the known servers, one origin per line.
struct KnownServers {
    path: PathBuf,
}

impl KnownServers {
    /// `None` if the user has no folder for state.
    fn open() -> Option<Self> {
        let path = private_folder("XDG_STATE_HOME", ".local/state").ok()?;
        Some(Self {
            path: path.join("known_servers"),
        })
    }

    fn knows(&self, origin: &str) -> bool {
        read(&self.path).is_ok_and(|text| text.lines().any(|line| line == origin))
    }

    /// Adds a server. If that fails, the user is asked about it again, and the command goes on.
    fn add(&self, origin: &str) -> io::Result<()> {
        if self.knows(origin) {
            return Ok(());
        }
        let mut file = OpenOptions::new()
            .append(true)
            .create(true)
            .mode(0o600)
            .custom_flags(no_follow())
            .open(&self.path)?;
        file.write_all(format!("{origin}\n").as_bytes())
    }
}

fn no_follow() -> i32 {
    rustix::fs::OFlags::NOFOLLOW.bits().cast_signed()
}

/// Reads the file, but not if others can write it: then it does not say what this user has named.
fn read(path: &Path) -> io::Result<String> {
    let mut options = OpenOptions::new();
    let file: File = options.read(true).custom_flags(no_follow()).open(path)?;
    let about = file.metadata()?;
    if about.mode() & 0o022 != 0 || about.uid() != rustix::process::geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut text = String::new();
    file.take(BYTES_MAX).read_to_string(&mut text)?;
    Ok(text)
}

/// Remembers a server that the user named. If only a folder names it and a token would go there,
/// asks the user.
///
/// # Errors
///
/// A sentence that names the address and the flag that confirms it.
pub fn vet(
    url: &str,
    source: AddressSource,
    has_token: bool,
    dir: Option<&Path>,
) -> Result<(), Failure> {
    let origin = origin(url)?;
    // The file must not be in the folder that is shared or proposed.
    let servers = KnownServers::open()
        .filter(|servers| dir.is_none_or(|dir| !dir.exists() || !lies_in(&servers.path, dir)));
    let name = || {
        let added = servers.as_ref().map(|servers| servers.add(&origin));
        if let Some(Err(error)) = added {
            warn(&format!("The server cannot be remembered: {error}."));
        }
    };
    match source {
        AddressSource::Default => {}
        AddressSource::Flag | AddressSource::Environment => name(),
        AddressSource::Folder if !has_token => {}
        AddressSource::Folder => {
            if !(servers.as_ref()).is_some_and(|servers| servers.knows(&origin)) {
                confirm(url)?;
                name();
            }
        }
    }
    Ok(())
}

fn confirm(url: &str) -> Result<(), Failure> {
    let url = shown(url);
    let stop = Failure::usage(format!(
        "The folder names the server {url}, which you have not named before, so your token is not \
         sent there. If you trust that server, give --url {url}."
    ));
    let question = format!(
        "The folder names the server {url}, which you have not named before.\n\
         Send your token there?"
    );
    if is_confirmed(&question, Preset::No) {
        Ok(())
    } else {
        Err(stop)
    }
}

/// What identifies a server: scheme, host and port, but not the path.
fn origin(url: &str) -> Result<String, Failure> {
    let (host, port) = connection::address(url)?;
    let scheme = if is_encrypted(url) { "wss" } else { "ws" };
    Ok(format!("{scheme}://{}:{port}", host.to_ascii_lowercase()))
}

fn is_encrypted(url: &str) -> bool {
    let scheme = url.split_once(':').map_or("", |(scheme, _)| scheme);
    ["wss", "https"]
        .iter()
        .any(|name| scheme.eq_ignore_ascii_case(name))
}

/// Whether others could read a token on its way there.
pub fn is_in_the_clear(url: &str) -> bool {
    let Ok((host, _)) = connection::address(url) else {
        return false;
    };
    let is_own = host.eq_ignore_ascii_case("localhost") || host.parse().is_ok_and(is_here);
    !is_encrypted(url) && !is_own
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_server_is_its_scheme_host_and_port() {
        for (url, expected) in [
            ("ws://Host", "ws://host:80"),
            ("wss://host/path?x", "wss://host:443"),
            ("wss://host:3005", "wss://host:3005"),
            ("ws://[::1]:9", "ws://::1:9"),
            ("ws://user@host:9", "ws://host:9"),
        ] {
            assert_eq!(origin(url).unwrap(), expected, "{url}");
        }
        assert!(origin("file:///x").is_err());
    }

    #[test]
    fn only_an_unencrypted_connection_to_another_machine_is_in_the_clear() {
        for (url, is_clear) in [
            ("ws://127.0.0.1:3005", false),
            ("ws://127.9.9.9", false),
            ("ws://[::1]:3005", false),
            ("ws://localhost", false),
            ("wss://example.org", false),
            ("ws://example.org", true),
            ("ws://localhost.example.org", true),
            ("ws://192.0.2.1", true),
        ] {
            assert_eq!(is_in_the_clear(url), is_clear, "{url}");
        }
    }

    #[test]
    fn what_was_added_is_known_and_what_others_can_write_is_not_believed() {
        let dir = tempfile::tempdir().unwrap();
        let servers = KnownServers {
            path: dir.path().join("known_servers"),
        };
        assert!(!servers.knows("ws://a:80"));
        servers.add("ws://a:80").unwrap();
        servers.add("ws://a:80").unwrap();
        assert!(servers.knows("ws://a:80"));
        for other in ["ws://a:8", "ws://b:80", "wss://a:80", ""] {
            assert!(!servers.knows(other), "{other}");
        }
        assert_eq!(fs::read_to_string(&servers.path).unwrap(), "ws://a:80\n");
        let mode = fs::metadata(&servers.path).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        fs::set_permissions(&servers.path, fs::Permissions::from_mode(0o666)).unwrap();
        assert!(!servers.knows("ws://a:80"));
    }
}
