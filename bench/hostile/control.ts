/**
 * The client that must be served: it receives the stream and asks for `/healthz`, until its input
 * ends. Then it prints what it has met, as JSON.
 *
 *     bun bench/hostile/control.ts PORT
 */

import { Probe } from "../probe";

/** What a control client has met. */
export interface ControlReport {
  readonly messages: number;
  readonly missing: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly worstMs: number;
  readonly healthzP99Ms: number;
  readonly healthzWorstMs: number;
}

async function main(port: number): Promise<void> {
  const latencies: number[] = [];
  let [last, missing] = [-1, 0];
  const socket = new WebSocket(`ws://localhost:${port}/stream`);
  socket.onmessage = ({ data }) => {
    const { number, at } = JSON.parse(data as string) as { number: number; at: number };
    latencies.push(performance.timeOrigin + performance.now() - at);
    // What is lost is seen by the gap; what comes twice or too late counts as lost, too.
    missing += last < 0 ? 0 : Math.abs(number - last - 1);
    last = number;
  };
  socket.onclose = () => {
    console.error("the control client was disconnected");
    process.exit(1);
  };
  await new Promise((resolve) => socket.addEventListener("open", resolve));
  const probe = new Probe(port);
  console.log("ready");
  for await (const _ of Bun.stdin.stream()) {
    // It gets no input, and waits for its end.
  }
  socket.onclose = null;
  const healthz = await probe.times();
  const report: ControlReport = {
    messages: latencies.length,
    missing,
    ...{ p50Ms: quantile(latencies, 0.5), p99Ms: quantile(latencies, 0.99) },
    worstMs: quantile(latencies, 1),
    ...{ healthzP99Ms: quantile(healthz, 0.99), healthzWorstMs: quantile(healthz, 1) },
  };
  console.log(JSON.stringify(report));
  process.exit(0);
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.ceil(sorted.length * share) - 1] ?? Number.NaN;
}

if (import.meta.main) await main(Number(process.argv[2]));
