use twicecast_client::protocol::ServerError;

use crate::chat::conversation::*;

const NOW: i64 = 5_000;

fn said(id: u64, name: &str, text: &str) -> Value {
    json!({"message": text, "username": name, "room": "ana/demo", "id": id, "date": id * 1_000})
}

/// A conversation of bob's, driven as the connection does.
struct World {
    conversation: Conversation,
}

impl World {
    fn outside() -> Self {
        Self {
            conversation: Conversation::new("bob"),
        }
    }

    fn inside(history: &[Value]) -> Self {
        let mut world = Self::outside();
        world.enter(history);
        world
    }

    /// Enters; what had been said is answered so.
    fn enter(&mut self, history: &[Value]) {
        self.conversation.entered();
        self.answer("chatHistory", "history", &json!(history));
        self.answer("chatMembers", "members", &json!(["ana", "bob"]));
    }

    /// The next request, which must be of that kind; its reference.
    fn asked(&mut self, subtype: &str) -> (u64, Value) {
        let request = self.conversation.request().expect(subtype);
        let request: Value = serde_json::from_str(&request).unwrap();
        assert_eq!(
            (&request["type"], &request["subtype"]),
            (&json!("chat"), &json!(subtype))
        );
        (request["ref"].as_u64().unwrap(), request["data"].clone())
    }

    fn answer(&mut self, kind: &str, subtype: &str, data: &Value) {
        let (reference, _) = self.asked(subtype);
        self.reply(Some(reference), kind, data);
    }

    fn reply(&mut self, reference: Option<u64>, kind: &str, data: &Value) {
        let reply = Reply {
            kind: kind.into(),
            data: data.clone(),
            last: None,
        };
        self.conversation.handle(reference, reply, NOW).unwrap();
    }

    /// The next message is sent with this text, and acknowledged.
    fn acknowledge(&mut self, text: &str) {
        let (reference, data) = self.asked("message");
        assert_eq!(data, json!({"message": text}));
        self.reply(Some(reference), "chatMessage", &json!("OK"));
    }

    /// The next message is sent, and answered with this error.
    fn refuse(&mut self, code: u64, until: Option<u64>, retry_after: Option<u64>) -> bool {
        let (reference, _) = self.asked("message");
        let error = ServerError {
            code,
            kind: "anyError".into(),
            message: "a reason".into(),
            file: None,
            until,
            retry_after,
        };
        self.conversation.handle_error(Some(reference), &error)
    }

    /// What was to happen outside, as short texts.
    fn effects(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.conversation.effect())
            .map(|effect| match effect {
                Effect::Message { name, text, .. } => format!("{name}: {text}"),
                Effect::Names(names) => names
                    .iter()
                    .map(Untrusted::raw)
                    .collect::<Vec<_>>()
                    .join("+"),
                Effect::Tell(sentence) => format!("! {sentence}"),
                Effect::GiveBack(text) => format!("back {text}"),
                Effect::Pause(seconds) => format!("pause {seconds}"),
            })
            .collect()
    }
}

#[test]
fn entering_shows_the_history_then_who_is_there_then_what_is_said() {
    let mut world = World::outside();
    world.conversation.entered();
    world.reply(None, "chatMessage", &said(2, "ana", "two"));
    world.reply(None, "chatMessage", &said(3, "ana", "three"));
    assert!(!world.conversation.is_idle());
    let history = json!([said(1, "ana", "one"), said(2, "ana", "two")]);
    world.answer("chatHistory", "history", &history);
    world.answer("chatMembers", "members", &json!(["ana", "bob"]));
    world.reply(None, "chatMessage", &said(4, "ana", "four"));
    assert_eq!(
        world.effects(),
        ["ana: one", "ana: two", "ana: three", "ana+bob", "ana: four"]
    );
    assert!(world.conversation.is_idle());
}

#[test]
fn messages_go_one_by_one_and_are_shown_when_they_are_acknowledged() {
    let mut world = World::outside();
    world.conversation.say("one".into());
    world.conversation.say("two".into());
    world.enter(&[]);
    assert_eq!(world.effects(), ["ana+bob"]);
    world.acknowledge("one");
    assert_eq!(world.effects(), ["bob: one"]);
    assert!(!world.conversation.is_idle());
    world.acknowledge("two");
    assert_eq!(world.effects(), ["bob: two"]);
    assert!(world.conversation.is_idle());
}

#[test]
fn a_message_that_comes_too_soon_waits_and_none_overtakes_it() {
    let mut world = World::inside(&[]);
    world.conversation.say("one".into());
    world.conversation.say("two".into());
    assert!(!world.refuse(429, None, Some(7)));
    assert_eq!(world.conversation.request(), None);
    assert!(world.effects().contains(&"pause 7".to_owned()));
    world.conversation.resume();
    world.acknowledge("one");
    world.acknowledge("two");
    assert_eq!(
        (world.effects().len(), world.conversation.refused()),
        (2, 0)
    );
}

#[test]
fn a_refused_message_is_explained_and_given_back_and_the_next_one_goes() {
    let table = [
        (401, Some(9), "muted in this room until"),
        (413, None, "longer than the server takes (a reason)"),
        (400, None, "refuses it (400: a reason)"),
    ];
    for (code, until, expected) in table {
        let mut world = World::inside(&[]);
        world.effects();
        world.conversation.say("one".into());
        world.conversation.say("two".into());
        assert!(!world.refuse(code, until, None));
        let effects = world.effects();
        assert!(effects[0].contains(expected), "{effects:?}");
        assert_eq!(effects[1], "back one");
        world.acknowledge("two");
        assert_eq!(world.conversation.refused(), 1);
    }
}

#[test]
fn an_expired_token_withdraws_the_room_and_the_message_is_kept_for_the_next() {
    let mut world = World::inside(&[]);
    world.conversation.say("one".into());
    assert!(world.refuse(401, None, None));
    assert!(world.conversation.lost());
    world.effects();
    world.enter(&[]);
    world.acknowledge("one");
    assert_eq!(world.effects(), ["ana+bob", "bob: one"]);
}

#[test]
fn after_a_lost_connection_only_what_is_new_is_shown() {
    let mut world = World::inside(&[said(1, "ana", "one")]);
    world.conversation.say("mine".into());
    world.acknowledge("mine");
    world.effects();
    assert!(world.conversation.lost());
    assert!(!world.conversation.lost());
    let history = [
        said(1, "ana", "one"),
        said(2, "bob", "mine"),
        said(3, "ana", "three"),
    ];
    world.enter(&history);
    assert_eq!(world.effects(), ["ana: three", "ana+bob"]);
    // The same text from elsewhere is another message.
    world.conversation.lost();
    world.enter(&[said(3, "ana", "three"), said(4, "bob", "mine")]);
    assert_eq!(world.effects(), ["bob: mine", "ana+bob"]);
}

#[test]
fn a_message_without_an_answer_is_sent_again_unless_the_history_has_it() {
    for has_arrived in [true, false] {
        let mut world = World::inside(&[]);
        world.conversation.say("one".into());
        world.asked("message");
        world.conversation.lost();
        assert!(!world.conversation.is_idle());
        world.effects();
        if has_arrived {
            world.enter(&[said(1, "bob", "one")]);
            assert_eq!(world.effects(), ["bob: one", "ana+bob"]);
        } else {
            world.enter(&[]);
            world.acknowledge("one");
            assert_eq!(world.effects(), ["ana+bob", "bob: one"]);
        }
        assert!(world.conversation.is_idle());
    }
}

#[test]
fn a_room_that_counts_from_the_beginning_again_is_shown_again() {
    let mut world = World::inside(&[said(7, "ana", "seven")]);
    world.effects();
    world.conversation.lost();
    let mut anew = said(1, "ana", "one");
    anew["date"] = json!(9_000);
    world.enter(&[anew]);
    assert_eq!(world.effects(), ["ana: one", "ana+bob"]);
}

#[test]
fn a_connection_lost_while_entering_loses_no_message() {
    let mut world = World::outside();
    world.conversation.entered();
    world.reply(None, "chatMessage", &said(1, "ana", "one"));
    assert!(world.conversation.lost());
    assert_eq!(world.effects(), ["ana: one"]);
    world.enter(&[said(1, "ana", "one")]);
    assert_eq!(world.effects(), ["ana+bob"]);
}

#[test]
fn a_history_that_cannot_be_had_keeps_nobody_out() {
    let mut world = World::outside();
    world.conversation.say("one".into());
    world.conversation.entered();
    let error = ServerError {
        code: 500,
        kind: "internalError".into(),
        message: "\u{1b}[2J".into(),
        file: None,
        until: None,
        retry_after: None,
    };
    for subtype in ["history", "members"] {
        let (reference, _) = world.asked(subtype);
        assert!(!world.conversation.handle_error(Some(reference), &error));
    }
    assert!(
        world
            .effects()
            .iter()
            .all(|effect| !effect.contains('\u{1b}'))
    );
    world.acknowledge("one");
}

#[test]
fn nonsense_for_a_message_is_a_sentence() {
    let mut world = World::inside(&[]);
    let reply = Reply {
        kind: "chatMessage".into(),
        data: json!("OK"),
        last: None,
    };
    assert!(world.conversation.handle(None, reply, NOW).is_err());
}

#[test]
fn a_message_that_loses_every_connection_is_given_up_after_the_third() {
    let mut world = World::inside(&[]);
    world.conversation.say("one".into());
    world.conversation.say("two".into());
    for _ in 0..3 {
        world.asked("message");
        world.conversation.lost();
        world.enter(&[]);
    }
    let effects = world.effects();
    assert!(
        effects
            .iter()
            .any(|effect| effect.starts_with("! Given up"))
    );
    assert!(effects.contains(&"back one".to_owned()));
    world.acknowledge("two");
    assert_eq!(world.conversation.refused(), 1);
}

#[test]
fn what_is_too_long_for_any_server_is_not_sent() {
    let mut world = World::inside(&[]);
    world.conversation.say("x".repeat(MESSAGE_BYTES_MAX + 1));
    assert_eq!(
        (world.conversation.request(), world.conversation.refused()),
        (None, 1)
    );
    world.conversation.say("x".repeat(MESSAGE_BYTES_MAX));
    world.asked("message");
}

#[test]
fn no_more_waits_than_the_bounds_allow() {
    let mut conversation = Conversation::new("bob");
    for _ in 0..QUEUE_MAX {
        assert!(conversation.has_room());
        conversation.say("hi".into());
    }
    assert!(!conversation.has_room());
    conversation.say("one more".into());
    assert_eq!(
        (conversation.unsent().count(), conversation.refused()),
        (QUEUE_MAX, 1)
    );
    let mut conversation = Conversation::new("bob");
    for _ in 0..5 {
        conversation.say("x".repeat(MESSAGE_BYTES_MAX));
    }
    assert_eq!(
        conversation.unsent().count(),
        QUEUE_BYTES_MAX / MESSAGE_BYTES_MAX
    );
    for _ in 0..9 {
        conversation.remember("x".repeat(MESSAGE_BYTES_MAX));
    }
    assert_eq!(
        conversation.acknowledged.len(),
        ACKNOWLEDGED_BYTES_MAX / MESSAGE_BYTES_MAX
    );
}

#[test]
fn a_server_that_never_tells_the_history_is_left() {
    let mut conversation = Conversation::new("bob");
    conversation.entered();
    let told = || Reply {
        kind: "chatMessage".into(),
        data: said(1, "eve", "x"),
        last: None,
    };
    for _ in 0..EARLY_MAX {
        conversation.handle(None, told(), NOW).unwrap();
    }
    let failure = conversation.handle(None, told(), NOW).unwrap_err();
    assert!(!failure.may_pass(true));
}
