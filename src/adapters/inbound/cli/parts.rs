//! What each part of the server is told of the configuration.

use super::config::{Config, Listen};
use crate::adapters::inbound::transport::TransportSettings;
use crate::adapters::inbound::transport::listen::Host;
use crate::application::{Limits, MailboxLimits, Policy};
use crate::domain::{ProjectQuota, PullRequestLimits, RateLimit, RoomLimits};

/// How much may wait in frames before files are held back, in bytes. More makes no connection
/// faster: it is several times what a socket takes at once.
const WINDOW_BYTES: usize = 256 * 1_024;

/// The most folders of one project.
const MAX_PROJECT_FOLDERS: u64 = 100_000;

/// The most bytes that the names of one project's files may take together.
const MAX_PROJECT_NAME_BYTES: u64 = 16 * 1_024 * 1_024;

impl Config {
    /// Where to listen.
    pub fn host(&self) -> Host {
        match &self.listen {
            Listen::Loopback => Host::Loopback,
            Listen::All => Host::All,
            Listen::Address(name) => Host::Named(name.clone()),
        }
    }

    /// The bounds of the use cases.
    pub fn limits(&self) -> Limits {
        Limits {
            max_file_bytes: self.max_file_bytes,
            project: ProjectQuota {
                max_files: self.max_project_files,
                max_bytes: self.max_project_bytes,
                max_folders: MAX_PROJECT_FOLDERS,
                max_name_bytes: MAX_PROJECT_NAME_BYTES,
            },
            max_open_uploads: self.max_open_uploads,
            max_open_upload_bytes: self.max_open_upload_bytes,
            upload_idle: self.upload_idle,
            pull_request: PullRequestLimits {
                max_files: self.max_pull_request_files,
                max_bytes: self.max_pull_request_bytes,
                max_folders: MAX_PROJECT_FOLDERS,
            },
            max_open_pull_requests: self.max_open_pull_requests,
            max_title_bytes: self.max_title_bytes,
            max_description_bytes: self.max_description_bytes,
            max_chat_bytes: self.max_chat_bytes,
            chat_history: self.chat_history,
            max_rooms: self.max_rooms,
            max_watches: self.max_watches,
            max_failed_authentications: self.max_failed_authentications,
        }
    }

    /// What the operator has chosen.
    pub fn policy(&self) -> Policy {
        Policy {
            public_read: self.public_read,
            delete_abandoned_after: self.delete_abandoned_after,
        }
    }

    /// The bounds of a chat room.
    pub fn room_limits(&self) -> RoomLimits {
        let rate = RateLimit {
            per_second: self.chat_messages_per_second,
            burst: self.chat_burst,
        };
        RoomLimits {
            history: self.chat_history,
            rate,
        }
    }

    /// The bounds of what waits for one connection.
    pub fn mailbox_limits(&self) -> MailboxLimits {
        MailboxLimits {
            max_bytes: self.max_queue_bytes,
            window_bytes: WINDOW_BYTES.min(self.max_queue_bytes / 2),
        }
    }

    /// The limits of the transport.
    pub fn transport_settings(&self) -> TransportSettings {
        TransportSettings {
            handshake_timeout: self.handshake_timeout,
            message_timeout: self.message_timeout,
            ping: self.ping,
            idle_timeout: self.idle_timeout,
            max_message_bytes: self.max_unauthenticated_message_bytes,
            max_connections: self.max_connections,
            max_connections_per_address: self.max_connections_per_address,
            allowed_origins: self.allowed_origins.clone(),
            trusted_proxies: self.trusted_proxies.clone(),
            ..TransportSettings::default()
        }
    }
}
