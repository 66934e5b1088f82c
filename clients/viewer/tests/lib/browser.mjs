// The system's Chromium, with pages that record whatever a page must never do.
import { after } from "node:test";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";
import { PATIENCE } from "./client.mjs";
import { countTraffic } from "./traffic.mjs";

const EXECUTABLE = process.env.CHROMIUM ?? "/usr/bin/chromium";

/**
 * How much later than at once what a page says reaches the server. A test that reads what the page
 * does not show yet passes on a fast machine; 300 finds it.
 */
const DELAY_MS = Number(process.env.PAGE_DELAY_MS ?? 0);

/** After this long without receiving anything, a page has all that it asked for. */
const QUIET_MS = 500;

/** What the browser logs of a page that cannot reach its server. */
const LOST = /^WebSocket connection to '[^']+' failed|net::ERR_/;

export const desktop = { width: 1280, height: 800 };
export const phone = { width: 390, height: 780 };

/** @type {Promise<import("playwright-core").Browser> | undefined} */
let launched;
after(async () => (await launched)?.close());

/** One browser for all tests of a file. */
export function browser() {
  launched ??= chromium.launch({
    executablePath: EXECUTABLE,
    args: ["--no-sandbox", "--disable-dev-shm-usage"],
  });
  return launched;
}

/**
 * What a browser window has done that no page of ours may do: set `window.pwned`, open a dialog,
 * violate the Content-Security-Policy, raise an error, or send a request to another host.
 *
 * @typedef {{ dialogs: string[], violations: string[], errors: string[], foreign: string[] }} Offences
 */

/**
 * A new window with its own storage.
 *
 * @param {import("node:test").TestContext} test
 * @param {{ origin: string, hasEnded?: () => boolean }} server
 * @param {{ path?: string, token?: string, place?: string, viewport?: { width: number, height: number },
 *   scheme?: "light" | "dark", context?: import("playwright-core").BrowserContextOptions,
 *   expected?: RegExp, prepare?: (page: import("playwright-core").Page) => Promise<unknown> }} [options]
 *   `expected` are console errors that the test causes by design; `prepare` is called before the page is
 *   opened
 */
export async function open(test, server, options = {}) {
  const {
    path = "/ana/demo",
    token,
    place = "",
    viewport = desktop,
    scheme = "light",
    expected,
  } = options;
  const context = await (
    await browser()
  ).newContext({
    viewport,
    colorScheme: scheme,
    reducedMotion: "reduce",
    hasTouch: viewport.width < 500,
    isMobile: viewport.width < 500,
    ...options.context,
  });
  context.setDefaultTimeout(PATIENCE);
  test.after(() => context.close());
  const page = await context.newPage();
  const traffic = countTraffic(page);

  /** @type {Offences} */
  const offences = { dialogs: [], violations: [], errors: [], foreign: [] };
  await page.exposeFunction("reportViolation", (/** @type {string} */ text) =>
    offences.violations.push(text),
  );
  await page.addInitScript(() => {
    document.addEventListener("securitypolicyviolation", (event) => {
      // @ts-expect-error: the function that the test has exposed
      window.reportViolation(`${event.effectiveDirective} ${event.blockedURI} ${event.sample}`);
    });
  });
  let questions = 0;
  page.on("dialog", (dialog) => {
    if (dialog.type() === "beforeunload") {
      questions++;
      return void dialog.accept();
    }
    offences.dialogs.push(dialog.message());
    void dialog.dismiss();
  });
  page.on("pageerror", (error) => offences.errors.push(String(error.stack ?? error)));
  page.on("console", (message) => {
    if (message.type() !== "error" || expected?.test(message.text())) return;
    if (server.hasEnded?.() && LOST.test(message.text())) return;
    offences.errors.push(message.text());
  });
  page.on("request", (request) => {
    const url = new URL(request.url());
    if (/^https?:$/.test(url.protocol) && url.origin !== server.origin)
      offences.foreign.push(request.url());
  });

  if (DELAY_MS > 0) {
    await page.addInitScript((delay) => {
      const { send } = WebSocket.prototype;
      WebSocket.prototype.send = function (words) {
        setTimeout(() => this.readyState === WebSocket.OPEN && send.call(this, words), delay);
      };
    }, DELAY_MS);
  }
  await options.prepare?.(page);
  const fragment = token ? `#token=${token}` : place;
  await page.goto(`${server.origin}${path}${fragment}`);
  return Object.assign(page, {
    offences,
    /** How often it has asked for confirmation before leaving; the answer is always yes. */
    questions: () => questions,
    /** What the page has received. */
    traffic,
    /** Waits until the page has received nothing for a moment. */
    async quiet() {
      for (let before = -1; before !== traffic.frames;) {
        before = traffic.frames;
        await page.waitForTimeout(QUIET_MS);
      }
    },
    /** Fails if the page has done anything that it must not. */
    async behaved() {
      const pwned = await page.evaluate(() => "pwned" in window);
      assert.deepEqual(
        { ...offences, pwned },
        { dialogs: [], violations: [], errors: [], foreign: [], pwned: false },
      );
    },
  });
}

/** @typedef {Awaited<ReturnType<typeof open>>} Window */
