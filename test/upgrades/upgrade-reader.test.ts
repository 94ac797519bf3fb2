import { expect, test } from "bun:test";
import type { CoreEvent } from "../../src/sharded/native";
import { UpgradeReader } from "../../src/upgrades/upgrade-reader";
import type { PendingUpgrade } from "../../src/upgrades/upgrade-request";
import { randomNumbers } from "../helpers/random";

type UpgradesEvent = Extract<CoreEvent, { type: "Upgrades" }>;

/** More than are kept for the next clients. */
const KINDS = 400;

interface Client {
  id: number;
  kind: number;
  cookie: string;
  address: string;
}

function templateOf({ kind }: Client): string {
  return `host: example.test\nx-user: user ${kind}\ncookie\nupgrade: websocket`;
}

/** An event as the core makes it: what several have in common is there once. */
function eventOf(clients: Client[]): UpgradesEvent {
  const templates: string[] = [];
  let last: string | undefined;
  const parts = clients.flatMap((client) => {
    const template = templateOf(client);
    if (!templates.includes(template)) templates.push(template);
    const address = client.address === last ? null : client.address;
    last = client.address;
    return [client.id, "/", templates.indexOf(template), client.cookie, address, 1];
  });
  return { type: "Upgrades", templates, parts };
}

function seen({ id, request, address }: PendingUpgrade): unknown {
  const headers = request?.headers;
  return [id, headers?.get("x-user"), headers?.get("cookie"), address];
}

test("each upgrade is read as its client sent it, whichever events before it are lost", () => {
  const random = randomNumbers(16);
  const below = (limit: number) => Math.floor(random() * limit);
  const reader = new UpgradeReader();
  let id = 0;
  for (let round = 0; round < 2000; round += 1) {
    const clients = Array.from({ length: 1 + below(8) }, () => {
      id += 1;
      // Few at times, so that kinds return before they are forgotten, and after.
      const kind = below(below(2) ? KINDS : 3);
      return { id, kind, cookie: `c=${below(1000)}`, address: `10.0.0.${below(3)}` };
    });
    const event = eventOf(clients);
    if (below(3) === 0) continue;
    const read: unknown[] = [];
    reader.read(event, (upgrade) => read.push(seen(upgrade)));
    const sent = clients.map((client) => [
      client.id,
      `user ${client.kind}`,
      client.cookie,
      client.address,
    ]);
    expect(read).toEqual(sent);
  }
});

test("a template that makes no headers gives no request, each time", () => {
  const reader = new UpgradeReader();
  for (let time = 0; time < 2; time += 1) {
    const templates = ["host: a\nnot a name: x"];
    const read: (UpgradesEvent | undefined)[] = [];
    reader.read({ type: "Upgrades", templates, parts: [1, "/", 0, "", "::1", 1] }, ({ request }) =>
      read.push(request as undefined),
    );
    expect(read).toEqual([undefined]);
  }
});
