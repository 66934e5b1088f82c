//! The table of all configuration keys: one row per key drives the file, the environment, the
//! flags, the help and `docs/configuration.md`.

/// What values a key takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// A whole number within these bounds.
    Number {
        /// The least.
        min: u64,
        /// The greatest.
        max: u64,
    },
    /// true or false.
    Flag,
    /// Any text but the empty one.
    Text,
    /// One of these words.
    OneOf(&'static [&'static str]),
    /// A list of texts; separated by commas where it is not in a file.
    List,
    /// Accepted and not used.
    Ignored,
}

/// One configuration key.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    /// As in `config.json`.
    pub name: &'static str,
    /// What values it takes.
    pub kind: Kind,
    /// The default as JSON; empty where there is none.
    pub default: &'static str,
    /// Under which heading the help shows it.
    pub group: &'static str,
    /// What it does, with its unit.
    pub help: &'static str,
}

impl Key {
    /// `FILE_WS_SERVER_BASE_DIR` for `baseDir`.
    pub(super) fn variable(&self) -> String {
        format!("{PREFIX}{}", self.words('_').to_uppercase())
    }

    /// `base-dir` for `baseDir`.
    pub(super) fn flag(&self) -> String {
        self.words('-')
    }

    /// What it takes, for a message.
    pub(super) fn allowed(&self) -> String {
        match self.kind {
            Kind::Number { min, max: MAX } => format!("a whole number of at least {min}"),
            Kind::Number { min, max } => format!("a whole number from {min} to {max}"),
            Kind::Flag => "true or false".to_owned(),
            Kind::Text => "a text that is not empty".to_owned(),
            Kind::OneOf(words) => format!("one of: {}", words.join(", ")),
            Kind::List => "a list of texts".to_owned(),
            Kind::Ignored => "anything".to_owned(),
        }
    }

    fn words(&self, separator: char) -> String {
        let mut words = String::new();
        for letter in self.name.chars() {
            if letter.is_ascii_uppercase() {
                words.push(separator);
            }
            words.push(letter.to_ascii_lowercase());
        }
        words
    }
}

/// What the name of every environment variable of this server starts with.
pub(super) const PREFIX: &str = "FILE_WS_SERVER_";

/// No bound but that of what a machine can hold.
pub(super) const MAX: u64 = 1 << 53;

const SERVER: &str = "Server";
const FILES: &str = "Files";
const LIMITS: &str = "Limits of files and uploads";
const REVIEW: &str = "Pull requests and chat";
const CONNECTIONS: &str = "Connections";
const TOKENS: &str = "Tokens";
const LOG: &str = "Log";

const fn number(min: u64, max: u64) -> Kind {
    Kind::Number { min, max }
}

const fn key(
    name: &'static str,
    kind: Kind,
    default: &'static str,
    group: &'static str,
    help: &'static str,
) -> Key {
    Key {
        name,
        kind,
        default,
        group,
        help,
    }
}

/// Every key that there is.
#[rustfmt::skip]
pub(super) const KEYS: &[Key] = &[
    key("port", number(0, 65_535), "3005", SERVER, "the port to listen on; 0 takes a free one"),
    key("host", Kind::Text, "", SERVER, "the address to listen on; by default loopback, or all addresses once the key is your own"),
    key("baseDir", Kind::Text, "\"./\"", SERVER, "the folder that holds the projects; made where missing"),
    key("store", Kind::OneOf(&["filesystem", "memory"]), "\"filesystem\"", SERVER, "where projects are kept; what is in memory is gone when the server stops"),
    key("drainSeconds", number(0, 3_600), "10", SERVER, "how long a stopping server may take to finish its work, in seconds"),
    key("crypto", Kind::Ignored, "", SERVER, "accepted for the original's sake and ignored"),

    key("publicRead", Kind::Flag, "true", FILES, "whether reading needs no token"),
    key("durability", Kind::OneOf(&["fsync", "rename"]), "\"fsync\"", FILES, "fsync: an acknowledged file survives the machine's death; rename: only the process's, and faster"),
    key("onStreamerDisconnect", Kind::OneOf(&["keep", "delete"]), "\"keep\"", FILES, "what becomes of a project's files when its streamer stays away"),
    key("streamerGraceSeconds", number(0, MAX), "30", FILES, "how long he may be away before they are deleted, in seconds"),
    key("partBytes", number(3, 3 << 20), "49152", FILES, "content per part of a file that is sent, in bytes; a multiple of 3"),

    key("maxMessageBytes", number(1_024, 1 << 30), "16777216", LIMITS, "the longest message, in bytes"),
    key("maxUnauthenticatedMessageBytes", number(1_024, 1 << 30), "1048576", LIMITS, "the longest message before a connection has authenticated, in bytes"),
    key("maxFileBytes", number(0, MAX), "67108864", LIMITS, "the largest file, in bytes"),
    key("maxProjectBytes", number(0, MAX), "1073741824", LIMITS, "the most that one project may hold, in bytes"),
    key("maxProjectFiles", number(0, MAX), "100000", LIMITS, "the most files of one project"),
    key("maxOpenUploads", number(0, MAX), "256", LIMITS, "the most unfinished uploads of one connection"),
    key("maxOpenUploadBytes", number(0, MAX), "67108864", LIMITS, "the most that unfinished uploads of one connection may hold, in bytes"),
    key("uploadIdleSeconds", number(1, MAX), "300", LIMITS, "after how long without a new part an unfinished upload is dropped, in seconds"),

    key("maxPullRequestBytes", number(0, MAX), "67108864", REVIEW, "the most that one pull request may hold, in bytes"),
    key("maxPullRequestFiles", number(1, MAX), "1000", REVIEW, "the most files that one pull request may name"),
    key("maxOpenPullRequests", number(0, MAX), "20", REVIEW, "the most open pull requests of one user in one project"),
    key("maxTitleBytes", number(1, MAX), "256", REVIEW, "the longest title of a pull request, in bytes"),
    key("maxDescriptionBytes", number(0, MAX), "16384", REVIEW, "the longest description of a pull request, in bytes"),
    key("maxChatBytes", number(1, MAX), "4096", REVIEW, "the longest chat message, in bytes"),
    key("chatHistory", number(0, 100_000), "100", REVIEW, "how many messages a room remembers"),
    key("chatMessagesPerSecond", number(0, 1_000_000), "5", REVIEW, "how many messages a user may send per second into one room in the long run; 0: no limit"),
    key("chatBurst", number(1, 1_000_000), "20", REVIEW, "how many messages a user may send at once after a rest"),

    key("maxConnections", number(0, MAX), "20000", CONNECTIONS, "the most connections; 0: no limit"),
    key("maxConnectionsPerAddress", number(0, MAX), "0", CONNECTIONS, "the most connections of one address (a /64 of IPv6 counts as one); 0: no limit"),
    key("maxWatches", number(0, MAX), "16", CONNECTIONS, "the most projects that one connection may watch; 0: no limit"),
    key("maxRooms", number(0, MAX), "100000", CONNECTIONS, "the most chat rooms; 0: no limit"),
    key("maxFailedAuthentications", number(1, 1_000_000), "10", CONNECTIONS, "after how many failed authentications a connection is closed"),
    key("maxQueueBytes", number(4_096, MAX), "4194304", CONNECTIONS, "the most that may wait to be sent to one connection, in bytes"),
    key("maxTotalQueueBytes", number(4_096, MAX), "268435456", CONNECTIONS, "the most that may wait to be sent in all, in bytes; what receivers share counts once"),
    key("handshakeTimeoutSeconds", number(1, 3_600), "10", CONNECTIONS, "how long a client may take to ask for its connection, in seconds"),
    key("messageTimeoutSeconds", number(1, 3_600), "30", CONNECTIONS, "for how long a message may come in at under 1 KiB per second, in seconds"),
    key("pingSeconds", number(1, 3_600), "20", CONNECTIONS, "after how long a silent client is pinged, in seconds"),
    key("idleTimeoutSeconds", number(1, 86_400), "60", CONNECTIONS, "after how long a silent or stuck client is closed, in seconds"),
    key("allowedOrigins", Kind::List, "", CONNECTIONS, "the origins whose web pages may connect; by default all"),
    key("trustedProxies", Kind::List, "", CONNECTIONS, "addresses of proxies whose X-Forwarded-For is believed"),

    key("key", Kind::Text, "\"secret\"", TOKENS, "the secret that tokens are signed with (HS256); at least 32 bytes of your own for anything but trying out"),
    key("publicKeyFile", Kind::Text, "", TOKENS, "a PEM file with the public key of RS256, ES256 or EdDSA tokens, used instead of key"),
    key("issuer", Kind::Text, "", TOKENS, "the iss that tokens must carry; by default it is not looked at"),
    key("audience", Kind::Text, "", TOKENS, "the aud that tokens must carry; by default it is not looked at"),

    key("logFormat", Kind::OneOf(&["text", "json"]), "\"text\"", LOG, "how the log is written to standard error"),
    key("logLevel", Kind::OneOf(&["error", "warn", "info", "debug", "trace"]), "\"info\"", LOG, "how much is logged"),
];

/// The key of that name.
pub(super) fn find(name: &str) -> Option<&'static Key> {
    KEYS.iter().find(|key| key.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_spelt_for_every_source() {
        let key = find("maxConnectionsPerAddress").expect("a key");
        assert_eq!(key.variable(), "FILE_WS_SERVER_MAX_CONNECTIONS_PER_ADDRESS");
        assert_eq!(key.flag(), "max-connections-per-address");
    }

    #[test]
    fn no_key_is_there_twice() {
        for (index, key) in KEYS.iter().enumerate() {
            assert!(
                KEYS[..index].iter().all(|other| other.name != key.name),
                "{}",
                key.name
            );
        }
    }

    #[test]
    fn the_documentation_shows_this_table() {
        let shown = include_str!("../../../../docs/configuration.md");
        for key in KEYS.iter().filter(|key| key.kind != Kind::Ignored) {
            let default = if key.default.is_empty() {
                "none"
            } else {
                key.default
            };
            let row = format!("| `{}` | `{default}` | {} |", key.name, key.help);
            assert!(
                shown.contains(&row),
                "docs/configuration.md lacks the row\n{row}"
            );
        }
        let rows = shown.lines().filter(|line| line.starts_with("| `")).count();
        assert_eq!(
            rows,
            KEYS.len() - 1,
            "docs/configuration.md has rows of no key"
        );
    }
}
