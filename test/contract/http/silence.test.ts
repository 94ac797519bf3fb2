/**
 * Requests that nothing is heard of for too long: how often they run, and what their clients see.
 */

import { describe } from "bun:test";

import { type Stage, sameOnBoth, until } from "../both";
import { HOST, normal, Wire } from "../wire";

/** Bun looks every four seconds for what is past its time. */
const SHORTEST_S = 1;

const RUN = { timeoutMs: 60_000, concurrent: true };

/** A route that answers once it is told to, and what became of its requests. */
function serveSilence(stage: Stage, idleTimeout?: number) {
  const seen = { runs: 0, aborted: 0, answer: Promise.withResolvers<string>() };
  stage.serve(
    (app) =>
      app
        .get("/", () => "home")
        .get("/silent/:limit?", ({ request, server, params: { limit } }) => {
          seen.runs += 1;
          request.signal.addEventListener("abort", () => {
            seen.aborted += 1;
          });
          if (limit) server?.timeout(request, Number(limit));
          return seen.answer.promise;
        }),
    idleTimeout === undefined ? {} : { serve: { idleTimeout } },
  );
  return seen;
}

describe("a request that is silent for too long ends as on Bun", () => {
  const limits: [name: string, path: string, idleTimeout?: number][] = [
    ["by server.timeout", `/silent/${SHORTEST_S}`],
    ["by serve.idleTimeout", "/silent", SHORTEST_S],
  ];
  for (const [name, path, idleTimeout] of limits) {
    sameOnBoth(
      name,
      async (stage) => {
        const seen = serveSilence(stage, idleTimeout);
        const wire = await Wire.open(stage.port);
        // On a connection to the app that has been used before.
        wire.write("GET / HTTP/1.1", HOST, "", "");
        await wire.has("home");
        wire.write(`GET ${path} HTTP/1.1`, HOST, "", "");
        await wire.end();
        await until(() => seen.aborted > 0);
        stage.note(normal(wire.received), seen.runs, seen.aborted);
        wire.close();
      },
      RUN,
    );
  }

  sameOnBoth(
    "unless server.timeout lets it be",
    async (stage) => {
      const seen = serveSilence(stage, SHORTEST_S);
      const [limited, free] = await Promise.all([Wire.open(stage.port), Wire.open(stage.port)]);
      free.write("GET /silent/0 HTTP/1.1", HOST, "", "");
      await until(() => seen.runs === 1);
      limited.write("GET /silent HTTP/1.1", HOST, "", "");
      await limited.end();
      seen.answer.resolve("at last");
      await free.has("at last");
      stage.note(normal(free.received), limited.received, seen.runs);
      free.close();
      limited.close();
    },
    RUN,
  );

  sameOnBoth(
    "and so does a connection that is idle",
    async (stage) => {
      serveSilence(stage, SHORTEST_S);
      const wire = await Wire.open(stage.port);
      wire.write("GET / HTTP/1.1", HOST, "", "");
      await wire.end();
      stage.note(normal(wire.received));
      wire.close();
    },
    RUN,
  );

  sameOnBoth(
    "in the middle of its answer",
    async (stage) => {
      const ended: string[] = [];
      const body = () =>
        new ReadableStream({
          start: (controller) => controller.enqueue(new TextEncoder().encode("begun")),
          cancel: () => void ended.push("cancelled"),
        });
      stage.serve((app) => app.get("/", () => new Response(body())), {
        serve: { idleTimeout: SHORTEST_S },
      });
      const wire = await Wire.open(stage.port);
      wire.write("GET / HTTP/1.1", HOST, "", "");
      await wire.end();
      await until(() => ended.length > 0);
      stage.note(normal(wire.received), ended);
      wire.close();
    },
    RUN,
  );
});
