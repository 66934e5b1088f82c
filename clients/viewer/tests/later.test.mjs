// Parts of the page that are loaded when they are first wanted.
import test from "node:test";
import assert from "node:assert/strict";
import { open, startServer, streamer, streamerToken, viewerToken } from "./lib.mjs";
import { becomes, sees } from "./lib/watching.mjs";

const PARTS = /\/(propose|reviews|difference|compare|merge|entry|help|take)\.js$/;

/** The parts that a page has loaded. @param {{ traffic: { bodies: Record<string, number> } }} page */
const loaded = (page) =>
  Object.keys(page.traffic.bodies).flatMap((path) => PARTS.exec(path)?.[1] ?? []).sort().join(" ");

test("who watches loads nothing to propose or to review, and who may has it before it is wanted", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "to look at\n");
  const watcher = await open(t, server);
  const bob = await open(t, server, { token: viewerToken("bob") });
  const review = await open(t, server, { token: streamerToken("ana") });
  for (const page of [watcher, bob, review]) await sees(page, "to look at");
  await becomes(() => Promise.resolve(loaded(bob)), "compare difference merge propose");
  await becomes(() => Promise.resolve(loaded(review)), "compare difference merge reviews");
  await watcher.quiet();
  assert.equal(loaded(watcher), "");
  for (const page of [watcher, bob, review]) await page.behaved();
});

test("a dialog that does not come counts as closed, and comes when it is asked for again", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "to look at\n");
  const page = await open(t, server, { expected: /Failed to load resource/ });
  await sees(page, "to look at");
  let asked = 0;
  await page.route("**/view/help.js", (route) => (asked++ === 0 ? route.abort() : route.continue()));
  const help = page.getByRole("dialog", { name: "Keys" });
  const button = page.getByRole("button", { name: "Keys" });
  await button.click();
  // Keys work again; they do not while a dialog is open.
  await becomes(async () => {
    await page.keyboard.press("p");
    return page.getByRole("tab", { name: "Proposals" }).getAttribute("aria-selected");
  }, "true");
  assert.equal(asked, 1);
  assert.equal(await help.count(), 0);
  await button.click();
  await help.waitFor();
  await page.keyboard.press("Escape");
  await help.waitFor({ state: "hidden" });
  await page.behaved();
});
