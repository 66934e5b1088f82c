//! The format of the entries in the log of the chat.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::application::ports::StoreError;
use crate::domain::{ClientAddress, NewMessage, RoomName, Timestamp, UserName};

const FORMAT: u32 = 1;

/// Something that has happened in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ChatEntry {
    /// A name that nobody else gives to an entry.
    pub name: String,
    pub room: RoomName,
    pub what: What,
}

/// What has happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(crate) enum What {
    /// A message. Its number is its place in the log; its date is when it was kept.
    Said(Said),
    Deleted {
        id: u64,
    },
    Slowed {
        seconds: u32,
    },
    /// Somebody is in the room.
    Occupied,
}

#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    name: String,
    room: String,
    #[serde(flatten)]
    what: What,
}

impl ChatEntry {
    /// # Errors
    /// `Failed`.
    pub fn encode(&self) -> Result<Vec<u8>, StoreError> {
        let record = Record {
            format: FORMAT,
            name: self.name.clone(),
            room: self.room.to_string(),
            what: self.what.clone(),
        };
        serde_json::to_vec(&record).map_err(StoreError::failed)
    }

    /// # Errors
    /// `Failed` if it cannot be understood.
    pub fn decode(payload: &[u8]) -> Result<Self, StoreError> {
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_slice(payload).map_err(StoreError::failed)?;
        if format != FORMAT {
            return Err(StoreError::failed(format!(
                "it has format {format}, but this server knows format {FORMAT} only"
            )));
        }
        let record: Record = serde_json::from_slice(payload).map_err(StoreError::failed)?;
        Ok(Self {
            name: record.name,
            room: RoomName::parse(&record.room).map_err(StoreError::failed)?,
            what: record.what,
        })
    }
}

/// What somebody says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Said {
    username: String,
    text: String,
    announcement: bool,
    /// In slow mode, after how many seconds its author may say something again.
    slow: u64,
    /// The guest's address, if it counts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

impl Said {
    pub fn new(message: &NewMessage) -> Self {
        Self {
            username: message.username.to_string(),
            text: message.text.to_string(),
            announcement: message.is_announcement,
            slow: message.slow.as_secs(),
            address: message.guests_address.map(ClientAddress::to_hex),
        }
    }

    /// The message as it was said; `date` is when it was kept.
    ///
    /// # Errors
    /// `Failed` if it is not a message.
    pub fn message(&self, date: Timestamp) -> Result<NewMessage, StoreError> {
        let address = self.address.as_deref();
        Ok(NewMessage {
            username: UserName::parse(&self.username).map_err(StoreError::failed)?,
            guests_address: address.and_then(ClientAddress::from_hex),
            text: self.text.as_str().into(),
            date,
            slow: Duration::from_secs(self.slow),
            is_announcement: self.announcement,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(what: What) -> ChatEntry {
        ChatEntry {
            name: "a1/7".to_owned(),
            room: RoomName::parse("ana/demo").expect("a room"),
            what,
        }
    }

    #[test]
    fn what_happens_is_read_as_it_is_written() {
        for address in [None, Some(ClientAddress(u128::MAX))] {
            let message = NewMessage {
                username: UserName::parse("~zo\u{eb}").expect("a name"),
                guests_address: address,
                text: "\u{1f600} \"quoted\"\n".into(),
                date: Timestamp::from_secs(1),
                slow: Duration::from_secs(30),
                is_announcement: address.is_none(),
            };
            let said = entry(What::Said(Said::new(&message)));
            let decoded = ChatEntry::decode(&said.encode().expect("is written"));
            assert_eq!(decoded.expect("is read"), said);
            let What::Said(said) = said.what else {
                panic!("something else");
            };
            assert_eq!(said.message(message.date).expect("is one"), message);
        }
        for what in [
            What::Deleted { id: u64::MAX },
            What::Slowed { seconds: 0 },
            What::Occupied,
        ] {
            let entry = entry(what);
            let decoded = ChatEntry::decode(&entry.encode().expect("is written"));
            assert_eq!(decoded.expect("is read"), entry);
        }
    }

    #[test]
    fn what_a_later_server_writes_is_not_guessed_at() {
        let later = br#"{"format":2,"name":"a1/7","room":"r","kind":"sung"}"#;
        let error = ChatEntry::decode(later).expect_err("is not understood");
        assert!(error.to_string().contains("format 2"), "{error}");
        for not_ours in [&b"{}"[..], b"x", br#"{"format":1,"name":"a","room":""}"#] {
            ChatEntry::decode(not_ours).expect_err("is not understood");
        }
    }
}
