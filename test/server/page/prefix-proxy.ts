/** A proxy that strips a path prefix, as Traefik's StripPrefix or nginx's `location /sc/` do. */

import { onTestFinished } from "bun:test";
import { connect, createServer, type Socket } from "node:net";

/** Listens until the test ends, and passes on what comes for `prefix`: WebSockets as well. */
export async function prefixProxy(prefix: string, port: number): Promise<string> {
  const open = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(port, "127.0.0.1");
    for (const socket of [client, upstream]) {
      open.add(socket);
      socket.on("error", () => {}).on("close", () => [client, upstream].map((s) => s.destroy()));
    }
    upstream.pipe(client);
    client.on("data", (bytes) => upstream.write(stripped(Buffer.from(bytes), prefix)));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.close();
    for (const socket of open) socket.destroy();
  });
  const address = server.address();
  return `http://127.0.0.1:${typeof address === "object" ? address?.port : address}${prefix}`;
}

/** A browser writes each request's head at once. What is not under the prefix is found nowhere. */
function stripped(bytes: Buffer, prefix: string): Buffer {
  const head = bytes.toString("latin1");
  const request = /^(GET|HEAD|POST) (\S+) HTTP/.exec(head);
  if (!request) return bytes;
  const [, method = "", target = ""] = request;
  const isUnder = target === prefix || target.startsWith(`${prefix}/`);
  const path = isUnder ? target.slice(prefix.length) || "/" : "/not-under-the-prefix";
  return Buffer.from(head.replace(`${method} ${target} `, `${method} ${path} `), "latin1");
}
