/** One run: one contestant, one case. */

import { join } from "node:path";

import type { Case } from "./cases";
import { type ContestantName, startOf } from "./contestants";
import { linesOf } from "./lines";
import { Probe } from "./probe";
import type { LoadReport, Result } from "./result";
import { ServerProcess, type Usage } from "./server-process";

const ROOT = join(import.meta.dir, "..");
/** A server that uses so much of its core has no more to give. */
const FULL_CORE_PERCENT = 85;
const LOAD_TESTER = "target/release/load-test";
/** In which a server may see its clients off before they come back. */
const BETWEEN_STORMS_MS = 500;

/** Who runs where, and how long. */
export interface Conditions {
  readonly serverCore: number;
  readonly testerCore: number;
  readonly warmupSeconds: number;
  readonly durationSeconds: number;
}

/**
 * Starts the contestant, loads it, and ends it.
 *
 * @throws Error when the server does not start, or no client connects
 */
export async function measure(
  contestant: ContestantName,
  testCase: Case,
  conditions: Conditions,
): Promise<Result> {
  const start = startOf(contestant, testCase.workload);
  await using server = await ServerProcess.start(start, conditions.serverCore, ROOT);
  const before = server.usage();
  const flags = [...start.flags, ...(testCase.flags ?? [])];
  const url = `ws://127.0.0.1:${server.port}${start.path}`;
  const window = new Window(server, testCase.probe === true);
  const command = loadCommand(url, testCase.workload.clients, flags, {
    ...conditions,
    ...(testCase.staySeconds && { warmupSeconds: 0, durationSeconds: testCase.staySeconds }),
  });
  const report = await loadTest(command, (line) => window.onLine(line));
  const result = await resultOf(contestant, report, before, window);
  const reconnectsPerSecond = await reconnects(command, testCase.reconnects ?? 0);
  return reconnectsPerSecond === undefined ? result : { ...result, reconnectsPerSecond };
}

/** Loads the server again and again; the last connects a second, if there were any. */
async function reconnects(command: readonly string[], times: number): Promise<number | undefined> {
  let perSecond: number | undefined;
  for (let time = 0; time < times; time += 1) {
    await Bun.sleep(BETWEEN_STORMS_MS);
    const { connected, connect_s } = await loadTest(command, () => {});
    perSecond = connected / connect_s;
  }
  return perSecond;
}

/** Threads that took less of each connect, in microseconds, are left out. */
const LITTLE_CPU = 0.1;

function connectCpuOf(window: Window, clients: number): Record<string, number> {
  const taken = [...window.connected].map(([name, seconds]): [string, number] => [
    name,
    (1e6 * (seconds - (window.idle.get(name) ?? 0))) / clients,
  ]);
  return Object.fromEntries(taken.filter(([, microseconds]) => microseconds >= LITTLE_CPU));
}

/** Looks at the server as the load tester says that the measured window begins and ends. */
class Window {
  readonly #server: ServerProcess;
  readonly #probes: boolean;
  #probe: Probe | undefined;
  probeP99Ms: Promise<number> | undefined;
  /** What its threads had used before any client came, and when all were connected. */
  readonly idle: ReadonlyMap<string, number>;
  connected: ReadonlyMap<string, number> = new Map();
  began: Usage | undefined;
  ended: Usage | undefined;

  constructor(server: ServerProcess, probes: boolean) {
    this.#server = server;
    this.#probes = probes;
    this.idle = server.threads();
  }

  onLine(line: string): void {
    if (line.startsWith("ready:")) {
      this.connected = this.#server.threads();
    } else if (line === "measuring") {
      this.began = this.#server.usage();
      if (this.#probes) this.#probe = new Probe(this.#server.port);
    } else if (line === "measured") {
      this.ended = this.#server.usage();
      this.probeP99Ms = this.#probe?.p99Ms();
    }
  }
}

function loadCommand(
  url: string,
  clients: number,
  flags: readonly string[],
  { testerCore, warmupSeconds, durationSeconds }: Conditions,
): string[] {
  const times = ["--warmup", `${warmupSeconds}s`, "--duration", `${durationSeconds}s`];
  const target = ["--url", url, "--clients", String(clients), "--json"];
  return ["taskset", "-c", String(testerCore), LOAD_TESTER, ...target, ...times, ...flags];
}

async function loadTest(
  command: readonly string[],
  onLine: (line: string) => void,
): Promise<LoadReport> {
  const child = Bun.spawn([...command], { cwd: ROOT, stdin: "ignore", stderr: "pipe" });
  let errors = "";
  const read = linesOf(child.stderr, (line) => {
    errors += `${line}\n`;
    onLine(line);
  });
  const json = await new Response(child.stdout).text();
  await read;
  if ((await child.exited) !== 0) throw new Error(`the load tester failed: ${errors}${json}`);
  return JSON.parse(json) as LoadReport;
}

async function resultOf(
  contestant: ContestantName,
  report: LoadReport,
  before: Usage,
  window: Window,
): Promise<Result> {
  const { began, ended, probeP99Ms } = window;
  if (began === undefined || ended === undefined) {
    throw new Error("the load tester measured no window");
  }
  const millions = report.messages / 1e6;
  const cpuSeconds = ended.cpuSeconds - began.cpuSeconds;
  const closed = Object.values(report.closed).reduce((sum, count) => sum + count, 0);
  const result = {
    contestant,
    connected: report.connected,
    connectsPerSecond: report.connected / report.connect_s,
    perSecond: report.messages_per_second,
    megabytesPerSecond: report.bytes_per_second / 1e6,
    p50Ms: milliseconds(report.latency_p50_us),
    p99Ms: milliseconds(report.latency_p99_us),
    cpuPerMillion: cpuSeconds / millions,
    cpuPercent: (100 * cpuSeconds) / report.duration_s,
    writesPerMillion: (ended.writes - began.writes) / millions,
    connectCpu: connectCpuOf(window, report.connected),
    residentBytes: ended.residentBytes,
    bytesPerClient: (ended.residentBytes - before.residentBytes) / report.connected,
    missing: report.missing,
    failed: report.failed,
    closed,
    testerCpuPercent: report.cpu_percent,
    stolenPercent: (100 * (ended.stolenSeconds - began.stolenSeconds)) / report.duration_s,
    // Where both are full, it is unknown which was first, and a faster server would show.
    testerFull: report.saturated && (100 * cpuSeconds) / report.duration_s < FULL_CORE_PERCENT,
  };
  const p99Ms = await probeP99Ms;
  return p99Ms === undefined ? result : { ...result, probeP99Ms: p99Ms };
}

function milliseconds(microseconds: number | null): number {
  return microseconds === null ? Number.NaN : microseconds / 1000;
}
