/** What waits for a client, and the limits of that. */

import { describe } from "bun:test";

import { type Socket, type Stage, sameOnBoth, until } from "../both";

const MIB = 1 << 20;
/** More than two sockets hold between them. */
const LARGE = "x".repeat(15 * MIB);

/**
 * A client that does not read, with its end and its drains noted, and a socket under these limits.
 */
async function pairOf(stage: Stage, websocket: object) {
  const ends: unknown[] = [];
  let drains = 0;
  const hooks = {
    close: (_ws: unknown, code: number, reason: string) => void ends.push([code, reason]),
    drain: () => {
      drains += 1;
    },
  };
  const { client, socket } = await stage.pair(hooks, { websocket });
  client.socket.pause();
  return { client, socket, ends, drained: () => until(() => drains > 0) };
}

/** What every way to send answers. */
function noteSends(stage: Stage, socket: Socket): void {
  stage.try("send", () => socket.send("x"));
  stage.try("send nothing", () => socket.send(""));
  stage.try("sendText", () => socket.sendText("x"));
  stage.try("sendBinary", () => socket.sendBinary(new Uint8Array(1)));
  stage.try("ping", () => socket.ping("x"));
  stage.try("pong", () => socket.pong("x"));
  stage.note("readyState", socket.readyState);
}

describe("a message goes out whatever its length, as with Bun", () => {
  for (const [name, websocket, length] of [
    ["more than backpressureLimit", { backpressureLimit: 1024 }, 15 * MIB],
    ["more than the default", {}, 17 * MIB],
    ["and closes no client", { backpressureLimit: 1024, closeOnBackpressureLimit: true }, 15 * MIB],
  ] as const) {
    sameOnBoth(name, async (stage) => {
      const { client, socket, drained } = await pairOf(stage, websocket);
      stage.note("taken", socket.send("x".repeat(length)) !== 0);
      client.socket.resume();
      stage.note((await client.next()).length);
      await drained();
      stage.note(socket.send("again"), await client.next());
    });
  }
});

describe("more than the limit does not wait, as with Bun", () => {
  sameOnBoth("and what is dropped is told, and the drain after it", async (stage) => {
    const { client, socket, drained } = await pairOf(stage, { backpressureLimit: 1024 });
    stage.note("taken", socket.send(LARGE) !== 0);
    noteSends(stage, socket);
    client.socket.resume();
    stage.note((await client.next()).length);
    await drained();
    await until(() => socket.getBufferedAmount() === 0);
    stage.note(socket.send("again"), await client.next());
  });

  sameOnBoth("or the client is dropped, with closeOnBackpressureLimit", async (stage) => {
    const { client, socket, ends } = await pairOf(stage, {
      backpressureLimit: 1024,
      closeOnBackpressureLimit: true,
    });
    stage.note("taken", socket.send(LARGE) !== 0);
    stage.note(socket.send("x"));
    await until(() => ends.length > 0);
    noteSends(stage, socket);
    stage.note(ends);
    client.socket.resume();
    stage.note((await client.closed).code);
  });

  sameOnBoth("unless the limit is 0", async (stage) => {
    const { client, socket, drained } = await pairOf(stage, { backpressureLimit: 0 });
    const sends = [LARGE, LARGE, "x"].map((message) => socket.send(message) !== 0);
    stage.note(sends);
    client.socket.resume();
    stage.note((await client.take(3)).map(({ length }) => length));
    await drained();
  });
});

describe("an app that goes on in drain sends all, as with Bun", () => {
  const stops: Record<string, (socket: Socket, answer: number) => boolean> = {
    "from an amount of 16 KiB": (socket) => socket.getBufferedAmount() >= 16 << 10,
    "from an amount of 1 byte": (socket) => socket.getBufferedAmount() > 0,
    "from a first -1": (_socket, answer) => answer === -1,
  };
  for (const [name, stopsAt] of Object.entries(stops)) {
    sameOnBoth(name, async (stage) => {
      const [count, message] = [1024, "x".repeat(64 << 10)];
      let [sent, refused] = [0, 0];
      const goOn = (socket: Socket) => {
        while (sent < count) {
          const answer = socket.send(message);
          sent += 1;
          if (answer === 0) refused += 1;
          if (stopsAt(socket, answer)) return;
        }
      };
      const { client, socket } = await stage.pair({ drain: (ws: { raw: Socket }) => goOn(ws.raw) });
      goOn(socket);
      const messages = await client.take(count);
      stage.note("whole", messages.filter((text) => text === message).length);
      stage.note("refused", refused);
    });
  }

  sameOnBoth("from within open, before the client has its 101", async (stage) => {
    const [count, message] = [512, "x".repeat(64 << 10)];
    let [sent, refused] = [0, 0];
    const goOn = ({ raw }: { raw: unknown }) => {
      for (let answer = 1; answer > 0 && sent < count; sent += 1) {
        answer = (raw as Socket).send(message);
        if (answer === 0) refused += 1;
      }
    };
    stage.serve((app) => app.ws("/", { open: goOn, drain: goOn }));
    const messages = await (await stage.connect()).take(count);
    stage.note("whole", messages.filter((text) => text === message).length);
    stage.note("refused", refused);
  });

  sameOnBoth("and so does one that only pings,", async (stage) => {
    const { client, socket, drained } = await pairOf(stage, { backpressureLimit: 1 });
    stage.note(socket.send(LARGE), socket.ping("a"), socket.pong("b"));
    client.socket.resume();
    await drained();
    await until(() => socket.getBufferedAmount() === 0);
    stage.note(socket.ping("a"));
  });
});

describe("what waits is told, as with Bun", () => {
  sameOnBoth("by send, until the drain", async (stage) => {
    const { client, socket, drained } = await pairOf(stage, {});
    socket.send(LARGE);
    stage.note(socket.send("x"));
    await until(() => socket.getBufferedAmount() < LARGE.length, "some of it to be written");
    stage.note("waits in part", socket.getBufferedAmount() > 0);
    noteSends(stage, socket);
    client.socket.resume();
    await drained();
    await until(() => socket.getBufferedAmount() === 0);
    noteSends(stage, socket);
  });

  sameOnBoth("of several small messages in one turn, as of none", async (stage) => {
    const { client, socket } = await pairOf(stage, {
      backpressureLimit: 100,
      closeOnBackpressureLimit: true,
    });
    client.socket.resume();
    const message = "x".repeat(1000);
    for (let count = 0; count < 100; count += 1) stage.note(socket.send(message));
    stage.note((await client.take(100)).every((text) => text === message));
  });
});
