import type { WebSocketHandler } from "bun";
import { Elysia } from "elysia";

import { shardcast } from "../../src/index";

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
  // Not by the route's own handler: Elysia reads text that looks like JSON, or like a number,
  // first.
  const websocket: Partial<WebSocketHandler<unknown>> = {
    message: (ws, message) => void ws.send(message, true),
  };
  const app = new Elysia({ adapter })
    .ws("/", {})
    .listen({ port: 0, hostname: "127.0.0.1", websocket: websocket as object });
  return {
    address: `127.0.0.1:${app.server?.port}`,
    [Symbol.asyncDispose]: async () => void (await app.stop(true)),
  };
}
