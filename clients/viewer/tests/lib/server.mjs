// A server of the test's own on a free port, `twicecast` to use with it, and tokens for both.
import { spawn } from "node:child_process";
import { createHmac } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import path from "node:path";

const root = path.join(import.meta.dirname, "../../../..");
const target = process.env.CARGO_TARGET_DIR ?? path.join(root, "target");
const programs = path.join(target, process.env.VIEWER_PROFILE ?? "debug");
const KEY = "secret";

/** @typedef {Awaited<ReturnType<typeof startServer>>} Server */

/**
 * A token for `claims`, valid for an hour unless they say otherwise.
 * @param {Record<string, unknown>} claims
 */
export function token(claims) {
  const encode = (/** @type {unknown} */ part) =>
    Buffer.from(JSON.stringify(part)).toString("base64url");
  const exp = Math.floor(Date.now() / 1000) + 3600;
  const signed = `${encode({ alg: "HS256", typ: "JWT" })}.${encode({ exp, ...claims })}`;
  return `${signed}.${createHmac("sha256", KEY).update(signed).digest("base64url")}`;
}

/** The streamer's token for one of their projects. */
export const streamerToken = (streamer = "ana", project = "demo", claims = {}) =>
  token({ username: streamer, streamername: streamer, streamname: project, ...claims });

/** A viewer's token. @param {string} username */
export const viewerToken = (username, streamer = "ana", project = "demo", claims = {}) =>
  token({ username, streamername: streamer, streamname: project, ...claims });

/** A new folder, removed when the test ends. @param {import("node:test").TestContext} test */
export async function temporary(test) {
  const folder = await mkdtemp(path.join(tmpdir(), "viewer-"));
  test.after(() => rm(folder, { recursive: true, force: true, maxRetries: 5, retryDelay: 50 }));
  return folder;
}

/** A port that is not in use. @returns {Promise<number>} */
function freePort() {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once("error", reject);
    probe.listen(0, "127.0.0.1", () => {
      const { port } = /** @type {import("node:net").AddressInfo} */ (probe.address());
      probe.close(() => resolve(port));
    });
  });
}

/**
 * A child process with its output, and a way to wait for a part of that. The test ends it.
 *
 * @param {import("node:test").TestContext} test
 * @param {string} program
 * @param {string[]} args
 */
export function start(test, program, args, options = {}) {
  const file = path.isAbsolute(program) ? program : path.join(programs, program);
  const child = spawn(file, args, { stdio: ["ignore", "pipe", "pipe"], ...options });
  /** @type {(() => void)[]} */
  let waiting = [];
  const running = {
    output: "",
    /** @type {Promise<number | null>} */
    ended: new Promise((resolve, reject) => {
      child.once("error", reject);
      child.once("close", (code) => {
        running.exited = true;
        for (const wake of waiting) wake();
        resolve(code);
      });
    }),
    exited: false,
    /** Writes to its input, if it has one. @param {string} keys */
    press: (keys) => void child.stdin?.write(keys),
    /** Waits until the output so far matches, and returns the match. @param {RegExp} pattern */
    async said(pattern) {
      for (;;) {
        const match = running.output.match(pattern);
        if (match) return match;
        if (running.exited)
          throw new Error(`${program} ended without ${pattern}:\n${running.output}`);
        await new Promise((resolve) => waiting.push(() => resolve(undefined)));
      }
    },
    /** @param {NodeJS.Signals} [signal] */
    async stop(signal = "SIGTERM") {
      if (!running.exited) child.kill(signal);
      await running.ended;
    },
  };
  const hear = (/** @type {Buffer} */ bytes) => {
    running.output += bytes;
    const woken = waiting;
    waiting = [];
    for (const wake of woken) wake();
  };
  child.stdout?.on("data", hear);
  child.stderr?.on("data", hear);
  test.after(() => running.stop("SIGKILL"));
  return running;
}

/**
 * Runs a command that the page shows in `home`, as if it had been copied into a shell.
 *
 * @param {import("node:test").TestContext} test
 * @param {string} command
 * @param {string} home a folder, and where the command looks for the user's own files
 * @param {Record<string, string>} environment
 */
export function runPrinted(test, command, home, environment) {
  const state = path.join(home, "..", `${path.basename(home)}.home`);
  const env = { PATH: `${programs}:${process.env.PATH}`, HOME: state, ...environment };
  return start(test, "/bin/sh", ["-c", `exec ${command}`], { cwd: home, env });
}

/**
 * A server with its own folder. `config` has keys as in config.json. It does not wait for the disk
 * unless `config` says so, because no test takes the power away.
 *
 * @param {import("node:test").TestContext} test
 * @param {Record<string, unknown>} [config]
 */
export async function startServer(test, config = {}) {
  const baseDir = await temporary(test);
  const port = await freePort();
  const flags = Object.entries({ port, baseDir, host: "127.0.0.1", durability: "rename", ...config }).flatMap(
    ([name, value]) => [
      `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`,
      String(value),
    ],
  );
  const run = async () => {
    const running = start(test, "file-ws-server", flags);
    await running.said(/ is listening/);
    return running;
  };
  let running = await run();
  let hasEnded = false;
  /** @param {NodeJS.Signals} [signal] */
  const end = (signal) => {
    hasEnded = true;
    return running.stop(signal);
  };
  const server = {
    baseDir,
    origin: `http://127.0.0.1:${port}`,
    url: `ws://127.0.0.1:${port}`,
    log: () => running.output,
    stop: () => end(),
    /** Kills the server, as a crash would. */
    kill: () => end("SIGKILL"),
    /** Whether it has been stopped or killed, so that pages may fail to connect. */
    hasEnded: () => hasEnded,
    async restart() {
      await end("SIGKILL");
      running = await run();
    },
  };
  return server;
}

/**
 * Runs `twicecast share` for a folder until it has sent everything.
 *
 * @param {import("node:test").TestContext} test
 * @param {Server} server
 * @param {string} folder
 * @param {string[]} [args]
 */
export async function share(test, server, folder, args = []) {
  const sharing = start(test, "twicecast", [
    "share",
    folder,
    ...sharingAs(server),
    "--json",
    "--yes",
    ...args,
  ]);
  await sharing.said(/"event":"synced"/);
  return sharing;
}

/**
 * Runs `twicecast share` in a terminal, where it asks questions that keys answer.
 *
 * @param {import("node:test").TestContext} test
 * @param {Server} server
 * @param {string} folder
 */
export async function shareInTerminal(test, server, folder) {
  const words = [path.join(programs, "twicecast"), "share", folder, ...sharingAs(server), "--yes"];
  const command = words.map((word) => `'${word}'`).join(" ");
  const sharing = start(test, "/usr/bin/script", ["-qefc", command, "/dev/null"], {
    stdio: ["pipe", "pipe", "pipe"],
  });
  await sharing.said(/ in all/);
  return sharing;
}

/** @param {Server} server */
const sharingAs = (server) => [
  "--url",
  server.url,
  "--key",
  KEY,
  "--user",
  "ana",
  "--project",
  "demo",
];
