//! Whose part of the memory a connection uses.

use crate::application::memory::Holder;
use crate::domain::Identity;

/// The holder for a connection of this bearer; `streams` says whether it streams a project. Where
/// reading is public, everybody can become a guest, so a guest counts as somebody without a token.
pub(crate) fn holder_of(identity: Option<&Identity>, streams: bool, public_read: bool) -> Holder {
    match identity {
        Some(_) if streams => Holder::Streamer,
        Some(identity) if !(public_read && identity.user.guest().is_some()) => {
            Holder::Authenticated
        }
        _ => Holder::Unauthenticated,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Claims, Timestamp};

    #[test]
    fn guests_are_strangers_where_everybody_may_read() {
        let bearer = |name: &str, is_guests| {
            let claims = Claims {
                username: Some(name.to_owned()),
                expires_at: Timestamp::from_secs(2_000),
                is_guests,
                ..Claims::default()
            };
            Identity::from_claims(&claims, Timestamp::from_secs(1_000)).expect("valid")
        };
        let (ana, guest) = (bearer("ana", false), bearer("~bob", true));
        for (identity, streams, public_read, holder) in [
            (None, false, true, Holder::Unauthenticated),
            (Some(&ana), false, true, Holder::Authenticated),
            (Some(&ana), true, true, Holder::Streamer),
            (Some(&guest), false, true, Holder::Unauthenticated),
            (Some(&guest), false, false, Holder::Authenticated),
        ] {
            let found = holder_of(identity, streams, public_read);
            assert_eq!(found, holder, "{identity:?} {streams} {public_read}");
        }
    }
}
