// The row of figures.

/** @import { Snapshot } from "../live/snapshot" */

import { byId, setText } from "./dom.js";
import { fine, megabytes, short, time, whole } from "./format.js";

/** @type {{ [reason in keyof NonNullable<Snapshot["dropped"]>]: string }} */
const REASONS = {
  slow: "slow",
  skipped: "skipped",
  closed: "closed",
  queueFull: "queue full",
};

/** @param {Snapshot} snapshot */
export function showFigures(snapshot) {
  set("clients", short(snapshot.clients));
  const limit = snapshot.shards.reduce((sum, shard) => sum + shard.limit, 0);
  set("clients-limit", limit > 0 && snapshot.workersLeftOut === 0 ? `of ${short(limit)}` : "");
  set("messages", short(snapshot.messagesPerSecond));
  set("deliveries", short(snapshot.deliveriesPerSecond));
  set("megabytes", megabytes(snapshot.bytesPerSecond));
  set("p99", time(snapshot.p99Ms));
  set("p50", snapshot.p50Ms === null ? "" : `p50 ${time(snapshot.p50Ms)}`);
  set("dropped-rate", fine(snapshot.droppedPerSecond));
  set("dropped", snapshot.dropped ? droppedSinceStart(snapshot.dropped) : "not counted");
}

/** @param {NonNullable<Snapshot["dropped"]>} dropped */
function droppedSinceStart(dropped) {
  const total = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  return total === 0 ? "none since the start" : `since the start: ${reasons(dropped)}`;
}

/** @param {NonNullable<Snapshot["dropped"]>} dropped */
function reasons({ slow, skipped, closed, queueFull }) {
  const counts = Object.entries({ slow, skipped, closed, queueFull });
  const words = new Map(Object.entries(REASONS));
  return counts
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${words.get(reason)} ${whole(count)}`)
    .join(", ");
}

/** @param {string} id @param {string} text */
function set(id, text) {
  setText(byId(id, HTMLElement), text);
}
