//! A moderator decides something: the decision is kept, then it takes effect and those it concerns
//! are told.

use std::sync::Arc;

use crate::application::moderation::effect::{InForce, catch_up, in_force, take_effect, told};
use crate::application::moderation::moderated::Moderated;
use crate::application::ports::ProjectState;
use crate::application::request_error::RequestError;
use crate::application::service::Application;
use crate::application::session::state::Session;
use crate::domain::{
    Action, Bound, ClientAddress, Deed, Moderation, Person, ProjectId, Standing, Timestamp,
    TooManyModerated, UserName,
};

/// The room has given no message this number.
pub(super) const UNKNOWN_MESSAGE: RequestError =
    RequestError::bad("the room has had no message with this id");

/// A moderator, and the project that they moderate.
pub(crate) struct Moderator {
    pub moderated: Arc<Moderated>,
    pub name: UserName,
    /// `None` if no decision may concern it.
    address: Option<ClientAddress>,
}

/// The moderator who asks, before it is known what they ask for.
///
/// # Errors
/// They may not, or what has been decided about them cannot be read.
pub(crate) async fn moderator(
    app: &Application,
    session: &Session,
    now: Timestamp,
) -> Result<Moderator, RequestError> {
    let public_read = app.policy.public.read;
    let (project, bearer) = session.rights().may_moderate(public_read, now)?;
    let (moderated, person) = (app.moderations.of(project), session.person(bearer));
    must_be_free(moderated.standing(person, now).await?)?;
    Ok(Moderator {
        moderated,
        name: bearer.user.clone(),
        address: person.address,
    })
}

/// Those who are muted or banned decide nothing.
fn must_be_free(standing: Standing) -> Result<(), RequestError> {
    match standing {
        Standing {
            banned: Some(ban), ..
        } => Err(RequestError::Banned(ban)),
        Standing {
            muted: Some(until), ..
        } => Err(RequestError::Muted { until }),
        Standing { .. } => Ok(()),
    }
}

impl Moderator {
    fn person(&self) -> Person<'_> {
        Person {
            user: &self.name,
            address: self.address,
        }
    }

    /// The name under which a decision about `user` is kept: a guest who is there may spell it in
    /// another case.
    ///
    /// # Errors
    /// Nothing can be decided about the streamer.
    pub(crate) fn subject(&self, user: UserName) -> Result<UserName, RequestError> {
        if self.moderated.is_streamer(&user) {
            return Err(RequestError::bad(
                "nobody mutes or bans the streamer in their own project",
            ));
        }
        let state = self.moderated.state();
        let mut present = state.present.values().map(|present| &present.user);
        let spelled = present.find(|present| **present == user).cloned();
        Ok(spelled.unwrap_or(user))
    }

    /// Carries out a decision, completely even if the moderator's connection goes away. Returns
    /// what is in force afterwards.
    ///
    /// # Errors
    /// 400, 401, 413 or 429, or 500 if it cannot be kept: nothing has changed then. 500 also if the
    /// decision is in force, but the room may not have been told.
    pub(crate) async fn decide(
        self,
        app: &Arc<Application>,
        deed: Deed,
    ) -> Result<InForce, RequestError> {
        let (project, rate) = (&self.moderated.project, app.limits.chat_rate);
        let allowed = app
            .moderations
            .may_decide(project, &self.name, rate, app.uptime());
        allowed?;
        let own = Arc::clone(app);
        let work = async move { carry_out(&own, self, deed).await };
        app.to_the_end(work).await
    }
}

async fn carry_out(
    app: &Application,
    moderator: Moderator,
    deed: Deed,
) -> Result<InForce, RequestError> {
    let moderated = &*moderator.moderated;
    let _turn = moderated.turn.lock().await;
    let state = app.ports.projects.state(&moderated.project).await;
    let state = state.map_err(|error| RequestError::internal("look up a project", &error))?;
    if state != ProjectState::Registered {
        return Err(RequestError::bad("there is no such project"));
    }
    moderated.load_in_turn().await?;
    loop {
        // Somebody may have decided about this moderator during the wait.
        let standing = moderated.known_standing(&moderated.state(), moderator.person(), app.now());
        must_be_free(standing)?;
        let deed = with_author(app, moderated, deed.clone())?;
        let before = moderated.known();
        let most = app.limits.max_moderated;
        let bound = Bound::new(most, moderated.is_streamer(&moderator.name));
        let action = Action {
            date: app.now(),
            by: moderator.name.clone(),
            deed,
        };
        let addresses = addresses_of(app, moderated, &action).await;
        let mut next = Moderation::clone(&before);
        let changes = next.carry_out(action.clone(), addresses, bound);
        let changes = changes.map_err(|TooManyModerated| RequestError::LimitExceeded {
            limit: "maxModerated",
            value: most as u64,
        })?;
        let next = Arc::new(next);
        let in_force = in_force(&next, &action.deed);
        if !changes {
            if let (Deed::Delete(id, _), Some(room)) = (&action.deed, &moderated.room) {
                // The message may still be on a screen: the number in the log may be older than the
                // room.
                told(app.ports.rooms.delete(room, *id).await)?;
            }
            return Ok(in_force);
        }
        if moderated.save(&next).await? {
            log(&moderated.project, &action);
            take_effect(app, moderated, next, &action).await?;
            return Ok(in_force);
        }
        // Another server was first.
        catch_up(app, moderated).await?;
    }
}

/// Adds the author to the deletion of a message. There is none if the message is no longer in the
/// history, for example because somebody else has just deleted it.
fn with_author(app: &Application, moderated: &Moderated, deed: Deed) -> Result<Deed, RequestError> {
    match (deed, &moderated.room) {
        (Deed::Delete(id, _), Some(room)) => {
            let author = app.ports.rooms.author(room, id);
            Ok(Deed::Delete(id, author.map_err(|_| UNKNOWN_MESSAGE)?))
        }
        (deed, _) => Ok(deed),
    }
}

/// The addresses of a guest who is about to be muted or banned, except those that no decision may
/// concern.
async fn addresses_of(
    app: &Application,
    moderated: &Moderated,
    action: &Action,
) -> Vec<ClientAddress> {
    let (Deed::Mute(user, _) | Deed::Ban(user, _)) = &action.deed else {
        return Vec::new();
    };
    if user.guest().is_none() {
        return Vec::new();
    }
    let (project, guests) = (&moderated.project, &app.ports.guests);
    let taken = guests.address_of(project, user, action.date).await;
    let taken = taken.unwrap_or_else(|error| {
        // The decision is carried out all the same.
        moderated.guests_failed("read from where a guest has come", &error);
        None
    });
    let state = moderated.state();
    let present = state.present.values();
    let present = present.filter(|present| present.user == *user);
    // The address that took the name comes first: only so many are kept, and the other addresses
    // are easier to come by.
    let present = present.filter_map(|present| present.address);
    taken.into_iter().chain(present).collect()
}

/// Names are logged in their debug form, so none can look like another line of the log.
fn log(project: &ProjectId, action: &Action) {
    let Action { by, deed, .. } = action;
    tracing::info!(
        ?project,
        ?by,
        action = deed.word(),
        user = deed.user().map(tracing::field::debug),
        seconds = deed.seconds(),
        message_id = deed.message(),
        "a moderator has acted"
    );
}
