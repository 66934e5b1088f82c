// The project as a zip, which the server makes. No element.
import { writeAddress } from "./names.js";

/** @typedef {import("./session.js").Session} Session */

/**
 * The form that the browser sends to save the zip: with the token in a field, so that no address holds it.
 *
 * @param {Session} session
 * @returns {{ action: string, method: "get" | "post", token: string | null }}
 */
export function zipForm({ streamer, project, headers }) {
  const action = `/-/zip${writeAddress(streamer, project)}`;
  const token = headers.Authorization?.replace(/^Bearer /, "") ?? null;
  return { action, method: token === null ? "get" : "post", token };
}
