// The words of moderation, for translation. Only moderators' pages load them.
import { visible } from "./names.js";
import { counted, until } from "./texts.js";

/** @param {number} seconds */
function duration(seconds) {
  if (seconds >= 86_400 && seconds % 86_400 === 0) return counted(seconds / 86_400, "day");
  if (seconds >= 3600 && seconds % 3600 === 0) return counted(seconds / 3600, "hour");
  if (seconds >= 60 && seconds % 60 === 0) return counted(seconds / 60, "minute");
  return counted(seconds, "second");
}

export const moderation = {
  title: "Moderation",
  close: "Close",
  more: (/** @type {string} */ name) => `Actions for this message by ${visible(name)}`,
  remove: "Delete message…",
  removeSure: "Delete this message for everybody?",
  removeNow: "Delete for everybody",
  keep: "Keep",
  mute: (/** @type {string} */ name, /** @type {number} */ seconds) =>
    `Mute ${visible(name)} for ${duration(seconds)}`,
  ban: (/** @type {string} */ name, /** @type {number} */ seconds) =>
    `Ban ${visible(name)} ${seconds > 0 ? `for ${duration(seconds)}` : "until lifted"}`,
  muted: (/** @type {string} */ name, /** @type {number} */ end) =>
    `${visible(name)} is muted until ${until(end * 1000)}.`,
  banned: (/** @type {string} */ name, /** @type {number} */ end) =>
    `${visible(name)} is banned${end > 0 ? ` until ${until(end * 1000)}` : ""}.`,
  undo: "Undo",
  refused: (/** @type {string} */ message) =>
    message ? `Not done: ${visible(message)}` : "Not done: the connection was lost.",
  announce: "As announcement",
  slow: "Slow mode",
  slowness: (/** @type {number} */ seconds) =>
    seconds > 0 ? `One message every ${duration(seconds)}` : "Off",
  mutes: "Muted",
  bans: "Banned",
  nobody: "Nobody.",
  lift: "Lift",
  liftOf: (/** @type {string} */ name) => `Lift it for ${visible(name)}`,
  term: (/** @type {number} */ end) => (end > 0 ? `until ${until(end * 1000)}` : "until lifted"),
  by: (/** @type {string} */ name) => `by ${visible(name)}`,
  address: "with their address",
  log: "Latest actions",
  noLog: "Nobody has done anything yet.",
  deed: (/** @type {string} */ by, /** @type {string} */ what, /** @type {number} */ at) =>
    `${visible(until(at))}: ${visible(by)} ${visible(what)}`,
  deeds: {
    mute: (/** @type {string} */ name, /** @type {number} */ seconds) =>
      `muted ${visible(name)} for ${duration(seconds)}`,
    unmute: (/** @type {string} */ name) => `let ${visible(name)} write again`,
    ban: (/** @type {string} */ name, /** @type {number} */ seconds) =>
      `banned ${visible(name)}${seconds > 0 ? ` for ${duration(seconds)}` : ""}`,
    unban: (/** @type {string} */ name) => `lifted the ban on ${visible(name)}`,
    delete: (/** @type {string} */ name) =>
      (name ? `deleted a message of ${visible(name)}` : "deleted a message"),
    slow: (/** @type {string} */ _name, /** @type {number} */ seconds) =>
      seconds > 0 ? `turned slow mode on: a message every ${duration(seconds)}` : "turned slow mode off",
    announce: () => "made an announcement",
  },
  loading: "Loading…",
  keys:
    "Every message has a menu. By keyboard: Tab goes from the messages to the newest, ↑ and ↓ to the "
    + "others.",
};
