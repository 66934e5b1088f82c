// Everything that was discarded can be restored: each discard and each deletion has its own Undo.
import test from "node:test";
import assert from "node:assert/strict";
import { code, editFile, openFile, openProposals, panel, story, typeAtStart } from "./lib.mjs";
import { becomes, tabs } from "./lib/watching.mjs";
import { Notices } from "../page/src/notices.js";

/** @typedef {import("./lib/browser.mjs").Window} Window */

const proposeButton = (/** @type {Window} */ page) => panel(page).getByRole("button", { name: /^Propose / });
const undo = (/** @type {Window} */ page, /** @type {string} */ file) =>
  page.locator("#notices .notice", { hasText: file }).getByRole("button", { name: "Undo" });

/** Adds a file with a line of text. @param {Window} page @param {string} name @param {string} text */
async function addFile(page, name, text) {
  await openProposals(page);
  await panel(page).getByRole("button", { name: "New file" }).click();
  await panel(page).getByRole("textbox", { name: "Name of the new file" }).fill(name);
  await panel(page).getByRole("button", { name: "Create" }).click();
  await typeAtStart(page, text);
  const kept = () => page.evaluate(() => Object.values(sessionStorage).join());
  await becomes(async () => (await kept()).includes(text.trim()), true);
}

test("two edits that are discarded have each their own Undo, which names the file", async (t) => {
  const { bob } = await story(t);
  await editFile(bob, "src/main.rs", "// first\n");
  await editFile(bob, "old.txt", "second\n");
  await panel(bob).getByRole("button", { name: "Propose 2 files" }).waitFor();
  await panel(bob).getByRole("button", { name: "Discard the edit of src/main.rs" }).click();
  await panel(bob).getByRole("button", { name: "Discard the edit of old.txt" }).click();
  await proposeButton(bob).waitFor({ state: "detached" });
  await undo(bob, "src/main.rs").click();
  await code(bob).getByText("// first").waitFor();
  await undo(bob, "old.txt").click();
  await code(bob).getByText("second").waitFor();
  await panel(bob).getByRole("button", { name: "Propose 2 files" }).waitFor();
  await bob.behaved();
});

test("a notice with something to do is neither folded into its like nor pushed out by one without", (t) => {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  const notices = new Notices();
  const said = () => notices.shown.map(({ text, action }) => (action ? `${text}!` : text));
  const action = { label: "Undo", run() {} };
  notices.say("same", { action });
  notices.say("same", { action });
  notices.say("plain");
  notices.say("plain");
  assert.deepEqual(said(), ["same!", "same!", "plain"]);
  notices.say("other");
  assert.deepEqual(said(), ["same!", "same!", "other"]);
  notices.say("third", { action });
  assert.deepEqual(said(), ["same!", "same!", "third!"]);
  notices.say("fourth", { action });
  assert.deepEqual(said(), ["same!", "third!", "fourth!"]);
});

test("the deletion of an edited file can be undone, and then the edit is there again", async (t) => {
  const { bob } = await story(t);
  await editFile(bob, "src/main.rs", "// an hour's work\n");
  await panel(bob).getByRole("button", { name: "Propose 1 file" }).waitFor();
  await panel(bob).getByRole("button", { name: "Delete main.rs" }).click();
  await bob.locator("#difference").getByText("This file would be deleted.").waitFor();
  await undo(bob, "src/main.rs").click();
  await code(bob).getByText("// an hour's work").waitFor();
  await panel(bob).locator(".file-row").getByText("edited").waitFor();
  // If a file has no edits, nothing is lost, and its row is enough to undo the deletion.
  await openFile(bob, "old.txt");
  await panel(bob).getByRole("button", { name: "Delete old.txt" }).click();
  await panel(bob).getByRole("button", { name: "Propose 2 files" }).waitFor();
  assert.equal(await undo(bob, "old.txt").count(), 0);
  await bob.behaved();
});

test("the deletion of a new file closes its tab, and Undo brings back its text", async (t) => {
  const { bob } = await story(t);
  await addFile(bob, "src/new.rs", "an hour's work\n");
  await panel(bob).getByRole("button", { name: "Propose 1 file" }).waitFor();
  const before = await tabs(bob).count();
  await panel(bob).getByRole("button", { name: "Delete new.rs" }).click();
  await proposeButton(bob).waitFor({ state: "detached" });
  await becomes(() => tabs(bob).count(), before - 1);
  await bob.getByRole("tab", { name: "new.rs" }).waitFor({ state: "detached" });
  await undo(bob, "src/new.rs").click();
  await code(bob).getByText("an hour's work").waitFor();
  await panel(bob).getByRole("button", { name: "Propose 1 file" }).waitFor();
  await bob.behaved();
});

test("what was typed in the last moment before Discard is in what Undo brings back", async (t) => {
  const { bob } = await story(t);
  await editFile(bob, "old.txt", "first ");
  const discard = panel(bob).getByRole("button", { name: "Discard the edit of old.txt" });
  await discard.waitFor();
  const { x, y } = /** @type {{ x: number, y: number }} */ (await discard.boundingBox());
  await bob.keyboard.insertText("last");
  await bob.mouse.click(x + 5, y + 5);
  await undo(bob, "old.txt").click();
  await code(bob).getByText(/last/).waitFor();
  await bob.behaved();
});
