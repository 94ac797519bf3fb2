/** shardcast, with the configuration that the runner gives. */

import { type ShardcastConfig, shardcast } from "../../src/index";
import { serveElysia } from "./elysia-app";

/** By which the runner hands it over. */
const CONFIG_VARIABLE = "BENCH_CONFIG";

const config = JSON.parse(process.env[CONFIG_VARIABLE] ?? "{}") as ShardcastConfig;
serveElysia({ adapter: shardcast(config) });
