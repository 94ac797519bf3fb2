/**
 * The package as an app of one's own gets it: packed, with what it says it depends on, and no more.
 */

import { expect, onTestFinished, test } from "bun:test";
import { mkdir, mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { $ } from "bun";

import { dependencies, peerDependencies, version } from "../package.json";

const ROOT = join(import.meta.dir, "..");
const PATIENCE_MS = 30_000;

const APP = `
import { Elysia } from "elysia";
import { createBroadcaster, PrometheusCollector, shardcast } from "shardcast";

const collector = new PrometheusCollector();
const broadcaster = createBroadcaster(
  { numShards: 1, workersPerShard: 1, maxClients: 10 },
  {},
  collector,
);
const app = new Elysia({ adapter: shardcast(broadcaster) })
  .ws("/", {
    open(ws) {
      ws.subscribe("ticks");
      broadcaster.publish("ticks", "hello");
    },
  })
  .listen({ hostname: "127.0.0.1", port: 0 });
const socket = new WebSocket(String(app.server?.url).replace("http", "ws"));
socket.onmessage = async ({ data }) => {
  const metrics = await collector.metrics();
  console.log(data, metrics.includes("shardcast_clients"));
  process.exit();
};
`;

/** A project into which the package is unpacked, and linked what it depends on. */
async function project(): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), "shardcast-project-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const modules = join(directory, "node_modules");
  await mkdir(join(modules, "shardcast"), { recursive: true });
  const pack = $`${process.execPath} pm pack --ignore-scripts --quiet --destination ${directory}`;
  const packed = (await pack.cwd(ROOT).text()).trim();
  await $`tar xzf ${packed} --strip-components=1 -C ${join(modules, "shardcast")}`;
  for (const name of Object.keys({ ...dependencies, ...peerDependencies })) {
    await symlink(join(ROOT, "node_modules", name), join(modules, name));
  }
  await Bun.write(join(directory, "app.ts"), APP);
  return directory;
}

test("is what the README says how to add", async () => {
  const readme = await Bun.file(join(ROOT, "README.md")).text();
  expect(readme).toContain(`bun add elysia ../shardcast/shardcast-${version}.tgz`);
});

test("serves an app that has added it, with the addon that is packed", async () => {
  const directory = await project();
  const command = [process.execPath, "app.ts"];
  const { stdout, stderr } = Bun.spawnSync(command, { cwd: directory, timeout: PATIENCE_MS });
  expect(stderr.toString()).toBe("");
  expect(stdout.toString()).toBe("hello true\n");
}, 60_000);
