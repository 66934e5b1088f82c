// What a viewer sees when the server, the project, the streamer or the token is not there.
import test from "node:test";
import assert from "node:assert/strict";
import { code, open, openFile, startServer, streamer, token, typeAtStart, viewerToken } from "./lib.mjs";

const EXPECTED = /WebSocket|ERR_|401/;

test("a project that is not there yet has a sentence, and fills by itself", async (t) => {
  const server = await startServer(t);
  const page = await open(t, server);
  await page.getByText("ana has not started demo. This page fills by itself once they do.").waitFor();
  const ana = await streamer(t, server);
  await page.getByText("No files yet", { exact: true }).waitFor();
  await ana.post("/a.txt", "first\n");
  await page.getByRole("treeitem", { name: "a.txt" }).waitFor();
  await code(page).getByText("first").waitFor();
  await page.behaved();
});

test("when the server is killed and comes back, so does the page, with the newest file and its tabs", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  await ana.post("/b.txt", "two\n");
  const page = await open(t, server, { expected: EXPECTED });
  await openFile(page, "a.txt");
  await code(page).getByText("one").waitFor();
  await server.kill();
  await page.getByText("Reconnecting").waitFor();
  await server.restart();
  const again = await streamer(t, server);
  await again.post("/a.txt", "one, but newer\n");
  await page.getByText("Live", { exact: true }).waitFor();
  await code(page).getByText("one, but newer").waitFor();
  await page.getByRole("treeitem", { name: "b.txt" }).waitFor();
  await page.behaved();
});

test("the pill says whether the streamer is there", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const page = await open(t, server);
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  ana.close();
  await page.getByRole("status").getByText("Away", { exact: true }).waitFor();
  await code(page).getByText("one").waitFor();
  await streamer(t, server);
  await page.getByRole("status").getByText("Live", { exact: true }).waitFor();
  await page.behaved();
});

test("where reading needs a token, a link lets in and nothing keeps the token but this tab", async (t) => {
  const server = await startServer(t, { publicRead: false });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "secret\n");
  const denied = await open(t, server, { expected: EXPECTED });
  await denied.getByText("This project is not public").waitFor();
  assert.equal(await denied.getByRole("treeitem").count(), 0);

  const secret = viewerToken("bob");
  const page = await open(t, server, { token: secret });
  /** @type {string[]} */
  const asked = [];
  page.on("request", (request) => asked.push(request.url(), request.headers().referer ?? ""));
  await page.getByRole("treeitem", { name: "a.txt" }).click();
  await code(page).getByText("secret").waitFor();
  assert.doesNotMatch(page.url(), /token/);
  assert.doesNotMatch(await page.title(), /eyJ/);
  await page.reload();
  await code(page).getByText("secret").waitFor();
  assert.equal(asked.filter((each) => each.includes(secret)).length, 0);
  await page.goBack().catch(() => {});
  assert.doesNotMatch(page.url(), /token/);
  await page.goForward().catch(() => {});
  const kept = await page.evaluate(() => Object.entries(localStorage).flat().join("\n") + document.cookie);
  assert.doesNotMatch(kept, /eyJ/);

  // Another tab of the same browser has nothing of it.
  const other = await page.context().newPage();
  await other.goto(`${server.origin}/ana/demo`);
  await other.getByText("This project is not public").waitFor();
  assert.equal(server.log().includes(secret), false);
  assert.equal(server.log().includes(secret.split(".")[2]), false);
});

test("a link can be pasted where one is asked for", async (t) => {
  const server = await startServer(t, { publicRead: false });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "secret\n");
  const page = await open(t, server, { expected: EXPECTED });
  await page.getByRole("textbox", { name: "Link" }).fill("no token in this");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("textbox", { name: "Link" }).fill(`${server.origin}/ana/demo#token=${viewerToken("bob")}`);
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByRole("treeitem", { name: "a.txt" }).waitFor();
  await page.behaved();
});

test("an expired token is a sentence, watching goes on where it is public, and a fresh link keeps the edits", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const exp = Math.floor(Date.now() / 1000) + 3;
  const page = await open(t, server, { token: viewerToken("bob", "ana", "demo", { exp }), expected: EXPECTED });
  await page.getByRole("treeitem", { name: "a.txt" }).waitFor();
  await openFile(page, "a.txt");
  await page.getByRole("button", { name: "Edit", exact: true }).first().click();
  await typeAtStart(page, "// edited\n");
  await page.getByText(/Your link has expired/).waitFor();
  await ana.post("/b.txt", "still watching\n");
  await page.getByRole("treeitem", { name: "b.txt" }).waitFor();
  await code(page).getByText("// edited").waitFor();
  await page.evaluate((fresh) => (location.hash = `token=${fresh}`), viewerToken("bob"));
  await page.getByText(/Your link has expired/).waitFor({ state: "detached" });
  await page.getByRole("tab", { name: /^Proposals/ }).click();
  await page.getByRole("textbox", { name: "Title" }).fill("Kept");
  await page.getByRole("button", { name: "Propose 1 file" }).click();
  await ana.hears((message) => message.type === "pullRequestCreated" && message.data.title === "Kept");
  await page.behaved();
});

test("a token of another project does not fit, and is said not to", async (t) => {
  const server = await startServer(t, { publicRead: false });
  await streamer(t, server);
  const wrong = token({ username: "bob", streamername: "ana", streamname: "other" });
  const page = await open(t, server, { token: wrong, expected: EXPECTED });
  await page.getByText(/This link does not fit|This project is not public/).waitFor();
  const forged = await open(t, server, { token: `${viewerToken("bob")}x`, expected: EXPECTED });
  await forged.getByText("This link does not fit").waitFor();
});
