// Bytes to text and back: base64 as the contract has it, UTF-8, and what counts as text.
import { sha256 } from "../vendor/sha256.js";

/** How many bytes `encodeBase64` converts at a time. */
const STRIDE = 0x8000;
/** A zero byte among this many first bytes means that the file is not text. */
const LOOKED_AT = 8000;

/**
 * Decodes base64; padding is optional.
 * @param {string} text
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function decodeBase64(text) {
  const binary = atob(text);
  const bytes = new Uint8Array(binary.length);
  for (let at = 0; at < binary.length; at++) bytes[at] = binary.charCodeAt(at);
  return bytes;
}

/** @param {Uint8Array} bytes */
export function encodeBase64(bytes) {
  let binary = "";
  for (let at = 0; at < bytes.length; at += STRIDE) {
    binary += String.fromCharCode(...bytes.subarray(at, at + STRIDE));
  }
  return btoa(binary);
}

/**
 * The text of these bytes, or null if they are not text: not UTF-8, or with a zero byte near the
 * start. A byte order mark stays, so that the text can become the same bytes again.
 * @param {Uint8Array} bytes
 * @returns {string | null}
 */
export function decodeText(bytes) {
  if (bytes.subarray(0, LOOKED_AT).includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return null;
  }
}

/** @param {string} text */
export function encodeText(text) {
  return new TextEncoder().encode(text);
}

/** The SHA-256 in lower-case hex; works without https, too. @param {Uint8Array} bytes */
export function sha256Hex(bytes) {
  return Array.from(sha256(bytes), (byte) => byte.toString(16).padStart(2, "0")).join("");
}

/**
 * Joins pieces of bytes.
 * @param {Uint8Array[]} pieces
 * @returns {Uint8Array<ArrayBuffer>}
 */
export function joinBytes(pieces) {
  const joined = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let at = 0;
  for (const piece of pieces) {
    joined.set(piece, at);
    at += piece.length;
  }
  return joined;
}
