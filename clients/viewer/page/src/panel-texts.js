// The words of the chat, of proposals and of differences, for translation.
import { visible } from "./names.js";
import { counted, until } from "./texts.js";

/** The change of a file, as a word and as a letter. */
export const kinds = { edited: "edited", added: "new", deleted: "deleted" };
export const letters = { edited: "M", added: "A", deleted: "D" };

export const chat = {
  title: "Chat",
  log: "Messages",
  here: (/** @type {number} */ count) => `${count.toLocaleString("en")} here`,
  members: "Who is here",
  streamer: "streamer",
  you: "you",
  empty: "Nobody has said anything yet.",
  closed: "The chat of this project is for people with a name.",
  askForLink: (/** @type {string} */ streamer) =>
    `You are reading along. To write, open a link with your name in it: ${visible(streamer)} can make one.`,
  guest: "You are reading along. Choose a name to write, too.",
  join: "Join as guest",
  field: "Message",
  placeholder: "Say something",
  send: "Send",
  newMark: "New",
  newMessages: (/** @type {number} */ count) => counted(count, "new message"),
  slow: (/** @type {number} */ seconds) =>
    `That was quick: wait ${counted(seconds, "second")}, then send again.`,
  muted: (/** @type {number} */ end) => `You are muted until ${until(end)}.`,
  lifted: "You can write again.",
  banned: (/** @type {number} */ end) =>
    `You are banned from the chat and from proposing${end ? ` until ${until(end * 1000)}` : ""}.`
    + " You can still watch.",
  slowMode: (/** @type {number} */ seconds, /** @type {number} */ left) =>
    `Slow mode: one message every ${seconds} s${left > 0 ? `, the next in ${left} s` : ""}.`,
  show: "Show",
  announcement: "announcement",
  announced: (/** @type {string} */ username, /** @type {string} */ message) =>
    `${visible(username)} announces: ${visible(message.slice(0, 200))}`,
  long: "That is too long for one message.",
  lost: "Not sent: the connection was lost. Your text is still here.",
  doubt: "Perhaps not sent: the connection was lost. Once it is back, this page will see.",
  refused: (/** @type {string} */ message) => `Not sent: ${visible(message)}`,
};

export const propose = {
  title: "Your edits",
  empty: "Change something and propose it: nothing is sent before you say so.",
  edit: "Edit",
  remove: "Delete",
  editFile: (/** @type {string} */ name) => `Edit ${visible(name)}`,
  newFile: "New file",
  newName: "Name of the new file",
  newPlaceholder: "src/new.rs",
  renameTo: "New name",
  create: "Create",
  rename: "Rename",
  cancel: "Cancel",
  renameFile: (/** @type {string} */ name) => `Rename ${visible(name)}`,
  removeFile: (/** @type {string} */ name) => `Delete ${visible(name)}`,
  from: (/** @type {string} */ name) => `was ${visible(name)}`,
  unchanged: "no change yet",
  discard: (/** @type {string} */ name) => `Discard the edit of ${visible(name)}`,
  discarded: (/** @type {string} */ name) => `Your edit of ${visible(name)} is discarded`,
  undo: "Undo",
  heading: "Title",
  headingPlaceholder: "What changes",
  why: "Why",
  whyPlaceholder: "What it is good for (optional)",
  send: (/** @type {number} */ count) => `Propose ${counted(count, "file")}`,
  sending: (/** @type {number} */ percent) => `Sending… ${percent} %`,
  needsTitle: "Say in a title what changes.",
  lost: "Not sent: the connection was lost. Your edits are still here; send them again when it is back.",
  refused: (/** @type {string} */ message) =>
    `Not sent: ${visible(message)}. Your edits are still here.`,
  notKept: "These edits do not survive a reload of this page.",
  overlong: "These edits have become too long: what you have typed last is not kept.",
  tooLong: "That is too long to be edited here.",
  noText: "Only text can be edited here.",
  gone: "That file is not there any more.",
  sent: "Sent",
  files: (/** @type {number} */ count) => counted(count, "file"),
  states: {
    waiting: "Waiting",
    accepted: "Accepted",
    closed: "Closed",
    withdrawn: "Withdrawn",
    ended: "Decided",
  },
  withdraw: "Withdraw",
  forget: (/** @type {string} */ title) => `Take “${visible(title)}” off the list`,
  told: {
    accepted: (/** @type {string} */ title) => `“${visible(title)}” was accepted.`,
    closed: (/** @type {string} */ title) =>
      `“${visible(title)}” was closed without being accepted.`,
    ended: (/** @type {string} */ title) => `“${visible(title)}” was decided while you were away.`,
  },
  show: "Show",
  problems: {
    empty: "A file needs a name.",
    parts: "No part of the name may be empty, “.” or “..”.",
    characters: "A name has no backslashes and no control characters.",
    taken: "There is a file of that name.",
  },
  guest: "Choose a name, then you can edit files here and propose your changes.",
  waiting: (/** @type {number} */ count) =>
    `What you have edited as a guest waits here until you have a name again: ${counted(count, "file")}.`,
  nameless: "Your edits are kept, but cannot be sent without a name.",
  join: "Join as guest",
  notAllowed: (/** @type {string} */ streamer) =>
    `Proposing takes a link with your name in it: ask ${visible(streamer)} for one.`,
  isAway: "You can edit while the connection is lost, and send when it is back.",
};

export const review = {
  title: "Proposals",
  empty: "No proposals yet. Viewers who edit a file here can send you one.",
  by: (/** @type {string} */ owner) => `by ${visible(owner)}`,
  files: (/** @type {number} */ count) => counted(count, "file"),
  seen: (/** @type {number} */ seen, /** @type {number} */ all) => `${seen} of ${all} seen`,
  markSeen: (/** @type {string} */ name) => `${visible(name)} looked at`,
  accept: "Accept",
  close: "Close",
  closeSure: "Close it without accepting?",
  keep: "Keep",
  asked: "Asked: say yes in the terminal where twicecast share runs.",
  withTerminal: "Accept asks twicecast share, which puts it into your folder.",
  nobody:
    "Nothing can put it into your folder from here: twicecast share is not running for it. "
    + "Type this in that folder:",
  command: (/** @type {string} */ id) => `twicecast pulls apply ${visible(id)}`,
  copy: "Copy",
  copied: "Copied.",
  notCopied: "This browser lets no page copy without https: select the command instead.",
  outcomes: {
    applied: "It is in your folder.",
    partly: "Part of it is in your folder.",
    declined: "You said no in the terminal.",
    failed: "It could not be put into your folder.",
  },
  conflicts: (/** @type {number} */ count) =>
    `${counted(count, "file has a conflict", "files have conflicts")} to solve in your editor:`,
  refused: (/** @type {string} */ message) =>
    message ? `Not accepted: ${visible(message)}` : "Not accepted: the connection was lost.",
  arrived: (/** @type {string} */ owner, /** @type {string} */ title) =>
    `${visible(owner)} proposes “${visible(title)}”.`,
  accepted: (/** @type {string} */ title) => `“${visible(title)}” is in your folder.`,
  look: "Review",
};

export const difference = {
  own: "your edit",
  proposed: (/** @type {string} */ owner) => `as ${visible(owner)} proposes`,
  position: (/** @type {number} */ at, /** @type {number} */ of) => `${at} of ${of}`,
  moved: "changed since",
  movedWhy:
    "The file has changed since this was written. Accepting merges both, and says where that does not work.",
  deleted: "This file would be deleted.",
  added: "This file is new.",
  unified: "In one column",
  seen: "Seen",
  next: "Next difference",
  previous: "Previous difference",
  nextFile: "Next file",
  previousFile: "Previous file",
  edit: "Edit",
  back: "Back to the file",
  same: "There is no difference.",
  bytes: (/** @type {string} */ before, /** @type {string} */ after) =>
    `This is no text. Size before: ${visible(before)}, after: ${visible(after)}.`,
  nothing: "none",
  loading: "Loading…",
  failed: "This proposal cannot be shown: it was closed, or the connection was lost.",
  before: "The project",
  after: "Proposed",
};
