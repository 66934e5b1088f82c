// What a page keeps of a project, with a connection that only the test controls; no browser.
import test from "node:test";
import assert from "node:assert/strict";
import { ActiveFile } from "../page/src/active.js";
import { RequestError } from "../page/src/connection.js";
import { MAX_HELD_BYTES } from "../page/src/contents.js";
import { Observable } from "../page/src/observable.js";
import { MAX_SHOWN_BYTES, Project, TooLarge } from "../page/src/project.js";
import { Workspace } from "../page/src/workspace.js";

/** Lets everything continue that was waiting for an answer. */
const turn = () => new Promise((resolve) => setImmediate(resolve));

/** A project, with the test as its server. */
function world() {
  /** @type {Record<string, (message: { data: any }) => void>} */
  const handlers = {};
  /** @type {() => void} */
  let ready = () => {};
  /** @type {(value: any) => void} */
  let answerList = () => {};
  /** The requests of the page that have not been answered, oldest first. @type {any[]} */
  const asked = [];
  const connection = Object.assign(new Observable(), {
    state: "open",
    on: (/** @type {string} */ type, /** @type {any} */ handler) => void (handlers[type] = handler),
    request: (/** @type {string} */ _type, /** @type {string} */ subtype, /** @type {any} */ _data, /** @type {any} */ each) =>
      new Promise((resolve, reject) => {
        if (subtype === "list") answerList = resolve;
        else asked.push({ each, resolve, reject });
      }),
  });
  const session = {
    streamer: "ana", project: "demo", place: {}, headers: {},
    contentNames() {},
    onReady: (/** @type {() => void} */ listener) => void (ready = listener),
    watch: async () => {},
  };
  const project = new Project(/** @type {any} */ (connection), /** @type {any} */ (session));
  return {
    project,
    /** @param {string} type @param {any} data */
    push: (type, data) => handlers[type]({ data }),
    asked,
    /** Answers the oldest request for a file. @param {any} data a part of it */
    async answer(data) {
      const { each, resolve } = asked.shift();
      each({ data });
      resolve({});
      await turn();
    },
    /** Refuses the oldest request for a file. @param {any} answer */
    async refuse(answer) {
      asked.shift().reject(new RequestError(answer));
      await turn();
    },
    /** Makes a new connection that has greeted; returns a function that answers its listing. */
    async greet() {
      ready();
      // In Node there is no server at the page's address, so the page asks over the connection.
      await turn();
      return async (/** @type {any[]} */ files) => {
        answerList({ data: { files } });
        await turn();
      };
    },
    lose() {
      connection.state = "waiting";
      connection.changed();
      connection.state = "open";
    },
  };
}
const file = (/** @type {string} */ name, size = 1) => ({ name, size, modified: 1 });
const part = (/** @type {string} */ name, /** @type {string | Uint8Array} */ content, at = 1, of = 1) =>
  ({ name, content: Buffer.from(content).toString("base64"), part: at, maxPart: of });

test("open files count among what is held, but for the one that is looked at", async () => {
  const { project, push } = world();
  const names = Array.from({ length: 6 }, (_, at) => `/f${at}`);
  project.want(names, "/f0");
  const long = Buffer.alloc(MAX_SHOWN_BYTES, "x");
  for (const name of names) push("fileGet", part(name, long));
  const held = names.filter((name) => project.held(name));
  assert.deepEqual(held, ["/f0", "/f3", "/f4", "/f5"]);
  assert.equal(held.length * MAX_SHOWN_BYTES, MAX_HELD_BYTES);
});

test("the first part of a file that a lost connection has brought is nothing on the next one", async () => {
  const { project, push, lose } = world();
  /** @type {string[]} */
  const told = [];
  project.onChange(({ name }) => told.push(name));
  push("fileGet", part("/a", "one ", 1, 2));
  push("fileGet", part("/b", "one ", 1, 2));
  push("fileGet", part("/b", "two", 2, 2));
  lose();
  push("fileGet", part("/a", "two", 2, 2));
  assert.deepEqual(told, ["/b"]);
  assert.equal(project.held("/b")?.text, "one two");
  assert.equal(project.entries.has("/a"), false);
});

test("a change that is heard of while a listing is under way is newer than the listing, and one before it older", async () => {
  const { project, push, greet } = world();
  await (await greet())([file("/a"), file("/b")]);
  push("fileChanged", file("/a", 10));
  const answer = await greet();
  push("fileChanged", file("/b", 20));
  push("fileDeleted", { file: "/c" });
  await answer([file("/a", 11), file("/b", 2), file("/c")]);
  assert.deepEqual([...project.entries].map(([name, { size }]) => [name, size]), [["/a", 11], ["/b", 20]]);
});

test("a file that grows too long while it is read is not shown as it was", async () => {
  const { project, push, greet, answer } = world();
  await (await greet())([file("/log", 3)]);
  const reading = project.read("/log");
  push("fileGet", part("/log", Buffer.alloc(MAX_SHOWN_BYTES + 1, "x")));
  await answer(part("/log", "old"));
  await assert.rejects(reading, TooLarge);
  assert.equal(project.held("/log"), undefined);
});

test("a version that came while an older one was read, and is not held any more, is read again", async () => {
  const { project, push, greet, answer, asked } = world();
  const names = Array.from({ length: MAX_HELD_BYTES / MAX_SHOWN_BYTES + 1 }, (_, at) => `/long${at}`);
  await (await greet())([file("/a", 3)]);
  const reading = project.read("/a");
  push("fileGet", part("/a", "new"));
  const long = Buffer.alloc(MAX_SHOWN_BYTES, "x");
  for (const name of names) push("fileGet", part(name, long));
  assert.equal(project.held("/a"), undefined);
  await answer(part("/a", "old"));
  assert.equal(asked.length, 1);
  await answer(part("/a", "new"));
  const { text, stale } = await reading;
  assert.deepEqual({ text, stale }, { text: "new", stale: false });
});

test("a file that is deleted while it is read is gone, whatever the server answers then", async () => {
  const { project, push, greet, refuse } = world();
  const workspace = new Workspace();
  const active = new ActiveFile(project, workspace);
  await (await greet())([file("/a", 100_000)]);
  workspace.open("/a");
  assert.equal(active.status, "loading");
  push("fileDeleted", { file: "/a" });
  assert.equal(active.status, "gone");
  await refuse({ code: 409, type: "failReadFileError", message: "File /a doesn't exist" });
  assert.equal(active.status, "gone");
});
