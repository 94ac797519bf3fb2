/** Who is measured, and how each is started. */

import { recommendedConfig, type ShardcastConfig } from "../src/index";
import { roomOf } from "./room";
import { WORKLOAD_VARIABLE, type Workload } from "./servers/workload";

/** In the order in which they run and are shown. */
export const CONTESTANT_NAMES = [
  "shardcast 1×1",
  "shardcast recommended",
  "shardcast 8×8",
  "Bun broadcaster",
  "Elysia",
  "Bun publish",
  "Bun send loop",
  "ws on Node",
  "Socket.IO",
  "core alone",
  "floor",
] as const;

export type ContestantName = (typeof CONTESTANT_NAMES)[number];

/** How to run a server under test, and how its clients are to behave. */
export interface Start {
  readonly command: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  /** Flags of the load tester. */
  readonly flags: readonly string[];
  readonly path: string;
}

/** Clients that the load tester keeps waiting must not be taken for slow: all are to be served. */
const PATIENT: ShardcastConfig = { bufferSize: 100_000, bufferBytes: 256 * 1024 * 1024 };

/** The directory with what has been built for Node. */
export const BUILT_FOR_NODE = "target/bench";
/** The servers that run on Node, which does not run TypeScript. */
export const NODE_SERVERS = ["ws", "socket-io"] as const;

const PATH = "/?client={i}";

/** How to start `name` for this workload. */
export function startOf(name: ContestantName, workload: Workload): Start {
  const recommended = recommendedConfig(workload.clients);
  const env = { [WORKLOAD_VARIABLE]: JSON.stringify(workload) };
  const bun = (server: string, config?: ShardcastConfig): Start => ({
    command: [process.execPath, `bench/servers/${server}.ts`],
    env: config === undefined ? env : { ...env, BENCH_CONFIG: JSON.stringify(config) },
    flags: [],
    path: PATH,
  });
  const node = (server: (typeof NODE_SERVERS)[number]): Start => ({
    ...bun(server),
    command: ["node", `${BUILT_FOR_NODE}/${server}.cjs`],
  });
  switch (name) {
    case "shardcast 1×1":
      return bun("shardcast", sharded(workload, 1, 1));
    case "shardcast recommended":
      return bun("shardcast", {
        ...sharded(workload, recommended.numShards, recommended.workersPerShard),
        maxClients: recommended.maxClients,
      });
    case "shardcast 8×8":
      return bun("shardcast", sharded(workload, 8, 8));
    case "Bun broadcaster":
      return bun("shardcast", { useSharding: false });
    case "Elysia":
      return bun("elysia");
    case "Bun publish":
      return bun("bun-publish");
    case "Bun send loop":
      return bun("bun-loop");
    case "ws on Node":
      return node("ws");
    case "Socket.IO":
      return {
        ...node("socket-io"),
        flags: ["--hello", "40"],
        path: "/socket.io/?EIO=4&transport=websocket",
      };
    case "core alone":
      return { command: ["target/parts/release/core-alone"], env: {}, flags: [], path: PATH };
    case "floor":
      return { command: floorCommand(workload), env: {}, flags: [], path: PATH };
  }
}

function sharded(
  { clients, compress }: Workload,
  numShards: number,
  workersPerShard: number,
): ShardcastConfig {
  return {
    ...PATIENT,
    numShards,
    workersPerShard,
    maxClients: roomOf(clients, numShards),
    perMessageDeflate: compress,
  };
}

function floorCommand({ rate, sizeBytes }: Workload): string[] {
  return ["target/release/floor", "--rate", String(rate), "--size", String(sizeBytes)];
}
