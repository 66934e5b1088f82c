// Finds addresses in a text that somebody else wrote. Text only.
import { visible, visibleLines } from "./names.js";

/**
 * A piece of text, or an address with the text that is shown for it.
 * @typedef {{ text: string, href?: string }} Piece
 */

const ADDRESS = /\bhttps?:\/\/[^\s<>"'`]+/gi;
/** Punctuation that follows an address in a sentence and does not belong to it. */
const TRAILING = /[.,;:!?…]+$/;

/**
 * Splits a text at its addresses. Only http and https become links, and only if the text shown is
 * the address it leads to.
 *
 * @param {string} text
 * @returns {Piece[]}
 */
export function pieces(text) {
  /** @type {Piece[]} */
  const found = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = trimmed(match[0]);
    const link = linkOf(address);
    if (!link) continue;
    if (match.index > from) found.push({ text: visibleLines(text.slice(from, match.index)) });
    found.push(link);
    from = match.index + address.length;
  }
  if (from < text.length) found.push({ text: visibleLines(text.slice(from)) });
  return found;
}

/** @param {string} address @returns {string} without the punctuation of the sentence around it */
function trimmed(address) {
  const short = address.replace(TRAILING, "");
  const opened = short.split("(").length;
  return short.endsWith(")") && short.split(")").length > opened
    ? trimmed(short.slice(0, -1))
    : short;
}

/** @param {string} address @returns {Piece | null} */
function linkOf(address) {
  if (visible(address) !== address || !URL.canParse(address)) return null;
  const url = new URL(address);
  if (url.username || url.password || url.hostname === "") return null;
  // If a host is written in another way, the browser's spelling is shown, so that it cannot pass
  // for another host.
  const isPlain = address.toLowerCase().startsWith(`${url.protocol}//${url.host}`);
  return { text: isPlain ? address : url.href, href: url.href };
}
