// Copies text, where the browser lets a page do that: over https and on loopback.

/** Whether the text is now in the clipboard. @param {string} text @returns {Promise<boolean>} */
export async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    return false;
  }
}
