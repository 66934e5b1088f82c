// What moderators do in the chat, shared by several tests.
/** @typedef {import("./browser.mjs").Window} Window */

/** @param {Window} page */
export const log = (page) => page.getByRole("log", { name: "Messages" });

/** The message that contains `words`. @param {Window} page @param {string} words */
export const message = (page, words) => log(page).locator(".message", { hasText: words });

/** Opens the menu of a message. @param {Window} page @param {string} words */
export async function menuOf(page, words) {
  const one = message(page, words).first();
  await one.hover();
  await one.getByRole("button", { name: /^Actions for this message/ }).click();
  const menu = page.getByRole("menu");
  await menu.waitFor();
  return menu;
}

/** Opens the dialog that shows what is in force. @param {Window} page */
export async function moderation(page) {
  await page.getByRole("button", { name: "Moderation", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Moderation" });
  await dialog.waitFor();
  return dialog;
}
