/** What becomes of requests that are written by hand, byte for byte. */

import { connect as dial } from "node:net";
import type { Elysia } from "elysia";

import { within } from "../../helpers/client";
import { UPGRADE } from "../wire";

/** A status that nothing but the app answers with. */
export const TAKEN = 418;

/** Connections that are open at once. */
const AT_ONCE = 32;

/** Has the app say what it has been asked, at upgrades too. */
export function tellingRoutes(app: Elysia): unknown {
  const tell = async (request: Request) => {
    const { method, url, headers } = request;
    const body = await request.text().catch(() => "broken");
    const told = { method, url, field: headers.get("x-a"), body };
    return new Response(JSON.stringify(told), { status: TAKEN });
  };
  return app
    .all("/*", ({ request }) => tell(request), { parse: "none" })
    .ws("/*", { beforeHandle: ({ request }) => tell(request) });
}

/** What may be written into a request. */
export interface Parts {
  method?: string;
  target?: string;
  host?: string;
  name?: string;
  value?: string;
}

/** A request with these parts, and with the fields of an upgrade if it is to be one. */
export function requestOf(parts: Parts, isUpgrade: boolean): string {
  const { method = "GET", target = "/a", host = "example.test", name = "x-a", value = "v" } = parts;
  const lines = [`${method} ${target} HTTP/1.1`, `Host: ${host}`, `${name}: ${value}`];
  return [...lines, ...(isUpgrade ? UPGRADE : []), "", ""].join("\r\n");
}

/** Each answer: its status, and what the app was asked. Characters are bytes. */
export async function answersTo(port: number, requests: string[]): Promise<string[]> {
  const answers: string[] = [];
  for (let at = 0; at < requests.length; at += AT_ONCE) {
    const some = requests.slice(at, at + AT_ONCE).map((request) => answerTo(port, request));
    answers.push(...(await Promise.all(some)));
  }
  return answers;
}

function answerTo(port: number, request: string): Promise<string> {
  const { promise, resolve } = Promise.withResolvers<string>();
  const socket = dial(port, "127.0.0.1");
  let received = "";
  const finish = () => resolve(summary(received));
  socket.setEncoding("latin1").on("data", (bytes: string) => {
    received += bytes;
    if (isWhole(received)) finish();
  });
  socket.on("error", () => {}).on("close", finish);
  socket.write(Buffer.from(request, "latin1"));
  return within(promise, "an answer").finally(() => socket.destroy());
}

function isWhole(received: string): boolean {
  const end = received.indexOf("\r\n\r\n");
  const length = /^content-length: (\d+)/im.exec(received)?.[1] ?? "0";
  return end >= 0 && received.length >= end + 4 + Number(length);
}

function summary(received: string): string {
  if (received === "") return "closed";
  const status = received.slice("HTTP/1.1 ".length).slice(0, 3);
  return status === `${TAKEN}` ? `${status} ${received.split("\r\n\r\n")[1]}` : status;
}
