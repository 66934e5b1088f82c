//! Rooms (section 7).

use std::collections::BTreeSet;

use serde_json::json;

use super::{Answer, RequestError, World, ok, success};

impl World {
    pub(super) fn may_chat(&self, me: usize) -> Result<String, RequestError> {
        let room = &self.connections[me].room;
        room.clone().ok_or(RequestError::Unauthorized)
    }

    pub(super) fn say(&mut self, me: usize, text: &str) -> Answer {
        let room = self.may_chat(me)?;
        let token = self.connections[me].token.as_ref();
        let token = token.ok_or(RequestError::Unauthorized)?;
        if token.muted {
            return Err(RequestError::Muted);
        }
        if text.is_empty() {
            return Err(RequestError::Bad);
        }
        if text.len() > self.limits.chat_bytes {
            return Err(RequestError::Limit("maxChatBytes", self.limits.chat_bytes));
        }
        let user = token.user.clone();
        let number = self.number();
        let said = json!({
            "message": text, "username": user, "room": room,
            "id": format!("$said{number};"), "date": format!("$date{number};"),
        });
        self.rooms
            .entry(room.clone())
            .or_default()
            .push(said.clone());
        for other in 0..self.connections.len() {
            if other != me && self.connections[other].room.as_ref() == Some(&room) {
                self.push(other, success("chatMessage", said.clone()));
            }
        }
        Ok(vec![ok("chatMessage")])
    }

    pub(super) fn history(&self, me: usize, limit: Option<u64>) -> Answer {
        let room = self.may_chat(me)?;
        let said = self.rooms.get(&room).map_or(&[][..], Vec::as_slice);
        let most = self.limits.chat_history;
        let limit = limit.map_or(most, |limit| {
            usize::try_from(limit).map_or(most, |n| n.min(most))
        });
        let latest = &said[said.len().saturating_sub(limit)..];
        Ok(vec![success("chatHistory", json!(latest))])
    }

    pub(super) fn members(&self, me: usize) -> Answer {
        let room = self.may_chat(me)?;
        let in_room = |connection: &&super::Connection| connection.room.as_ref() == Some(&room);
        let names: BTreeSet<_> = self
            .connections
            .iter()
            .filter(in_room)
            .filter_map(|connection| connection.token.as_ref())
            .map(|token| &token.user)
            .collect();
        Ok(vec![success("chatMembers", json!(names))])
    }
}
