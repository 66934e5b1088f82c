//! How a pull request is written down on disk.

use serde::{Deserialize, Serialize};

use crate::domain::{
    FilePath, ProjectId, ProjectName, PullRequest, PullRequestId, Timestamp, UserName,
};

const FORMAT: u32 = 1;

/// What `pull-request.json` holds. Of the disk's making and not the domain's: a member renamed
/// there must not orphan what was stored before.
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
}

/// Why a record makes no pull request.
#[derive(Debug, thiserror::Error)]
pub(super) enum RecordError {
    #[error("it is not the JSON of a pull request: {0}")]
    Json(#[from] serde_json::Error),
    #[error("it has format {0}, but this server knows format {FORMAT} only")]
    Format(u32),
    #[error("its member {0} breaks the rules")]
    Member(&'static str),
}

/// Writes a pull request down.
pub(super) fn encode(pull_request: &PullRequest) -> Result<Vec<u8>, RecordError> {
    let names = |paths: &[FilePath]| paths.iter().map(ToString::to_string).collect();
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
    };
    Ok(serde_json::to_vec_pretty(&record)?)
}

/// Reads what [`encode`] wrote.
pub(super) fn decode(json: &[u8]) -> Result<PullRequest, RecordError> {
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
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOLDEN: &str = r#"{"format":1,"id":"00000000-0000-0000-0000-000000000007",
        "streamer":"ana","project":"demo","owner":"bob","title":"t","description":"",
        "date":5,"files":["/a","/d/b"],"deleted":["/c"]}"#;

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
    }
}
