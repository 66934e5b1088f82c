// What people do on the page's panel and stage, shared by several tests.
/** @typedef {import("./browser.mjs").Window} Window */

/** @param {Window} page */
export const panel = (page) => page.getByRole("tabpanel", { name: /Proposals/ });

/** @param {Window} page */
export const difference = (page) => page.locator("#difference");

/** @param {Window} page */
export async function openProposals(page) {
  const places = page
    .getByRole("navigation", { name: "Views" })
    .getByRole("button", { name: /^Proposals/ });
  const tab = page.getByRole("tab", { name: /^Proposals/ });
  await places.or(tab).filter({ visible: true }).first().click();
  await panel(page).waitFor();
}

/** Opens a file by typing a part of its name. @param {Window} page @param {string} name */
export async function openFile(page, name) {
  await page
    .getByRole("status")
    .getByText(/^(Live|Away|Reconnecting)$/)
    .waitFor();
  await page.keyboard.press("Control+p");
  const field = page.getByRole("combobox", { name: "Go to file" });
  await field.fill(name);
  await page.getByRole("option", { selected: true }).waitFor();
  await field.press("Enter");
  await page.getByRole("tab", { name: name.split("/").at(-1) }).waitFor();
}

/** The code on the stage. @param {Window} page */
export const code = (page) => page.locator("#code .cm-content");

/**
 * Starts to edit a file, and inserts `text` at its start.
 * @param {Window} page
 * @param {string} name
 * @param {string} text
 */
export async function editFile(page, name, text) {
  await openFile(page, name);
  await openProposals(page);
  await panel(page)
    .getByRole("button", { name: `Edit ${name.split("/").at(-1)}` })
    .click();
  await typeAtStart(page, text);
}

/** @param {Window} page @param {string} text */
export async function typeAtStart(page, text) {
  await page.locator("#code .cm-content[contenteditable=true]").click();
  await page.keyboard.press("Control+Home");
  await page.keyboard.insertText(text);
}

/** Sends the edits. @param {Window} page @param {string} title */
export async function propose(page, title, why = "") {
  await openProposals(page);
  await panel(page).getByRole("textbox", { name: "Title" }).fill(title);
  if (why) await panel(page).getByRole("textbox", { name: "Why" }).fill(why);
  await panel(page)
    .getByRole("button", { name: /^Propose / })
    .click();
  await panel(page).getByRole("heading", { name: title }).first().waitFor();
}

/** Says something in the chat. @param {Window} page @param {string} words */
export async function say(page, words) {
  const field = page.getByRole("textbox", { name: "Message" });
  await field.fill(words);
  await field.press("Enter");
}

/**
 * Sends messages until the server refuses one, and as fast as a program would, because a rate is
 * never reached by a test that is slow. The refused message is left in the field; returns what the
 * page says about it, which may be gone a second later.
 *
 * @param {Window} page
 * @param {string} words each message is this with its number, from 1
 */
export const flood = (page, words) =>
  page.getByRole("textbox", { name: "Message" }).evaluate(async (element, each) => {
    const field = /** @type {HTMLTextAreaElement} */ (element);
    const refused = () => document.querySelector("#chat [role=alert]")?.textContent;
    for (let count = 1; count <= 60; count++) {
      field.value = `${each} ${count}`;
      field.dispatchEvent(new Event("input", { bubbles: true }));
      while (field.value !== "") {
        // Again and again, because the page sends one message at a time.
        field.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", bubbles: true, cancelable: true }));
        const said = refused();
        if (said) return said;
        await new Promise((resolve) => setTimeout(resolve));
      }
    }
    throw new Error("nothing was refused");
  }, words);
