//! The remaining parts of an upload that a limit or the disk has ended.

use crate::application::files::upload::UploadKey;
use crate::application::request_error::RequestError;
use crate::domain::Part;

/// The latest upload of a connection that ended early. Clients do not wait between parts, so more
/// of them may be on their way: they are discarded, and the last one is refused once more.
#[derive(Debug, Default)]
pub(crate) struct EndedUpload(Option<Box<Rest>>);

#[derive(Debug)]
struct Rest {
    key: UploadKey,
    count: u32,
    /// The next part, if the client continues to send them in order.
    next: u32,
    refusal: RequestError,
}

impl EndedUpload {
    /// Expects the parts after part `number` of `count`.
    pub(crate) fn await_rest(
        &mut self,
        key: UploadKey,
        number: u32,
        count: u32,
        refusal: RequestError,
    ) {
        self.0 = Some(Box::new(Rest {
            key,
            count,
            next: number + 1,
            refusal,
        }));
    }

    /// Whether `part` is one of the remaining parts and must be discarded. Any other part of that
    /// file ends the wait for them.
    ///
    /// # Errors
    /// The same error as before, for the last part.
    pub(crate) fn takes(&mut self, key: &UploadKey, part: &Part) -> Result<bool, RequestError> {
        let Some(rest) = self.0.as_mut().filter(|rest| rest.key == *key) else {
            return Ok(false);
        };
        let follows =
            part.count == rest.count && part.number == Some(rest.next) && rest.next <= rest.count;
        if !follows {
            self.0 = None;
            return Ok(false);
        }
        rest.next += 1;
        if part.number == Some(part.count) {
            return Err(rest.refusal.clone());
        }
        Ok(true)
    }

    /// Stops expecting the remaining parts if `ends` names their file.
    pub(crate) fn end_where(&mut self, ends: impl Fn(&UploadKey) -> bool) {
        self.0.take_if(|rest| ends(&rest.key));
    }
}
