//! The format of a project's guests on disk.

use serde::{Deserialize, Serialize};

use crate::domain::{ClientAddress, Guest, GuestName, Guests, Timestamp};

const FORMAT: u32 = 1;

/// The longest record: more than the largest `maxGuests` names can take.
pub(crate) const MAX_RECORD_BYTES: u64 = 4 * 1_024 * 1_024;

/// The content of a project's file. Separate from the domain's type: renaming a member there must
/// not orphan what was stored before.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    guests: Vec<StoredGuest>,
}

#[derive(Debug, Serialize, Deserialize)]
struct StoredGuest {
    name: String,
    /// Milliseconds since the epoch.
    until: u64,
    /// As a number in hexadecimal, like those of bans; earlier servers did not keep it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<String>,
}

/// Why a record cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("it is not the JSON of a project's guests: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has format {0}, but this server knows format {FORMAT} only")]
    Format(u32),
    #[error("a name in it breaks the rules")]
    Name,
    #[error("an address in it is none")]
    Address,
}

pub(crate) fn encode(guests: &Guests) -> Result<Vec<u8>, RecordError> {
    let guests = guests.kept().iter().map(|guest| StoredGuest {
        name: guest.name.as_str().to_owned(),
        until: guest.until.as_millis(),
        address: guest.address.map(ClientAddress::to_hex),
    });
    let record = Record {
        format: FORMAT,
        guests: guests.collect(),
    };
    Ok(serde_json::to_vec(&record)?)
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(json: &[u8]) -> Result<Guests, RecordError> {
    let record: Record = serde_json::from_slice(json)?;
    if record.format != FORMAT {
        return Err(RecordError::Format(record.format));
    }
    let guests = record.guests.iter().map(|guest| {
        let address = guest.address.as_deref();
        let address = address.map(|text| ClientAddress::from_hex(text).ok_or(RecordError::Address));
        Ok(Guest {
            name: GuestName::parse(&guest.name).map_err(|_| RecordError::Name)?,
            until: Timestamp::from_millis(guest.until),
            address: address.transpose()?,
        })
    });
    Ok(Guests::restore(guests.collect::<Result<_, RecordError>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = concat!(
        r#"{"format":1,"guests":[{"name":"b \"o\" b","until":5},"#,
        r#"{"name":"zoë","until":7000,"address":"00000000000000000000ffffc6336407"}]}"#,
    );
    const WITHOUT_ADDRESSES: &str =
        r#"{"format":1,"guests":[{"name":"b \"o\" b","until":5},{"name":"zoë","until":7000}]}"#;

    fn guests(address: Option<u128>) -> Guests {
        let guest = |name, until, address: Option<u128>| Guest {
            name: GuestName::parse(name).expect("a name"),
            until: Timestamp::from_millis(until),
            address: address.map(ClientAddress),
        };
        let (first, second) = (("b \"o\" b", 5, None), ("zoë", 7_000, address));
        let all = [first, second].map(|(name, until, address)| guest(name, until, address));
        Guests::restore(all.into())
    }

    #[test]
    fn the_record_is_what_earlier_servers_wrote() {
        for (golden, address) in [(GOLDEN, Some(0xffff_c633_6407)), (WITHOUT_ADDRESSES, None)] {
            let json = encode(&guests(address)).expect("encodes");
            assert_eq!(String::from_utf8_lossy(&json), golden);
            assert_eq!(decode(&json).expect("decodes"), guests(address));
        }
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let refused = |json: &str| decode(json.as_bytes()).expect_err("refused").to_string();
        assert!(refused("").contains("not the JSON"));
        assert!(refused(r#"{"format":1}"#).contains("not the JSON"));
        assert!(refused(r#"{"format":2,"guests":[]}"#).contains("format 2"));
        let hostile = r#"{"format":1,"guests":[{"name":"../x","until":1}]}"#;
        assert!(refused(hostile).contains("breaks the rules"));
        let hostile = r#"{"format":1,"guests":[{"name":"x","until":1,"address":"here"}]}"#;
        assert!(refused(hostile).contains("an address"));
    }
}
