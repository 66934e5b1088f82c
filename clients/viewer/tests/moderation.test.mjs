// Moderation: the moderators' tools on the page, and what happens on everybody else's page.
import test from "node:test";
import assert from "node:assert/strict";
import { desktop, open, phone, say, startServer, streamer, streamerToken, token, viewer, viewerToken } from "./lib.mjs";
import { log, menuOf, message, moderation } from "./lib/moderating.mjs";
import { becomes } from "./lib/watching.mjs";

const field = (/** @type {any} */ page) => page.getByRole("textbox", { name: "Message" });
const moderatorToken = (/** @type {string} */ name) => viewerToken(name, "ana", "demo", { role: "moderator" });

test("a mute is told to whom it concerns, keeps their text, and is undone by one press", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.say("welcome!");
  const mia = await open(t, server, { token: moderatorToken("mia") });
  const bob = await open(t, server, { token: viewerToken("bob") });
  await say(bob, "rude words");
  await field(bob).fill("and more of th");
  await (await menuOf(mia, "rude words")).getByRole("menuitem", { name: "Mute bob for 10 minutes" }).click();
  await mia.getByRole("status").getByText(/^bob is muted until \d/).waitFor();
  await bob.getByRole("alert").getByText(/^You are muted until \d{1,2}:\d\d/).waitFor();
  assert.equal(await field(bob).inputValue(), "and more of th");
  await field(bob).press("Enter");
  await bob.getByRole("alert").getByText(/^You are muted until/).waitFor();
  assert.equal(await field(bob).inputValue(), "and more of th");

  // A second mute replaces the first, and is undone before its notice disappears.
  await (await menuOf(mia, "rude words")).getByRole("menuitem", { name: "Mute bob for 1 day" }).click();
  await mia.getByRole("status").getByRole("button", { name: "Undo" }).last().click();
  await bob.getByRole("alert").getByText("You can write again.").waitFor();
  await field(bob).press("Enter");
  await message(mia, "and more of th").waitFor();
  await bob.getByRole("alert").waitFor({ state: "detached" });

  // For the streamer's messages, and one's own, only some actions make sense.
  const all = async (/** @type {string} */ words) => {
    const names = await (await menuOf(mia, words)).getByRole("menuitem").allInnerTexts();
    await mia.keyboard.press("Escape");
    return names;
  };
  assert.deepEqual(await all("welcome!"), ["Delete message…"]);
  await say(mia, "calm down");
  assert.deepEqual(await all("calm down"), ["Delete message…"]);
  assert.deepEqual(await all("rude words"), [
    "Delete message…", "Mute bob for 10 minutes", "Mute bob for 1 hour", "Mute bob for 1 day",
    "Ban bob for 1 day", "Ban bob until lifted",
  ]);
  await mia.behaved();
  await bob.behaved();
});

test("who is banned loses the field and keeps their text, also after a reload, and is let in again by itself", async (t) => {
  const server = await startServer(t, { guests: "propose" });
  await streamer(t, server);
  const ana = await open(t, server, { token: streamerToken() });
  const bob = await open(t, server, { token: viewerToken("bob"), expected: /401/ });
  await say(bob, "rude words");
  await field(bob).fill("half a thought");
  await (await menuOf(ana, "rude words")).getByRole("menuitem", { name: "Ban bob for 1 day" }).click();
  await bob.getByRole("status").getByText(/^You are banned .* until/).waitFor();
  await bob.locator("#chat").getByText(/^You are banned from the chat and from proposing until .*\d:\d\d/).waitFor();
  assert.equal(await field(bob).inputValue(), "half a thought");
  assert.equal(await bob.getByRole("button", { name: "Send" }).isDisabled(), true);
  await bob.getByRole("tab", { name: "Proposals" }).click();
  await bob.locator("#proposals").getByText(/^You are banned/).waitFor();

  await bob.reload();
  await bob.locator("#chat").getByText(/^You are banned from the chat and from proposing until/).waitFor();
  assert.equal(await field(bob).count(), 0);
  assert.equal(await bob.getByRole("button", { name: "Join as guest" }).count(), 0);
  await (await moderation(ana)).getByRole("button", { name: "Lift it for bob" }).click();
  // When the tab becomes visible, the connection is checked at once.
  await becomes(async () => {
    await bob.evaluate(() => document.dispatchEvent(new Event("visibilitychange")));
    return field(bob).count();
  }, 1);
  await ana.keyboard.press("Escape");
  await say(bob, "sorry");
  await message(ana, "sorry").waitFor();
  await bob.behaved();
  await ana.behaved();
});

test("a mute and a ban end by themselves, and that is said", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  const bob = await open(t, server, { token: viewerToken("bob"), expected: /401/ });
  await field(bob).fill("may I?");
  await becomes(async () => (await ana.ask("chat", "members")).data.includes("bob"), true);
  await ana.ask("chat", "mute", { username: "bob", seconds: 4 });
  await bob.getByRole("alert").getByText(/^You are muted until/).waitFor();
  await bob.getByRole("alert").getByText("You can write again.").waitFor();
  await ana.ask("chat", "ban", { username: "bob", seconds: 4 });
  await bob.locator("#chat").getByText(/^You are banned/).waitFor();
  assert.equal(await bob.getByRole("button", { name: "Send" }).isDisabled(), true);
  await bob.getByRole("alert").getByText("You can write again.").waitFor();
  await field(bob).press("Enter");
  await message(bob, "may I?").waitFor();
  await bob.behaved();
});

test("a notice covers neither the newest message nor the field below it", async (t) => {
  const server = await startServer(t);
  await streamer(t, server);
  const bob = await viewer(t, server, "bob");
  for (let count = 1; count <= 15; count++) await bob.say(`line ${count}`);
  for (const viewport of [desktop, { width: 900, height: 700 }, phone]) {
    const ana = await open(t, server, { token: streamerToken(), viewport });
    if (viewport === phone)
      await ana.getByRole("navigation", { name: "Views" }).getByRole("button", { name: /^Chat/ }).tap();
    else if (viewport !== desktop) await ana.getByRole("button", { name: "Chat and proposals" }).click();
    await (await menuOf(ana, "line 15")).getByRole("menuitem", { name: "Mute bob for 10 minutes" }).click();
    const notice = ana.locator("#notices .notice");
    await notice.waitFor();
    const button = message(ana, "line 15").getByRole("button", { name: /^Actions for/ });
    for (const covered of [button, field(ana)]) {
      const [a, b] = [await notice.boundingBox(), await covered.boundingBox()];
      assert.ok(a && b);
      const apart = a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y;
      assert.ok(apart, `${JSON.stringify(a)} covers ${JSON.stringify(b)}`);
    }
    await ana.behaved();
  }
});

test("a message that is deleted goes from every page, from those that were cut off, and from what is unread", async (t) => {
  const server = await startServer(t, { publicChat: true });
  const client = await streamer(t, server);
  await client.say("first");
  await client.say("bad words");
  await client.say("last");
  const ana = await open(t, server, { token: streamerToken() });
  /** @type {import("playwright-core").WebSocketRoute | undefined} */
  let line;
  let isCut = false;
  const prepare = (/** @type {import("playwright-core").Page} */ page) =>
    page.routeWebSocket(/\/ws$/, (socket) => {
      if (isCut) return void socket.close();
      line = socket;
      socket.connectToServer();
    });
  const away = await open(t, server, { token: viewerToken("bob"), prepare });
  const listener = await open(t, server, { viewport: phone });
  const chat = listener.getByRole("navigation", { name: "Views" }).getByRole("button", { name: /^Chat/ });
  await message(away, "last").waitFor();
  await listener.getByText("Live", { exact: true }).waitFor();
  await client.say("worse words");
  await chat.getByText("1").waitFor();
  await message(away, "worse words").waitFor();
  isCut = true;
  await line?.close();
  await away.getByText("Reconnecting").waitFor();

  for (const words of ["bad words", "worse words"]) {
    await (await menuOf(ana, words)).getByRole("menuitem", { name: "Delete message…" }).click();
    const menu = ana.getByRole("menu", { name: "Delete this message for everybody?" });
    await menu.getByRole("menuitem", { name: "Delete for everybody" }).click();
    await message(ana, words).waitFor({ state: "detached" });
  }
  await chat.getByText("1").waitFor({ state: "detached" });
  assert.deepEqual(await listener.locator("#chat .words").allTextContents(), ["first", "last"]);
  await client.say("back to work");
  isCut = false;
  await message(away, "back to work").waitFor();
  assert.deepEqual(await log(away).locator(".words").allInnerTexts(), ["first", "last", "back to work"]);

  // After a restart numbers start again, so earlier messages have no valid number.
  await server.restart();
  const again = await streamer(t, server);
  await again.say("number one");
  await message(ana, "number one").waitFor();
  assert.equal(await message(ana, "first").getByRole("button").count(), 0);
  assert.equal(await message(ana, "number one").getByRole("button").count(), 1);
  await away.behaved();
});

test("an announcement stands out, and is told to those who look elsewhere", async (t) => {
  const server = await startServer(t);
  const client = await streamer(t, server);
  const ana = await open(t, server, { token: streamerToken() });
  const bob = await open(t, server, { token: viewerToken("bob"), viewport: phone });
  await becomes(async () => (await client.ask("chat", "members")).data.includes("bob"), true);
  await bob.quiet();
  await ana.getByRole("checkbox", { name: "As announcement" }).check();
  await say(ana, "the next stream is on Monday");
  await log(ana).locator(".announcement", { hasText: "Monday" }).getByText("announcement", { exact: true }).waitFor();
  assert.equal(await log(ana).getByText("Monday").count(), 1);
  await becomes(() => ana.getByRole("checkbox", { name: "As announcement" }).isChecked(), false);
  await say(ana, "and now the code");
  await message(ana, "and now the code").waitFor();
  assert.equal(await log(ana).locator(".announcement").count(), 1);

  await bob.getByRole("status").getByText("ana announces: the next stream is on Monday").waitFor();
  await bob.getByRole("status").getByRole("button", { name: "Show" }).tap();
  await log(bob).locator(".announcement", { hasText: "Monday" }).waitFor();
  await bob.reload();
  await bob.getByRole("navigation", { name: "Views" }).getByRole("button", { name: /^Chat/ }).tap();
  await log(bob).locator(".announcement", { hasText: "Monday" }).waitFor();
  await ana.behaved();
  await bob.behaved();
});

test("slow mode says how long it takes, counts down, and ends for everybody at once", async (t) => {
  const server = await startServer(t);
  await streamer(t, server);
  const ana = await open(t, server, { token: streamerToken() });
  const bob = await open(t, server, { token: viewerToken("bob") });
  await field(bob).waitFor();
  const dialog = await moderation(ana);
  await dialog.getByRole("combobox", { name: "Slow mode" }).selectOption("One message every 30 seconds");
  await bob.getByText("Slow mode: one message every 30 s.").waitFor();
  await say(bob, "one");
  await message(bob, "one").waitFor();
  await bob.getByText(/^Slow mode: one message every 30 s, the next in \d+ s\.$/).waitFor();
  await say(bob, "two");
  await bob.getByRole("alert").getByText(/wait \d+ seconds, then send again/).waitFor();
  assert.equal(await field(bob).inputValue(), "two");
  await bob.getByText(/the next in 2[0-7] s\.$/).waitFor();
  // If the page has forgotten the wait, the server reports it.
  await bob.reload();
  await bob.getByText("Slow mode: one message every 30 s.").waitFor();
  await say(bob, "three");
  await bob.getByRole("alert").getByText(/wait \d+ seconds/).waitFor();
  assert.equal(await field(bob).inputValue(), "three");

  await dialog.getByText("Latest actions").click();
  await dialog.getByText(/ana turned slow mode on: a message every 30 seconds/).waitFor();
  await dialog.getByRole("combobox", { name: "Slow mode" }).selectOption("Off");
  await bob.getByText(/^Slow mode/).waitFor({ state: "detached" });
  await field(bob).press("Enter");
  await message(ana, "three").waitFor();
  await ana.behaved();
  await bob.behaved();
});

test("only the page of somebody who moderates loads what that takes", async (t) => {
  const server = await startServer(t);
  await streamer(t, server);
  const loaded = (/** @type {import("./lib.mjs").open extends (...args: any[]) => Promise<infer W> ? W : never} */ page) =>
    Object.keys(page.traffic.bodies).filter((path) => /moderation|menu/.test(path)).length;
  const bob = await open(t, server, { token: viewerToken("bob") });
  const mia = await open(t, server, { token: moderatorToken("mia") });
  const wrong = await open(t, server, { token: token({ username: "eve", streamername: "ana", streamname: "demo", role: "boss" }) });
  await mia.getByRole("button", { name: "Moderation" }).waitFor();
  for (const page of [bob, wrong]) {
    await field(page).waitFor();
    await page.quiet();
    assert.equal(loaded(page), 0);
    assert.equal(await page.getByRole("button", { name: "Moderation" }).count(), 0);
  }
  await becomes(() => Promise.resolve(loaded(mia)), 5);
});
