//! The decisions of moderators take effect, and those they concern are told.

use std::sync::Arc;

use crate::application::moderation::moderated::Moderated;
use crate::application::ports::StoreError;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::domain::{Action, Ban, Deed, Moderation, Mute};

/// What is in force about somebody after a decision.
#[derive(Debug, Default)]
pub(crate) struct InForce {
    pub mute: Option<Mute>,
    pub ban: Option<Ban>,
}

/// What is in force about the user of `deed`.
pub(super) fn in_force(moderation: &Moderation, deed: &Deed) -> InForce {
    let Some(user) = deed.user() else {
        return InForce::default();
    };
    InForce {
        mute: moderation.muted().get(user).cloned(),
        ban: moderation.banned().get(user).cloned(),
    }
}

/// Puts a decision in force, and tells those it concerns.
///
/// # Errors
/// The decision is in force, but it is not known whether the room is told.
pub(super) async fn take_effect(
    app: &Application,
    moderated: &Moderated,
    next: Arc<Moderation>,
    action: &Action,
) -> Result<(), RequestError> {
    // Waits for messages that are being said: they come before the decision.
    let _quiet = moderated.said.write().await;
    let before = moderated.known();
    put_in_force(app, moderated, &before, next, action);
    let (rooms, room) = (&app.ports.rooms, moderated.room.as_ref());
    match (&action.deed, room) {
        (Deed::Slow(seconds), Some(room)) => told(rooms.slow(room, *seconds).await),
        (Deed::Delete(id, _), Some(room)) => told(rooms.delete(room, *id).await),
        // The caller says an announcement once it is in the log.
        _ => Ok(()),
    }
}

/// # Errors
/// 500, which is logged.
pub(super) fn told(told: Result<(), StoreError>) -> Result<(), RequestError> {
    told.map_err(|error| RequestError::internal("tell a room what a moderator has decided", &error))
}

/// The same for what others have decided at other servers, which tell the room. The caller must
/// hold the turn.
///
/// # Errors
/// It cannot be read.
pub(super) async fn catch_up(app: &Application, moderated: &Moderated) -> Result<(), RequestError> {
    let next = moderated.read_again().await?;
    let _quiet = moderated.said.write().await;
    let before = moderated.known();
    let is_new = |action: &&Action| !before.log().any(|known| known == *action);
    for action in next.log().filter(is_new) {
        put_in_force(app, moderated, &before, Arc::clone(&next), action);
    }
    // The project may have been removed and made again, and then no action is new.
    moderated.adopt(&mut moderated.state(), Arc::clone(&next));
    Ok(())
}

fn put_in_force(
    app: &Application,
    moderated: &Moderated,
    before: &Moderation,
    next: Arc<Moderation>,
    action: &Action,
) {
    let (now, word) = (action.date, action.deed.word());
    let in_force = in_force(&next, &action.deed);
    let mut state = moderated.state();
    moderated.adopt(&mut state, next);
    match &action.deed {
        Deed::Ban(user, _) => {
            let until = in_force.ban.and_then(|ban| ban.until);
            moderated.put_out(app, &mut state, before, (user, until), now);
        }
        Deed::Mute(user, _) => {
            let until = in_force.mute.map(|mute| mute.until);
            moderated.tell_of(app, &state, before, (word, user, until), now);
        }
        Deed::Unmute(user) | Deed::Unban(user) => {
            moderated.tell_of(app, &state, before, (word, user, None), now);
        }
        Deed::Slow(_) | Deed::Delete(..) | Deed::Announce => {}
    }
}
