// The story's main steps in Firefox and WebKit, as Debian packages them (`firefox-esr`,
// `webkit2gtk-driver` with `xvfb`): a link is opened, a save is seen, a guest chats and proposes,
// and the streamer's disk gets it. `scripts/viewer-browsers` runs it. Both browsers are driven by
// their own interfaces, WebDriver BiDi and WebDriver.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import test from "node:test";
import { WebSocket } from "ws";
import { share, start, startServer, streamer, temporary } from "./lib.mjs";
import { becomes, put } from "./lib/watching.mjs";

const SHOTS = process.env.VIEWER_SHOTS ?? (await mkdtemp(path.join(tmpdir(), "viewer-shots-")));
const PATIENCE = 20_000;

/**
 * @typedef {{ go: (url: string) => Promise<void>, run: (script: string) => Promise<any>, shot: () =>
 *   Promise<string> }} Driver
 */

/** @param {import("node:test").TestContext} t @returns {Promise<Driver>} */
async function firefox(t) {
  const profile = await temporary(t);
  const words = ["--headless", "--no-remote", "--remote-debugging-port", "0", "--profile", profile];
  const running = start(t, "/usr/bin/firefox-esr", words, { env: { ...process.env, HOME: profile } });
  const [, address] = await running.said(/WebDriver BiDi listening on (ws:\S+)/);
  const socket = new WebSocket(`${address}/session`);
  await new Promise((resolve) => socket.once("open", resolve));
  t.after(() => socket.terminate());
  let last = 0;
  /** @type {Map<number, { resolve: (result: any) => void, reject: (error: Error) => void }>} */
  const waiting = new Map();
  socket.on("message", (text) => {
    const { id, result, error, message } = JSON.parse(String(text));
    const asked = waiting.get(id);
    waiting.delete(id);
    if (error) asked?.reject(new Error(`${error}: ${message}`));
    else asked?.resolve(result);
  });
  const ask = (/** @type {string} */ method, /** @type {object} */ params) =>
    new Promise((resolve, reject) => {
      waiting.set(++last, { resolve, reject });
      socket.send(JSON.stringify({ id: last, method, params }));
    });
  await ask("session.new", { capabilities: {} });
  const { contexts } = await ask("browsingContext.getTree", {});
  const context = contexts[0].context;
  await ask("browsingContext.setViewport", { context, viewport: { width: 1200, height: 760 } });
  return {
    go: async (url) => void (await ask("browsingContext.navigate", { context, url, wait: "complete" })),
    async run(script) {
      const expression = `JSON.stringify((() => { ${script} })() ?? null)`;
      const answer = await ask("script.evaluate", { expression, target: { context }, awaitPromise: true });
      if (answer.type !== "success") throw new Error(answer.exceptionDetails?.text ?? "it failed");
      return JSON.parse(answer.result.value);
    },
    shot: async () => (await ask("browsingContext.captureScreenshot", { context })).data,
  };
}

/** @param {import("node:test").TestContext} t @returns {Promise<Driver>} */
async function webkit(t) {
  const port = 20_000 + Math.floor(Math.random() * 20_000);
  const child = spawn("xvfb-run", ["-a", "WebKitWebDriver", `--port=${port}`], { stdio: "ignore", detached: true });
  t.after(() => child.pid && process.kill(-child.pid));
  const ask = async (/** @type {string} */ method, /** @type {string} */ at, /** @type {object} */ data) => {
    const body = method === "POST" ? JSON.stringify(data) : undefined;
    const answer = await fetch(`http://127.0.0.1:${port}${at}`, { method, body });
    const { value } = /** @type {any} */ (await answer.json());
    if (!answer.ok) throw new Error(`${value.error}: ${value.message}`);
    return value;
  };
  await becomes(() => ask("GET", "/status", {}).then((status) => status.ready, () => false), true, PATIENCE);
  const binary = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1/MiniBrowser";
  const options = { binary, args: ["--automation"] };
  const { sessionId } = await ask("POST", "/session", { capabilities: { alwaysMatch: { "webkitgtk:browserOptions": options } } });
  const session = `/session/${sessionId}`;
  t.after(() => ask("DELETE", session, {}).catch(() => {}));
  return {
    go: async (url) => void (await ask("POST", `${session}/url`, { url })),
    run: (script) => ask("POST", `${session}/execute/sync`, { script, args: [] }),
    shot: () => ask("GET", `${session}/screenshot`, {}),
  };
}

/** What the scripts in the page share: finds elements by their labels, also in shadow roots. */
const HELP = `
  const all = (root, selector) => [...root.querySelectorAll(selector), ...[...root.querySelectorAll("*")].flatMap((one) => one.shadowRoot ? all(one.shadowRoot, selector) : [])];
  const shown = (one) => one.getClientRects().length > 0;
  const button = (words) => all(document, "button").find((one) => shown(one) && (one.getAttribute("aria-label") ?? one.textContent).trim() === words);
  const text = () => document.body.innerText + all(document, ".cm-content").map((one) => one.innerText).join("\\n");
  const fill = (field, words) => { field.focus(); field.value = words; field.dispatchEvent(new InputEvent("input", { bubbles: true })); };
`;

for (const [name, launch] of Object.entries({ firefox, webkit })) {
  test(`the story's main steps in ${name}`, { timeout: 240_000 }, async (t) => {
    const folder = await temporary(t);
    await put(folder, { "src/main.rs": "fn main() {}\n", "README.md": "# Demo\n" });
    const server = await startServer(t, { publicChat: true, guests: "propose" });
    await share(t, server, folder, ["--accept-from-page"]);
    const ana = await streamer(t, server, "ana", "demo", { present: false });
    const driver = await launch(t);
    const run = (/** @type {string} */ script) => driver.run(HELP + script);
    const until = (/** @type {string} */ condition) => becomes(() => run(`return Boolean(${condition})`), true, PATIENCE);
    const press = async (/** @type {string} */ words) => {
      await until(`button(${JSON.stringify(words)})`);
      await run(`button(${JSON.stringify(words)}).click()`);
    };

    await driver.go(`${server.origin}/ana/demo`);
    await until(`all(document, "[role=treeitem]").length >= 2 && text().includes("Live")`);
    await writeFile(path.join(folder, "src/main.rs"), "fn main() {\n    // saved while you look\n}\n");
    await until(`text().includes("saved while you look")`);

    await press("Join as guest");
    await until(`document.querySelector("dialog[open] input, [role=dialog] input, #entry input")`);
    await run(`fill(all(document, "input").find((one) => shown(one) && one.name === "name"), "Eve")`);
    await press("Join");
    await until(`all(document, "textarea").some(shown)`);
    await run(`fill(all(document, "textarea").find(shown), "hello from ${name}")`);
    await press("Send");
    await ana.hears((message) => message.type === "chatMessage" && message.data?.message === `hello from ${name}`);

    await press("Edit");
    await until(`all(document, ".cm-content[contenteditable=true]").length > 0`);
    await run(`const field = all(document, ".cm-content[contenteditable=true]")[0]; field.focus();
      field.getRootNode().getSelection?.(); document.execCommand("insertText", false, "// by a guest\\n")`);
    await until(`text().includes("// by a guest")`);
    await run(`all(document, "[role=tab]").find((one) => one.textContent.includes("Proposals")).click()`);
    await until(`all(document, "input").some((one) => shown(one) && one.id === "proposal-title")`);
    await run(`fill(all(document, "input").find((one) => shown(one) && one.id === "proposal-title"), "A guest's line")`);
    await press("Propose 1 file");
    const created = await ana.hears((message) => message.type === "pullRequestCreated");
    await writeFile(path.join(SHOTS, `${name}.png`), Buffer.from(await driver.shot(), "base64"));

    await ana.ask("pullrequest", "apply", { id: created.data.id });
    await becomes(async () => (await readFile(path.join(folder, "src/main.rs"), "utf8")).includes("// by a guest"), true, PATIENCE);
    await until(`text().includes("accepted") || text().includes("Accepted")`);
    t.diagnostic(`a picture is in ${SHOTS}`);
  });
}
