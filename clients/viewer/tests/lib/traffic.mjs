// What a page has received: bytes over HTTP and over its WebSocket.
/** @typedef {import("playwright-core").Page} Page */

/**
 * Counts what a page receives from now on; must be called before the page is opened.
 *
 * @param {Page} page
 */
export function countTraffic(page) {
  const traffic = {
    /** Bytes as they came, perhaps compressed, by path. @type {Record<string, number>} */ bodies: {},
    frames: 0,
    frameBytes: 0,
    /** @type {string[]} */ types: [],
  };
  page.on("response", async (response) => {
    const { responseBodySize } = await response
      .request()
      .sizes()
      .catch(() => ({ responseBodySize: 0 }));
    traffic.bodies[new URL(response.url()).pathname] = responseBodySize;
  });
  page.on("websocket", (socket) => {
    socket.on("framereceived", ({ payload }) => {
      traffic.frames++;
      traffic.frameBytes += payload.length;
      traffic.types.push(/"type":"(\w+)"/.exec(String(payload))?.[1] ?? "");
    });
  });
  return traffic;
}
