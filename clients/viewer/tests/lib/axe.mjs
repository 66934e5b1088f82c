// axe, which checks whether everybody can use what is on screen.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";

const AXE = await readFile(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8");

/**
 * Fails if axe finds anything. It runs in an isolated world, to which the page's policy does not
 * apply.
 * @param {any} page
 * @param {string} view
 */
export async function judge(page, view) {
  const client = await page.context().newCDPSession(page);
  const { frameTree } = await client.send("Page.getFrameTree");
  const { executionContextId } = await client.send("Page.createIsolatedWorld", { frameId: frameTree.frame.id });
  const call = async (/** @type {string} */ expression) => {
    const { result, exceptionDetails } = await client.send("Runtime.evaluate", {
      expression, contextId: executionContextId, awaitPromise: true, returnByValue: true,
    });
    assert.ok(!exceptionDetails, JSON.stringify(exceptionDetails));
    return result.value;
  };
  await call(`${AXE}; 0`);
  const found = await call(`axe.run(document, { resultTypes: ["violations"] }).then(({ violations }) =>
    violations.map(({ id, nodes }) => id + ": " + nodes.map(({ target, any }) => target.join(" ") + " " + (any[0]?.message ?? "")).join(" | ")))`);
  assert.deepEqual(found, [], view);
  await client.detach();
}
