// A token that expires when the server has nothing to take away, and so does not report it by
// itself.
import test from "node:test";
import assert from "node:assert/strict";
import { editFile, open, openProposals, panel, startServer, streamer, viewerToken } from "./lib.mjs";

/**
 * A link that allows reading and proposing, but not the chat, and holds for `seconds` from now.
 * @param {number} seconds
 */
const shortLink = (seconds) => {
  const exp = Math.floor(Date.now() / 1000) + seconds;
  return viewerToken("bob", "ana", "demo", { rights: ["read", "propose"], exp });
};
const HOUR_MS = 3_600_000;

/**
 * A page with an edited file.
 * @param {import("node:test").TestContext} t
 * @param {object} [options]
 */
async function editing(t, options) {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const page = await open(t, server, { token: shortLink(3600), ...options });
  await editFile(page, "a.txt", "// edited\n");
  return page;
}

test("a link without the chat that expires while somebody watches says so by itself", async (t) => {
  const page = await editing(t);
  // The token is made only now, because the page may take any time on a busy machine.
  await page.evaluate((short) => (location.hash = `token=${short}`), shortLink(3));
  await page.getByText(/Your link has expired/).waitFor();
  await page.getByRole("button", { name: "You are bob" }).waitFor({ state: "detached" });
  await page.behaved();
});

test("a refusal tells that the link has expired, also where the viewer's clock is slow", async (t) => {
  const isSlow = (/** @type {number} */ late) => {
    const now = Date.now;
    Date.now = () => now() - late;
  };
  const prepare = (/** @type {import("playwright-core").Page} */ page) => page.addInitScript(isSlow, HOUR_MS);
  const page = await editing(t, { prepare, expected: /401/ });
  await openProposals(page);
  await panel(page).getByRole("textbox", { name: "Title" }).fill("Too late");
  const exp = Date.now() + 3000;
  await page.evaluate((short) => (location.hash = `token=${short}`), shortLink(3));
  await page.waitForFunction(([end, late]) => Date.now() + late > end, [exp + 1500, HOUR_MS]);
  assert.equal(await page.getByText(/Your link has expired/).count(), 0);
  await panel(page).getByRole("button", { name: "Propose 1 file" }).click();
  await page.getByText(/Your link has expired/).waitFor();
  await page.getByRole("button", { name: "You are bob" }).waitFor({ state: "detached" });
  await page.behaved();
});
