//! The format of a pull request on disk.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::domain::{
    ContentHash, FilePath, FilePathError, ProjectId, ProjectName, PullRequest, PullRequestId,
    Timestamp, UserName,
};

const FORMAT: u32 = 1;

/// The content of `pull-request.json`. Separate from the domain's type: renaming a member there
/// must not orphan what was stored before.
#[derive(Debug, Serialize, Deserialize)]
struct Record {
    format: u32,
    id: String,
    streamer: String,
    project: String,
    owner: String,
    title: String,
    description: String,
    /// Milliseconds since the epoch.
    date: u64,
    files: Vec<String>,
    deleted: Vec<String>,
    /// Left out if there are none, as in records from before there were bases.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    bases: BTreeMap<String, String>,
    /// Likewise.
    #[serde(
        default,
        rename = "deletedBases",
        skip_serializing_if = "BTreeMap::is_empty"
    )]
    deleted_bases: BTreeMap<String, String>,
    /// Likewise.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    executable: BTreeMap<String, bool>,
}

/// Why a record is not a valid pull request.
#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordError {
    #[error("it is not the JSON of a pull request: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has format {0}, but this server knows format {FORMAT} only")]
    Format(u32),
    #[error("its member {0} breaks the rules")]
    Member(&'static str),
}

pub(crate) fn encode(pull_request: &PullRequest) -> Result<Vec<u8>, RecordError> {
    let names = |paths: &[FilePath]| paths.iter().map(ToString::to_string).collect();
    let texts = |bases: &BTreeMap<FilePath, ContentHash>| {
        let texts = bases.iter();
        texts
            .map(|(path, base)| (path.to_string(), base.to_string()))
            .collect()
    };
    let record = Record {
        format: FORMAT,
        id: pull_request.id.to_string(),
        streamer: pull_request.project.streamer.to_string(),
        project: pull_request.project.name.to_string(),
        owner: pull_request.owner.to_string(),
        title: pull_request.title.to_string(),
        description: pull_request.description.to_string(),
        date: pull_request.date.as_millis(),
        files: names(&pull_request.files),
        deleted: names(&pull_request.deleted),
        bases: texts(&pull_request.bases),
        deleted_bases: texts(&pull_request.deleted_bases),
        executable: pull_request
            .executable
            .iter()
            .map(|(path, wanted)| (path.to_string(), *wanted))
            .collect(),
    };
    Ok(serde_json::to_vec_pretty(&record)?)
}

/// Reads what [`encode`] wrote.
pub(crate) fn decode(json: &[u8]) -> Result<PullRequest, RecordError> {
    use RecordError::{Format, Member};
    let record: Record = serde_json::from_slice(json)?;
    if record.format != FORMAT {
        return Err(Format(record.format));
    }
    let paths = |names: &[String], member| {
        let paths = names.iter().map(|name| FilePath::parse(name));
        paths
            .collect::<Result<Vec<_>, _>>()
            .map_err(|_| Member(member))
    };
    let bases = |texts: &BTreeMap<String, String>, member| {
        let bases = texts.iter().map(|(name, base)| {
            let path = FilePath::parse(name).ok()?;
            Some((path, ContentHash::parse(base)?))
        });
        bases.collect::<Option<_>>().ok_or(Member(member))
    };
    let executable = record.executable.iter();
    let executable = executable.map(|(name, wanted)| Ok((FilePath::parse(name)?, *wanted)));
    let executable = executable.collect::<Result<_, FilePathError>>();
    Ok(PullRequest {
        id: PullRequestId::parse(&record.id).ok_or(Member("id"))?,
        project: ProjectId {
            streamer: UserName::parse(&record.streamer).map_err(|_| Member("streamer"))?,
            name: ProjectName::parse(&record.project).map_err(|_| Member("project"))?,
        },
        owner: UserName::parse(&record.owner).map_err(|_| Member("owner"))?,
        title: record.title.into(),
        description: record.description.into(),
        date: Timestamp::from_millis(record.date),
        files: paths(&record.files, "files")?,
        deleted: paths(&record.deleted, "deleted")?,
        bases: bases(&record.bases, "bases")?,
        deleted_bases: bases(&record.deleted_bases, "deletedBases")?,
        executable: executable.map_err(|_| Member("executable"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = r#"{"format":1,"id":"00000000-0000-0000-0000-000000000007",
        "streamer":"ana","project":"demo","owner":"bob","title":"t","description":"",
        "date":5,"files":["/a","/d/b"],"deleted":["/c"]}"#;

    /// The same with the bases of its first file and of its deletion, and with executable bits.
    fn with_bases() -> String {
        let [of_file, of_deleted] = ["0f", "1e"].map(|digits| digits.repeat(32));
        let bases = format!(r#""bases":{{"/a":"{of_file}"}}"#);
        let deleted_bases = format!(r#""deletedBases":{{"/c":"{of_deleted}"}}"#);
        let executable = r#""executable":{"/a":true,"/d/b":false}"#;
        GOLDEN.replace("]}", &format!("],{bases},{deleted_bases},{executable}}}"))
    }

    #[test]
    fn what_was_stored_once_can_be_read_for_ever() {
        let read = decode(GOLDEN.as_bytes()).expect("valid");
        assert_eq!(read.id, PullRequestId::from_u128(7));
        assert_eq!(read.project.to_string(), "ana/demo");
        assert_eq!(read.date, Timestamp::from_millis(5));
        assert_eq!(read.files.len(), 2);
        let again = decode(&encode(&read).expect("encodes")).expect("valid");
        assert_eq!(again, read);
    }

    #[test]
    fn a_record_from_before_there_were_bases_is_read_and_written_as_it_was() {
        let read = decode(GOLDEN.as_bytes()).expect("valid");
        assert_eq!(
            (&read.bases, &read.deleted_bases),
            (&BTreeMap::new(), &BTreeMap::new())
        );
        let value = |json: &[u8]| serde_json::from_slice::<serde_json::Value>(json);
        let written = encode(&read).expect("encodes");
        assert_eq!(
            value(&written).expect("JSON"),
            value(GOLDEN.as_bytes()).expect("JSON")
        );
    }

    #[test]
    fn bases_and_executable_bits_are_kept_beside_the_files() {
        let read = decode(with_bases().as_bytes()).expect("valid");
        let of = |name, digits: &str| {
            let path = FilePath::parse(name).expect("valid");
            [(path, ContentHash::parse(&digits.repeat(32)).expect("valid"))].into()
        };
        assert_eq!(read.bases, of("/a", "0f"));
        assert_eq!(read.deleted_bases, of("/c", "1e"));
        let executable: Vec<_> = read.executable.values().copied().collect();
        assert_eq!(executable, [true, false]);
        let again = decode(&encode(&read).expect("encodes")).expect("valid");
        assert_eq!(again, read);
    }

    #[test]
    fn a_record_that_breaks_the_rules_is_refused() {
        for (from, to) in [
            ("\"format\":1", "\"format\":2"),
            ("\"/a\"", "\"/../a\""),
            ("\"ana\"", "\"../ana\""),
            ("0007\"", "000X\""),
            ("\"date\":5", "\"date\":\"5\""),
        ] {
            assert!(decode(GOLDEN.replace(from, to).as_bytes()).is_err(), "{to}");
        }
        for (from, to) in [
            ("{\"/a\":", "{\"/../a\":"),
            ("0f0f", "0F0F"),
            ("0f0f", "0f"),
            ("\"bases\":{", "\"bases\":{\"/d/b\":5,"),
            ("{\"/c\":", "{\"/../c\":"),
            ("1e1e", "1e"),
        ] {
            let record = with_bases().replacen(from, to, 1);
            assert!(decode(record.as_bytes()).is_err(), "{to}");
        }
    }
}
