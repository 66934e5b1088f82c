//! The format of a project's guests on disk.

use serde::{Deserialize, Serialize};

use crate::domain::{GuestName, Guests, Timestamp};

const FORMAT: u32 = 1;

/// The content of a project's file. Separate from the domain's type: renaming a member there must
/// not orphan what was stored before.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    guests: Vec<Guest>,
}

#[derive(Debug, Serialize, Deserialize)]
struct Guest {
    name: String,
    /// Milliseconds since the epoch.
    until: u64,
}

/// Why a record holds no guests.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("it is not the JSON of a project's guests: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has format {0}, but this server knows format {FORMAT} only")]
    Format(u32),
    #[error("a name in it breaks the rules")]
    Name,
}

pub(crate) fn encode(guests: &Guests) -> Result<Vec<u8>, RecordError> {
    let guests = guests.kept().iter().map(|(name, until)| Guest {
        name: name.as_str().to_owned(),
        until: until.as_millis(),
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
        let name = GuestName::parse(&guest.name).map_err(|_| RecordError::Name)?;
        Ok((name, Timestamp::from_millis(guest.until)))
    });
    Ok(Guests::restore(guests.collect::<Result<_, RecordError>>()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str =
        r#"{"format":1,"guests":[{"name":"b \"o\" b","until":5},{"name":"zoë","until":7000}]}"#;

    #[test]
    fn the_record_is_what_earlier_servers_wrote() {
        let guest = |name, until| {
            let name = GuestName::parse(name).expect("a name");
            (name, Timestamp::from_millis(until))
        };
        let guests = Guests::restore(vec![guest("b \"o\" b", 5), guest("zoë", 7_000)]);
        let json = encode(&guests).expect("encodes");
        assert_eq!(String::from_utf8_lossy(&json), GOLDEN);
        assert_eq!(decode(&json).expect("decodes"), guests);
    }

    #[test]
    fn what_is_no_record_is_refused() {
        let refused = |json: &str| decode(json.as_bytes()).expect_err("refused").to_string();
        assert!(refused("").contains("not the JSON"));
        assert!(refused(r#"{"format":1}"#).contains("not the JSON"));
        assert!(refused(r#"{"format":2,"guests":[]}"#).contains("format 2"));
        let hostile = r#"{"format":1,"guests":[{"name":"../x","until":1}]}"#;
        assert!(refused(hostile).contains("breaks the rules"));
    }
}
