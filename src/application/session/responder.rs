//! What the session asks of an inbound adapter: to send answers to one client.

use crate::application::file_key::FileKey;
use crate::application::outcome::LongAnswer;
use crate::application::reply::Reply;
use crate::application::request_error::RequestError;

/// Sends answers to one client, in the order of the calls. Clones send to the same client.
pub trait Responder: Clone + Send + Sync + 'static {
    /// What an answer needs to know about its request. The default stands for no request.
    type Context: Clone + Default + Send + Sync + 'static;

    /// Sends a reply. Must not wait.
    fn reply(&self, reply: &Reply, context: &Self::Context);

    /// Sends an error. Must not wait.
    fn refuse(&self, refusal: &RequestError, context: &Self::Context);

    /// Sends the result of a change of `file`, before any later change of that file. Must not wait.
    fn answer_change(
        &self,
        file: &FileKey,
        outcome: &Result<Reply, RequestError>,
        context: &Self::Context,
    );

    /// Waits until the answers of changes have reached the client's queue.
    fn changes_answered(&self) -> impl Future<Output = ()> + Send;

    /// Sends an answer of many messages, each once there is room for it.
    fn send(&self, answer: LongAnswer, context: &Self::Context) -> impl Future<Output = ()> + Send;

    /// Waits until there is room for an answer of about `bytes`, or all answers are dropped.
    fn room(&self, bytes: usize) -> impl Future<Output = ()> + Send;

    /// Whether all further answers are dropped.
    fn is_closed(&self) -> bool;

    /// Drops all further answers: the client is leaving and does not read.
    fn close(&self);
}
