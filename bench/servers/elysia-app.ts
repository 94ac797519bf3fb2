/** The Elysia app of every contestant that runs one; they differ by their adapter alone. */

import { Elysia } from "elysia";

import { announce, channelsOf, clientNumber, givenWorkload, publishTo } from "./workload";

/** Serves the workload with this adapter; with Elysia's own when there is none. */
export function serveElysia(adapter?: ConstructorParameters<typeof Elysia>[0]): void {
  const workload = givenWorkload();
  const app = new Elysia({ websocket: { perMessageDeflate: workload.compress }, ...adapter })
    .get("/healthz", () => "ok")
    .ws("/", {
      beforeHandle({ request, status }) {
        return request.headers.has("x-refuse") ? status(401) : undefined;
      },
      open(ws) {
        const { url } = ws.data.request;
        for (const channel of channelsOf(workload, clientNumber(url))) ws.subscribe(channel);
      },
    })
    .listen({ port: 0, hostname: "127.0.0.1" });
  const { server } = app;
  announce(server?.port);
  void publishTo(workload, (channel, message) =>
    server?.publish(channel, message, workload.compress),
  );
}
