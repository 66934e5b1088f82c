// Names from outside: how they are shown, sorted, and put into addresses. Text only.

/** @typedef {{ from: number, to: number }} Lines */

/** Controls, zero-width and bidirectional characters, and other invisible ones. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0\ufe00-\ufe0f\u2800]/gu;

/**
 * A text from outside with every character made visible: `a‹U+202E›b`.
 * @param {string} text
 */
export function visible(text) {
  return text.replace(UNSEEN, codePoint);
}

/** As `visible`, for a text of several lines: line breaks and tabs stay. @param {string} text */
export function visibleLines(text) {
  return text.replace(UNSEEN, (char) => (char === "\n" || char === "\t" ? char : codePoint(char)));
}

/** @param {string} char */
function codePoint(char) {
  return `‹U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}›`;
}

/** The last segment: the file's name in its folder. @param {string} name */
export function baseName(name) {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** The folder of a file, with its last `/`: `/src/`, or `/`. @param {string} name */
export function folderOf(name) {
  return name.slice(0, name.lastIndexOf("/") + 1);
}

/** Sorts names as people do: numbers by value, and case only if nothing else differs. */
const people = new Intl.Collator("en", { numeric: true, sensitivity: "base" });

/** @param {string} one @param {string} other */
export function compareNames(one, other) {
  return people.compare(one, other) || (one < other ? -1 : Number(one > other));
}

/**
 * The project in an address, which must have exactly two segments.
 * @param {string} pathname
 * @returns {{ streamer: string, project: string } | null}
 */
export function readAddress(pathname) {
  const match = /^\/([^/]+)\/([^/]+)\/?$/.exec(pathname);
  if (!match || match[1] === "-") return null;
  try {
    return { streamer: decodeURIComponent(match[1]), project: decodeURIComponent(match[2]) };
  } catch {
    return null;
  }
}

/** @param {string} streamer @param {string} project */
export function writeAddress(streamer, project) {
  return `/${encodeURIComponent(streamer)}/${encodeURIComponent(project)}`;
}

/** A file's name as the end of an address, with each segment encoded. @param {string} name */
export function encodeName(name) {
  return name.split("/").map(encodeURIComponent).join("/");
}

/**
 * The content of a fragment: a place (`#/src/a.rs:12-20`), or a token (`#token=…`).
 * @param {string} fragment with or without `#`
 * @returns {{ name?: string, lines?: Lines | null, token?: string }}
 */
export function readFragment(fragment) {
  const text = fragment.replace(/^#/, "");
  const token = /(?:^|&)token=([^&]+)/.exec(text)?.[1];
  const place = text.replace(/&?token=[^&]*/, "");
  /** @type {{ name?: string, lines?: Lines | null, token?: string }} */
  const said = token ? { token: decodeOr(token) } : {};
  if (!place.startsWith("/")) return said;
  const match = /^(.*?)(?::(\d{1,9})(?:-(\d{1,9}))?)?$/s.exec(place);
  if (!match || match[1].length < 2) return said;
  const from = Number(match[2] ?? 0);
  const to = Number(match[3] ?? from);
  const lines = from > 0 ? { from: Math.min(from, to || from), to: Math.max(from, to) } : null;
  return { ...said, name: decodeOr(match[1]), lines };
}

/** @param {string} text */
function decodeOr(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * The fragment for a place. A colon in a name is encoded, so that it never looks like a line.
 * @param {string} name
 * @param {Lines | null} lines
 */
export function writeFragment(name, lines) {
  const place = `#${encodeName(name)}`;
  if (!lines) return place;
  return lines.to > lines.from ? `${place}:${lines.from}-${lines.to}` : `${place}:${lines.from}`;
}

const UNITS = ["B", "kB", "MB", "GB", "TB"];

/** A size as people read it: `3.3 kB`. @param {number} bytes */
export function sizeText(bytes) {
  let size = bytes;
  let unit = 0;
  while (size >= 1000 && unit < UNITS.length - 1) {
    size /= 1000;
    unit++;
  }
  return `${unit > 0 && size < 10 ? size.toFixed(1) : Math.round(size)} ${UNITS[unit]}`;
}
