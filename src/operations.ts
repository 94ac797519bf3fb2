/** What those who run the server ask of it. */

import { type DocumentDecoration, Elysia } from "elysia";

import { FOREIGN, NO_KEY, refusal } from "./api-description";
import type { Broadcaster, PrometheusCollector } from "./index";
import { LIVE_CHANNEL } from "./live";
import { fromDigits } from "./setting";

const DEFAULT_TOP = 10;
const MAX_TOP = 1000;

const WRONG_TOP = { error: `top must be a whole number from 0 to ${MAX_TOP}` };

const TOP = {
  name: "top",
  in: "query",
  description: "How many at most",
  schema: { type: "integer", minimum: 0, maximum: MAX_TOP, default: DEFAULT_TOP },
} as const;

const SEARCH = {
  name: "search",
  in: "query",
  description: "What their names have in them",
  schema: { type: "string" },
} as const;

/** For load balancers and supervisors: whether it lives, and whether to send it clients. */
export function health(broadcaster: Broadcaster) {
  return new Elysia()
    .get("/healthz", () => ({ status: "ok" }), {
      detail: { summary: "Whether it lives", responses: { 200: { description: "It does." } } },
    })
    .get(
      "/readyz",
      ({ status }) => {
        const { state } = broadcaster;
        return status(state === "serving" ? 200 : 503, { status: state });
      },
      {
        detail: {
          summary: "Whether it takes clients",
          responses: {
            200: { description: "It does." },
            503: { description: "It starts, drains or has ended." },
          },
        },
      },
    );
}

/** For operators: how it does, in all and for single clients. */
export function insight(broadcaster: Broadcaster, collector: PrometheusCollector) {
  return new Elysia()
    .get("/stats", () => collector.stats(), insightful("Counters and gauges of every shard"))
    .get(
      "/metrics",
      async () => {
        const headers = { "content-type": collector.contentType };
        return new Response(await collector.metrics(), { headers });
      },
      insightful("The same, of every worker and of the process, for Prometheus"),
    )
    .get(
      "/slow-clients",
      ({ query, status }) => {
        const top = topOf(query);
        return top === undefined ? status(400, WRONG_TOP) : broadcaster.slowClients(top);
      },
      insightful("The clients that lag most", {
        parameters: [TOP],
        responses: { 400: refusal("`top` is no number of clients.") },
      }),
    )
    .get(
      "/channels",
      ({ query, status }) => {
        const top = topOf(query);
        if (top === undefined) return status(400, WRONG_TOP);
        const channels = broadcaster.channels(top + 1, query.search);
        return channels.filter(({ channel }) => channel !== LIVE_CHANNEL).slice(0, top);
      },
      insightful("The busiest channels that have subscribers", {
        parameters: [TOP, SEARCH],
        responses: { 400: refusal("`top` is no number of channels.") },
      }),
    )
    .get(
      "/departures",
      () => broadcaster.departures(),
      insightful("The last clients that the server has disconnected, and why"),
    )
    .get(
      "/audit",
      async ({ status }) => {
        const audit = await broadcaster.audit();
        return audit ?? status(501, { error: "without sharding nobody counts for each client" });
      },
      insightful("All messages, counted by the clients' accounts and by the shards", {
        responses: { 501: refusal("Without sharding nobody counts for each client.") },
      }),
    );
}

/** How many are asked for; nothing where it is no such number. */
function topOf({ top }: Record<string, string | undefined>): number | undefined {
  const wanted = top === undefined ? DEFAULT_TOP : fromDigits(top);
  return wanted !== undefined && wanted <= MAX_TOP ? wanted : undefined;
}

type Detail = NonNullable<DocumentDecoration>;

/** What the API's description says of a route that wants the key, if there is one. */
function insightful(
  summary: string,
  { parameters = [], responses = {} }: Pick<Detail, "parameters" | "responses"> = {},
) {
  const all = { 200: { description: summary }, 401: NO_KEY, 403: FOREIGN, ...responses };
  return { detail: { summary, parameters, responses: all, security: [{ apiKey: [] }] } };
}
