// What people do in the chat who moderate it, in words that the tests share.
/** @typedef {import("./browser.mjs").Window} Window */

/** @param {Window} page */
export const log = (page) => page.getByRole("log", { name: "Messages" });

/** A message, by a part of it. @param {Window} page @param {string} words */
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

/** Opens the dialog of what is in force. @param {Window} page */
export async function moderation(page) {
  await page.getByRole("button", { name: "Moderation", exact: true }).click();
  const dialog = page.getByRole("dialog", { name: "Moderation" });
  await dialog.waitFor();
  return dialog;
}
