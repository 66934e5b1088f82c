// All words of the page, one group for each view. Texts with values are functions; names are passed
// unchanged, and come out as plain text in which every character is visible.
import { sizeText, visible } from "./names.js";

const numbers = new Intl.NumberFormat("en");

/** @param {number} count @param {string} one @param {string} [many] */
export function counted(count, one, many = `${one}s`) {
  return `${numbers.format(count)} ${count === 1 ? one : many}`;
}

/**
 * How long ago: `just now`, `12 s ago`, `3 min ago`, `2 h ago`, or the day.
 * @param {number} at
 * @param {number} now
 */
export function ago(at, now) {
  const seconds = Math.max(0, Math.round((now - at) / 1000));
  if (seconds < 5) return "just now";
  if (seconds < 60) return `${seconds} s ago`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(at).toLocaleDateString("en", { day: "numeric", month: "short", year: "numeric" });
}

/** A time: `12:30`, or with the date if that is not today. @param {number} at */
export function until(at) {
  const date = new Date(at);
  const isToday = date.toDateString() === new Date().toDateString();
  return date.toLocaleString(undefined, { timeStyle: "short", dateStyle: isToday ? undefined : "medium" });
}

export const bar = {
  home: "twicecast: start page",
  live: "Live",
  away: "Away",
  waiting: "Not started",
  connecting: "Connecting",
  lost: "Reconnecting",
  refused: "No access",
  liveHint: (/** @type {string} */ streamer) =>
    `${visible(streamer)} is here and changes arrive as they are saved`,
  awayHint: (/** @type {string} */ streamer) => `${visible(streamer)} is away; this is what they left`,
  watching: (/** @type {number} */ count) => `${numbers.format(count)} watching`,
  youAre: "You are",
  youHint: (/** @type {string} */ name) => `You are ${visible(name)}`,
  streaming: "streamer",
  join: "Join as guest",
  take: "Download",
  panel: "Chat and proposals",
  theme: { auto: "Theme: as the system", light: "Theme: light", dark: "Theme: dark" },
  help: "Keys and help",
  skip: "Skip to the code",
};

export const files = {
  heading: "Files",
  find: "Go to file",
  changed: "changed lately",
  edited: "your edit",
  loading: (/** @type {number} */ count) => (count ? `${counted(count, "file")} so far …` : "Loading …"),
};

export const stage = {
  tabs: "Open files",
  closeHint: "Close",
  preview: "Preview: double-click to keep it open",
  edit: "Edit",
  editing: "Your edit",
  discard: "Discard",
  difference: "Difference",
  follow: "Follow",
  following: "Following",
  followHint: (/** @type {string} */ streamer) => `Show what ${visible(streamer)} is working on (f)`,
  wrap: "Wrap lines",
  copyLink: "Copy link",
  download: "Download file",
  code: (/** @type {string} */ name) => `${visible(name)}, code`,
  codeEdited: (/** @type {string} */ name) => `${visible(name)}, your edit`,
  executable: "executable",
  linkCopied: "Link copied",
  linkPlaced: "The address of this page now points there",
  special: (/** @type {string} */ code) => `invisible character ${visible(code)}`,
};

export const preview = {
  tooLarge: (/** @type {number} */ size) => `At ${sizeText(size)}, this file is too large to show here.`,
  download: "Download it",
  unreadable: "The server could not read this file.",
  again: "Try again",
  binary: (/** @type {number} */ size) => `No text: ${sizeText(size)}, shown as bytes`,
  bytes: "Bytes of the file",
  more: (/** @type {number} */ bytes) => `${sizeText(bytes)} more`,
  picture: (/** @type {string} */ name) => `Picture ${visible(name)}`,
  pictureSize: (/** @type {number} */ width, /** @type {number} */ height) => `${width} × ${height}`,
  showPicture: "Show as picture",
  showCode: "Show as code",
  gone: "This file is not in the project.",
  closeTab: "Close the tab",
  failed: "The download failed.",
};

export const palette = {
  label: "Go to file",
  placeholder: "Type letters of a name",
  none: "No file has these letters.",
  recent: "Changed lately",
  found: (/** @type {number} */ count) => counted(count, "file"),
};

export const foot = {
  files: (/** @type {number} */ count) => counted(count, "file"),
  last: (/** @type {string} */ when) => `last change ${visible(when)}`,
  whileAway: (/** @type {string} */ streamer, /** @type {number} */ count) =>
    `${visible(streamer)} changed ${counted(count, "file")} while you were away`,
};

export const places = { files: "Files", code: "Code", chat: "Chat", proposals: "Proposals" };

export const state = {
  connecting: {
    title: "Connecting",
    text: (/** @type {string} */ project) => `Looking for ${visible(project)}.`,
  },
  unreachable: {
    title: "The server does not answer",
    text: (/** @type {number} */ seconds) => `The next try is in ${seconds} s.`,
    action: "Try now",
  },
  missing: {
    title: "Nothing here yet",
    text: (/** @type {string} */ streamer, /** @type {string} */ project) =>
      `${visible(streamer)} has not started ${visible(project)}. This page fills by itself once they do.`,
    action: "Open another project",
  },
  denied: {
    title: "This project is not public",
    text: (/** @type {string} */ streamer) =>
      `Open the link that ${visible(streamer)} gave you, or paste it here.`,
  },
  expired: {
    title: "Your link has expired",
    text: (/** @type {string} */ streamer) => `Ask ${visible(streamer)} for a new one, and paste it here.`,
  },
  wrong: {
    title: "This link does not fit",
    text: (/** @type {string} */ streamer) =>
      `Its token is not for this project. Ask ${visible(streamer)} for another one.`,
  },
  link: "Link",
  open: "Open",
  noToken: "There is no token in this link.",
  refused: { title: "The server refused", action: "Try again" },
  empty: {
    title: "No files yet",
    text: (/** @type {string} */ streamer) => `What ${visible(streamer)} saves appears here at once.`,
    action: "Copy the link to this page",
  },
  pick: { title: "Nothing is open", text: "Pick a file, or follow along.", action: "Go to file" },
  expiredBanner: "Your link has expired, so you are watching without a name.",
  wrongBanner: "Your link's token was refused, so you are watching without a name.",
  nameExpiredBanner: "The name that you took as a guest has expired. Join again to take one.",
  nameRefusedBanner: "The name that you took as a guest was refused. Join again to take one.",
  dismiss: "Dismiss",
};

export const entry = {
  title: "Join as a guest",
  chat: "Pick a name to take part in the chat.",
  propose: "Pick a name to take part in the chat and to propose changes.",
  name: "Your name",
  join: "Join",
  cancel: "Cancel",
  taken: (/** @type {string} */ suggestion) => `That name is taken. ${visible(suggestion)} is free.`,
  lost: "The connection was lost. Try again once it is back.",
  leave: "Leave",
  known: (/** @type {string} */ name) => `You are ${visible(name)}, in this tab only.`,
};

export const take = {
  title: "Take it home",
  zip: "Download as .zip",
  zipHint: (/** @type {number} */ count, /** @type {number} */ bytes) =>
    `${counted(count, "file")}, ${sizeText(bytes)}`,
  mirror: "Or keep a folder in step with it, in a terminal:",
  clone: "Or edit it there, and propose your changes:",
  token:
    "If not everybody may read this project, set TWICECAST_TOKEN first: to what follows #token= in your "
    + "link.",
  copy: "Copy",
  copied: "Copied",
  close: "Close",
};

export const keys = {
  title: "Keys",
  single: "Single keys act at once",
  singleHint: "Off, only keys with Ctrl and those inside lists work.",
  close: "Close",
  licences: "Licences of the libraries",
  groups: /** @type {[string, [string[], string][]][]} */ ([
    ["Go", [
      [["t", "Ctrl P"], "Go to file"],
      [["f"], "Follow the streamer"],
      [["/"], "Find in the file"],
      [["[", "]"], "Tab before, tab after"],
      [["j", "k"], "Next change, change before"],
      [["F6"], "Round the regions of the page"],
    ]],
    ["Take part", [
      [["e"], "Edit this file"],
      [["c"], "Chat"],
      [["p"], "Proposals"],
    ]],
    ["View", [
      [["w"], "Wrap lines"],
      [["?"], "This list"],
      [["Esc"], "Back"],
    ]],
    ["In files and tabs", [
      [["↑", "↓", "←", "→"], "Move, open, close"],
      [["Enter"], "Open and go to the code"],
      [["Del"], "Close a tab"],
    ]],
  ]),
};

export const landing = {
  title: "See code while it is written",
  text: "Somebody is sharing their project live. Type its address, or open the link they gave you.",
  address: "Streamer and project",
  placeholder: "ana/demo",
  open: "Watch",
  wrong: "An address has two parts: the streamer and the project, as in ana/demo.",
  share: "Share a project of your own, in a terminal:",
  command: "twicecast share . --local",
};
