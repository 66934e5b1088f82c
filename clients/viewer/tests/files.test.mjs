// The contents of files: pictures, bytes, long ones, hostile ones; and downloading them.
import test from "node:test";
import assert from "node:assert/strict";
import { readFile, readdir } from "node:fs/promises";
import path from "node:path";
import { open, runPrinted, share, startServer, streamer, temporary, viewerToken } from "./lib.mjs";
import { unzip } from "./lib/unzip.mjs";
import { becomes, lines, put, row, sees } from "./lib/watching.mjs";

/** A picture of one pixel. */
const PNG = Buffer.from("iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==", "base64");
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9" onload="window.pwned=1"><script>window.pwned=1</script><circle r="4"/></svg>`;

/** Opens a file through its link. @param {any} page @param {string} name */
const go = (page, name) => page.evaluate((/** @type {string} */ hash) => (location.hash = hash), `#${encodeURI(name)}`);

test("a server that has no room for a download right now is asked again, and not for ever", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/long.txt", lines(20_000));
  await ana.post("/other.txt", "other\n");
  /** @type {string[]} */
  const asked = [];
  const prepare = (/** @type {import("playwright-core").Page} */ page) =>
    page.route(/\/-\/(files|raw)\//, (route) => {
      const { pathname } = new URL(route.request().url());
      const isFirst = !asked.includes(pathname);
      asked.push(pathname);
      if (!isFirst && !pathname.endsWith("other.txt")) return route.continue();
      return route.fulfill({ status: 503, headers: { "Retry-After": "1" }, body: "" });
    });
  const page = await open(t, server, { place: "#/long.txt", expected: /503/, prepare });
  await sees(page, "line 1");
  const [list, long] = ["/-/files/ana/demo", "/-/raw/ana/demo/long.txt"];
  assert.deepEqual(asked, [list, list, long, long]);
  assert.deepEqual(page.traffic.types.filter((type) => type === "fileList"), []);

  await go(page, "/other.txt");
  await sees(page, "other");
  await page.getByRole("button", { name: "Download file" }).click();
  await page.getByText("The download failed.").waitFor();
  assert.equal(asked.filter((each) => each.endsWith("other.txt")).length, 4);
  await page.behaved();
});

test("pictures, drawings, bytes and damaged pictures are each shown as what they are", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.png", PNG);
  await ana.post("/broken.png", "\u0000 no picture at all");
  await ana.post("/drawing.svg", SVG);
  await ana.post("/data.bin", Uint8Array.from({ length: 40_000 }, (_, at) => at % 256));
  const page = await open(t, server, { place: "#/a.png" });
  await page.getByRole("img", { name: "Picture a.png" }).waitFor();
  await page.getByText("1 × 1").waitFor();

  await go(page, "/broken.png");
  await page.getByText("No text: 19 B, shown as bytes").waitFor();

  await go(page, "/drawing.svg");
  await sees(page, "<svg");
  await page.getByRole("button", { name: "Show as picture" }).click();
  await page.getByRole("img", { name: "Picture drawing.svg" }).waitFor();
  const drawing = page.getByRole("img", { name: "Picture drawing.svg" });
  assert.ok(await drawing.evaluate((/** @type {any} */ image) => image.decode().then(() => true)));
  await page.getByRole("button", { name: "Show as code" }).click();
  await sees(page, "<svg");

  await go(page, "/data.bin");
  const bytes = page.getByRole("region", { name: "Bytes of the file" });
  await bytes.getByText("00 01 02 03").waitFor();
  await page.getByRole("button", { name: "24 kB more" }).click();
  await becomes(async () => (await bytes.innerText()).split("\n").length, 2500);
  await page.behaved();
});

test("a file of nine megabytes is not fetched to be shown, but can be downloaded", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const long = Buffer.alloc(9_000_000, "x");
  await ana.post("/long.txt", long);
  const page = await open(t, server, { place: "#/long.txt" });
  await page.getByText("At 9.0 MB, this file is too large to show here.").waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download it" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "long.txt");
  assert.deepEqual(await readFile(await download.path()), long);
  await page.behaved();
});

test("a file of some megabytes, and a line of 300 kB, are left for a small one", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/many.txt", lines(400_000));
  await ana.post("/wide.txt", "y".repeat(300_000));
  await ana.post("/small.txt", "small\n");
  const page = await open(t, server, { place: "#/many.txt" });
  await sees(page, "line 1");
  await go(page, "/wide.txt");
  await sees(page, "yyyy");
  await go(page, "/small.txt");
  await sees(page, "small");
  await page.behaved();
});

test("names, contents and invisible characters from outside are text that is seen, and nothing else", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const evil = `<img src=x onerror="window.pwned=1">`;
  await ana.post(`/${evil}.txt`, `${evil}<script>window.pwned=1</script>\n`);
  await ana.post("/in\u202Eexe.txt", "a\u202Eb\u200Bc\u2066d\n");
  await ana.post("/page.html", `<script>window.pwned=1</script>`);
  const page = await open(t, server, { place: `#/${encodeURIComponent(`${evil}.txt`)}` });
  await sees(page, evil);
  await row(page, `${evil}.txt`).waitFor();
  await go(page, "/in\u202Eexe.txt");
  await row(page, "in‹U+202E›exe.txt").waitFor();
  await sees(page, "a‹U+202E›b‹U+200B›c‹U+2066›d");
  assert.equal(await page.title(), "in‹U+202E›exe.txt · ana/demo");
  await go(page, "/page.html");
  await sees(page, "<script>");
  await page.behaved();
});

test("the zip has the project byte for byte, also where reading needs a token", async (t) => {
  const server = await startServer(t, { publicRead: false });
  const folder = await temporary(t);
  const data = Uint8Array.from({ length: 70_000 }, (_, at) => (at * 7) % 256);
  const files = { "src/a.rs": lines(1000), "empty.txt": "", "data.bin": data, "ä ö/ü.md": "# ü\n" };
  await put(folder, files);
  await share(t, server, folder);
  const page = await open(t, server, { token: viewerToken("bob") });
  await row(page, "empty.txt").waitFor();
  await page.getByRole("button", { name: "Download" }).first().click();
  const dialog = page.getByRole("dialog", { name: "Take it home" });
  await dialog.getByText(/TWICECAST_TOKEN/).waitFor();
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    dialog.getByRole("button", { name: "Download as .zip" }).click(),
  ]);
  assert.equal(download.suggestedFilename(), "demo.zip");
  const zipped = unzip(await readFile(await download.path()));
  assert.deepEqual([...zipped.keys()].sort(), Object.keys(files).sort());
  for (const [name, content] of Object.entries(files)) assert.ok(zipped.get(name)?.equals(Buffer.from(content)), name);
  assert.ok(!new URL(page.url()).href.includes("token"));
  await page.behaved();
});

/**
 * The content of `a.txt` in the only folder below `home`; "" if there is none.
 * @param {string} home
 */
async function arrived(home) {
  const [folder] = await readdir(home);
  return readFile(path.join(home, folder ?? "", "a.txt"), "utf8").catch(() => "");
}

test("the commands on the page do what they say, also where names need quotes", async (t) => {
  const server = await startServer(t, { publicRead: false });
  for (const project of ["demo", "it's $HOME; a/b", "-x", "~"]) {
    const ana = await streamer(t, server, "ana", project);
    await ana.post("/a.txt", `${project}\n`);
    const secret = viewerToken("bob", "ana", project);
    const page = await open(t, server, { path: `/ana/${encodeURIComponent(project)}`, token: secret });
    await row(page, "a.txt").waitFor();
    await page.getByRole("button", { name: "Download" }).first().click();
    const printed = page.getByRole("dialog").locator(".command code");
    await printed.first().waitFor();
    const commands = await printed.allInnerTexts();
    const verbs = commands.map((each) => each.split(" ").slice(0, 2).join(" "));
    assert.deepEqual(verbs, ["twicecast mirror", "twicecast clone"]);
    for (const command of commands) {
      const home = await temporary(t);
      const running = runPrinted(t, command, home, { TWICECAST_TOKEN: secret });
      const ends = command.includes("clone");
      if (ends) assert.equal(await running.ended, 0, running.output);
      await becomes(() => arrived(home), `${project}\n`);
      await running.stop();
    }
    await page.behaved();
  }
});

test("a viewer who came by a token is told that the commands may need it, and nobody else", async (t) => {
  const server = await startServer(t, { publicRead: false });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "for some\n");
  const take = async (/** @type {any} */ page) => {
    await row(page, "a.txt").waitFor();
    await page.getByRole("button", { name: "Download" }).first().click();
    await page.getByRole("dialog").locator(".command code").first().waitFor();
    return page.getByRole("dialog");
  };
  const secret = viewerToken("bob");
  const bob = await open(t, server, { token: secret });
  const dialog = await take(bob);
  await dialog.getByText(/TWICECAST_TOKEN/).waitFor();
  const command = await dialog.locator(".command code").last().innerText();
  const home = await temporary(t);
  assert.notEqual(await runPrinted(t, command, home, {}).ended, 0, "without the token");
  assert.equal(await runPrinted(t, command, home, { TWICECAST_TOKEN: secret }).ended, 0, "with it");
  assert.equal(await arrived(home), "for some\n");
  await bob.behaved();

  const publicOne = await startServer(t);
  await (await streamer(t, publicOne)).post("/a.txt", "for all\n");
  const nobody = await open(t, publicOne);
  assert.equal(await (await take(nobody)).getByText(/TWICECAST_TOKEN/).count(), 0);
  await nobody.behaved();
});

test("without JavaScript the page names a command that works", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "here\n");
  const page = await open(t, server, { context: { javaScriptEnabled: false } });
  const printed = await page.locator("noscript code").innerText();
  const home = await temporary(t);
  const words = { DIR: "./copy", STREAMER: "ana", PROJECT: "demo", "wss://SERVER": server.url };
  const command = Object.entries(words).reduce((text, [name, value]) => {
    assert.ok(text.includes(name), `${name} in ${text}`);
    return text.replace(name, value);
  }, printed);
  const running = runPrinted(t, command, home, {});
  assert.equal(await running.ended, 0, running.output);
  assert.equal(await arrived(home), "here\n");
});

test("a single file is downloaded under its name, as bytes", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/src/a.html", "<b>a</b>\r\n");
  const page = await open(t, server, { place: "#/src/a.html" });
  await sees(page, "<b>a</b>");
  const [download] = await Promise.all([
    page.waitForEvent("download"),
    page.getByRole("button", { name: "Download file" }).click(),
  ]);
  assert.equal(path.basename(download.suggestedFilename()), "a.html");
  assert.equal(await readFile(await download.path(), "utf8"), "<b>a</b>\r\n");
  await page.behaved();
});
