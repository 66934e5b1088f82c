// Names, contents, chat and proposals that would be more than text if the page allowed it.
import { createServer } from "node:http";
import test from "node:test";
import assert from "node:assert/strict";
import {
  connect,
  difference,
  open,
  openProposals,
  panel,
  startServer,
  streamer,
  streamerToken,
  token,
  viewerToken,
} from "./lib.mjs";

const PWN = "window.pwned=1";
const NAMES = [
  `/<img src=x onerror=${PWN}>.txt`,
  `/"><svg onload=${PWN}>.js`,
  `/'-${PWN}-'.md`,
  `/\${${PWN}}.md`,
  `/javascript:${PWN}`,
  "/\u202egnp.exe",
  "/zero\u200bwidth.txt",
  "/\u2066isolated\u2069.txt",
  "/__proto__",
  "/constructor",
  "/toString/valueOf",
  `/${"x".repeat(255)}`,
  `/${Array.from({ length: 60 }, (_, depth) => `d${depth}`).join("/")}/deep.txt`,
  "/%2e%2e%2fetc%2fpasswd",
  "/#token=abc.def.ghi",
  "/?query=1&other=2",
  "/ spaces at both ends ",
  "/e\u0301.txt",
  "/é.txt",
  "/style><style>*{display:none}",
];
const HTML = `<script>${PWN}</script><img src=x onerror="${PWN}"><iframe srcdoc="<script>parent.pwned=1</script>"></iframe>
<link rel=stylesheet href=http://127.0.0.1:9/x.css><meta http-equiv=refresh content="0;url=http://127.0.0.1:9/"><a href="javascript:${PWN}">x</a>`;
const SVG = `<svg xmlns="http://www.w3.org/2000/svg" onload="${PWN}"><script>${PWN}</script><image href="http://127.0.0.1:9/x.png"/>
<foreignObject><img xmlns="http://www.w3.org/1999/xhtml" src="x" onerror="${PWN}"/></foreignObject></svg>`;
/** @type {Record<string, string | Uint8Array>} */
const CONTENTS = {
  "/page.html": HTML,
  "/picture.svg": SVG,
  "/read.md": `# <script>${PWN}</script>\n\n[click](javascript:${PWN}) ![x](http://127.0.0.1:9/x.png)\n`,
  "/trojan.rs":
    'let access = "user\u202e \u2066// Check if admin\u2069 \u2066";\n\u0007\u001b[31mred\u0000?\n',
  "/line.js": `var a = "${"x".repeat(300_000)}";`,
  "/tabs.txt": "\t".repeat(1000) + "end\n",
  "/bytes.bin": Uint8Array.from({ length: 5000 }, (_, at) => at % 256),
  "/latin.txt": Uint8Array.from([0xe9, 0x0a, 0xff, 0xfe]),
  "/wrong.png": HTML,
  "/nested.json": "[".repeat(20_000),
  "/empty": "",
};
const WORDS = [
  `<script>${PWN}</script>`,
  `<img src=x onerror=${PWN}>`,
  `javascript:${PWN} data:text/html,<script>${PWN}</script> vbscript:x`,
  `https://good.example" onclick="${PWN}" x="`,
  "https://user:pass@good.example/ https://good.example@evil.example/",
  "\u202eevil\u202c \u200b\u2066x\u2069",
  "${constructor.constructor('window.pwned=1')()} {{7*7}}",
  "z̷̛͙a̸͚l̵g̶ọ̷".repeat(100),
];

/** A project in which every name is hostile. @param {import("node:test").TestContext} t */
async function corpus(t) {
  const server = await startServer(t, { chatMessagesPerSecond: 0 });
  const ana = await streamer(t, server);
  for (const name of NAMES) await ana.post(name, `content of ${JSON.stringify(name)}\n`);
  for (const [name, content] of Object.entries(CONTENTS)) await ana.post(name, content);
  const mal = await connect(t, server);
  const username = `<img src=x onerror=${PWN}>\u202e`;
  await mal.ask("authenticate", undefined, {
    token: token({ username, streamername: "ana", streamname: "demo" }),
    chat: { username, room: "ana/demo" },
    pullrequest: { username, streamer: "ana", project: "demo" },
  });
  for (const words of WORDS) await mal.say(words);
  await mal.ask("pullrequest", "creation", {
    title: WORDS[0] + WORDS[5],
    description: WORDS.join("\n"),
  });
  for (const name of NAMES.slice(0, 8)) await mal.post(name, HTML);
  await mal.post("/picture.svg", SVG.replace("onload", "onbegin"));
  await mal.post("/bytes.bin", Uint8Array.from([0, 1, 2]));
  await mal.ask("pullrequest", "finish");
  return server;
}

test("hostile names and contents change nothing on the page but text", async (t) => {
  const server = await corpus(t);
  const page = await open(t, server);
  await page.getByRole("treeitem", { name: "page.html" }).waitFor();
  const tree = page.getByRole("tree");
  const seen = new Set();
  // From top to bottom, opens each folder and each file.
  const here = tree.locator(".cursor");
  await tree.focus();
  await page.keyboard.press("Home");
  await tree.locator("#row-0.cursor").waitFor();
  for (let last = ""; ;) {
    await here.waitFor();
    const name = (await here.getAttribute("data-name")) ?? "";
    if (name === last) break;
    last = name;
    if (name.endsWith("/")) {
      await page.keyboard.press("ArrowRight");
      await tree.locator(".cursor[aria-expanded=true]").waitFor();
    } else {
      await here.click();
      await page
        .getByRole("tab", { selected: true })
        .and(page.locator(`[data-name=${JSON.stringify(name)}]`))
        .waitFor();
      await page.locator("#code, #preview").filter({ visible: true }).first().waitFor();
      if (name.endsWith(".svg")) {
        await page.getByRole("button", { name: "Show as picture" }).click();
        await page.locator("#preview img").waitFor();
      }
      seen.add(name);
      await tree.focus();
    }
    await page.keyboard.press("ArrowDown");
    await page.evaluate(
      () => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn))),
    );
  }
  assert.deepEqual([...seen].sort(), [...NAMES, ...Object.keys(CONTENTS)].sort());
  await page.behaved();
});

test("hostile chat, names of members, titles and proposed files change nothing on the page but text", async (t) => {
  const server = await corpus(t);
  const bob = await open(t, server, { token: viewerToken("bob") });
  const log = bob.getByRole("log", { name: "Messages" });
  await log.getByText(WORDS[0], { exact: true }).waitFor();
  await log.getByText("‹U+202E›evil‹U+202C›").waitFor();
  const links = await log
    .getByRole("link")
    .evaluateAll((all) => all.map((each) => [each.getAttribute("href"), each.getAttribute("rel")]));
  assert.deepEqual(links, [["https://good.example/", "noopener noreferrer nofollow ugc"]]);
  await bob.getByText(/ here$/).click();
  await bob
    .getByRole("list", { name: "Who is here" })
    .getByText("<img src=x onerror=window.pwned=1>‹U+202E›")
    .waitFor();
  await bob.behaved();

  const ana = await open(t, server, { token: streamerToken() });
  await openProposals(ana);
  await panel(ana)
    .getByRole("button", { name: /<script>/ })
    .click();
  const files = panel(ana)
    .getByRole("button")
    .filter({ has: ana.locator(".path") });
  await files.first().waitFor();
  for (let at = 0; at < (await files.count()); at++) {
    await files.nth(at).click();
    await difference(ana).getByText("Loading…").waitFor({ state: "hidden" });
  }
  await ana.behaved();
});

test("what a page could do with an injection is refused: markup, inline code, eval, and other hosts", async (t) => {
  const server = await startServer(t);
  let asked = 0;
  const foreign = createServer((_, answer) => {
    asked++;
    answer.end();
  });
  await new Promise((resolve) => foreign.listen(0, "127.0.0.1", () => resolve(undefined)));
  t.after(() => foreign.close());
  const { port } = /** @type {import("node:net").AddressInfo} */ (foreign.address());

  const page = await open(t, server, { expected: /./ });
  await page.getByText("Nothing here yet").waitFor();
  const results = await page.evaluate(
    (address) =>
      // This runs in a task of its own: what the test itself evaluates is exempt from the policy.
      new Promise((resolve) => {
        setTimeout(async () => {
          const attempt = (/** @type {() => unknown} */ run) => {
            try {
              run();
              return "done";
            } catch (error) {
              return /** @type {Error} */ (error).name;
            }
          };
          const script = document.createElement("script");
          const frame = document.createElement("iframe");
          frame.src = address;
          const outcome = {
            html: attempt(() => document.body.insertAdjacentHTML("beforeend", "<b>x</b>")),
            inner: attempt(() => (document.body.innerHTML = "<b>x</b>")),
            eval: attempt(() => (0, eval)("window.pwned = 1")),
            function: attempt(() => new Function("window.pwned = 1")()),
            source: attempt(() => (script.src = `${address}x.js`)),
            text: attempt(() => (script.text = "window.pwned = 1")),
            fetch: await fetch(address).then(
              () => "done",
              (error) => error.name,
            ),
            beacon: navigator.sendBeacon(address, "x"),
            socket: await new Promise((end) => {
              const socket = new WebSocket(address.replace("http", "ws"));
              socket.onopen = () => end("done");
              socket.onerror = () => end("refused");
            }),
          };
          document.body.append(script, frame);
          setTimeout(() => resolve(outcome), 300);
        }, 0);
      }),
    `http://127.0.0.1:${port}/`,
  );
  const { beacon, ...rest } = /** @type {Record<string, unknown>} */ (results);
  assert.deepEqual(rest, {
    html: "TypeError",
    inner: "TypeError",
    eval: "EvalError",
    function: "EvalError",
    source: "TypeError",
    text: "TypeError",
    fetch: "TypeError",
    socket: "refused",
  });
  assert.equal(asked, 0, `nothing reaches another host (a beacon said ${beacon})`);
  assert.equal(await page.evaluate(() => "pwned" in window), false);
});

test("no other page can frame this one, and none of another origin can read what it shows", async (t) => {
  const server = await startServer(t);
  const ana = await streamer(t, server);
  await ana.post("/secret.txt", "only for loopback\n");
  const foreign = createServer((_, answer) => {
    answer.setHeader("Content-Type", "text/html");
    answer.end(`<!doctype html><iframe src="${server.origin}/ana/demo"></iframe>`);
  });
  await new Promise((resolve) => foreign.listen(0, "127.0.0.1", () => resolve(undefined)));
  t.after(() => foreign.close());
  const { port } = /** @type {import("node:net").AddressInfo} */ (foreign.address());
  const page = await open(t, server, { expected: /./ });
  await page.getByRole("treeitem", { name: "secret.txt" }).waitFor();
  await page.goto(`http://127.0.0.1:${port}/`);
  const frame = page.frames()[1];
  assert.equal(await frame.getByRole("treeitem").count(), 0);
  const read = await page.evaluate(
    (/** @type {string} */ address) =>
      fetch(address).then(
        () => "read",
        (/** @type {Error} */ error) => error.name,
      ),
    `${server.origin}/-/files/ana/demo`,
  );
  assert.equal(read, "TypeError");
});
