// What becomes of edits that are not sent: a question before they are lost, and the way back.
import test from "node:test";
import assert from "node:assert/strict";
import { code, editFile, openFile, openProposals, panel, propose, story } from "./lib.mjs";

test("leaving the page asks first while an edit is not sent, and only then", async (t) => {
  const { bob } = await story(t);
  const isLive = () => bob.getByText("Live", { exact: true }).waitFor();
  await openFile(bob, "old.txt");
  await bob.reload();
  await isLive();
  assert.equal(bob.questions(), 0);

  await editFile(bob, "src/main.rs", "// mine\n");
  await panel(bob).getByRole("button", { name: "Propose 1 file" }).waitFor();
  await bob.reload();
  await isLive();
  assert.equal(bob.questions(), 1);

  await propose(bob, "Mine");
  await bob.reload();
  await isLive();
  assert.equal(bob.questions(), 1);
  await bob.behaved();
});

test("an edit that is discarded in the panel or beside the file comes back by Undo", async (t) => {
  const { bob } = await story(t);
  await editFile(bob, "src/main.rs", "// mine\n");
  await panel(bob).getByRole("button", { name: "Propose 1 file" }).waitFor();
  const ways = [
    panel(bob).getByRole("button", { name: "Discard the edit of src/main.rs" }),
    bob.locator("#filebar").getByRole("button", { name: "Discard" }),
  ];
  for (const discard of ways) {
    await discard.click();
    await panel(bob).getByRole("button", { name: /^Propose / }).waitFor({ state: "detached" });
    await bob.getByRole("button", { name: "Undo" }).click();
    await code(bob).getByText("// mine").waitFor();
    await panel(bob).getByRole("button", { name: "Propose 1 file" }).waitFor();
  }
  await bob.behaved();
});

test("Undo of a renamed file's discarded edit brings back both names, and from where it came", async (t) => {
  const { bob } = await story(t);
  await openFile(bob, "old.txt");
  await openProposals(bob);
  await panel(bob).getByRole("button", { name: "Rename old.txt" }).click();
  await panel(bob).getByRole("textbox", { name: "New name" }).fill("new.txt");
  await panel(bob).getByRole("button", { name: "Rename", exact: true }).click();
  const rows = () => panel(bob).locator(".file-row .file").allInnerTexts();
  const renamed = await rows();
  assert.equal(renamed.length, 2);
  assert.match(renamed.join(), /was old\.txt/);
  await panel(bob).getByRole("button", { name: "Discard the edit of new.txt" }).click();
  await panel(bob).getByRole("button", { name: /^Propose / }).waitFor({ state: "detached" });
  await bob.getByRole("button", { name: "Undo" }).click();
  await panel(bob).getByRole("button", { name: "Propose 2 files" }).waitFor();
  assert.deepEqual((await rows()).sort(), renamed.sort());
  await code(bob).getByText("to go").waitFor();
  await bob.behaved();
});
