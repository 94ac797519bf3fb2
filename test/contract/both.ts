/**
 * The contract: what works on Bun's own WebSockets works on shardcast's. Bun itself is the oracle.
 * Each scenario runs on Elysia itself, on its built-in adapter behind `useSharding: false` and on
 * shards, writes down all that an app or a client can see, and the transcripts must be equal.
 *
 * What differs on purpose is a row of docs/parity.md and a test of its own.
 */

import { expect, test } from "bun:test";
import type { Server, ServerWebSocket } from "bun";
import { Elysia } from "elysia";

import { type ShardcastConfig, shardcast } from "../../src/index";
import { type ConnectOptions, connect, type TestClient, until } from "../helpers/client";
import { SMALL } from "../helpers/serving";

export { until };

/** What `new Elysia` takes, but for the adapter. */
type AppOptions = Omit<NonNullable<ConstructorParameters<typeof Elysia<"">>[0]>, "adapter">;

/** What an app listens on, but for tests of just that. */
const LOCAL: Parameters<Elysia["listen"]>[0] = { port: 0, hostname: "127.0.0.1" };

/** Where a scenario plays: one server, and a transcript. */
export class Stage {
  readonly transcript: string[] = [];
  #app: Elysia | undefined;

  /** @param config nothing for Elysia itself, with no adapter of ours */
  constructor(private readonly config: ShardcastConfig | undefined) {}

  /** Writes down what was seen. */
  note(...seen: unknown[]): void {
    this.transcript.push(seen.map(print).join(": "));
  }

  /** Writes down what `act` returned, or that it threw. What an error says is each one's own. */
  try(label: string, act: () => unknown): void {
    let answer: unknown;
    try {
      answer = act();
    } catch {
      answer = "throws";
    }
    this.note(label, answer);
  }

  /** Starts the server. `where` is what `listen` takes. */
  serve(routes: (app: Elysia) => unknown, options: AppOptions = {}, where = LOCAL): Elysia {
    const { config } = this;
    const adapter = config && { adapter: shardcast({ ...SMALL, ...config }) };
    const app = new Elysia({ ...options, ...adapter });
    routes(app);
    app.listen(where);
    this.#app = app;
    return app;
  }

  get app(): Elysia {
    return this.#app as Elysia;
  }

  get server(): Server<unknown> {
    return this.#app?.server as Server<unknown>;
  }

  get port(): number {
    return this.server.port as number;
  }

  connect(path = "/", options?: ConnectOptions): Promise<TestClient> {
    return connect(`ws://127.0.0.1:${this.port}${path}`, options);
  }

  /** A client, and Bun's `ServerWebSocket` of it or what stands in for that. */
  async pair(hooks: object = {}, options?: AppOptions) {
    const sockets: Socket[] = [];
    this.serve((app) => {
      app.ws("/", { ...hooks, open: (ws) => void sockets.push(ws.raw as Socket) });
    }, options);
    const client = await this.connect();
    await until(() => sockets.length > 0);
    return { client, socket: sockets[0] as Socket, sockets };
  }

  async end(): Promise<void> {
    if (this.#app?.server) await this.#app.stop(true);
  }
}

/** The server's side of a client. */
export type Socket = ServerWebSocket<unknown>;

/**
 * A test that plays `scenario` on Bun's own WebSockets, twice, and on shards, with one outcome.
 *
 * @param run a scenario that waits for a clock is played beside others of its file, if `concurrent`
 */
export function sameOnBoth(
  name: string,
  scenario: (stage: Stage) => Promise<void> | void,
  run: { timeoutMs?: number; concurrent?: boolean } = {},
): void {
  const comparison = async () => {
    const configs = [undefined, { useSharding: false }, {}];
    const plays = configs.map((config) => play(config, scenario));
    const [builtIn, onBun, sharded] = await Promise.all(plays);
    expect(builtIn).not.toBeEmpty();
    expect(sharded).toEqual(builtIn);
    expect(onBun).toEqual(builtIn);
  };
  const define = run.concurrent ? test.concurrent : test;
  define(name, comparison, run.timeoutMs);
}

async function play(
  config: ShardcastConfig | undefined,
  scenario: (stage: Stage) => Promise<void> | void,
): Promise<string[]> {
  const stage = new Stage(config);
  try {
    await scenario(stage);
    return stage.transcript;
  } finally {
    await stage.end();
  }
}

/** Looks at Elysia itself, then at shards. */
export async function onEach<T>(
  look: (stage: Stage) => Promise<T> | T,
  config: ShardcastConfig = {},
): Promise<[builtIn: T, sharded: T]> {
  const see = async (stage: Stage) => {
    try {
      return await look(stage);
    } finally {
      await stage.end();
    }
  };
  return [await see(new Stage(undefined)), await see(new Stage(config))];
}

/** A value by its kind and content, so that equal looks are equal and different kinds are not. */
function print(value: unknown): string {
  if (typeof value === "string") return value;
  if (typeof value === "function") return "a function";
  if (value instanceof Error) return `${value.constructor.name}: ${value.message}`;
  if (value instanceof Blob) return `Blob of ${value.size}, ${value.type}`;
  if (value instanceof ArrayBuffer) return `ArrayBuffer ${Buffer.from(value).toString("hex")}`;
  if (ArrayBuffer.isView(value)) {
    const { buffer, byteOffset, byteLength } = value;
    const bytes = Buffer.from(buffer as ArrayBuffer, byteOffset, byteLength);
    return `${value.constructor.name} ${bytes.toString("hex")}`;
  }
  return JSON.stringify(value) ?? String(value);
}
