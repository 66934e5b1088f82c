// Where a token comes in: in the fragment of the address, which it leaves at once.
import { readFragment, writeFragment } from "./names.js";

/**
 * Takes a token out of the address before anything else happens, and keeps it for this tab alone.
 * @param {string} key under which it is kept
 * @returns {string | null}
 */
export function takeToken(key) {
  const { token, name, lines } = readFragment(location.hash);
  if (!token) return null;
  history.replaceState(null, "", location.pathname + (name ? writeFragment(name, lines ?? null) : ""));
  sessionStorage.setItem(key, token);
  return token;
}
