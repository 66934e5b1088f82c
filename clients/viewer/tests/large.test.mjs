// A large project and a file that is too large to be shown. Figures are told, and bounded loosely: the machine is shared.
// docs/performance.md has the exact ones.
import { stat } from "node:fs/promises";
import test from "node:test";
import assert from "node:assert/strict";
import { code, open, openFile, startServer, streamer, viewerToken } from "./lib.mjs";

/** Posts many files, several at a time. @param {any} client @param {[string, string][]} files */
async function postAll(client, files) {
  for (let at = 0; at < files.length; at += 200) {
    await Promise.all(
      files.slice(at, at + 200).map(([name, content]) => client.post(name, content)),
    );
  }
}
const many = (/** @type {number} */ count, /** @type {string} */ content) =>
  Array.from(
    { length: count },
    (_, at) =>
      /** @type {[string, string]} */ ([
        `/d${at % 50}/s${at % 7}/file_${at}.rs`,
        `${content} ${at}\n`,
      ]),
  );

test("of 5,000 files the tree stands soon, in few elements, and no contents come that nobody looks at", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const long = "x".repeat(1000);
  await postAll(ana, many(5000, long));
  const began = performance.now();
  const page = await open(t, server);
  await page.getByRole("treeitem").first().waitFor();
  await page.getByText("5,000 files").waitFor();
  const took = performance.now() - began;
  // What is held ready comes last; then nothing more does.
  await code(page).waitFor();
  await page.quiet();
  const elements = await page.evaluate(() => document.querySelectorAll("*").length);
  const http = Object.entries(page.traffic.http).filter(([path]) => !path.startsWith("/-/files/"));
  const sum = http.reduce((total, [, bytes]) => total + bytes, 0);
  const contents = page.traffic.types.filter((type) => type === "fileGet").length;
  t.diagnostic(
    `tree after ${Math.round(took)} ms, ${elements} elements, ${http.length} requests of ${sum} bytes, ${contents} contents`,
  );
  assert.ok(took < 8000, `${took} ms`);
  assert.ok(elements <= 250, `${elements} elements`);
  assert.ok(sum <= 360_000, `${sum} bytes`);
  assert.ok(contents <= 26, `${contents} contents`);
  await page.behaved();
});

test("a file of 60 MB is downloaded while everything else goes on", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const part = Buffer.alloc(6 * 1024 * 1024, "0123456789abcde\n");
  for (let at = 1; at <= 10; at++) {
    const data = { name: "/huge.txt", content: part.toString("base64"), part: at, maxPart: 10 };
    if (at < 10) ana.tell("file", "post", data);
    else await ana.ask("file", "post", data);
  }
  await ana.post("/a.txt", "small\n");
  const page = await open(t, server, { token: viewerToken("bob") });
  await page.getByText("Live", { exact: true }).waitFor();

  await openFile(page, "huge.txt");
  await page.getByText(/this file is too large to show here/).waitFor();
  const saved = page.waitForEvent("download");
  await page.getByRole("button", { name: "Download it" }).click();
  // Meanwhile the rest goes on: what is said is answered at once.
  const began = performance.now();
  await page.getByRole("textbox", { name: "Message" }).fill("meanwhile");
  await page.getByRole("textbox", { name: "Message" }).press("Enter");
  await page.getByRole("log").getByText("meanwhile").waitFor();
  t.diagnostic(`said after ${Math.round(performance.now() - began)} ms`);
  const download = await saved;
  assert.equal(download.suggestedFilename(), "huge.txt");
  const bytes = await stat(String(await download.path()));
  assert.equal(bytes.size, 10 * part.length);
  await page.behaved();
});
