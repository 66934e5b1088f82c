//! The body of a `POST`: a form whose field `token` is a token.

use bytes::Buf;
use futures_util::{Stream, StreamExt as _};
use percent_encoding::percent_decode_str;

/// The longest form.
const MAX_BYTES: usize = 16 * 1_024;

/// The body is longer than a form may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TooLong;

/// The token in the form `body`, if it is a form and has one.
pub(super) async fn token<B: Buf>(
    body: impl Stream<Item = Result<B, warp::Error>>,
) -> Result<Option<String>, TooLong> {
    let mut body = std::pin::pin!(body);
    let mut form = Vec::new();
    while let Some(Ok(mut more)) = body.next().await {
        if form.len() + more.remaining() > MAX_BYTES {
            return Err(TooLong);
        }
        while more.has_remaining() {
            let chunk = more.chunk();
            form.extend_from_slice(chunk);
            let length = chunk.len();
            more.advance(length);
        }
    }
    Ok(str::from_utf8(&form).ok().and_then(field))
}

fn field(form: &str) -> Option<String> {
    let mut fields = form.split('&').filter_map(|field| field.split_once('='));
    let (_, value) = fields.find(|(name, _)| *name == "token")?;
    let value = value.replace('+', " ");
    let value = percent_decode_str(&value).decode_utf8().ok()?;
    Some(value.into_owned())
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use futures_util::stream;

    use super::*;

    async fn of(pieces: &[&str]) -> Result<Option<String>, TooLong> {
        let pieces = pieces
            .iter()
            .map(|piece| Ok(Bytes::copy_from_slice(piece.as_bytes())));
        token(stream::iter(pieces.collect::<Vec<_>>())).await
    }

    #[tokio::test]
    async fn the_token_is_found_in_a_form_in_any_pieces() {
        let found = |token: &str| Ok(Some(token.to_owned()));
        for (pieces, expected) in [
            (&["token=a.b-c_d"][..], found("a.b-c_d")),
            (&["x=y&tok", "en=a", "b&z="], found("ab")),
            (&["token=a%2Eb+c"], found("a.b c")),
            (&["token="], found("")),
            (&["token=a&token=b"], found("a")),
            (&["token"], Ok(None)),
            (&["Token=a"], Ok(None)),
            (&["{\"token\":\"a\"}"], Ok(None)),
            (&["token=%FF"], Ok(None)),
            (&[], Ok(None)),
        ] {
            assert_eq!(of(pieces).await, expected, "{pieces:?}");
        }
    }

    #[tokio::test]
    async fn a_form_has_16_kib_at_the_most() {
        let most = format!("token={}", "a".repeat(MAX_BYTES - 6));
        assert!(of(&[&most]).await.is_ok());
        assert_eq!(of(&[&most, "a"]).await, Err(TooLong));
    }
}
