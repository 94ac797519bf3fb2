/** What a client sees, as lines of a transcript. */

import { connect as dial } from "node:net";

import { refused, type TestClient, within } from "../helpers/client";
import type { Stage } from "./both";

/** Notes the next `count` messages that a client gets. */
export async function noteMessages(stage: Stage, client: TestClient, count: number): Promise<void> {
  for (const message of await client.take(count)) stage.note(message);
}

/** Sends each message, and notes what comes back for it. */
export async function noteAnswers(
  stage: Stage,
  client: TestClient,
  messages: readonly (string | Uint8Array)[],
): Promise<void> {
  for (const message of messages) {
    client.send(message);
    stage.note(message, await client.next());
  }
}

/** Asks for an upgrade that has to be refused, and notes the answer. */
export async function noteRefusal(
  stage: Stage,
  path: string,
  headers: Record<string, string> = {},
): Promise<void> {
  const answer = await refused(`ws://127.0.0.1:${stage.port}${path}`, { headers });
  const { "content-type": type, location, "set-cookie": cookies } = answer.headers;
  stage.note(answer.status, answer.body, { type, location, cookies });
}

/** Makes a plain request, and notes the answer. */
export async function noteAnswer(stage: Stage, path: string, init?: RequestInit): Promise<void> {
  const answer = await fetch(`http://127.0.0.1:${stage.port}${path}`, init);
  const type = answer.headers.get("content-type");
  stage.note(init?.method ?? "GET", path, answer.status, type, await answer.text());
}

/**
 * Asks for an upgrade in bytes of its own, and notes how the answer begins. For what no client
 * says.
 *
 * @param lines of the head, after the request line and `Host`
 */
export async function noteRawUpgrade(stage: Stage, request: string, lines: string[]) {
  const socket = dial({ port: stage.port, host: "127.0.0.1" });
  let received = "";
  const begun = new Promise<void>((resolve, reject) => {
    socket.on("data", (bytes) => {
      received += bytes.toString("latin1");
      if (received.includes("\r\n\r\n")) resolve();
    });
    socket.on("close", () => resolve());
    socket.on("error", reject);
  });
  socket.write(`${[`${request} HTTP/1.1`, "Host: example.test", ...lines].join("\r\n")}\r\n\r\n`);
  await within(begun, "the head of an answer");
  socket.destroy();
  stage.note(request, lines, received.split("\r\n", 1)[0]);
}

/** A hook that says where it ran, and changes nothing. */
export function marker(order: string[]): (name: string) => () => void {
  return (name) => () => void order.push(name);
}
