//! What the two connections of a streamer are told when one asks the other to apply a pull request.

use crate::application::connection_id::ConnectionId;
use crate::application::event::{ApplyNotice, Event};
use crate::application::ports::{EventPublisher, Topic};
use crate::application::pull_requests::apply_questions::{ApplyQuestion, ApplyQuestions};
use crate::domain::Uptime;

const TOO_LATE: &str = "nobody accepted it within a minute; nothing has been applied";
const APPLIER_LEFT: &str = "the connection that was to apply it has left; look at the files to see \
                            what it has done";

/// Withdraws the questions that nobody has accepted in time. Called once a second.
pub(crate) fn withdraw_late(questions: &ApplyQuestions, events: &dyn EventPublisher, now: Uptime) {
    for question in questions.expire(now) {
        withdraw(events, &question);
        fail(events, &question, TOO_LATE);
    }
}

/// Tells the connection that is asked that its answer is not wanted any more.
pub(crate) fn withdraw(events: &dyn EventPublisher, question: &ApplyQuestion) {
    let request = question.request;
    tell(events, question.applier, ApplyNotice::Withdrawn { request });
}

/// Tells the connection that asks that the one that was asked has left.
pub(crate) fn tell_of_applier_left(events: &dyn EventPublisher, question: &ApplyQuestion) {
    fail(events, question, APPLIER_LEFT);
}

fn fail(events: &dyn EventPublisher, question: &ApplyQuestion, message: &'static str) {
    let ApplyQuestion { request, id, .. } = *question;
    let notice = ApplyNotice::Failed {
        request,
        id,
        message,
    };
    tell(events, question.asker, notice);
}

/// Tells one connection.
pub(crate) fn tell(events: &dyn EventPublisher, connection: ConnectionId, notice: ApplyNotice) {
    events.publish(&Topic::Own(connection), Event::Apply(notice), None);
}
