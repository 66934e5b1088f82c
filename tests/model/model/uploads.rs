//! Files that come in parts (section 4).

use std::collections::BTreeMap;

use super::Refusal;
use crate::ask::Part;

#[derive(Debug, Clone)]
struct Upload {
    count: u32,
    parts: BTreeMap<u32, Vec<u8>>,
}

/// An upload that a limit has ended; parts that follow in order are thrown away.
#[derive(Debug)]
struct Ended {
    place: Place,
    count: u32,
    next: u32,
    limit: (&'static str, usize),
}

/// Whether in the draft, and the path.
type Place = (bool, String);

/// The unfinished uploads of a connection.
#[derive(Debug, Default)]
pub struct Uploads {
    open: BTreeMap<Place, Upload>,
    ended: Option<Ended>,
}

impl Uploads {
    /// Takes a part; gives the whole where it is the last that was missing.
    pub fn take(
        &mut self,
        place: &Place,
        content: &[u8],
        part: Part,
        file_bytes: usize,
        open_uploads: usize,
    ) -> Result<Option<Vec<u8>>, Refusal> {
        let Part { number, count } = part;
        if let Some(ended) = self.ended.as_mut().filter(|ended| ended.place == *place) {
            if count == ended.count && number == Some(ended.next) && ended.next <= count {
                ended.next += 1;
                let (key, value) = ended.limit;
                let is_last = number == Some(count);
                return if is_last {
                    Err(Refusal::Limit(key, value))
                } else {
                    Ok(None)
                };
            }
            self.ended = None;
        }

        let fresh = Upload {
            count,
            parts: BTreeMap::new(),
        };
        let mut upload = match self.open.get(place) {
            Some(upload) if number == Some(1) && upload.parts.contains_key(&1) => fresh,
            Some(upload) => upload.clone(),
            None => fresh,
        };
        let lowest_missing = (1..=count + 1).find(|number| !upload.parts.contains_key(number));
        let at = number.or(lowest_missing).unwrap_or(1);
        if at > count || count != upload.count {
            return Err(Refusal::Bad);
        }
        upload.parts.insert(at, content.to_vec());
        self.open.remove(place);
        let is_whole = upload.parts.len() == count as usize;
        let bytes: usize = upload.parts.values().map(Vec::len).sum();
        let limit = if bytes > file_bytes {
            ("maxFileBytes", file_bytes)
        } else if !is_whole && self.open.len() >= open_uploads {
            ("maxOpenUploads", open_uploads)
        } else if is_whole {
            return Ok(Some(upload.parts.into_values().flatten().collect()));
        } else {
            self.open.insert(place.clone(), upload);
            return Ok(None);
        };
        self.ended = number.map(|number| Ended {
            place: place.clone(),
            count,
            next: number + 1,
            limit,
        });
        Err(Refusal::Limit(limit.0, limit.1))
    }

    /// Ends those for which this says so.
    pub fn end_where(&mut self, ends: impl Fn(&Place) -> bool) {
        self.open.retain(|place, _| !ends(place));
        self.ended = self.ended.take().filter(|ended| !ends(&ended.place));
    }

    /// The first that goes into the draft.
    pub fn first_into_draft(&self) -> Option<&str> {
        let into_draft = self.open.keys().find(|(in_draft, _)| *in_draft);
        into_draft.map(|(_, path)| path.as_str())
    }
}
