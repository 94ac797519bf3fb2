import { expect, test } from "bun:test";

import { RateLimitedLog } from "../../src/logging/rate-limited-log";
import { FullQueues } from "../../src/sharded/full-queues";
import { logged, spyLogger } from "../helpers/spy-logger";

test("a line names the shards that had a full queue since the last one, and no others", async () => {
  const second = Promise.withResolvers<void>();
  const spy = spyLogger();
  const logger = {
    ...spy,
    warn(fields: object, message: string) {
      spy.warn(fields, message);
      if (logged(spy, "warn").length === 2) second.resolve();
    },
  };
  const workers = [0, 1, 1, 2].map((shard) => ({ shard, messagesQueueFull: 0 }));
  const queues = new FullQueues(() => workers, new RateLimitedLog(logger));
  const refuse = (...full: number[]) => {
    for (const [n, worker] of workers.entries()) {
      if (full.includes(n)) worker.messagesQueueFull += 1;
    }
    queues.record(full.length);
  };
  refuse(0);
  refuse(1);
  refuse(1, 2);
  await second.promise;
  expect(logged(spy, "warn").map(({ fields }) => fields)).toEqual([
    { times: 1, shards: [0] },
    { times: 3, shards: [1] },
  ]);
});
