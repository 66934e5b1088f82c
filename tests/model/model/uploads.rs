//! Files sent in parts (section 4).

use std::collections::BTreeMap;

use super::RequestError;
use crate::ask::Part;

#[derive(Debug, Clone)]
struct Upload {
    count: u32,
    parts: BTreeMap<u32, Vec<u8>>,
    /// All parts came as the desktop client sends them.
    like_desktop: bool,
    /// The base of the first part that came with one.
    base: Option<String>,
}

impl Upload {
    fn new(count: u32) -> Self {
        Self {
            count,
            parts: BTreeMap::new(),
            like_desktop: true,
            base: None,
        }
    }

    fn lowest_missing(&self) -> u32 {
        let mut numbers = 1..=self.count + 1;
        let missing = numbers.find(|number| !self.parts.contains_key(number));
        missing.unwrap_or(1)
    }

    /// Whether only the last part is missing, and this part is it.
    fn lacks_only(&self, part: Part) -> bool {
        let last = self.count;
        part.count == last
            && self.lowest_missing() == last
            && part.number.is_none_or(|number| number == last)
    }

    fn bytes(&self) -> usize {
        self.parts.values().map(Vec::len).sum()
    }

    fn whole(self) -> Whole {
        (self.parts.into_values().flatten().collect(), self.base)
    }
}

/// The content, and its base.
pub type Whole = (Vec<u8>, Option<String>);

/// What a part of a file consists of.
#[derive(Debug, Clone, Copy)]
pub struct Piece<'a> {
    pub content: &'a [u8],
    pub part: Part,
    /// Its base64, if it came as a binary message.
    pub binary: Option<&'a str>,
    /// The base of the file.
    pub base: Option<&'a str>,
}

/// The latest upload that a numbered part over a limit has ended; parts that follow in order are
/// thrown away.
#[derive(Debug)]
struct Ended {
    place: Place,
    count: u32,
    next: u32,
    limit: (&'static str, usize),
}

/// Whether it is in the draft, and the path.
pub type Place = (bool, String);

/// The unfinished uploads of a connection.
#[derive(Debug, Default)]
pub struct Uploads {
    open: BTreeMap<Place, Upload>,
    ended: Option<Ended>,
    /// The one that is complete unless its last part comes next.
    perhaps_whole: Option<Place>,
    /// The latest that was complete in this way, in case its last part comes after all.
    kept: Option<(Place, Upload)>,
}

impl Uploads {
    /// Takes a part; returns the whole file if it was the last missing part.
    pub fn take(
        &mut self,
        place: &Place,
        piece: Piece<'_>,
        file_bytes: usize,
        open_uploads: usize,
    ) -> Result<Option<Whole>, RequestError> {
        let Part { number, count } = piece.part;
        if let Some(ended) = self.ended.as_mut().filter(|ended| ended.place == *place) {
            if count == ended.count && number == Some(ended.next) && ended.next <= count {
                ended.next += 1;
                let (key, value) = ended.limit;
                let is_last = number == Some(count);
                return if is_last {
                    Err(RequestError::Limit(key, value))
                } else {
                    Ok(None)
                };
            }
            self.ended = None;
        }

        self.perhaps_whole = None;
        let kept = self.kept.take_if(|(kept, _)| kept == place);
        let kept = kept.filter(|(_, kept)| kept.lacks_only(piece.part));
        let mut upload = match self.open.get(place) {
            _ if let Some((_, kept)) = kept => kept,
            Some(upload) if number == Some(1) && upload.parts.contains_key(&1) => {
                Upload::new(count)
            }
            Some(upload) => upload.clone(),
            None => Upload::new(count),
        };
        let at = number.unwrap_or(upload.lowest_missing());
        if at > count || count != upload.count {
            return Err(RequestError::Bad);
        }
        upload.like_desktop &= at == upload.lowest_missing()
            && upload.parts.len() + 1 == at as usize
            && piece
                .binary
                .is_some_and(|text| text.len() == 500 || at == count);
        upload.parts.insert(at, piece.content.to_vec());
        let base = piece.base.map(str::to_owned);
        upload.base = upload.base.or(base);
        self.open.remove(place);
        let missing = count as usize - upload.parts.len();
        let lacks_last = upload.like_desktop && missing == 1;
        let is_padded = piece.binary.is_some_and(|text| text.ends_with('='));
        let is_whole = missing == 0 || (lacks_last && is_padded);
        let limit = if upload.bytes() > file_bytes {
            ("maxFileBytes", file_bytes)
        } else if !is_whole && self.open.len() >= open_uploads {
            ("maxOpenUploads", open_uploads)
        } else if is_whole {
            return Ok(Some(upload.whole()));
        } else {
            self.perhaps_whole = lacks_last.then(|| place.clone());
            self.open.insert(place.clone(), upload);
            return Ok(None);
        };
        if let Some(number) = number {
            self.ended = Some(Ended {
                place: place.clone(),
                count,
                next: number + 1,
                limit,
            });
        }
        Err(RequestError::Limit(limit.0, limit.1))
    }

    /// The upload that is complete now, unless the next message is this part of it.
    pub fn settle(&mut self, next: Option<(&Place, Part)>) -> Option<(Place, Whole)> {
        let place = self.perhaps_whole.as_ref()?;
        let upload = self.open.get(place)?;
        if next.is_some_and(|(at, part)| at == place && upload.lacks_only(part)) {
            return None;
        }
        let place = self.perhaps_whole.take()?;
        let upload = self.open.remove(&place)?;
        self.kept = Some((place.clone(), upload.clone()));
        Some((place, upload.whole()))
    }

    /// Ends the uploads for which this returns true.
    pub fn end_where(&mut self, ends: impl Fn(&Place) -> bool) {
        self.open.retain(|place, _| !ends(place));
        self.ended = self.ended.take().filter(|ended| !ends(&ended.place));
        self.kept = self.kept.take().filter(|(place, _)| !ends(place));
    }

    /// The first one that goes into the draft.
    pub fn first_into_draft(&self) -> Option<&str> {
        let into_draft = self.open.keys().find(|(in_draft, _)| *in_draft);
        into_draft.map(|(_, path)| path.as_str())
    }
}
