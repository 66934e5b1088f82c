//! Answers of any length, sent piece by piece.

use std::future::Future;
use std::pin::Pin;
use std::sync::Mutex;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::{Stream, stream};
use warp::Reply as _;
use warp::reply::Response;

use crate::application::files::downloads::DownloadError;

/// What an answer consists of. The next piece is made only when the client has taken most of the
/// pieces before it. After an error nothing more is sent, and the connection breaks off.
pub(super) trait Pieces: Send + 'static {
    /// The next piece; `None` at the end.
    fn next(&mut self) -> impl Future<Output = Option<Result<Bytes, DownloadError>>> + Send;
}

/// An answer of these pieces.
pub(super) fn answer(pieces: impl Pieces) -> Response {
    let pieces = stream::unfold(pieces, |mut pieces| async move {
        let piece = pieces.next().await?;
        if let Err(error) = &piece {
            tracing::debug!(%error, "an answer breaks off");
        }
        Some((piece, pieces))
    });
    warp::reply::stream(Exclusive(Mutex::new(Box::pin(pieces)))).into_response()
}

/// A stream that only its owner polls: warp wants one that could be shared.
struct Exclusive<S>(Mutex<Pin<Box<S>>>);

impl<S: Stream> Stream for Exclusive<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<S::Item>> {
        match self.0.get_mut() {
            Ok(stream) => stream.as_mut().poll_next(cx),
            // The stream has panicked, which ends it.
            Err(_) => Poll::Ready(None),
        }
    }
}
