import type { IncomingMessage } from "node:http";
import type WS from "ws";

import { pollUntil } from "../../src/process/wait";

/**
 * The `ws` client from npm, by its path: Bun replaces the bare import "ws" by a client of its own,
 * and these tests want one that is independent of Bun.
 */
const WebSocket = require("../../node_modules/ws/index.js") as typeof WS;

/** No wait in a test takes longer. */
const TIMEOUT_MS = 30_000;

/** How a connection ended. */
export interface CloseInfo {
  code: number;
  reason: string;
}

/** An answer that was no upgrade. */
export interface RefusedUpgrade {
  status: number;
  headers: IncomingMessage["headers"];
  body: string;
}

/** What `connect` takes besides the URL. */
export interface ConnectOptions {
  protocols?: string[];
  headers?: Record<string, string>;
  /** Whether the client asks for compression. Default: it does. */
  perMessageDeflate?: boolean;
}

/** A WebSocket client that is read message by message. */
export class TestClient {
  readonly #waiting: ((message: string | Buffer) => void)[] = [];
  readonly #messages: (string | Buffer)[] = [];
  /** Resolves when the connection has ended. */
  readonly closed: Promise<CloseInfo>;

  constructor(
    readonly socket: WS,
    /** Headers of the 101 response. */
    readonly upgrade: IncomingMessage["headers"] = {},
  ) {
    socket.on("message", (data, isBinary) => {
      const message = isBinary ? (data as Buffer) : data.toString();
      const waiting = this.#waiting.shift();
      if (waiting) waiting(message);
      else this.#messages.push(message);
    });
    this.closed = new Promise((resolve) => {
      socket.on("close", (code, reason) => resolve({ code, reason: reason.toString() }));
    });
    socket.on("error", () => {});
  }

  /** The next message, in the order of arrival. */
  next(): Promise<string | Buffer> {
    const message = this.#messages.shift();
    if (message !== undefined) return Promise.resolve(message);
    return within(new Promise((resolve) => this.#waiting.push(resolve)), "a message");
  }

  /** The next `count` messages. */
  async take(count: number): Promise<(string | Buffer)[]> {
    const messages = [];
    while (messages.length < count) messages.push(await this.next());
    return messages;
  }

  send(data: string | Uint8Array): void {
    this.socket.send(data);
  }

  /** Closes with a handshake. */
  close(code?: number, reason?: string): Promise<CloseInfo> {
    this.socket.close(code, reason);
    return within(this.closed, "the close");
  }

  /** Drops the connection, as a client that is gone. */
  terminate(): void {
    this.socket.terminate();
  }
}

/** Connects, and resolves once the connection is open. */
export function connect(url: string, options: ConnectOptions = {}): Promise<TestClient> {
  const socket = open(url, options);
  let headers: IncomingMessage["headers"] = {};
  socket.on("upgrade", (response) => {
    headers = response.headers;
  });
  // Listens from the start: a message may come with the handshake.
  const client = new TestClient(socket);
  const opened = new Promise<TestClient>((resolve, reject) => {
    socket.on("open", () => resolve(Object.assign(client, { upgrade: headers })));
    socket.on("error", reject);
  });
  return within(opened, `a connection to ${url}`);
}

/** Asks for an upgrade that has to be refused, and resolves with the answer. */
export function refused(url: string, options: ConnectOptions = {}): Promise<RefusedUpgrade> {
  const socket = open(url, options);
  const answer = new Promise<RefusedUpgrade>((resolve, reject) => {
    socket.on("unexpected-response", (_request, response) => {
      let body = "";
      response.on("data", (chunk) => {
        body += chunk;
      });
      response.on("end", () =>
        resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
      );
    });
    socket.on("open", () => reject(new Error(`${url} was not refused`)));
    socket.on("error", reject);
  });
  return within(answer, `a refusal by ${url}`);
}

/** Rejects if `promise` takes longer than a test may wait. */
export async function within<T>(promise: Promise<T>, what: string): Promise<T> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`waited too long for ${what}`)), TIMEOUT_MS);
  try {
    return await Promise.race([promise, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/** Resolves once `condition` holds, for what no event tells; rejects as `within` does. */
export async function until(condition: () => boolean, what = String(condition)): Promise<void> {
  const holds = await pollUntil(condition, { everyMs: 1, timeoutMs: TIMEOUT_MS });
  if (!holds) throw new Error(`waited too long for ${what}`);
}

function open(
  url: string,
  { protocols = [], headers = {}, perMessageDeflate = true }: ConnectOptions,
): WS {
  const options = { headers, perMessageDeflate, handshakeTimeout: TIMEOUT_MS };
  return new WebSocket(url, protocols, options);
}
