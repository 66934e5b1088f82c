// What is shown if there is nothing to show, who may see it, and what happens when the connection
// is lost.
import test from "node:test";
import assert from "node:assert/strict";
import { open, startServer, streamer, streamerToken, viewerToken } from "./lib.mjs";
import { becomes, lines, pill, row, sees, tabs } from "./lib/watching.mjs";

test("a project that is not there yet gets a sentence, and fills by itself", async (t) => {
  const server = await startServer(t);
  const page = await open(t, server);
  await page.getByText("ana has not started demo.").waitFor();
  assert.equal(await pill(page).innerText(), "Not started");
  const ana = await streamer(t, server);
  await page.getByText("What ana saves appears here at once.").waitFor();
  await ana.post("/first.txt", "it begins\n");
  await sees(page, "it begins");
  await row(page, "first.txt").waitFor();
  await page.behaved();
});

test("live and away are said in words, and what was left stays", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "left\n");
  const page = await open(t, server);
  await becomes(() => pill(page).innerText(), "Live");
  ana.close();
  await becomes(() => pill(page).innerText(), "Away");
  await sees(page, "left");
  assert.equal(await pill(page).getAttribute("role"), "status");
  await page.behaved();
});

test("reading that needs a token asks for the link, and the token stays in this tab alone", async (t) => {
  const server = await startServer(t, { publicRead: false });
  const ana = await streamer(t, server);
  await ana.post("/secret.txt", "for some\n");
  const expected = /401/;
  const page = await open(t, server, { expected });
  await page.getByText("Open the link that ana gave you, or paste it here.").waitFor();
  assert.equal(await pill(page).innerText(), "No access");
  await page.getByRole("textbox", { name: "Link" }).fill("https://example.org/ana/demo");
  await page.getByRole("button", { name: "Open" }).click();
  await page.getByText("There is no token in this link.").waitFor();
  const secret = viewerToken("bob");
  await page.getByRole("textbox", { name: "Link" }).fill(`${server.origin}/ana/demo#token=${secret}`);
  await page.getByRole("button", { name: "Open" }).click();
  await sees(page, "for some");
  await page.getByRole("button", { name: "bob" }).waitFor();
  await page.reload();
  await sees(page, "for some");
  const other = await page.context().newPage();
  await other.goto(`${server.origin}/ana/demo`);
  await other.getByText("Open the link that ana gave you, or paste it here.").waitFor();
  await page.behaved();
});

test("a token in the link leaves the address before anything else, and is in no request and no log", async (t) => {
  const server = await startServer(t, { publicRead: false });
  const ana = await streamer(t, server);
  await ana.post("/secret.txt", "for some\n");
  const secret = viewerToken("bob");
  /** @type {string[]} */
  const seen = [];
  const page = await open(t, server, { path: "/healthz" });
  page.on("request", (request) => seen.push(request.url(), request.headers().referer ?? ""));
  await page.goto(`${server.origin}/ana/demo#token=${secret}`);
  await sees(page, "for some");
  assert.equal(new URL(page.url()).href.includes("token"), false);
  assert.equal(await page.evaluate(() => document.documentElement.outerHTML.includes("eyJ")), false);
  assert.equal(await page.title(), "secret.txt · ana/demo");
  const stored = await page.evaluate(() => [Object.keys(sessionStorage), JSON.stringify(localStorage)]);
  assert.deepEqual(stored[0], ["token:ana/demo"]);
  assert.ok(!String(stored[1]).includes(secret));
  await page.goBack();
  await page.goForward();
  assert.equal(new URL(page.url()).href.includes("token"), false);
  assert.ok(!seen.slice(1).some((url) => url.includes(secret) && !url.includes("#")));
  assert.ok(!server.log().includes(secret));
});

test("an expired token costs the name, not the watching, where reading is public", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const old = viewerToken("bob", "ana", "demo", { exp: Math.floor(Date.now() / 1000) - 60 });
  const page = await open(t, server, { token: old });
  await page.getByText("Your link has expired, so you are watching without a name.").waitFor();
  await sees(page, "one");
  assert.deepEqual(await page.evaluate(() => Object.keys(sessionStorage)), []);
  await page.evaluate((fresh) => (location.hash = `#token=${fresh}`), viewerToken("bob"));
  await page.getByRole("button", { name: "bob" }).waitFor();
  assert.equal(new URL(page.url()).hash.includes("token"), false);
  await page.getByText("Your link has expired").waitFor({ state: "detached" });
  await page.behaved();
});

test("a token that expires while watching ends what it gave, with a sentence", async (t) => {
  const server = await startServer(t, { publicRead: false });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const exp = Math.floor(Date.now() / 1000) + 4;
  const short = viewerToken("bob", "ana", "demo", { exp });
  const page = await open(t, server, { token: short, expected: /401/ });
  await sees(page, "one");
  await page.getByText("Ask ana for a new one, and paste it here.").waitFor();
  assert.equal(await pill(page).innerText(), "No access");
  await page.behaved();
});

test("a token for another project is refused with a sentence", async (t) => {
  const server = await startServer(t, { publicRead: false });
  await streamer(t, server);
  const page = await open(t, server, { token: viewerToken("bob", "eve", "other"), expected: /401/ });
  await page.getByRole("heading", { name: /not public|does not fit/ }).waitFor();
  await page.behaved();
});

test("a server that is killed and comes back is found again, with the newest of what is open", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", lines(50));
  await ana.post("/gone.txt", "soon\n");
  const page = await open(t, server, { place: "#/a.txt" });
  await sees(page, "line 1");
  server.kill();
  await becomes(() => pill(page).innerText(), "Reconnecting");
  await sees(page, "line 1");
  await server.restart();
  const again = await streamer(t, server);
  await again.post("/a.txt", lines(50, { 3: "while you were lost" }));
  await again.delete("/gone.txt");
  await becomes(() => pill(page).innerText(), "Live");
  await sees(page, "while you were lost");
  await row(page, "gone.txt").waitFor({ state: "detached" });
  assert.equal(await tabs(page).count(), 1);
  await page.behaved();
});

test("a connection that hangs is taken for lost, and made again", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "still here\n");
  const page = await open(t, server, { path: "/healthz" });
  let isHung = true;
  await page.routeWebSocket(/\/ws$/, (socket) => {
    const to = socket.connectToServer();
    const hangs = isHung;
    to.onMessage((message) => {
      if (!hangs) socket.send(message);
    });
  });
  await page.goto(`${server.origin}/ana/demo`);
  await page.getByText("Looking for ana / demo.").waitFor();
  isHung = false;
  await sees(page, "still here");
});

test("a server that does not answer at first is said to be tried again, at once on request", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "here now\n");
  const page = await open(t, server, { path: "/healthz" });
  let refused = 0;
  let refuses = true;
  await page.routeWebSocket(/\/ws$/, (socket) => {
    if (!refuses) return void socket.connectToServer();
    refused++;
    socket.close({ code: 1013, reason: "full" });
  });
  await page.goto(`${server.origin}/ana/demo`);
  await becomes(async () => refused >= 3, true);
  await page.getByRole("heading", { name: "The server does not answer" }).waitFor();
  refuses = false;
  await page.getByRole("button", { name: "Try now" }).click();
  await sees(page, "here now");
});

test("the count of those who watch is right on every page soon after somebody comes or goes", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const pages = [await open(t, server), await open(t, server), await open(t, server)];
  const told = (/** @type {number} */ count) =>
    Promise.all(pages.map((page) => page.getByText(`${count} watching`).waitFor({ timeout: 10_000 })));
  await told(3);
  const last = pages.pop();
  await last?.behaved();
  await last?.close();
  await told(2);
  for (const page of pages) await page.behaved();
});

test("the server's own page works whatever other origins are allowed", async (t) => {
  const server = await startServer(t, { allowedOrigins: "https://elsewhere.example" });
  const ana = await streamer(t, server);
  await ana.post("/a.txt", lines(20_000));
  const page = await open(t, server, { token: viewerToken("bob") });
  await sees(page, "line 1");
  assert.ok(Object.keys(page.traffic.bodies).includes("/-/raw/ana/demo/a.txt"));
  await page.getByRole("button", { name: "You are bob" }).waitFor();
  await page.behaved();
});

test("the streamer who only looks does not make the project live", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  ana.close();
  const page = await open(t, server, { token: streamerToken() });
  await page.getByRole("button", { name: "You are ana streamer" }).waitFor();
  await sees(page, "one");
  assert.equal(await pill(page).innerText(), "Away");
  await page.behaved();
});

test("the start page takes an address or a link, and lists nothing", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/a.txt", "one\n");
  const page = await open(t, server, { path: "/" });
  const field = page.getByRole("textbox", { name: "Streamer and project" });
  await field.fill("nonsense");
  await page.getByRole("button", { name: "Watch" }).click();
  await page.getByText("An address has two parts").waitFor();
  assert.ok(!(await page.locator("body").innerText()).includes("demo\n"));
  await field.fill(`${server.origin}/ana/demo`);
  await field.press("Enter");
  await sees(page, "one");
  await page.behaved();
});
