// What happens to edits that are not sent: the question before they are lost, how to restore them,
// their author, and a browser that stores nothing.
import test from "node:test";
import assert from "node:assert/strict";
import {
  code, editFile, open, openFile, openProposals, panel, propose, startServer, story, streamer, streamerToken, typeAtStart,
  viewer, viewerToken,
} from "./lib.mjs";
import { becomes } from "./lib/watching.mjs";

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

test("the download as a zip asks nothing, though an edit is not sent, and the next departure does", async (t) => {
  const { bob } = await story(t);
  await editFile(bob, "src/main.rs", "// mine\n");
  await panel(bob).getByRole("button", { name: "Propose 1 file" }).waitFor();
  await bob.getByRole("button", { name: "Download", exact: true }).first().click();
  for (let times = 0; times < 2; times++) {
    const [download] = await Promise.all([
      bob.waitForEvent("download"),
      bob.getByRole("dialog").getByRole("button", { name: "Download as .zip" }).click(),
    ]);
    assert.match(download.suggestedFilename(), /\.zip$/);
  }
  assert.equal(bob.questions(), 0);
  await bob.reload();
  await bob.getByText("Live", { exact: true }).waitFor();
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

test("an edit is shown only to its author and sent only by them, though another's link is opened in the same tab", async (t) => {
  const { ana, bob: page } = await story(t);
  const turnTo = async (/** @type {string} */ name) => {
    await page.evaluate((token) => (location.hash = `token=${token}`), viewerToken(name));
    await page.getByRole("button", { name: `You are ${name}` }).waitFor();
  };
  const words = () => page.evaluate(() => {
    const code = document.querySelector("#code")?.shadowRoot?.textContent;
    return `${document.body.innerText} ${code}`;
  });
  await editFile(page, "src/main.rs", "// by bob\n");
  await panel(page).getByRole("textbox", { name: "Title" }).fill("Bob's title");
  await panel(page).getByRole("button", { name: "Propose 1 file" }).waitFor();

  const field = page.getByRole("textbox", { name: "Message" });
  await page.getByRole("tab", { name: "Chat" }).click();
  await field.fill("half a thought of bob's");

  await turnTo("carl");
  assert.equal(await field.inputValue(), "");
  await openProposals(page);
  await code(page).getByText("println").waitFor();
  await panel(page).getByText("Change something and propose it").waitFor();
  assert.doesNotMatch(await words(), /by bob|Bob's title/);
  await editFile(page, "src/main.rs", "// by carl\n");
  await page.keyboard.press("Control+z");
  await page.keyboard.press("Control+z");
  assert.doesNotMatch(await words(), /by bob/);
  await page.keyboard.insertText("// by carl again\n");
  await propose(page, "Carl's title");
  const { data } = await ana.hears(({ type }) => type === "pullRequestCreated");
  assert.deepEqual([data.owner, data.title, data.files], ["carl", "Carl's title", ["/src/main.rs"]]);
  await ana.ask("pullrequest", "get", { id: data.id });
  const sent = ana.heard.findLast(({ type }) => type === "fileGet");
  assert.match(Buffer.from(sent?.data.content, "base64").toString(), /^\/\/ by carl again\nfn main/);

  await turnTo("bob");
  await openFile(page, "src/main.rs");
  await code(page).getByText("// by bob").waitFor();
  assert.equal(await panel(page).getByRole("textbox", { name: "Title" }).inputValue(), "Bob's title");
  assert.doesNotMatch(await words(), /carl/);
  await page.behaved();
});

test("in a browser that blocks storage everything goes on but what outlives a reload, and that is said", async (t) => {
  const prepare = (/** @type {import("playwright-core").Page} */ page) =>
    page.addInitScript(() => {
      for (const name of ["localStorage", "sessionStorage"]) {
        Object.defineProperty(window, name, { get: () => { throw new DOMException("blocked", "SecurityError"); } });
      }
    });
  const { bob } = await story(t, { prepare });
  await bob.getByRole("button", { name: "You are bob" }).waitFor();
  await bob.getByRole("button", { name: /^Theme/ }).click();
  await bob.getByRole("button", { name: "Theme: light" }).waitFor();
  await editFile(bob, "src/main.rs", "// mine\n");
  await panel(bob).getByText("These edits do not survive a reload of this page.").waitFor();
  await propose(bob, "Mine");
  await panel(bob).getByText("Waiting").waitFor();
  await bob.behaved();
});

test("ticks are kept as long as the page is open, where the browser has no room for more", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "a\n");
  const bob = await viewer(t, server, "bob");
  await bob.ask("pullrequest", "creation", { title: "Better" });
  await bob.post("/a.txt", "A\n");
  await bob.ask("pullrequest", "finish");
  const prepare = (/** @type {import("playwright-core").Page} */ page) =>
    page.addInitScript(() => {
      Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
    });
  const page = await open(t, server, { token: streamerToken(), prepare });
  await openProposals(page);
  await panel(page).getByRole("button", { name: /Better/ }).click();
  const tick = panel(page).getByRole("checkbox");
  await tick.check();
  await panel(page).getByText("1 of 1 seen").waitFor();
  await page.behaved();
});

test("what there is no room to keep does not come back in an older state: neither an edit nor a token", async (t) => {
  const { bob } = await story(t);
  await editFile(bob, "src/main.rs", "// older\n");
  const kept = () => bob.evaluate(() => JSON.stringify(Object.entries(sessionStorage)));
  await becomes(async () => (await kept()).includes("// older"), true);
  await bob.evaluate(() => {
    Storage.prototype.setItem = () => { throw new DOMException("full", "QuotaExceededError"); };
  });
  await typeAtStart(bob, "// newer\n");
  await panel(bob).getByText("These edits do not survive a reload of this page.").waitFor();
  await bob.evaluate((token) => (location.hash = `token=${token}`), viewerToken("carl"));
  await bob.getByRole("button", { name: "You are carl" }).waitFor();
  await bob.evaluate((token) => (location.hash = `token=${token}`), viewerToken("bob"));
  await bob.getByRole("button", { name: "You are bob" }).waitFor();
  await openFile(bob, "src/main.rs");
  await code(bob).getByText("// newer").waitFor();
  await bob.reload();
  await bob.getByText("Live", { exact: true }).waitFor();
  assert.equal(await bob.getByRole("button", { name: /^You are/ }).count(), 0);
  assert.doesNotMatch(await kept(), /older|token/);
  await bob.behaved();
});
