//! A responder for tests of what happens before answers.

use crate::application::file_key::FileKey;
use crate::application::outcome::LongAnswer;
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;
use crate::application::session::responder::Responder;

/// Calls this with each refusal, and ignores all other answers.
#[derive(Clone)]
pub(crate) struct OnRefusal<F>(pub F);

impl<F: Fn(&RequestError) + Clone + Send + Sync + 'static> Responder for OnRefusal<F> {
    type Context = ();

    fn reply(&self, _: &Reply, (): &()) {}

    fn refuse(&self, refusal: &RequestError, (): &()) {
        (self.0)(refusal);
    }

    fn answer_change(&self, _: &FileKey, _: &Result<Reply, RequestError>, (): &()) {}

    async fn changes_answered(&self) {}

    async fn send(&self, _: LongAnswer, (): &()) {}

    async fn room(&self, _: usize) {}

    fn is_closed(&self) -> bool {
        false
    }

    fn close(&self) {}
}
