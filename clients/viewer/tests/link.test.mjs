// What `twicecast share --local` prints: the link opens the project, and its viewer can take part.
import test from "node:test";
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import path from "node:path";
import { editFile, open, propose, say, start, temporary } from "./lib.mjs";
import { sees } from "./lib/watching.mjs";

/** The storage keys of the guest's token and the link's, which exist only in this tab. */
const KEPT = ["token:ana/a b/c", "token:ana/a b/c link"];

test("one command's link shows the project, lets a guest chat and propose, and leaves no token outside of this tab's store", async (t) => {
  const [folder, home] = [await temporary(t), await temporary(t)];
  await writeFile(path.join(folder, "hello.md"), "# Hello\n");
  const words = ["share", folder, "--local", "--json", "--viewers", "propose", "--user", "ana", "--project", "a b/c"];
  const environment = { ...process.env, HOME: home, XDG_STATE_HOME: home, XDG_CACHE_HOME: home, XDG_CONFIG_HOME: home };
  const sharing = start(t, "twicecast", words, { env: environment });
  await sharing.said(/"event":"synced"/);
  const { link } = JSON.parse((await sharing.said(/^.*"event":"link".*$/m))[0]);
  const { origin, pathname, hash } = new URL(link);
  assert.equal(pathname, "/ana/a%20b%2Fc");
  const token = hash.replace("#token=", "");

  /** @type {string[]} */
  const sent = [];
  const prepare = async (/** @type {import("playwright-core").Page} */ page) =>
    page.on("request", (request) => sent.push(request.url(), request.headers().referer ?? ""));
  const page = await open(t, { origin }, { path: pathname, token, prepare });
  await page.getByRole("treeitem", { name: /hello\.md/ }).waitFor();
  await page.getByRole("button", { name: "Join as guest" }).first().click();
  await page.getByRole("textbox", { name: "Your name" }).fill("Bob");
  await page.getByRole("button", { name: "Join", exact: true }).click();
  await say(page, "hi");
  await page.getByRole("log", { name: "Messages" }).getByText("hi", { exact: true }).waitFor();
  await editFile(page, "hello.md", "From a guest\n");
  await propose(page, "Greeting");
  await sharing.said(/"event":"pullRequest".*Greeting/);

  const kept = await page.evaluate(() => Object.entries(sessionStorage));
  const tokens = kept.filter(([key]) => KEPT.includes(key)).map(([, value]) => value);
  assert.equal(tokens.length, KEPT.length);
  assert.ok(tokens.includes(token));
  await page.reload();
  await sees(page, "# Hello");
  const elsewhere = {
    page: await page.evaluate(() => document.documentElement.outerHTML + document.title + document.cookie),
    addresses: [page.url(), ...sent].join("\n"),
    kept: JSON.stringify(kept.filter(([key]) => !KEPT.includes(key))),
    browser: await page.evaluate(() => JSON.stringify(localStorage)),
    // The lines that it prints to be passed on contain tokens.
    terminal: sharing.output.replace(/^.*"event":"(?:link|invitation)".*$/gm, ""),
  };
  assert.ok(sent.length > 10 && elsewhere.terminal.includes("Greeting"));
  for (const [where, text] of Object.entries(elsewhere)) {
    for (const each of tokens) assert.ok(!text.includes(each), where);
  }
  await page.behaved();
  await sharing.stop("SIGINT");
});
