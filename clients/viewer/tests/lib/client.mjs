// A client of the protocol, for what a test's streamer or another viewer does without a browser.
import { WebSocket } from "ws";
import { streamerToken, viewerToken } from "./server.mjs";

/** @typedef {Record<string, any>} Message */

/** Longer than anything here takes, and short enough for a test that waits in vain. */
export const PATIENCE = 20_000;

/**
 * A connection.
 *
 * @param {import("node:test").TestContext} test
 * @param {import("./server.mjs").Server} server
 */
export async function connect(test, server) {
  const socket = new WebSocket(server.url);
  /** @type {Message[]} */
  const heard = [];
  /** @type {Set<(message: Message) => void>} */
  const listeners = new Set();
  let lastRef = 0;
  socket.on("error", () => {});
  socket.on("message", (text) => {
    const message = JSON.parse(String(text));
    heard.push(message);
    for (const listener of [...listeners]) listener(message);
  });
  await new Promise((resolve, reject) => {
    socket.once("open", resolve);
    socket.once("error", reject);
  });
  test.after(() => socket.terminate());

  const client = {
    heard,
    /**
     * Waits for a message for which `wanted` is true, including earlier messages.
     * @param {(message: Message) => boolean} wanted
     */
    hears(wanted) {
      const already = heard.find(wanted);
      if (already) return Promise.resolve(already);
      return new Promise((/** @type {(message: Message) => void} */ resolve, reject) => {
        const late = new Error(`not heard: ${wanted}`);
        const timer = setTimeout(() => reject(late), PATIENCE);
        const listener = (/** @type {Message} */ message) => {
          if (!wanted(message)) return;
          clearTimeout(timer);
          listeners.delete(listener);
          resolve(message);
        };
        listeners.add(listener);
      });
    },
    /**
     * Sends a request and returns its last answer, after the parts of files; fails on an error.
     *
     * @param {string} type
     * @param {string | undefined} subtype
     * @param {unknown} [data]
     */
    async ask(type, subtype, data) {
      const ref = ++lastRef;
      socket.send(JSON.stringify({ type, subtype, data, ref }));
      const answer = await client.hears(
        (message) => message.ref === ref && message.type !== "fileGet",
      );
      if (answer.code !== 200) throw new Error(`${type}/${subtype}: ${JSON.stringify(answer)}`);
      return answer;
    },
    /**
     * Sends something that is not answered: a part that is not the last.
     * @param {string} type
     * @param {string} subtype
     * @param {unknown} data
     */
    tell: (type, subtype, data) => socket.send(JSON.stringify({ type, subtype, data })),
    /** @param {string} name @param {string | Uint8Array} content */
    post: (name, content, more = {}) =>
      client.ask("file", "post", {
        name,
        content: Buffer.from(content).toString("base64"),
        ...more,
      }),
    /** @param {string} name */
    delete: (name) => client.ask("file", "delete", { name }),
    /** @param {string} message */
    say: (message) => client.ask("chat", "message", { message }),
    close: () => socket.close(),
  };
  return client;
}

/**
 * A streamer's connection with chat.
 * @param {import("node:test").TestContext} test
 * @param {import("./server.mjs").Server} server
 */
export async function streamer(test, server, name = "ana", project = "demo", section = {}) {
  const client = await connect(test, server);
  await client.ask("authenticate", undefined, {
    token: streamerToken(name, project),
    file: { username: name, project, ...section },
    chat: { username: name, room: `${name}/${project}` },
  });
  return client;
}

/**
 * A viewer's connection with chat.
 * @param {import("node:test").TestContext} test
 * @param {import("./server.mjs").Server} server
 * @param {string} name
 */
export async function viewer(test, server, name, of = "ana", project = "demo") {
  const client = await connect(test, server);
  await client.ask("authenticate", undefined, {
    token: viewerToken(name, of, project),
    chat: { username: name, room: `${of}/${project}` },
    pullrequest: { username: name, streamer: of, project },
  });
  return client;
}
