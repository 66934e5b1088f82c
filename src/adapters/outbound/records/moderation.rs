//! The format of a project's moderation on disk.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::domain::{
    Action, Ban, ClientAddress, Deed, ImpossibleModeration, Moderation, Mute, NameError, Timestamp,
    UserName,
};

const FORMAT: u32 = 1;

/// The longest record: more than the largest `maxModerated` people can take.
pub(crate) const MAX_RECORD_BYTES: u64 = 80 * 1_024 * 1_024;

/// The content of a project's file. Separate from the domain's type: renaming a member there must
/// not orphan what was stored before. Times are milliseconds since the epoch.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Record {
    format: u32,
    muted: Vec<StoredMute>,
    banned: Vec<StoredBan>,
    slow: u32,
    log: Vec<StoredAction>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredMute {
    username: String,
    until: u64,
    by: String,
    date: u64,
    /// Earlier servers muted nobody by address.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    addresses: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredBan {
    username: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
    by: String,
    date: u64,
    /// IPv6 addresses as numbers in hexadecimal; an IPv4 address is mapped into IPv6.
    addresses: Vec<String>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredAction {
    date: u64,
    by: String,
    action: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    username: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    seconds: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<u64>,
}

/// Why a record cannot be understood.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("it is not the JSON of a project's moderation: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has format {0}, but this server knows format {FORMAT} only")]
    Format(u32),
    #[error("a name in it {0}")]
    Name(#[from] NameError),
    #[error("an address in it is none")]
    Address,
    #[error("an action in it is none")]
    Action,
    #[error("somebody is in it twice")]
    Twice,
    #[error("{0}")]
    Impossible(#[from] ImpossibleModeration),
}

pub(crate) fn encode(moderation: &Moderation) -> Result<Vec<u8>, RecordError> {
    let muted = moderation.muted().iter().map(|(user, mute)| StoredMute {
        username: user.to_string(),
        until: mute.until.as_millis(),
        by: mute.by.to_string(),
        date: mute.date.as_millis(),
        addresses: to_hex(&mute.addresses),
    });
    let banned = moderation.banned().iter().map(|(user, ban)| StoredBan {
        username: user.to_string(),
        until: ban.until.map(Timestamp::as_millis),
        by: ban.by.to_string(),
        date: ban.date.as_millis(),
        addresses: to_hex(&ban.addresses),
    });
    let log = moderation.log().map(|action| StoredAction {
        date: action.date.as_millis(),
        by: action.by.to_string(),
        action: action.deed.word().to_owned(),
        username: action.deed.user().map(UserName::to_string),
        seconds: action.deed.seconds(),
        id: action.deed.message(),
    });
    let record = Record {
        format: FORMAT,
        muted: muted.collect(),
        banned: banned.collect(),
        slow: moderation.slow_seconds(),
        log: log.collect(),
    };
    Ok(serde_json::to_vec(&record)?)
}

/// Reads what [`encode`] wrote, all of it or nothing: leaving something out would lift a ban.
pub(crate) fn decode(json: &[u8]) -> Result<Moderation, RecordError> {
    let record: Record = serde_json::from_slice(json)?;
    if record.format != FORMAT {
        return Err(RecordError::Format(record.format));
    }
    let muted = record.muted.into_iter().map(|stored| {
        let mute = Mute {
            until: Timestamp::from_millis(stored.until),
            by: UserName::parse(&stored.by)?,
            date: Timestamp::from_millis(stored.date),
            addresses: addresses(&stored.addresses)?,
        };
        Ok((UserName::parse(&stored.username)?, mute))
    });
    let banned = record.banned.into_iter().map(|stored| {
        let ban = Ban {
            until: stored.until.map(Timestamp::from_millis),
            by: UserName::parse(&stored.by)?,
            date: Timestamp::from_millis(stored.date),
            addresses: addresses(&stored.addresses)?,
        };
        Ok((UserName::parse(&stored.username)?, ban))
    });
    let (muted, banned) = (by_name(muted)?, by_name(banned)?);
    let log = record.log.iter().map(action);
    let log = log.collect::<Result<_, RecordError>>()?;
    Ok(Moderation::restore(muted, banned, record.slow, log)?)
}

/// Refuses two entries about one person: the wrong one might stay.
fn by_name<T>(
    entries: impl Iterator<Item = Result<(UserName, T), RecordError>>,
) -> Result<BTreeMap<UserName, T>, RecordError> {
    let mut all = BTreeMap::new();
    for entry in entries {
        let (user, entry) = entry?;
        if all.insert(user, entry).is_some() {
            return Err(RecordError::Twice);
        }
    }
    Ok(all)
}

fn to_hex(addresses: &BTreeSet<ClientAddress>) -> Vec<String> {
    let addresses = addresses.iter().copied();
    addresses.map(ClientAddress::to_hex).collect()
}

fn addresses(stored: &[String]) -> Result<BTreeSet<ClientAddress>, RecordError> {
    let addresses = stored.iter().map(|text| ClientAddress::from_hex(text));
    let addresses: Option<_> = addresses.collect();
    addresses.ok_or(RecordError::Address)
}

fn action(stored: &StoredAction) -> Result<Action, RecordError> {
    let user = stored
        .username
        .as_deref()
        .map(UserName::parse)
        .transpose()?;
    let deed = match (stored.action.as_str(), user, stored.seconds, stored.id) {
        ("mute", Some(user), Some(seconds), None) => Deed::Mute(user, seconds),
        ("unmute", Some(user), None, None) => Deed::Unmute(user),
        ("ban", Some(user), seconds, None) => Deed::Ban(user, seconds),
        ("unban", Some(user), None, None) => Deed::Unban(user),
        ("delete", author, None, Some(id)) => Deed::Delete(id, author),
        ("slow", None, Some(seconds), None) => Deed::Slow(seconds),
        ("announce", None, None, None) => Deed::Announce,
        _ => return Err(RecordError::Action),
    };
    Ok(Action {
        date: Timestamp::from_millis(stored.date),
        by: UserName::parse(&stored.by)?,
        deed,
    })
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::domain::{MOST_MODERATED, MOST_SECONDS};

    const GOLDEN: &str = concat!(
        r#"{"format":1,"#,
        r#""muted":[{"username":"bob","until":60000,"by":"ana","date":5},"#,
        r#"{"username":"~pat","until":60000,"by":"ana","date":5,"#,
        r#""addresses":["0000000000000000000000000000000a"]}],"#,
        r#""banned":[{"username":"eve \"e\"","until":70000,"by":"ana","date":6,"addresses":[]},"#,
        r#"{"username":"~zoë","by":"mod","date":7,"#,
        r#""addresses":["00000000000000000000ffffc6336407"]}],"#,
        r#""slow":30,"#,
        r#""log":[{"date":5,"by":"ana","action":"mute","username":"bob","seconds":60},"#,
        r#"{"date":6,"by":"ana","action":"unmute","username":"bob"},"#,
        r#"{"date":7,"by":"ana","action":"ban","username":"bob","seconds":9},"#,
        r#"{"date":8,"by":"ana","action":"ban","username":"~zoë"},"#,
        r#"{"date":9,"by":"ana","action":"unban","username":"bob"},"#,
        r#"{"date":10,"by":"mod","action":"delete","username":"bob","id":3},"#,
        r#"{"date":11,"by":"mod","action":"delete","id":2},"#,
        r#"{"date":12,"by":"mod","action":"slow","seconds":30},"#,
        r#"{"date":13,"by":"mod","action":"announce"}]}"#,
    );

    fn user(name: &str) -> UserName {
        UserName::parse(name).expect("a name")
    }

    fn golden() -> Moderation {
        let at = Timestamp::from_millis;
        let mute = |addresses: &[u128]| Mute {
            until: at(60_000),
            by: user("ana"),
            date: at(5),
            addresses: addresses.iter().copied().map(ClientAddress).collect(),
        };
        let ban = |until: Option<u64>, by, date, addresses: &[u128]| Ban {
            until: until.map(at),
            by: user(by),
            date: at(date),
            addresses: addresses.iter().copied().map(ClientAddress).collect(),
        };
        let deeds = [
            ("ana", Deed::Mute(user("bob"), 60)),
            ("ana", Deed::Unmute(user("bob"))),
            ("ana", Deed::Ban(user("bob"), Some(9))),
            ("ana", Deed::Ban(user("~zoë"), None)),
            ("ana", Deed::Unban(user("bob"))),
            ("mod", Deed::Delete(3, Some(user("bob")))),
            ("mod", Deed::Delete(2, None)),
            ("mod", Deed::Slow(30)),
            ("mod", Deed::Announce),
        ];
        let log = deeds.into_iter().zip(5..).map(|((by, deed), date)| Action {
            date: at(date),
            by: user(by),
            deed,
        });
        Moderation::restore(
            [(user("bob"), mute(&[])), (user("~pat"), mute(&[10]))].into(),
            [
                (user("eve \"e\""), ban(Some(70_000), "ana", 6, &[])),
                (user("~zoë"), ban(None, "mod", 7, &[0xffff_c633_6407])),
            ]
            .into(),
            30,
            log.collect(),
        )
        .expect("is possible")
    }

    #[test]
    fn the_record_is_what_earlier_servers_wrote() {
        let json = encode(&golden()).expect("encodes");
        assert_eq!(String::from_utf8_lossy(&json), GOLDEN);
        assert_eq!(decode(GOLDEN.as_bytes()).expect("decodes"), golden());
        let nothing = Moderation::default();
        let json = encode(&nothing).expect("encodes");
        assert_eq!(decode(&json).expect("decodes"), nothing);
    }

    #[test]
    fn what_is_no_record_is_refused_as_a_whole() {
        let refused = |json: &str| decode(json.as_bytes()).expect_err(json).to_string();
        for (damage, instead, why) in [
            (GOLDEN, "", "not the JSON"),
            (r#""format":1"#, r#""format":2"#, "format 2"),
            (r#""slow":30,"#, "", "not the JSON"),
            (r#""slow":30"#, r#""slow":-1"#, "not the JSON"),
            (r#""until":60000,"#, "", "not the JSON"),
            (r#""banned""#, r#""bannd""#, "not the JSON"),
            (r#""until":70000"#, r#""untill":70000"#, "not the JSON"),
            ("eve ", "../", "a name"),
            (r#""by":"mod""#, r#""by":"""#, "a name"),
            ("ffffc6336407", "wxyz", "an address"),
            (r#""action":"slow""#, r#""action":"fast""#, "an action"),
            (r#","seconds":30}"#, "}", "an action"),
            (r#""id":2"#, r#""seconds":2"#, "an action"),
            (r#""slow":30"#, r#""slow":3601"#, "slow mode"),
            (r#""slow":30"#, r#""slow":4294967295"#, "slow mode"),
            (r#""until":60000"#, r#""until":31536002000"#, "lasts longer"),
            (
                r#""until":70000"#,
                r#""until":18446744073709551615"#,
                "lasts longer",
            ),
            (r#""seconds":60"#, r#""seconds":31536001"#, "actions"),
            (r#"eve \"e\""#, "~ZOË", "twice"),
        ] {
            let damaged = GOLDEN.replacen(damage, instead, 1);
            assert_ne!(damaged, GOLDEN, "{damage}");
            let said = refused(&damaged);
            assert!(said.contains(why), "{damage}: {said}");
        }
        for end in 0..GOLDEN.len() {
            if GOLDEN.is_char_boundary(end) {
                refused(&GOLDEN[..end]);
            }
        }
    }

    /// As long as it can be: this many people, each muted and banned with 64 addresses.
    fn longest(people: u32) -> Moderation {
        // Names of characters that JSON escapes are the longest.
        let user = |number: u32| user(&format!("{number:\">255}"));
        let date = Timestamp::from_secs(100_000_000_000);
        let until = date.plus(Duration::from_secs(MOST_SECONDS.into()));
        let addresses: BTreeSet<_> = (0..64).map(ClientAddress).collect();
        let mute = Mute {
            until,
            by: user(0),
            date,
            addresses: addresses.clone(),
        };
        let ban = Ban {
            until: Some(until),
            by: user(0),
            date,
            addresses,
        };
        let action = Action {
            date,
            by: user(0),
            deed: Deed::Mute(user(0), MOST_SECONDS),
        };
        let muted = (0..people).map(|number| (user(number), mute.clone()));
        let banned = (0..people).map(|number| (user(number), ban.clone()));
        let log = vec![action; 200].into();
        let longest = Moderation::restore(muted.collect(), banned.collect(), 3_600, log);
        longest.expect("is possible")
    }

    #[test]
    fn the_longest_record_is_read_as_a_whole() {
        let bytes = |people| encode(&longest(people)).expect("encodes").len();
        let (none, one, two) = (bytes(0), bytes(1), bytes(2));
        assert!(two - one >= 2 * 64 * 32, "with the addresses of mutes");
        let all = none + (two - one) * MOST_MODERATED;
        assert!(
            all < usize::try_from(MAX_RECORD_BYTES).expect("fits"),
            "{all}"
        );
    }
}
