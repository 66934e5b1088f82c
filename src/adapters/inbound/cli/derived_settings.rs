//! What each part of the server needs from the configuration.

use std::net::SocketAddr;
use std::path::PathBuf;

use super::checks::has_strong_key;
use super::config::Config;
use super::values::{FolderDeletion, Guests, List, OnStreamerDisconnect, Whole};
use crate::adapters::delivery::SendQueueLimits;
use crate::adapters::inbound::transport::listen::Host;
use crate::adapters::inbound::transport::{TransportSettings, WebPages};
use crate::application::{Limits, Policy};
use crate::domain::{
    GuestAccess, ProjectQuota, PublicAccess, PullRequestLimits, RateLimit, RoomLimits,
};

/// How many bytes of frames may wait before files are held back. More does not make a connection
/// faster: it is several times what a socket takes at once.
const WINDOW_BYTES: usize = 256 * 1_024;

/// The most files that the process has open besides its connections.
const OTHER_FILES: usize = 512;

/// What a host means; loopback if there is none.
fn host_of(host: Option<&str>) -> Host {
    match host {
        Some("*") => Host::All,
        None | Some("localhost") => Host::Loopback,
        Some(name) => Host::Named(name.to_owned()),
    }
}

impl Config {
    /// Where to listen. Without `host`, that is loopback, or everywhere once the key is strong.
    pub fn host(&self) -> Host {
        match self.host.as_deref() {
            None if has_strong_key(self) => Host::All,
            host => host_of(host),
        }
    }

    /// Where and on which port to serve the metrics, if at all.
    pub fn metrics(&self) -> Option<(Host, u16)> {
        let port = self.metrics_port?.get();
        // The type of the key allows no more.
        let port = u16::try_from(port).unwrap_or(u16::MAX);
        Some((host_of(self.metrics_host.as_deref()), port))
    }

    /// The port to listen on; 0 takes a free one.
    pub fn port(&self) -> u16 {
        // The type of the key allows no more.
        u16::try_from(self.port.get()).unwrap_or(u16::MAX)
    }

    /// The most memory that clients may make the server hold, in bytes: `maxMemoryBytes`, or the
    /// old `maxTotalQueueBytes` if that is larger.
    pub fn max_memory_bytes(&self) -> usize {
        let old = self.max_total_queue_bytes.map_or(0, Whole::size);
        self.max_memory_bytes.size().max(old)
    }

    /// The most files and sockets that the process may have open.
    pub fn open_files(&self) -> usize {
        self.max_connections.size().saturating_add(OTHER_FILES)
    }

    /// The limits of the use cases.
    pub fn limits(&self) -> Limits {
        Limits {
            max_file_bytes: self.max_file_bytes.get(),
            project: ProjectQuota {
                max_files: self.max_project_files.get(),
                max_bytes: self.max_project_bytes.get(),
                max_folders: self.max_project_folders.get(),
                max_name_bytes: self.max_project_name_bytes.get(),
            },
            max_open_uploads: self.max_open_uploads.size(),
            max_open_upload_bytes: self.max_open_upload_bytes.get(),
            upload_idle: self.upload_idle_seconds.seconds(),
            pull_request: PullRequestLimits {
                max_files: self.max_pull_request_files.size(),
                max_bytes: self.max_pull_request_bytes.get(),
                max_folders: self.max_project_folders.get(),
            },
            max_open_pull_requests: self.max_open_pull_requests.size(),
            max_title_bytes: self.max_title_bytes.get(),
            max_description_bytes: self.max_description_bytes.get(),
            max_chat_bytes: self.max_chat_bytes.get(),
            chat_history: self.chat_history.size(),
            max_rooms: self.max_rooms.size(),
            max_watches: self.max_watches.size(),
            max_guests: self.max_guests.size(),
            max_guests_per_address: self.max_guests_per_address.size(),
            max_moderated: self.max_moderated.size(),
            chat_rate: self.chat_rate(),
            max_failed_authentications: self.max_failed_authentications.small(),
        }
    }

    /// What the operator has chosen.
    pub fn policy(&self) -> Policy {
        let deletes = self.on_streamer_disconnect == OnStreamerDisconnect::Delete;
        Policy {
            public: PublicAccess {
                read: self.public_read,
                chat: self.public_chat,
            },
            ignores_folder_deletions: self.folder_deletion == FolderDeletion::Ignore,
            guests: match self.guests {
                Guests::Off => GuestAccess::Off,
                Guests::Chat => GuestAccess::Chat,
                Guests::Propose => GuestAccess::Propose,
            },
            delete_abandoned_after: deletes.then(|| self.streamer_grace_seconds.seconds()),
        }
    }

    /// The servers of the store `nats`.
    pub fn nats_servers(&self) -> Vec<String> {
        let servers = self.nats.clone().map_or_else(Vec::new, List::into_items);
        servers.into_iter().map(String::from).collect()
    }

    /// The file that says who the server is in NATS.
    pub fn nats_credentials_file(&self) -> Option<PathBuf> {
        let file = self.nats_credentials_file.as_ref();
        file.map(|file| file.as_path().to_owned())
    }

    /// The limits of a chat room.
    pub fn room_limits(&self) -> RoomLimits {
        RoomLimits {
            history: self.chat_history.size(),
            rate: self.chat_rate(),
        }
    }

    /// How often somebody may write in a room, or a moderator decide something.
    fn chat_rate(&self) -> RateLimit {
        RateLimit {
            per_second: self.chat_messages_per_second.small(),
            burst: self.chat_burst.small(),
        }
    }

    /// The limits of what waits for one connection.
    pub fn send_queue_limits(&self) -> SendQueueLimits {
        let max_bytes = self.max_queue_bytes.size();
        SendQueueLimits {
            max_bytes,
            window_bytes: WINDOW_BYTES.min(max_bytes / 2),
        }
    }

    /// The limits of the transport of a server that listens on `addresses`.
    pub fn transport_settings(&self, addresses: &[SocketAddr]) -> TransportSettings {
        let mut ips = addresses.iter().map(|address| address.ip().to_canonical());
        let web_pages = WebPages {
            loopback_only: ips.all(|ip| ip.is_loopback()),
            public_url: self.public_url.clone(),
            allowed_origins: self.allowed_origins.clone().map(List::into_items),
        };
        TransportSettings {
            handshake_timeout: self.handshake_timeout_seconds.seconds(),
            message_timeout: self.message_timeout_seconds.seconds(),
            ping: self.ping_seconds.seconds(),
            idle_timeout: self.idle_timeout_seconds.seconds(),
            receivers_idle_timeout: self
                .unresponsive_seconds
                .max(self.idle_timeout_seconds)
                .seconds(),
            max_message_bytes: self.max_unauthenticated_message_bytes.size(),
            max_connections: self.max_connections.size(),
            max_connections_per_address: self.max_connections_per_address.size(),
            web_pages,
            trusted_proxies: self
                .trusted_proxies
                .clone()
                .map_or_else(Vec::new, List::into_items),
            ..TransportSettings::default()
        }
    }
}
