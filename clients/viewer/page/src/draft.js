// A viewer's change to one file, and the bytes that result from it. Pure.
import { encodeText } from "./encoding.js";

/**
 * A change to one file that its author has not sent yet.
 *
 * - `base` is the SHA-256 of the content that they started from, null for a new file
 * - `before` is that content, with its own line endings; null if it is not text (then only
 *   deletion is possible)
 * - `after` is the new content, with "\n" as line ending, as in an editor; null means deletion
 * - `from` is the name that a renamed file had
 *
 * @typedef {{ name: string, base: string | null, before: string | null, after: string | null,
 *   from?: string }} Draft
 */
/** @typedef {"edited" | "added" | "deleted"} DraftKind */

/** A text with the line endings of an editor. @param {string} text */
export function normalised(text) {
  return text.includes("\r") ? text.replace(/\r\n?/g, "\n") : text;
}

/** @param {Draft} draft @returns {DraftKind} */
export function kindOf(draft) {
  if (draft.after === null) return "deleted";
  return draft.base === null ? "added" : "edited";
}

/** Whether there is anything to send. @param {Draft} draft */
export function isChange(draft) {
  return kindOf(draft) !== "edited" || draft.after !== normalised(draft.before ?? "");
}

/**
 * The bytes that the file would have. Unchanged lines keep their endings.
 * @param {Draft} draft
 */
export function bytesOf(draft) {
  return encodeText(withEndings(draft.before ?? "", draft.after ?? ""));
}

/**
 * `after` with the line endings of `before`: unchanged lines at the start and at the end keep
 * theirs, and the lines in between get the ending that is most frequent there.
 *
 * @param {string} before
 * @param {string} after
 */
export function withEndings(before, after) {
  if (!before.includes("\r")) return after;
  const old = before.match(/[^\r\n]*(?:\r\n?|\n)|[^\r\n]+$/g) ?? [];
  const fresh = after.match(/[^\n]*\n|[^\n]+$/g) ?? [];
  const same = (/** @type {string} */ one, /** @type {string} */ other) =>
    one !== undefined && other !== undefined && normalised(one) === other;
  let start = 0;
  while (start < fresh.length && same(old[start], fresh[start])) start++;
  let end = 0;
  while (
    end < fresh.length - start &&
    end < old.length - start &&
    same(old[old.length - 1 - end], fresh[fresh.length - 1 - end])
  ) {
    end++;
  }
  const usual = usualEnding(old);
  const middle = fresh.slice(start, fresh.length - end).map((line) => line.replace(/\n$/, usual));
  return [...old.slice(0, start), ...middle, ...old.slice(old.length - end)].join("");
}

/** @param {string[]} lines */
function usualEnding(lines) {
  const counts = { "\r\n": 0, "\n": 0, "\r": 0 };
  for (const line of lines) {
    if (line.endsWith("\r\n")) counts["\r\n"]++;
    else if (line.endsWith("\n")) counts["\n"]++;
    else if (line.endsWith("\r")) counts["\r"]++;
  }
  if (counts["\r\n"] >= counts["\n"] && counts["\r\n"] >= counts["\r"]) return "\r\n";
  return counts["\r"] > counts["\n"] ? "\r" : "\n";
}

/**
 * Why a new file cannot have this name, or null. The server decides; this only saves a round trip.
 *
 * @param {string} name with a leading `/`
 * @param {(name: string) => boolean} exists
 * @returns {"empty" | "parts" | "characters" | "taken" | null}
 */
export function nameProblem(name, exists) {
  const parts = name.split("/").slice(1);
  if (parts.length === 0 || parts.every((part) => part === "")) return "empty";
  if (
    parts.some(
      (part) => part === "" || part === "." || part === ".." || encodeText(part).length > 255,
    )
  )
    return "parts";
  if (/[\\\p{Cc}]/u.test(name)) return "characters";
  return exists(name) ? "taken" : null;
}
