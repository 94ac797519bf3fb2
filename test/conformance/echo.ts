import { Elysia } from "elysia";

import { shardcast } from "../../src";

/** The longest message of the cases. */
const MAX_PAYLOAD_BYTES = 16 * 1024 * 1024;

/** An app that sends back what it is sent, on a free port. */
export interface Echo extends AsyncDisposable {
  /** `127.0.0.1:<port>` */
  readonly address: string;
}

/** Serves the app that the cases are run against. */
export function serveEcho(): Echo {
  const adapter = shardcast({
    numShards: 2,
    workersPerShard: 1,
    maxPayloadLength: MAX_PAYLOAD_BYTES,
    // The cases send before they read: what waits for them meanwhile is what they have sent.
    backpressureLimit: 0,
    perMessageDeflate: true,
    // However short: that is what the cases about compression look at.
    compressionThreshold: 0,
  });
  const app = new Elysia({ adapter })
    .ws("/", {
      // Elysia itself would read what looks like JSON or like a number.
      parse: (_ws, message) => message,
      message: (ws, message) => void ws.raw.send(message as string | Buffer, true),
    })
    .listen({ port: 0, hostname: "127.0.0.1" });
  return {
    address: `127.0.0.1:${app.server?.port}`,
    [Symbol.asyncDispose]: async () => void (await app.stop(true)),
  };
}
