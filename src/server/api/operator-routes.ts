/** Routes for operators: health, statistics and clients. */

import { type DocumentDecoration, Elysia } from "elysia";
import type { Broadcaster, PrometheusCollector } from "../../index";
import { fromDigits } from "../digits";
import { LIVE_CHANNEL } from "../live/live-route";
import { ANY_REJECTION, answer, GUARDED_REJECTION, rejection } from "./api-description";
import { httpError } from "./http-errors";
import {
  CHANNELS,
  DEPARTURES,
  RECONCILIATION,
  SLOW_CLIENTS,
  STATS,
  status,
} from "./response-schemas";

const DEFAULT_TOP = 10;
const MAX_TOP = 1000;

const wrongTop = () => httpError("INVALID_QUERY", `top must be an integer from 0 to ${MAX_TOP}`);

const TOP = {
  name: "top",
  in: "query",
  description: "The most results",
  schema: { type: "integer", minimum: 0, maximum: MAX_TOP, default: DEFAULT_TOP },
} as const;

const SEARCH = {
  name: "search",
  in: "query",
  description: "A part of their names",
  schema: { type: "string" },
} as const;

/** For load balancers and supervisors: whether the server is up, and whether it takes clients. */
export function health(broadcaster: Broadcaster) {
  return new Elysia()
    .get("/healthz", () => ({ status: "ok" }), {
      detail: {
        summary: "Whether the server is up",
        responses: { 200: answer("It is.", status("ok")), ...ANY_REJECTION },
      },
    })
    .get(
      "/readyz",
      ({ set }) => {
        const { state } = broadcaster;
        if (state !== "serving") set.status = 503;
        return { status: state };
      },
      {
        detail: {
          summary: "Whether the server takes clients",
          responses: {
            200: answer("It does.", status("serving")),
            503: answer("It does not.", status("starting", "draining", "ended")),
            ...ANY_REJECTION,
          },
        },
      },
    );
}

/** Statistics, in all and of single clients. */
export function insight(broadcaster: Broadcaster, collector: PrometheusCollector) {
  return new Elysia()
    .get("/stats", () => collector.stats(), insightful("Counters and gauges of every shard", STATS))
    .get(
      "/metrics",
      async () => {
        const headers = { "content-type": collector.contentType };
        return new Response(await collector.metrics(), { headers });
      },
      insightful("The same, of every worker and of the process, for Prometheus", undefined, {
        responses: {
          200: {
            description: "In Prometheus' text format.",
            content: { "text/plain": { schema: { type: "string" } } },
          },
        },
      }),
    )
    .get(
      "/slow-clients",
      ({ query }) => {
        const top = topOf(query);
        return top === undefined ? wrongTop() : broadcaster.slowClients(top);
      },
      insightful("The clients that lag most", SLOW_CLIENTS, {
        parameters: [TOP],
        responses: rejection(400, "`top` is not a number of clients."),
      }),
    )
    .get(
      "/channels",
      ({ query }) => {
        const top = topOf(query);
        if (top === undefined) return wrongTop();
        const channels = broadcaster.channels(top + 1, query.search);
        return channels.filter(({ channel }) => channel !== LIVE_CHANNEL).slice(0, top);
      },
      insightful("The busiest channels that have subscribers", CHANNELS, {
        parameters: [TOP, SEARCH],
        responses: rejection(400, "`top` is not a number of channels."),
      }),
    )
    .get(
      "/departures",
      () => broadcaster.departures(),
      insightful("The last clients that the server has disconnected, and why", DEPARTURES),
    )
    .get(
      "/reconciliation",
      async () => {
        const message = "without sharding no delivery counts of a client are kept";
        return (await broadcaster.reconcile()) ?? httpError("UNKNOWN_WITHOUT_SHARDING", message);
      },
      insightful(
        "All messages, counted by the clients' delivery counts and by the shards",
        RECONCILIATION,
        {
          responses: rejection(501, "without sharding no delivery counts of a client are kept."),
        },
      ),
    );
}

/** The value of `top`; undefined where it is out of range. */
function topOf({ top }: Record<string, string | undefined>): number | undefined {
  const wanted = top === undefined ? DEFAULT_TOP : fromDigits(top);
  return wanted !== undefined && wanted <= MAX_TOP ? wanted : undefined;
}

type Detail = NonNullable<DocumentDecoration>;

/** The description of a route that requires the key, if there is one. */
function insightful(
  summary: string,
  schema: object = {},
  { parameters = [], responses = {} }: Pick<Detail, "parameters" | "responses"> = {},
) {
  const all = { 200: answer(summary, schema), ...GUARDED_REJECTION, ...responses };
  return { detail: { summary, parameters, responses: all, security: [{ apiKey: [] }] } };
}
