// Guests: what happens to their edits when they lose their name, and where the focus is.
import test from "node:test";
import assert from "node:assert/strict";
import {
  code, editFile, open, openProposals, panel, propose, startServer, streamer, viewerToken,
} from "./lib.mjs";
import { becomes } from "./lib/watching.mjs";

/** @typedef {import("./lib/browser.mjs").Window} Window */

/** Asks for a guest's name. @param {Window} page @param {string} name */
async function enter(page, name) {
  await page.getByRole("button", { name: "Join as guest" }).filter({ visible: true }).first().click();
  await page.getByRole("textbox", { name: "Your name" }).fill(name);
  await page.getByRole("button", { name: "Join", exact: true }).click();
}

/** Takes a guest's name. @param {Window} page @param {string} name */
async function join(page, name) {
  await enter(page, name);
  await page.getByRole("button", { name: `You are ~${name}` }).waitFor();
}

/** @param {Window} page */
async function leave(page) {
  await page.getByRole("button", { name: /^You are ~/ }).click();
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByRole("button", { name: "Join as guest" }).first().waitFor();
}

/** @param {Window} page */
const readyToPropose = (page) => panel(page).getByRole("button", { name: "Propose 1 file" }).waitFor();

test("a guest who leaves and takes another name goes on with their edits, and is asked before they are lost", async (t) => {
  const server = await startServer(t, { guests: "propose" });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const page = await open(t, server);
  await page.getByRole("treeitem", { name: "a.txt" }).waitFor();
  await join(page, "bob");
  await editFile(page, "a.txt", "an hour's work\n");
  await readyToPropose(page);
  await leave(page);
  await page.reload();
  assert.equal(page.questions(), 1);
  await enter(page, "bob");
  await page.getByText(/is free/).waitFor();
  await page.getByRole("button", { name: "Join", exact: true }).click();
  await page.getByRole("button", { name: /^You are ~bob.*2/ }).waitFor();
  await openProposals(page);
  await panel(page).locator(".file-row .file", { hasText: "a.txt" }).click();
  await page.locator("#difference").getByText("an hour's work").waitFor();
  await propose(page, "Under another name");
  const { data } = await ana.hears(({ type }) => type === "pullRequestCreated");
  assert.match(data.owner, /^~bob.*2/);
  await page.behaved();
});

test("a guest's edits wait while the tab has a link's token: that is said, and asked about before they are lost", async (t) => {
  const server = await startServer(t, { guests: "propose", publicRead: false });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const link = viewerToken("viewer", "ana", "demo", { rights: ["read"] });
  const page = await open(t, server, { token: link });
  await page.getByRole("treeitem", { name: "a.txt" }).waitFor();
  await openProposals(page);
  assert.equal(await panel(page).getByText(/wait/).count(), 0);
  await join(page, "bob");
  await editFile(page, "a.txt", "an hour's work\n");
  await readyToPropose(page);
  await page.evaluate((token) => (location.hash = `token=${token}`), link);
  await panel(page).getByText("What you have edited as a guest waits here until you have a name again: 1 file.").waitFor();
  await page.reload();
  assert.equal(page.questions(), 1);
  await openProposals(page);
  await panel(page).getByText(/until you have a name again: 1 file/).waitFor();
  await page.reload();
  assert.equal(page.questions(), 2);
  await openProposals(page);
  await join(page, "carl");
  await readyToPropose(page);
  await page.behaved();
});

test("somebody without a name gets no way to edit while the connection is lost", async (t) => {
  const server = await startServer(t, { guests: "propose" });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const page = await open(t, server);
  await page.getByRole("treeitem", { name: "a.txt" }).waitFor();
  await openProposals(page);
  await panel(page).getByRole("button", { name: "Join as guest" }).waitFor();
  await server.kill();
  await page.getByText("Reconnecting").waitFor();
  await panel(page).getByRole("button", { name: "Join as guest" }).waitFor({ state: "detached" });
  await panel(page).getByText(/Choose a name, then you can edit/).waitFor();
  assert.equal(await panel(page).getByRole("button").count(), 0);
  await page.behaved();
});

test("with a name the focus stays in the dialog where it is taken, and goes to the panel once it is had", async (t) => {
  const server = await startServer(t, { publicChat: true, guests: "propose" });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const first = await open(t, server);
  await join(first, "bob");
  const page = await open(t, server);
  const focus = () => page.evaluate(() => document.activeElement?.getAttribute("name") ?? document.activeElement?.id);
  await enter(page, "bob");
  await page.getByText(/is free/).waitFor();
  await becomes(focus, "name");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: /^You are ~bob/ }).waitFor();
  await becomes(focus, "message");

  await leave(page);
  await openProposals(page);
  await panel(page).getByRole("button", { name: "Join as guest" }).click();
  await page.keyboard.type("carl");
  await page.keyboard.press("Enter");
  await page.getByRole("button", { name: "You are ~carl" }).waitFor();
  await becomes(focus, "tab-proposals");
  await page.behaved();
});

test("who has edits but no right to send them is told why, and led to a guest's name where that helps", async (t) => {
  for (const guests of ["off", "propose"]) {
    const server = await startServer(t, { guests });
    const ana = await streamer(t, server);
    await ana.post("/a.txt", "one\n");
    const page = await open(t, server, { token: viewerToken("bob"), expected: /401/ });
    await page.getByRole("treeitem", { name: "a.txt" }).waitFor();
    await editFile(page, "a.txt", "edited\n");
    await panel(page).getByRole("textbox", { name: "Title" }).fill("Now");
    const send = panel(page).getByRole("button", { name: "Propose 1 file" });
    await becomes(() => send.isEnabled(), true);
    const exp = Math.floor(Date.now() / 1000) + 3;
    const short = viewerToken("bob", "ana", "demo", { exp });
    await page.evaluate((token) => (location.hash = `token=${token}`), short);
    await page.getByText(/Your link has expired/).waitFor();
    await becomes(() => send.isEnabled(), false);
    if (guests === "off") await panel(page).getByText(/Proposing takes a link/).waitFor();
    else await panel(page).getByText(/cannot be sent without a name/).waitFor();
    assert.equal(await panel(page).getByRole("button", { name: "Join as guest" }).count(), guests === "off" ? 0 : 1);
    await code(page).getByText("edited").waitFor();
    await page.evaluate((token) => (location.hash = `token=${token}`), viewerToken("bob"));
    await becomes(() => send.isEnabled(), true);
    await page.behaved();
  }
});
