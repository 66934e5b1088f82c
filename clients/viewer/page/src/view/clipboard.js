// Copies text, if the browser allows it: over https and on loopback.

/**
 * Returns whether the text is in the clipboard.
 * @param {string} text
 * @returns {Promise<boolean>}
 */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
