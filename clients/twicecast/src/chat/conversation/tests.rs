use twicecast_client::protocol::ServerError;

use crate::chat::conversation::*;
use crate::chat::orders::Order;

const NOW: i64 = 5_000;

fn said(id: u64, name: &str, text: &str) -> Value {
    json!({"message": text, "username": name, "room": "ana/demo", "id": id, "date": id * 1_000})
}

/// A conversation of bob's, driven as the connection would.
struct World {
    conversation: Conversation,
}

impl World {
    fn outside() -> Self {
        Self {
            conversation: Conversation::new("bob", "ana/demo", false),
        }
    }

    fn inside(history: &[Value]) -> Self {
        let mut world = Self::outside();
        world.enter(history);
        world
    }

    /// Enters; the server answers with this history.
    fn enter(&mut self, history: &[Value]) {
        self.conversation.entered();
        self.answer("chatHistory", "history", &json!(history));
        self.answer("chatMembers", "members", &json!(["ana", "bob"]));
    }

    /// The next request, which must have this subtype: its reference and data.
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

    /// Expects this text as the next message, and acknowledges it.
    fn acknowledge(&mut self, text: &str) {
        let (reference, data) = self.asked("message");
        assert_eq!(data, json!({"message": text}));
        self.reply(Some(reference), "chatMessage", &json!("OK"));
    }

    /// Expects a message, and answers it with this error.
    fn refuse(&mut self, code: u64, until: Option<u64>, retry_after: Option<u64>) -> bool {
        let (reference, _) = self.asked("message");
        let error = ServerError {
            code,
            kind: "anyError".into(),
            message: "a reason".into(),
            file: None,
            until,
            retry_after,
            banned: false,
        };
        self.conversation.handle_error(Some(reference), &error)
    }

    /// The effects as short texts.
    fn effects(&mut self) -> Vec<String> {
        std::iter::from_fn(|| self.conversation.effect())
            .map(|effect| match effect {
                Effect::Message(_, words) => {
                    let number = words.number.map(|number| format!("#{number} "));
                    let loud = if words.is_announcement { "!" } else { "" };
                    let number = number.unwrap_or_default();
                    format!("{number}{}{loud}: {}", words.name, words.text)
                }
                Effect::Remove(id) => format!("remove {id}"),
                Effect::Offer(offer) => {
                    let moderates = if offer.moderates {
                        ", all commands"
                    } else {
                        ""
                    };
                    format!("offer {}{moderates}", offer.names.join("+"))
                }
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
fn a_message_of_somebody_banned_is_neither_muted_nor_is_the_token_lost() {
    for until in [Some(9), None] {
        let mut world = World::inside(&[]);
        world.effects();
        world.conversation.say("one".into());
        let (reference, _) = world.asked("message");
        let error = ServerError {
            code: 401,
            kind: "badAuthError".into(),
            message: "you are banned".into(),
            file: None,
            until,
            retry_after: None,
            banned: true,
        };
        let is_withdrawn = world.conversation.handle_error(Some(reference), &error);
        assert!(!is_withdrawn, "the ban itself ends the conversation");
        let told = "! Not sent: you are banned.";
        assert_eq!(world.effects(), [told, "back one"]);
    }
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
    // The same text from another connection is another message.
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
        banned: false,
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
    let mut conversation = Conversation::new("bob", "ana/demo", false);
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
    let mut conversation = Conversation::new("bob", "ana/demo", false);
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
    let mut conversation = Conversation::new("bob", "ana/demo", false);
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

/// A person who types and has entered; the server answered with this `status`.
fn typing(status: &Value) -> World {
    let mut world = World {
        conversation: Conversation::new("bob", "ana/demo", true),
    };
    world.conversation.entered();
    let request = world.conversation.request().expect("a status");
    let request: Value = serde_json::from_str(&request).unwrap();
    assert_eq!(request["subtype"], "status");
    let data = json!({"username": "ana", "project": "demo"});
    assert_eq!(request["data"], data);
    world.reply(request["ref"].as_u64(), "fileStatus", status);
    let history = json!([said(1, "eve", "one"), said(2, "pat", "two")]);
    world.answer("chatHistory", "history", &history);
    world.answer("chatMembers", "members", &json!(["ana", "bob"]));
    world
}

fn moderator() -> World {
    let mut world = typing(&json!({"slow": 0, "you": {"moderate": true}}));
    world.effects();
    world
}

fn moderated(action: &str, name: &str) -> Value {
    let until = (action == "mute").then_some(9);
    json!({"room": "ana/demo", "action": action, "username": name, "until": until})
}

#[test]
fn who_moderates_sees_numbers_and_is_offered_names_and_commands() {
    let mut world = typing(&json!({"slow": 30, "you": {"moderate": true}}));
    let effects = world.effects();
    assert!(effects.contains(&"#1 eve: one".to_owned()), "{effects:?}");
    let slow = "! Slow mode: everybody but the moderators writes once in 30 s.";
    assert!(effects.contains(&slow.to_owned()), "{effects:?}");
    let offer = "offer ana+bob+eve+pat, all commands".to_owned();
    assert!(effects.contains(&offer), "{effects:?}");

    let mut world = typing(&json!({"you": {"moderate": false}}));
    let effects = world.effects();
    assert!(effects.contains(&"eve: one".to_owned()), "{effects:?}");
    assert!(!effects.iter().any(|effect| effect.contains("commands")));
    world
        .conversation
        .order(Order::Unmute("eve".into()), "/unmute eve".into());
    assert_eq!(world.conversation.request(), None);
    let effects = world.effects();
    assert!(effects[0].contains("Only the streamer and moderators"));
    assert_eq!(effects[1], "back /unmute eve");
}

#[test]
fn a_server_that_knows_no_moderation_is_a_server_without_it() {
    let mut world = typing(&json!({"files": 3}));
    assert!(!world.conversation.moderates());
    world.effects();
    world.conversation.say("one".into());
    world.acknowledge("one");
}

#[test]
fn an_order_is_sent_and_what_comes_of_it_is_told_once() {
    let mut world = moderator();
    world
        .conversation
        .order(Order::Mute("eve".into(), 60), "/mute eve 1m".into());
    let (reference, data) = world.asked("mute");
    assert_eq!(data, json!({"username": "eve", "seconds": 60}));
    world.reply(None, "chatModerated", &moderated("mute", "eve"));
    world.reply(
        Some(reference),
        "chatMute",
        &json!({"username": "eve", "until": 9}),
    );
    let effects = world.effects();
    assert_eq!(effects.len(), 1, "{effects:?}");
    assert!(
        effects[0].starts_with("! eve is muted until "),
        "{effects:?}"
    );

    for is_lifted in [true, false] {
        world
            .conversation
            .order(Order::Unban("eve".into()), "/unban eve".into());
        let (reference, _) = world.asked("unban");
        if is_lifted {
            world.reply(None, "chatModerated", &moderated("unban", "eve"));
        }
        world.reply(Some(reference), "chatUnban", &json!("OK"));
        let told = ["! eve was not banned.", "! eve may come back."];
        assert_eq!(world.effects(), [told[usize::from(is_lifted)]]);
    }

    world
        .conversation
        .order(Order::Ban("~eve".into(), None), "/ban ~eve".into());
    let (reference, data) = world.asked("ban");
    assert_eq!(data, json!({"username": "~eve"}));
    world.reply(None, "chatModerated", &moderated("ban", "~eve"));
    let answer = json!({"username": "~eve", "address": true});
    world.reply(Some(reference), "chatBan", &answer);
    let told = "! No guest comes from the same address any more, either.";
    assert_eq!(world.effects(), ["! ~eve is banned.", told]);

    world
        .conversation
        .order(Order::Mute("~eve".into(), 60), "/mute ~eve 1m".into());
    let (reference, _) = world.asked("mute");
    let answer = json!({"username": "~eve", "until": 9, "address": true});
    world.reply(Some(reference), "chatMute", &answer);
    let told = "! No guest from the same address can write, either.";
    assert_eq!(world.effects(), [told]);
}

#[test]
fn an_order_that_is_refused_or_lost_is_told_and_the_line_comes_back() {
    let mut world = moderator();
    world
        .conversation
        .order(Order::Unmute("ana".into()), "/unmute ana".into());
    let (reference, _) = world.asked("unmute");
    let error = ServerError {
        code: 400,
        kind: "badParametersError".into(),
        message: "not the streamer\u{1b}".into(),
        file: None,
        until: None,
        retry_after: None,
        banned: false,
    };
    assert!(!world.conversation.handle_error(Some(reference), &error));
    let told = "! It was not done: not the streamer\\u{1b} (400).";
    assert_eq!(world.effects(), [told, "back /unmute ana"]);
    // A 401 does not end the conversation: another moderator may have muted us.
    world.conversation.order(Order::Show, "/moderation".into());
    let (reference, _) = world.asked("moderation");
    let error = ServerError { code: 401, ..error };
    assert!(!world.conversation.handle_error(Some(reference), &error));
    world.effects();
    world.conversation.order(Order::Slow(5), "/slow 5s".into());
    world.asked("slow");
    world.conversation.lost();
    assert_eq!(
        world.effects(),
        ["! Not known whether it was done: /slow 5s"]
    );
    world.conversation.order(Order::Slow(5), "/slow 5s".into());
    assert_eq!(world.effects()[1], "back /slow 5s");
}

#[test]
fn the_last_message_of_somebody_is_found_in_the_history() {
    let mut world = moderator();
    let delete = |name: &str| (Order::DeleteLast(name.into()), format!("/delete {name}"));
    let (order, line) = delete("eve");
    world.conversation.order(order, line);
    let history = json!([
        said(1, "eve", "one"),
        said(5, "eve", "five"),
        said(6, "pat", "six")
    ]);
    world.answer("chatHistory", "history", &history);
    let (reference, data) = world.asked("delete");
    assert_eq!(data, json!({"id": 5}));
    world.reply(Some(reference), "chatDelete", &json!("OK"));
    assert_eq!(world.effects(), [""; 0], "the room is told, and we with it");
    let (order, line) = delete("zoe");
    world.conversation.order(order, line);
    world.answer("chatHistory", "history", &history);
    let told = "! The room remembers no message of zoe.";
    assert_eq!(world.effects(), [told, "back /delete zoe"]);
}

#[test]
fn a_deleted_message_goes_and_its_author_is_told_but_not_what_it_said() {
    let mut world = moderator();
    world.reply(None, "chatDeleted", &json!({"room": "ana/demo", "id": 1}));
    let effects = world.effects();
    assert_eq!(effects[0], "remove 1");
    assert!(
        effects[1].starts_with("! A message of eve from "),
        "{effects:?}"
    );
    world.reply(None, "chatDeleted", &json!({"room": "ana/demo", "id": 9}));
    assert_eq!(world.effects(), ["remove 9", "! A message was deleted."]);
    // A message that is deleted before the history has arrived is never shown.
    let mut world = World::outside();
    world.conversation.entered();
    world.reply(None, "chatMessage", &said(3, "eve", "filth"));
    world.reply(None, "chatDeleted", &json!({"room": "ana/demo", "id": 3}));
    world.answer("chatHistory", "history", &json!([]));
    assert!(
        !world
            .effects()
            .iter()
            .any(|effect| effect.contains("filth"))
    );
}

#[test]
fn an_announcement_is_told_as_one() {
    let mut world = World::inside(&[]);
    world.effects();
    let mut loud = said(3, "ana", "at eight");
    loud["announcement"] = json!(true);
    world.reply(None, "chatMessage", &loud);
    assert_eq!(world.effects(), ["ana!: at eight"]);
}

#[test]
fn who_is_muted_is_told_and_who_is_banned_has_to_go() {
    let mut world = moderator();
    world.reply(None, "chatModerated", &moderated("mute", "bob"));
    let effects = world.effects();
    assert!(effects[0].starts_with("! A moderator has muted you until "));
    assert!(
        world.conversation.request().is_some(),
        "what may we still do?"
    );
    world.reply(None, "chatModerated", &moderated("unmute", "bob"));
    assert_eq!(world.effects(), ["! You may write again."]);
    let reply = Reply {
        kind: "chatModerated".into(),
        data: moderated("ban", "bob"),
        last: None,
    };
    let failure = world.conversation.handle(None, reply, NOW).unwrap_err();
    assert!(failure.to_string().contains("has banned you"), "{failure}");
    assert!(!failure.may_pass(true), "it is not tried again");
}

#[test]
fn who_types_gets_a_message_back_that_has_to_wait_long_and_a_pipe_waits() {
    let mut world = moderator();
    world.conversation.say("one".into());
    assert!(!world.refuse(429, None, Some(27)));
    let told = "! Not sent: you may write again in 27 s.";
    assert_eq!(world.effects(), [told, "back one"]);
    world.conversation.say("two".into());
    world.refuse(429, None, Some(5));
    assert!(world.effects().contains(&"pause 5".to_owned()));
    let mut world = World::inside(&[]);
    world.effects();
    world.conversation.say("one".into());
    world.refuse(429, None, Some(3_000));
    assert!(world.effects().contains(&"pause 3000".to_owned()));
}

#[test]
fn what_is_in_force_and_who_did_what_is_shown_harmlessly() {
    let mut world = moderator();
    world.conversation.order(Order::Show, "/moderation".into());
    let (reference, _) = world.asked("moderation");
    let shown = json!({
        "muted": [],
        "banned": [
            {"username": "~eve\u{1b}", "by": "mod", "date": 1, "address": true},
            {"username": "pat", "until": 9, "by": "ana", "date": 1, "address": false},
        ],
        "slow": 30,
        "log": [
            {"date": 1_000, "by": "mod", "action": "delete", "username": "~eve\u{1b}", "id": 7},
            {"date": 1_000, "by": "ana", "action": "mute", "username": "pat", "seconds": 600},
        ],
    });
    world.reply(Some(reference), "chatModeration", &shown);
    let effects = world.effects();
    assert_eq!(effects[0], "! Nobody is muted.");
    let ban = "! ~eve\\u{1b} is banned for good, and all guests from the same address (by mod).";
    assert_eq!(effects[1], ban);
    assert!(
        effects[2].starts_with("! pat is banned until "),
        "{effects:?}"
    );
    assert!(
        effects[4].ends_with(" mod: delete #7 ~eve\\u{1b}"),
        "{effects:?}"
    );
    assert!(effects[5].ends_with(" ana: mute pat 10 min"), "{effects:?}");
}
