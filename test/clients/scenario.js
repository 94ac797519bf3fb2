/**
 * What every client of the standard `WebSocket` interface does, in browsers and out of them. It
 * runs in the page of a browser too, so nothing is imported, and it is no TypeScript.
 *
 * @param {typeof WebSocket} WebSocket
 * @param {string} base such as `ws://127.0.0.1:3000`
 * @returns {Promise<unknown[]>} what the client saw
 */
export async function play(WebSocket, base) {
  const MIB = 1024 * 1024;
  /** @type {unknown[]} */
  const seen = [];

  /** @param {string} path @param {string[]} [protocols] */
  async function connect(path, protocols = []) {
    const socket = new WebSocket(base + path, protocols);
    socket.binaryType = "arraybuffer";
    /** @type {unknown[]} */
    const messages = [];
    /** @type {((message: unknown) => void)[]} */
    const waiting = [];
    socket.addEventListener("message", ({ data }) => {
      const next = waiting.shift();
      if (next) next(data);
      else messages.push(data);
    });
    const closed = new Promise((resolve) => {
      socket.addEventListener("close", ({ code, reason }) => resolve([code, reason]));
    });
    const opened = await new Promise((resolve) => {
      socket.addEventListener("open", () => resolve(true));
      socket.addEventListener("error", () => resolve(false));
    });
    const next = () =>
      messages.length > 0 ? messages.shift() : new Promise((resolve) => waiting.push(resolve));
    return { socket, opened, closed, next };
  }

  const echo = await connect("/echo", ["first", "second"]);
  seen.push(["protocol", echo.socket.protocol]);
  echo.socket.send("héllo");
  seen.push(["text", await echo.next()]);
  echo.socket.send(new Uint8Array([1, 2, 255]));
  const bytes = await echo.next();
  seen.push(["bytes", [...new Uint8Array(/** @type {ArrayBuffer} */ (bytes))]]);
  const long = "0123456789abcdef".repeat(MIB / 16);
  echo.socket.send(long);
  seen.push(["a long text", (await echo.next()) === long]);
  echo.socket.close(4002, "done");
  seen.push(["closed by the client", await echo.closed]);

  const news = await connect("/news");
  news.socket.send("go");
  let inOrder = 0;
  while (inOrder < 1000 && (await news.next()) === `message ${inOrder}`) inOrder += 1;
  seen.push(["messages in order", inOrder]);
  news.socket.send("bye");
  seen.push(["closed by the server", await news.closed]);

  const refused = await connect("/secret");
  seen.push(["refused", !refused.opened]);

  const last = await connect("/news");
  last.socket.send("shut down");
  seen.push(["at the shutdown", await last.closed]);
  return seen;
}
