/**
 * Writes docs/statistics.md from the table of all figures.
 *
 *     bun run docs
 */

import { join } from "node:path";

import { STATS_FIGURES, type StatsFigure } from "../../src/index";

/** The document, from the root of the checkout. */
export const STATISTICS_DOCUMENT = "docs/statistics.md";

/** The document as it should be. */
export function statisticsDocument(): string {
  return `# Statistics

<!-- Written by \`bun run docs\` from src/stats/counters.ts. -->

\`broadcaster.stats()\` and \`GET /stats\` show these figures; \`GET /metrics\` shows them to
Prometheus. A counter starts at 0 when the app listens and only grows. A gauge shows the present.
[Delivery](delivery.md) explains how the counters of deliveries add up, and which figures the Bun
broadcaster knows. [Operations](operations.md) says which metrics to watch.

## Of each shard

In \`shard_0\`, \`shard_1\`, …, summed over the workers of the shard. The metrics have the label \`shard\`.

${tableOf(STATS_FIGURES.shard)}

## Of each worker

In \`per_worker\` of a shard. The metrics have the labels \`shard\` and \`worker\`.

${tableOf({ ...STATS_FIGURES.worker, saturated: SATURATED })}

## Of all shards together

${tableOf(STATS_FIGURES.total)}
`;
}

/** In the stats it is a boolean. */
const SATURATED: StatsFigure = {
  ...STATS_FIGURES.worker.saturated,
  help: "Whether the queue of the worker is past its soft limit. The metric is 1 or 0.",
};

function tableOf(figures: Readonly<Record<string, StatsFigure>>): string {
  const rows = Object.entries(figures).map(([name, figure]) => {
    const metric = metricOf(figure);
    return `| \`${name}\` | ${figure.kind} | ${figure.help} | ${metric && `\`${metric}\``} |`;
  });
  return ["| figure | kind | what it counts | metric |", "|---|---|---|---|", ...rows].join("\n");
}

function metricOf({ metric, partOf, reason }: StatsFigure): string {
  return metric ?? (partOf ? `${partOf.name}{reason="${reason}"}` : "");
}

if (import.meta.main) {
  await Bun.write(join(import.meta.dir, "../..", STATISTICS_DOCUMENT), statisticsDocument());
}
