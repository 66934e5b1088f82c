// What happens to a message while it is written and sent: lost connections, and who writes it.
import test from "node:test";
import assert from "node:assert/strict";
import { open, say, startServer, streamer, viewerToken } from "./lib.mjs";

const log = (/** @type {any} */ page) => page.getByRole("log", { name: "Messages" });
const field = (/** @type {any} */ page) => page.getByRole("textbox", { name: "Message" });
const told = (/** @type {any} */ page, /** @type {RegExp} */ words) => page.getByRole("alert").getByText(words);

/**
 * A page whose first connection ends at its first message, and whose next connection waits until
 * the test opens it.
 * @param {import("node:test").TestContext} t
 * @param {boolean} arrives whether the server gets the message
 */
async function cutAtMessage(t, arrives) {
  const server = await startServer(t, { chatMessagesPerSecond: 0 });
  const ana = await streamer(t, server);
  let isCut = false;
  /** @type {() => void} */
  let reopen = () => {};
  const opened = new Promise((resolve) => (reopen = () => resolve(undefined)));
  const prepare = (/** @type {import("playwright-core").Page} */ page) =>
    page.routeWebSocket(/\/ws$/, (socket) => {
      if (isCut) return void opened.then(() => relay(socket));
      relay(socket);
    });
  const relay = (/** @type {import("playwright-core").WebSocketRoute} */ socket) => {
    const to = socket.connectToServer();
    socket.onMessage((message) => {
      const { type, subtype } = JSON.parse(String(message));
      const isMessage = type === "chat" && subtype === "message";
      if (isCut || !isMessage) return to.send(message);
      isCut = true;
      if (!arrives) return void socket.close();
      // The server gets the message before the page receives anything more.
      to.onMessage(() => {});
      to.send(message);
      void ana.hears(({ type }) => type === "chatMessage").then(() => socket.close());
    });
  };
  const page = await open(t, server, { token: viewerToken("bob"), prepare });
  return { ana, page, reopen };
}

test("a message that the room has is not sent twice, though the connection was lost before the answer", async (t) => {
  const { ana, page, reopen } = await cutAtMessage(t, true);
  await say(page, "only once");
  await told(page, /Perhaps not sent/).waitFor();
  assert.equal(await field(page).inputValue(), "only once");
  await field(page).press("Enter");
  reopen();
  await log(page).getByText("only once").waitFor();
  await page.getByRole("alert").filter({ hasText: /ot sent/ }).waitFor({ state: "detached" });
  assert.equal(await field(page).inputValue(), "");
  await say(page, "and on");
  await ana.hears(({ data }) => data?.message === "and on");
  await log(page).getByText("and on").waitFor();
  const heard = ana.heard.filter(({ type }) => type === "chatMessage").map(({ data }) => data.message);
  assert.deepEqual(heard, ["only once", "and on"]);
  assert.deepEqual(await log(page).locator(".words").allInnerTexts(), heard);
  await page.behaved();
});

test("a message that a lost connection took along is said not to be sent, and sent by the next press", async (t) => {
  const { ana, page, reopen } = await cutAtMessage(t, false);
  await say(page, "still here");
  await told(page, /Perhaps not sent/).waitFor();
  reopen();
  await told(page, /^Not sent/).waitFor();
  assert.equal(await field(page).inputValue(), "still here");
  await field(page).press("Enter");
  await ana.hears(({ data }) => data?.message === "still here");
  await log(page).getByText("still here").waitFor();
  assert.equal(await field(page).inputValue(), "");
  await page.behaved();
});

test("a guest who takes another name keeps what they have half written; somebody else does not get it", async (t) => {
  const server = await startServer(t, { guests: "chat", publicChat: true });
  await streamer(t, server);
  const page = await open(t, server);
  const enter = async (/** @type {string} */ name) => {
    await page.getByRole("button", { name: "Join as guest" }).first().click();
    await page.getByRole("textbox", { name: "Your name" }).fill(name);
    await page.getByRole("button", { name: "Join", exact: true }).click();
    await page.getByRole("button", { name: `You are ~${name}` }).waitFor();
  };
  await enter("Bob");
  await field(page).fill("half a thought");
  await page.getByRole("button", { name: "You are ~Bob" }).click();
  await page.getByRole("button", { name: "Leave" }).click();
  await enter("Robert");
  assert.equal(await field(page).inputValue(), "half a thought");

  await page.evaluate((link) => (location.hash = `token=${link}`), viewerToken("eve"));
  await page.getByRole("button", { name: "You are eve" }).waitFor();
  assert.equal(await field(page).inputValue(), "");
  await page.behaved();
});
