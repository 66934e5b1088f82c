// A proxy in front of the server, as an operator might have: requests through it come from the
// address that it names.
import { createServer, request } from "node:http";
import { connect } from "node:net";

/**
 * The server as a client at `address` reaches it, if it trusts 127.0.0.1 as a proxy.
 *
 * @param {import("node:test").TestContext} test
 * @param {import("./server.mjs").Server} server
 * @param {string} address
 * @returns {Promise<import("./server.mjs").Server>}
 */
export async function from(test, server, address) {
  const { hostname, port, host } = new URL(server.origin);
  /** @param {import("node:http").IncomingMessage} asked */
  const headersOf = ({ headers }) => ({
    ...headers,
    host,
    ...(headers.origin ? { origin: server.origin } : {}),
    "x-forwarded-for": address,
  });
  const proxy = createServer((asked, answer) => {
    const { method, url } = asked;
    const handed = request({ hostname, port, method, path: url, headers: headersOf(asked) }, (answered) => {
      answer.writeHead(answered.statusCode ?? 502, answered.headers);
      answered.pipe(answer);
    });
    handed.on("error", () => answer.destroy());
    asked.pipe(handed);
  });
  /** @type {Set<import("node:stream").Duplex>} */
  const sockets = new Set();
  proxy.on("upgrade", (asked, socket, head) => {
    const onward = connect(Number(port), hostname);
    const lines = Object.entries(headersOf(asked)).map(([name, value]) => `${name}: ${value}\r\n`);
    onward.write(`GET ${asked.url} HTTP/1.1\r\n${lines.join("")}\r\n`);
    onward.write(head);
    onward.pipe(socket).pipe(onward);
    for (const [one, other] of [[onward, socket], [socket, onward]]) {
      sockets.add(one);
      one.on("error", () => other.destroy());
      one.on("close", () => {
        sockets.delete(one);
        other.destroy();
      });
    }
  });
  await new Promise((resolve) => proxy.listen(0, "127.0.0.1", () => resolve(undefined)));
  test.after(() => {
    for (const socket of sockets) socket.destroy();
    proxy.closeAllConnections();
    proxy.close();
  });
  const own = /** @type {import("node:net").AddressInfo} */ (proxy.address());
  return { ...server, origin: `http://127.0.0.1:${own.port}` };
}
