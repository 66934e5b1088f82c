// The chat, in two browsers and next to the plain protocol.
import test from "node:test";
import assert from "node:assert/strict";
import { flood, open, phone, say, startServer, streamer, token, viewer, viewerToken } from "./lib.mjs";

const log = (/** @type {any} */ page) => page.getByRole("log", { name: "Messages" });
const field = (/** @type {any} */ page) => page.getByRole("textbox", { name: "Message" });

test("somebody with a name reads what was said before, writes, and sees their own words once", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.say("welcome!");
  const bob = await open(t, server, { token: viewerToken("bob") });
  await log(bob).getByText("welcome!").waitFor();
  assert.equal(await log(bob).locator(".badge").innerText(), "streamer");

  await say(bob, "hello\nfrom two lines");
  const heard = await ana.hears(
    (message) => message.type === "chatMessage" && message.data?.username === "bob",
  );
  assert.equal(heard.data.message, "hello\nfrom two lines");
  await log(bob).getByText("from two lines").waitFor();
  assert.equal(await log(bob).getByText("from two lines").count(), 1);
  assert.equal(await field(bob).inputValue(), "");

  await ana.say("and to you");
  await log(bob).getByText("and to you").waitFor();
  const words = await log(bob).locator(".words").allInnerTexts();
  assert.deepEqual(words, ["welcome!", "hello\nfrom two lines", "and to you"]);
  await bob.behaved();
});

test("members are told by name, the streamer with a badge, within ten seconds", async (t) => {
  const server = await startServer(t);
  await streamer(t, server);
  const bob = await open(t, server, { token: viewerToken("bob") });
  await bob.getByText("2 here").waitFor();
  const eve = await viewer(t, server, "eve");
  await bob.getByText("3 here").waitFor({ timeout: 11_000 });
  await bob.getByText("3 here").click();
  const names = bob.getByRole("list", { name: "Who is here" }).getByRole("listitem");
  assert.deepEqual(
    (await names.allInnerTexts()).map((name) => name.replace(/\s+/g, " ")),
    ["ana streamer", "bob", "eve"],
  );
  eve.close();
  await bob.getByText("2 here").waitFor({ timeout: 11_000 });
  await bob.behaved();
});

test("a viewer who writes too fast is told how long to wait, and keeps the text", async (t) => {
  const server = await startServer(t, { chatMessagesPerSecond: 1, chatBurst: 1 });
  await streamer(t, server);
  const bob = await open(t, server, { token: viewerToken("bob") });
  assert.match(await flood(bob, "line"), /wait 1 second/);
  const refused = await field(bob).inputValue();
  assert.match(refused, /^line \d+$/);
  await bob.getByRole("alert").waitFor({ state: "detached" });
  await field(bob).press("Enter");
  await log(bob).getByText(refused, { exact: true }).waitFor();
  await bob.behaved();
});

test("a reader who has scrolled up stays there, and one press brings what is new", async (t) => {
  const server = await startServer(t, { chatMessagesPerSecond: 0 });
  const ana = await streamer(t, server);
  for (let line = 1; line <= 60; line++) await ana.say(`line ${line}`);
  const bob = await open(t, server, { token: viewerToken("bob") });
  await log(bob).getByText("line 60").waitFor();
  const place = () =>
    log(bob).evaluate((/** @type {Element} */ list) => Math.round(list.scrollTop));
  await log(bob).hover();
  await bob.mouse.wheel(0, -400);
  await bob.waitForFunction(() => {
    const list = /** @type {Element} */ (document.querySelector("[role=log]"));
    return list.scrollTop + list.clientHeight < list.scrollHeight - 300;
  });
  const before = await place();
  await ana.say("news one");
  await ana.say("news two");
  await bob.getByRole("button", { name: "2 new messages" }).waitFor();
  assert.equal(await place(), before);
  await bob.getByRole("button", { name: "2 new messages" }).click();
  await bob.waitForFunction(() => {
    const list = /** @type {Element} */ (document.querySelector("[role=log]"));
    return list.scrollTop + list.clientHeight >= list.scrollHeight - 2;
  });
  assert.equal(await bob.getByRole("button", { name: /new message/ }).count(), 0);
  await bob.behaved();
});

test("messages that come while the chat is out of sight are counted on its tab", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const bob = await open(t, server, { token: viewerToken("bob"), viewport: phone });
  const places = bob.getByRole("navigation", { name: "Views" });
  await bob.getByText("Live", { exact: true }).waitFor();
  await ana.say("one");
  await ana.say("two");
  await places.getByRole("button", { name: /Chat\s*2/ }).click();
  await log(bob).getByText("two").waitFor();
  await places.getByRole("button", { name: /^Chat$/ }).waitFor();
  await bob.behaved();
});

test("a public chat is read without a token, and nobody without a name has a field", async (t) => {
  const server = await startServer(t, { publicChat: true });
  const ana = await streamer(t, server);
  await ana.say("hello, all of you");
  const nobody = await open(t, server);
  await log(nobody).getByText("hello, all of you").waitFor();
  await ana.say("and again");
  await log(nobody).getByText("and again").waitFor();
  assert.equal(await field(nobody).count(), 0);
  await nobody.behaved();
});

test("a viewer whose name expires goes on reading a public chat, and hears what is said afterwards", async (t) => {
  const server = await startServer(t, { publicChat: true });
  const ana = await streamer(t, server);
  const page = await open(t, server);
  await page.getByText("Live", { exact: true }).waitFor();
  // The token is made only now, because the page may take any time on a busy machine.
  const exp = Math.floor(Date.now() / 1000) + 4;
  const short = viewerToken("bob", "ana", "demo", { exp });
  await page.evaluate((token) => (location.hash = `token=${token}`), short);
  await field(page).waitFor();
  await page.getByText(/Your link has expired/).waitFor();
  await field(page).waitFor({ state: "detached" });
  await ana.say("still there?");
  await log(page).getByText("still there?").waitFor();
  await page.getByText(/You are reading along/).waitFor();
  await page.behaved();
});

test("a guest whose name is refused or expires goes on with the link, and is told that it was the name", async (t) => {
  const server = await startServer(t, { publicRead: false, publicChat: true, guests: "chat" });
  const ana = await streamer(t, server);
  const link = viewerToken("viewer", "ana", "demo", { rights: ["read"] });
  const page = await open(t, server, { token: link, expected: /401/ });
  const enter = async (/** @type {string} */ name) => {
    await page.getByRole("button", { name: "Join as guest" }).first().click();
    await page.getByRole("textbox", { name: "Your name" }).fill(name);
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await field(page).waitFor();
  };
  const reads = async (/** @type {string} */ words) => {
    await page.getByRole("button", { name: "Join as guest" }).first().waitFor();
    await ana.say(words);
    await log(page).getByText(words).waitFor();
    assert.equal(await page.getByText(/Your link/).count(), 0);
  };
  await enter("Bob");
  // This is the state after a restart of the server without the guests' key.
  const refused = token({ username: "~Bob", streamername: "ana", streamname: "demo" });
  await page.evaluate((wrong) => sessionStorage.setItem("token:ana/demo", wrong), refused);
  await page.reload();
  await page.getByText(/name that you took as a guest was refused/).waitFor();
  await reads("after a refusal");

  // A guest's name holds no longer than the link with which it was taken.
  const exp = Math.floor(Date.now() / 1000) + 8;
  const short = viewerToken("viewer", "ana", "demo", { rights: ["read"], exp });
  await page.evaluate((token) => (location.hash = `token=${token}`), short);
  await page.getByText(/name that you took/).waitFor({ state: "detached" });
  await enter("Robert");
  await page.evaluate((longer) => sessionStorage.setItem("token:ana/demo link", longer), link);
  await page.getByText(/name that you took as a guest has expired/).waitFor();
  await reads("after it expired");
  await page.reload();
  await reads("after a reload");
  await page.behaved();
});

test("a message is shown once where the connection was lost before the page learnt its number", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  let isCut = false;
  const prepare = (/** @type {import("playwright-core").Page} */ page) =>
    page.routeWebSocket(/\/ws$/, (socket) => {
      const to = socket.connectToServer();
      socket.onMessage((message) => {
        const { type, subtype, data } = JSON.parse(String(message));
        if (isCut || type !== "chat" || subtype !== "history" || !data.limit) return to.send(message);
        isCut = true;
        void socket.close();
      });
    });
  const page = await open(t, server, { token: viewerToken("bob"), prepare });
  await say(page, "only once");
  await log(page).getByText("only once").first().waitFor();
  await ana.say("heard you");
  await log(page).getByText("heard you").waitFor();
  assert.equal(isCut, true);
  assert.deepEqual(await log(page).locator(".words").allInnerTexts(), ["only once", "heard you"]);
  // The same words again are another message.
  await say(page, "only once");
  await log(page).getByText("only once").nth(1).waitFor();
  await page.behaved();
});

test("a guest takes a name, gets another where it is taken, and writes", async (t) => {
  const server = await startServer(t, { publicChat: true, guests: "chat" });
  const ana = await streamer(t, server);
  const first = await open(t, server);
  const enter = async (/** @type {any} */ page, /** @type {string} */ name) => {
    await page.getByRole("button", { name: "Join as guest" }).first().click();
    await page.getByRole("textbox", { name: "Your name" }).fill(name);
    await page.getByRole("button", { name: "Join", exact: true }).click();
  };
  await enter(first, "Bob");
  await say(first, "hi from a guest");
  const heard = await ana.hears(
    (message) => message.type === "chatMessage" && message.data?.username === "~Bob",
  );
  assert.equal(heard.data.message, "hi from a guest");

  const second = await open(t, server);
  await enter(second, "bob");
  await second.getByText(/is free/).waitFor();
  await second.getByRole("button", { name: "Join", exact: true }).click();
  await field(second).waitFor();
  await first.behaved();
  await second.behaved();
});

test("after a restart of the server nothing is shown twice, and what was said meanwhile is there", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.say("before");
  const bob = await open(t, server, { token: viewerToken("bob") });
  await log(bob).getByText("before").waitFor();
  await field(bob).fill("half a thought");
  await server.restart();
  const again = await streamer(t, server);
  await again.say("after");
  await log(bob).getByText("after").waitFor();
  assert.deepEqual(await log(bob).locator(".words").allInnerTexts(), ["before", "after"]);
  assert.equal(await field(bob).inputValue(), "half a thought");
  await bob.behaved();
});

test("a viewer with a link that can only read takes a guest's name, and reads on without it", async (t) => {
  const server = await startServer(t, { publicRead: false, publicChat: true, guests: "chat" });
  const ana = await streamer(t, server);
  await ana.say("welcome!");
  const page = await open(t, server, { token: viewerToken("viewer", "ana", "demo", { rights: ["read"] }) });
  await log(page).getByText("welcome!").waitFor();
  assert.equal(await field(page).count(), 0);

  await page.getByRole("button", { name: "Join as guest" }).first().click();
  await page.getByRole("textbox", { name: "Your name" }).fill("Bob");
  await page.getByRole("button", { name: "Join", exact: true }).click();
  await say(page, "hi from a link");
  const heard = await ana.hears((message) => message.type === "chatMessage" && message.data?.username === "~Bob");
  assert.equal(heard.data.message, "hi from a link");

  await page.getByRole("button", { name: "~Bob" }).first().click();
  await page.getByRole("button", { name: "Leave" }).click();
  await page.getByRole("button", { name: "Join as guest" }).first().waitFor();
  await log(page).getByText("hi from a link").waitFor();
  await page.behaved();
});
