//! A history: clients on one side, the model on the other.

use std::collections::VecDeque;
use std::time::Duration;

use serde_json::{Value, json};

use crate::ask::{Ask, Right};
use crate::matching::Marks;
use crate::model::{Reaction, World};
use crate::support::Client;

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(10);

/// How the server and the model differ.
pub type Difference = String;

pub struct Game {
    url: String,
    pub world: World,
    pub marks: Marks,
    clients: Vec<Option<Client>>,
    /// What may or may not come to each connection.
    perhaps: Vec<Vec<Value>>,
    /// A log of what was done, for people.
    pub log: Vec<String>,
    last_reference: u64,
}

impl Game {
    pub fn new(url: String, world: World) -> Self {
        let count = world.connections.len();
        Self {
            url,
            world,
            marks: Marks::default(),
            clients: (0..count).map(|_| None).collect(),
            perhaps: vec![Vec::new(); count],
            log: Vec::new(),
            last_reference: 0,
        }
    }

    fn note(&mut self, me: usize, what: &str) {
        self.log.push(format!("{me}: {what}"));
    }

    pub async fn connect(&mut self, me: usize) {
        self.note(me, "connects");
        self.clients[me] = Some(Client::connect(&self.url).await);
        self.world.connect(me);
    }

    /// Closes and waits for the server's close; then everything tied to the connection has ended.
    pub async fn disconnect(&mut self, me: usize) -> Result<(), Difference> {
        self.note(me, "closes");
        let client = self.clients[me].as_mut().ok_or("no connection")?;
        client.send_close().await;
        let mut reaction = self.world.disconnect(me);
        let own = reaction.perhaps.drain(..).map(|(_, message)| message);
        self.perhaps[me].extend(own);
        // A close without a code is answered by one without a code.
        self.closed(me, 1_005).await?;
        self.take_pushes(me, reaction).await
    }

    /// Sends a request, and takes everything that results from it.
    pub async fn ask(
        &mut self,
        me: usize,
        ask: &Ask,
        with_reference: bool,
    ) -> Result<(), Difference> {
        self.ask_all(me, &[ask], with_reference).await
    }

    /// Sends all of this without waiting, and takes everything that results: all answers, and all
    /// pushes to all connections.
    pub async fn ask_all(
        &mut self,
        me: usize,
        asks: &[&Ask],
        with_reference: bool,
    ) -> Result<(), Difference> {
        let mut all = Reaction::default();
        for ask in asks {
            let reference = self.send(me, ask, with_reference).await?;
            let reaction = self.world.ask(me, ask, reference.as_ref());
            all.replies.extend(reaction.replies);
            all.pushes.extend(reaction.pushes);
            all.perhaps.extend(reaction.perhaps);
            all.closes |= reaction.closes;
        }
        let replies = std::mem::take(&mut all.replies);
        let own = all.pushes.extract_if(.., |(to, _)| *to == me);
        let own = own.map(|(_, push)| push).collect();
        let mut authentications = asks
            .iter()
            .filter(|ask| matches!(ask, Ask::Authenticate(..) | Ask::SectionAlone(..)));
        let pushes_last = authentications.next().is_some();
        let own_perhaps = all.perhaps.extract_if(.., |(to, _)| *to == me);
        self.perhaps[me].extend(own_perhaps.map(|(_, message)| message));
        self.receive(me, replies, own, pushes_last).await?;
        if all.closes {
            self.closed(me, 1_008).await?;
        }
        self.take_pushes(me, all).await
    }

    /// Sends a request; returns its `ref`.
    async fn send(
        &mut self,
        me: usize,
        ask: &Ask,
        with_reference: bool,
    ) -> Result<Option<Value>, Difference> {
        self.last_reference += 1;
        let mut reference = with_reference.then(|| json!(self.last_reference));
        let text = if let Some(mut request) = ask.json() {
            if request["ref"].is_null() {
                request["ref"] = json!(reference);
            } else {
                // The `ref` of this request is itself invalid, so it is not echoed.
                reference = None;
            }
            self.note(me, &shown(&request));
            self.marks.fill_in(&request.to_string())
        } else {
            let Ask::Garbage(text) = ask else {
                return Err(format!("no request: {ask:?}"));
            };
            self.note(me, text);
            (*text).to_owned()
        };
        let client = self.clients[me].as_mut().ok_or("no connection")?;
        if matches!(ask.split_base().0, Ask::PostPiece(..)) {
            client.send_binary(text).await;
        } else {
            client.send_text(&text).await;
        }
        Ok(reference)
    }

    async fn take_pushes(&mut self, me: usize, reaction: Reaction) -> Result<(), Difference> {
        for (to, message) in reaction.perhaps {
            self.perhaps[to].push(message);
        }
        for other in (0..self.clients.len()).filter(|other| *other != me) {
            let to_him = reaction.pushes.iter().filter(|(to, _)| *to == other);
            let pushes = to_him.map(|(_, push)| push.clone()).collect();
            self.receive(other, Vec::new(), pushes, false).await?;
        }
        Ok(())
    }

    /// Takes the replies in this order, the pushes of files in this order, and the other pushes in
    /// any. With `pushes_last`, no push comes before the last reply.
    async fn receive(
        &mut self,
        me: usize,
        replies: Vec<Value>,
        mut pushes: Vec<Value>,
        pushes_last: bool,
    ) -> Result<(), Difference> {
        let mut replies = VecDeque::from(replies);
        let mut last_date = 0;
        while !(replies.is_empty() && pushes.is_empty()) {
            let message = self.next(me).await.map_err(|what| {
                format!("{what}; awaited by {me}: {replies:.600?} and {pushes:.600?}")
            })?;
            if let Some(reply) = replies.front()
                && self.marks.matches(reply, &message)
            {
                replies.pop_front();
                continue;
            }
            let may_be_push = replies.is_empty() || !pushes_last;
            let first_file = pushes.iter().position(|push| push["type"] == "fileGet");
            let found = pushes
                .iter()
                .position(|push| self.marks.matches(push, &message));
            match found.filter(|_| may_be_push) {
                Some(index) if message["type"] != "fileGet" || Some(index) == first_file => {
                    pushes.remove(index);
                    if message["type"] == "pullRequestCreated" {
                        let date = message["data"]["date"].as_u64().unwrap_or_default();
                        if date < last_date {
                            return Err(format!("not oldest first, to {me}: {message}"));
                        }
                        last_date = date;
                    }
                }
                _ if self.was_possible(me, &message) => {}
                _ => {
                    let message: String = message.to_string().chars().take(1_000).collect();
                    return Err(format!(
                        "to {me} came {message}\nbut awaited were the replies {replies:?}\nand the \
                         pushes {pushes:?}"
                    ));
                }
            }
        }
        Ok(())
    }

    fn was_possible(&mut self, me: usize, message: &Value) -> bool {
        let marks = &mut self.marks;
        let perhaps = &mut self.perhaps[me];
        let found = perhaps.iter().position(|one| marks.matches(one, message));
        found.map(|index| perhaps.remove(index)).is_some()
    }

    async fn next(&mut self, me: usize) -> Result<Value, Difference> {
        let closed = |code| format!("the server closed the connection with {code}");
        self.next_or_close(me).await?.map_err(closed)
    }

    async fn next_or_close(&mut self, me: usize) -> Result<Result<Value, u16>, Difference> {
        let client = self.clients[me].as_mut().ok_or("no connection")?;
        let next = tokio::time::timeout(PATIENCE, client.next_or_close()).await;
        next.map_err(|_| "nothing came".to_owned())
    }

    /// Waits for the close with this code; nothing else may come before it.
    async fn closed(&mut self, me: usize, code: u16) -> Result<(), Difference> {
        loop {
            match self.next_or_close(me).await? {
                Ok(message) if self.was_possible(me, &message) => {}
                Err(actual) if actual == code => break,
                other => return Err(format!("to {me} came before its close {other:?}")),
            }
        }
        self.clients[me] = None;
        self.perhaps[me].clear();
        Ok(())
    }

    /// The numbers of a room's messages grow.
    pub fn check_rooms(&self) -> Result<(), Difference> {
        for (room, said) in &self.world.rooms {
            let known = said
                .iter()
                .filter_map(|said| self.marks.number(&said["id"]));
            let known: Vec<_> = known.collect();
            if !known.windows(2).all(|two| two[0] < two[1]) {
                return Err(format!("in {room} messages are numbered {known:?}"));
            }
        }
        Ok(())
    }

    /// Checks that nothing has come to any connection that was not awaited.
    pub async fn all_quiet(&mut self) -> Result<(), Difference> {
        for me in 0..self.clients.len() {
            if self.clients[me].is_some() {
                self.ask(me, &nothing(), true).await?;
            }
        }
        Ok(())
    }
}

/// A request that only asks for an answer.
pub fn nothing() -> Ask {
    Ask::Faulty(Right::Nothing, json!({"type": "nothing"}))
}

/// A request without the long texts in it.
fn shown(request: &Value) -> String {
    let mut request = request.clone();
    for key in ["content", "token"] {
        if let Some(text) = request["data"][key].as_str().filter(|text| text.len() > 20) {
            request["data"][key] = format!("… {} characters", text.len()).into();
        }
    }
    request.to_string()
}
