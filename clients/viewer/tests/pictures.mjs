// Makes the pictures of the README: the page, a review, a phone, and, as an animation, a save in an
// editor next to a viewer's page. `scripts/viewer-pictures` runs it.
import { writeFile } from "node:fs/promises";
import path from "node:path";
import test from "node:test";
import gifenc from "gifenc";
import { PNG } from "pngjs";
import {
  editFile, open, openFile, openProposals, panel, phone, propose, share, startServer, streamer, streamerToken,
  temporary, viewerToken,
} from "./lib.mjs";
import { browser } from "./lib/browser.mjs";
import { put } from "./lib/watching.mjs";

const OUT = path.join(import.meta.dirname, "../../../docs/pictures");
const moving = { reducedMotion: /** @type {"no-preference"} */ ("no-preference") };

const GAME = `//! A snake that grows.

use std::collections::VecDeque;

/// Where the snake lies, head first.
pub struct Snake {
    body: VecDeque<(i32, i32)>,
    heading: (i32, i32),
}

impl Snake {
    pub fn new(head: (i32, i32)) -> Self {
        let body = (0..3).map(|at| (head.0 - at, head.1));
        Self {
            body: body.collect(),
            heading: (1, 0),
        }
    }

    /// Moves one field on; grows where it eats.
    pub fn step(&mut self, eats: bool) {
        let (x, y) = self.body[0];
        let (dx, dy) = self.heading;
        self.body.push_front((x + dx, y + dy));
        if !eats {
            self.body.pop_back();
        }
    }
}
`;
const TURN = `
    /// Turns, but never back into itself.
    pub fn turn(&mut self, heading: (i32, i32)) {
        if heading != (-self.heading.0, -self.heading.1) {
            self.heading = heading;
        }
    }
`;
const FILES = {
  "src/snake.rs": GAME,
  "src/main.rs": 'mod board;\nmod snake;\n\nfn main() {\n    let mut snake = snake::Snake::new((10, 5));\n    snake.step(false);\n}\n',
  "src/board.rs": "//! The field that the snake moves on.\n\npub const WIDTH: i32 = 40;\npub const HEIGHT: i32 = 20;\n",
  "tests/growing.rs": "#[test]\nfn a_snake_that_eats_is_longer() {}\n",
  "assets/apple.svg": '<svg xmlns="http://www.w3.org/2000/svg"/>\n',
  "Cargo.toml": '[package]\nname = "snake"\nversion = "0.1.0"\nedition = "2024"\n',
  "README.md": "# Snake\n\nLive on stream, every Friday.\n",
};

/** A project that is being shared. @param {import("node:test").TestContext} t */
async function shared(t) {
  const folder = await temporary(t);
  await put(folder, FILES);
  const server = await startServer(t, { publicChat: true, guests: "propose" });
  await share(t, server, folder);
  return { folder, server };
}

/** @param {import("node:test").TestContext} t @param {any} server */
async function talk(t, server) {
  const ana = await streamer(t, server);
  await ana.say("Today the snake learns to turn.");
  return ana;
}

test("the page, a review and a phone", { timeout: 120_000 }, async (t) => {
  const { folder, server } = await shared(t);
  await talk(t, server);
  const bob = await open(t, server, { token: viewerToken("bob"), scheme: "dark", viewport: { width: 1280, height: 760 } });
  await openFile(bob, "snake.rs");
  const field = bob.getByRole("textbox", { name: "Message" });
  await field.fill("Can it turn back into itself?");
  await field.press("Enter");
  await writeFile(path.join(folder, "src/snake.rs"), GAME.replace("\n    /// Moves", `${TURN}\n    /// Moves`));
  await bob.locator("#code .cm-line", { hasText: "Turns, but never" }).waitFor();
  await bob.waitForTimeout(2_000);
  await bob.screenshot({ path: path.join(OUT, "page-dark.png") });

  const guest = await open(t, server, { viewport: phone, context: { deviceScaleFactor: 2 } });
  await guest.locator("#code .cm-line").first().waitFor();
  await guest.screenshot({ path: path.join(OUT, "phone.png") });

  await editFile(bob, "board.rs", "");
  await bob.locator("#code .cm-content[contenteditable=true]").click();
  await bob.keyboard.press("Control+End");
  await bob.keyboard.insertText("\n/// Whether a field lies on the board.\npub fn holds((x, y): (i32, i32)) -> bool {\n    (0..WIDTH).contains(&x) && (0..HEIGHT).contains(&y)\n}\n");
  await propose(bob, "The board knows where it ends", "So that the snake can die at the wall.");
  const ana = await open(t, server, { token: streamerToken(), viewport: { width: 1280, height: 760 } });
  await openProposals(ana);
  await panel(ana).getByRole("button", { name: /The board knows/ }).first().click().catch(() => {});
  await panel(ana).getByRole("button", { name: /board\.rs/ }).first().click();
  await ana.locator("#difference .cm-line", { hasText: "pub fn holds" }).first().waitFor();
  await ana.waitForTimeout(500);
  await ana.screenshot({ path: path.join(OUT, "review-light.png") });
});

const WIDTH = { editor: 470, page: 690 };
const HEIGHT = 500;
const FRAME_MS = 90;

/**
 * The streamer's editor, as far as the picture needs it.
 * @param {import("node:test").TestContext} t
 */
async function editor(t) {
  const context = await (await browser()).newContext({ viewport: { width: WIDTH.editor, height: HEIGHT }, colorScheme: "dark" });
  t.after(() => context.close());
  const page = await context.newPage();
  await page.setContent(`<style>
    body { margin: 0; background: #1e1f24; color: #d6d7dc; font: 12px/1.5 monospace; height: 100vh; display: flex; flex-direction: column }
    header, footer { background: #2a2c33; padding: 6px 10px; font-family: sans-serif } footer { color: #9fd29f; min-height: 18px }
    pre { flex: 1; margin: 0; padding: 10px; overflow: hidden } b { background: #d6d7dc; color: #1e1f24; font-weight: normal }
  </style><header>snake.rs — the streamer's editor</header><pre></pre><footer></footer>`);
  return {
    /** @param {string} before @param {string} after @param {string} said */
    show: (before, after, said) =>
      page.evaluate(
        ([before, after, said]) => {
          const pre = /** @type {HTMLElement} */ (document.querySelector("pre"));
          const caret = document.createElement("b");
          caret.textContent = " ";
          pre.replaceChildren(before.split("\n").slice(-22).join("\n"), caret, after);
          /** @type {HTMLElement} */ (document.querySelector("footer")).textContent = said;
        },
        [before, after, said],
      ),
    shot: () => page.screenshot(),
  };
}

test("a save in an editor beside a viewer's page", { timeout: 180_000 }, async (t) => {
  const { folder, server } = await shared(t);
  const viewport = { width: WIDTH.page, height: HEIGHT };
  const page = await open(t, server, { viewport, scheme: "dark", context: moving });
  await openFile(page, "snake.rs");
  await page.getByRole("button", { name: "Follow", exact: true }).click();
  const left = await editor(t);
  const at = GAME.indexOf("\n    /// Moves");
  const [before, after] = [GAME.slice(0, at), GAME.slice(at)];
  /** @type {[Buffer, Buffer, number][]} */
  const frames = [];
  const frame = async (/** @type {number} */ ms) => frames.push([await left.shot(), await page.screenshot(), ms]);
  await left.show(before, after, "");
  await page.waitForTimeout(1_500);
  await frame(900);
  for (let typed = 8; typed < TURN.length; typed += 14) {
    await left.show(before + TURN.slice(0, typed), after, "");
    await frame(FRAME_MS);
  }
  await left.show(before + TURN, after, "saved");
  await writeFile(path.join(folder, "src/snake.rs"), before + TURN + after);
  await page.locator("#code .cm-line", { hasText: "Turns, but never" }).waitFor();
  for (let shown = 0; shown < 10; shown++) {
    await frame(shown === 9 ? 2_500 : FRAME_MS * 2);
    await page.waitForTimeout(FRAME_MS);
  }
  await writeFile(path.join(OUT, "save.gif"), gif(frames));
});

/** Both halves side by side, frame by frame. @param {[Buffer, Buffer, number][]} frames */
function gif(frames) {
  const [width, colours] = [WIDTH.editor + WIDTH.page, 96];
  const encoder = gifenc.GIFEncoder();
  for (const [left, right, delay] of frames) {
    const whole = new PNG({ width, height: HEIGHT });
    PNG.bitblt(PNG.sync.read(left), whole, 0, 0, WIDTH.editor, HEIGHT, 0, 0);
    PNG.bitblt(PNG.sync.read(right), whole, 0, 0, WIDTH.page, HEIGHT, WIDTH.editor, 0);
    const palette = gifenc.quantize(whole.data, colours);
    encoder.writeFrame(gifenc.applyPalette(whole.data, palette), width, HEIGHT, { palette, delay });
  }
  encoder.finish();
  return encoder.bytes();
}
