//! Clients that ask for projects and read nothing, or too much.

use super::{Running, Stage, batch, for_ever, project, times};
use crate::connection::Role;
use crate::hold::{flood, hold};
use crate::support::file;

pub fn walks(stage: Stage) -> Running {
    unread(stage, "many", 1, 1)
}

pub fn long_walks(stage: Stage) -> Running {
    unread(stage, "long", 1, 1)
}

pub fn files(stage: Stage) -> Running {
    unread(stage, "own", 1, 1)
}

pub fn behind_gets(stage: Stage) -> Running {
    unread(stage, "many", 1, 1)
}

pub fn gets(stage: Stage) -> Running {
    unread(stage, "own", 100, 100)
}

fn unread(stage: Stage, name: &str, count: usize, again: usize) -> Running {
    let asking = batch(&file("get", project(name)), count);
    Box::pin(hold(stage, Role::Unauthenticated, times(again, asking)))
}

pub fn list(stage: Stage) -> Running {
    let asking = batch(&file("list", project("list")), 10);
    Box::pin(flood(stage, Role::Unauthenticated, for_ever(asking), true))
}
