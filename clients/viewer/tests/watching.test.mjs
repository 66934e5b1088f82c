// Watching: what is saved is shown and marked, and the view stays in place.
import test from "node:test";
import assert from "node:assert/strict";
import { open, share, startServer, streamer, temporary } from "./lib.mjs";
import { becomes, line, lines, pill, put, row, scrolled, sees, tabs } from "./lib/watching.mjs";

test("a link shows the tree, the newest file and that the streamer is live, without an account", async (t) => {
  const server = await startServer(t);
  const folder = await temporary(t);
  await put(folder, { "src/a.rs": "fn a() {}\n", "README.md": "# Hello\n" });
  await share(t, server, folder);
  const page = await open(t, server);
  await row(page, "README.md").waitFor();
  await becomes(() => pill(page).innerText(), "Live");
  await becomes(() => tabs(page).count(), 1);
  assert.equal(await page.getByRole("button", { name: "Following" }).getAttribute("aria-pressed"), "true");
  await page.getByText("1 watching").first().waitFor();
  await page.behaved();
});

test("a save is on screen with its characters marked, and the gutter remembers it", async (t) => {
  const server = await startServer(t);
  const folder = await temporary(t);
  await put(folder, { "a.rs": lines(40, { 20: "let limit = 512;" }) });
  await share(t, server, folder);
  const page = await open(t, server, { context: { reducedMotion: "no-preference" } });
  await sees(page, "let limit = 512;");
  await put(folder, { "a.rs": lines(40, { 20: "let limit = 2048;" }) });
  await sees(page, "let limit = 2048;");
  assert.equal(await page.locator("#code .cm-fresh").first().innerText(), "2048");
  assert.equal(await page.locator("#code .cm-bar").count(), 1);
  await page.locator("#code .cm-fresh").first().waitFor({ state: "detached" });
  assert.equal(await page.locator("#code .cm-bar").count(), 1);
  await page.behaved();
});

test("when the file on screen changes, selection, folds and place stay", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const body = (/** @type {string} */ head) => `${head}fn first() {\n    one();\n    two();\n}\n${lines(300)}`;
  await ana.post("/a.rs", body(""));
  const page = await open(t, server, { place: "#/a.rs" });
  await sees(page, "fn first");
  await page.locator("#code .cm-foldGutter span[title='Fold line']").first().click();
  await page.locator("#code .cm-foldPlaceholder").waitFor();
  await page.locator("#code .cm-scroller").evaluate((element) => element.scrollTo(0, 3000));
  await sees(page, "line 150");
  await line(page, "line 150").dblclick();
  const top = () => line(page, "line 150").evaluate((element) => Math.round(element.getBoundingClientRect().top));
  const before = await top();
  const chosen = () =>
    page.locator("#code").evaluate((element) => String(element.shadowRoot?.activeElement && getSelection()));
  const selected = await chosen();

  await ana.post("/a.rs", body("// a new line at the top\n// and another\n"));
  await becomes(() => page.locator("#filebar .facts").innerText().then((text) => /kB/.test(text)), true);
  await becomes(async () => Math.abs((await top()) - before) <= 1, true);
  assert.equal(await chosen(), selected);
  await page.locator("#code .cm-scroller").evaluate((element) => element.scrollTo(0, 0));
  await sees(page, "// and another");
  assert.equal(await page.locator("#code .cm-foldPlaceholder").count(), 1);
  await page.behaved();
});

test("following goes where something changes, at the change; looking elsewhere ends it, and one key brings it back", async (t) => {
  const server = await startServer(t);
  const folder = await temporary(t);
  await put(folder, { "a.rs": lines(200) });
  await share(t, server, folder);
  const page = await open(t, server);
  const following = page.getByRole("button", { name: /^Follow/ });
  // The earlier content is shown first, so that what follows is a change.
  await sees(page, "line 1");
  await put(folder, { "a.rs": lines(200, { 180: "changed in a" }) });
  await sees(page, "changed in a");
  await put(folder, { "b.rs": lines(200) });
  await becomes(() => tabs(page).first().innerText().then((text) => /b\.rs/.test(text)), true);
  await sees(page, "line 1");
  await put(folder, { "b.rs": lines(200, { 150: "changed in b" }) });
  await sees(page, "changed in b");
  assert.equal(await page.locator("#code .cm-bar").count(), 1, "the change is marked");
  assert.equal(await tabs(page).count(), 1, "a preview gives way to the next");

  await page.locator("#code").hover();
  await page.mouse.wheel(0, -400);
  await becomes(() => following.innerText(), "Follow");
  await put(folder, { "a.rs": lines(200, { 20: "changed in a again" }) });
  await row(page, /a\.rs.*changed lately/).waitFor();
  assert.match(await tabs(page).first().innerText(), /b\.rs/);

  await page.keyboard.press("f");
  await sees(page, "changed in a again");
  assert.equal(await following.innerText(), "Following");
  await page.keyboard.press("F6");
  await page.locator("#code .cm-content").focus();
  await page.keyboard.press("ArrowDown");
  await becomes(() => following.innerText(), "Follow");
  await page.behaved();
});

test("a viewer who comes back to a file finds marked what changed in it meanwhile, and their place", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.rs", lines(200));
  await ana.post("/b.rs", lines(10));
  const page = await open(t, server, { place: "#/a.rs" });
  await sees(page, "line 1");
  await page.locator("#code .cm-scroller").evaluate((element) => element.scrollTo(0, 1500));
  await sees(page, "line 80");
  const before = await scrolled(page);
  await row(page, "b.rs").click();
  await becomes(() => page.locator("#code .cm-line", { hasText: "line 80" }).count(), 0);
  await ana.post("/a.rs", lines(200, { 85: "changed meanwhile" }));
  await row(page, /a\.rs.*changed lately/).click();
  await sees(page, "changed meanwhile");
  assert.equal(await page.locator("#code .cm-bar").count(), 1);
  assert.ok(Math.abs((await scrolled(page)) - before) < 2);
  await page.behaved();
});

test("where the streamer's editor says where they look, following goes there, and changes elsewhere do not distract", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.rs", lines(300));
  await ana.post("/b.rs", lines(300));
  const page = await open(t, server);
  await becomes(() => tabs(page).count(), 1);
  await ana.ask("file", "focus", { name: "/a.rs", line: 250 });
  await sees(page, "line 250");
  assert.ok((await scrolled(page)) > 1000);
  await ana.post("/b.rs", lines(301));
  await row(page, /b\.rs.*changed lately/).waitFor();
  assert.match(await tabs(page).first().innerText(), /a\.rs/);
  await page.behaved();
});

test("only the contents of what is looked at travel, and of few files that changed last", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const big = lines(9000);
  for (let at = 0; at < 40; at++) await ana.post(`/files/${at}.txt`, at < 30 ? big : lines(3));
  const page = await open(t, server);
  /** @type {Set<string>} */
  const brought = new Set();
  let bytes = 0;
  page.on("websocket", (socket) => socket.on("framereceived", ({ payload }) => {
    bytes += payload.length;
    const message = JSON.parse(String(payload));
    if (message.type === "fileGet") brought.add(message.data.name);
  }));
  await page.reload();
  await page.locator("#code .cm-line").first().waitFor();
  await ana.post("/files/5.txt", `${big}!`);
  await page.locator("#foot").getByText("5.txt").waitFor();
  assert.ok(brought.size <= 24, `${brought.size} files were brought`);
  assert.ok(!brought.has("/files/20.txt"));
  assert.ok(bytes < 600_000, `${bytes} bytes came`);
  await page.behaved();
});

test("a thousand files that change at once open nothing unless they are followed", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const post = (/** @type {number} */ at, more = "") =>
    ana.post(`/d${at % 20}/${at}.js`, `export const n = ${at};\n${more}`);
  const all = (more = "") => Promise.all(Array.from({ length: 1000 }, (_, at) => post(at, more)));
  await all();
  const page = await open(t, server, { place: "#/d0/0.js" });
  await sees(page, "export const n = 0;");
  await all("// changed\n");
  await row(page, /^20\.js.*changed lately/).waitFor();
  await sees(page, "// changed");
  assert.equal(await tabs(page).count(), 1);
  assert.ok((await page.locator(".tree-row").count()) <= 60);
  await page.behaved();
});

test("a file that changes while it is being read is read again, until what is shown is what is there", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const long = lines(20_000);
  await ana.post("/long.txt", `first\n${long}`);
  await ana.post("/a.txt", "small\n");
  const page = await open(t, server, { path: "/healthz", expected: /404/ });
  // The server is not told that the file is open, as if it changed just before that.
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const to = socket.connectToServer();
    socket.onMessage((text) => {
      const message = JSON.parse(String(text));
      const without = (/** @type {string[]} */ names) => names.filter((name) => name !== "/long.txt");
      if (message.subtype === "watch") message.data.content = without(message.data.content);
      to.send(JSON.stringify(message));
    });
  });
  let reads = 0;
  await page.route("**/-/raw/ana/demo/long.txt", async (route) => {
    const answer = await route.fetch();
    if (++reads <= 2) {
      await ana.post("/long.txt", `${reads === 1 ? "second" : "third"}\n${long}`);
      await page.locator("#foot .last", { hasText: "long.txt" }).waitFor();
      await page.quiet();
    }
    await route.fulfill({ response: answer });
  });
  await page.goto(`${server.origin}/ana/demo#/long.txt`);
  await sees(page, "third");
  assert.equal(reads, 3);
  await page.behaved();
});

test("a file has its colours until a save gives it a line that is too long for them, and has them again after", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const quote = (/** @type {number} */ count) => `# Title\n\n${"> ".repeat(count)}end\n`;
  await ana.post("/a.md", quote(2));
  const page = await open(t, server, { place: "#/a.md" });
  const coloured = () => page.locator("#code .cm-line", { hasText: "Title" }).locator("span:not(.cm-fresh)").count();
  await becomes(async () => (await coloured()) > 0, true);
  await ana.post("/a.md", quote(300_000));
  await becomes(coloured, 0);
  await ana.post("/a.md", quote(3));
  await becomes(async () => (await coloured()) > 0, true);
  await page.behaved();
});
