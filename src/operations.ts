/** What those who run the server ask of it. */

import { Elysia } from "elysia";

import type { Broadcaster, PrometheusCollector } from "./index";
import { fromDigits } from "./setting";

const DEFAULT_TOP = 10;
const MAX_TOP = 1000;

/** For load balancers and supervisors: whether it lives, and whether to send it clients. */
export function health(broadcaster: Broadcaster) {
  return new Elysia()
    .get("/healthz", () => ({ status: "ok" }))
    .get("/readyz", ({ status }) => {
      const { state } = broadcaster;
      return status(state === "serving" ? 200 : 503, { status: state });
    });
}

/** For operators: how it does, in all and for single clients. */
export function insight(broadcaster: Broadcaster, collector: PrometheusCollector) {
  return new Elysia()
    .get("/stats", () => collector.stats())
    .get("/metrics", async () => {
      const headers = { "content-type": collector.contentType };
      return new Response(await collector.metrics(), { headers });
    })
    .get("/slow-clients", ({ query, status }) => {
      const top = query.top === undefined ? DEFAULT_TOP : fromDigits(query.top);
      if (top !== undefined && top <= MAX_TOP) return broadcaster.slowClients(top);
      return status(400, { error: `top must be a whole number from 0 to ${MAX_TOP}` });
    })
    .get("/audit", async ({ status }) => {
      const audit = await broadcaster.audit();
      return audit ?? status(501, { error: "without sharding nobody counts for each client" });
    });
}
