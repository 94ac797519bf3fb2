// The row of figures.

/** @import { Snapshot } from "../snapshot" */

import { byId, setText } from "./dom.js";
import { megabytes, short, time, UNKNOWN, whole } from "./format.js";

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
  set("messages", short(snapshot.messagesPerSecond));
  set("deliveries", short(snapshot.deliveriesPerSecond));
  set("megabytes", megabytes(snapshot.bytesPerSecond));
  set("p99", time(snapshot.p99Ms));
  set("p50", snapshot.p50Ms === null ? "" : `p50 ${time(snapshot.p50Ms)}`);
  showDropped(snapshot.dropped);
}

/** @param {Snapshot["dropped"]} dropped */
function showDropped(dropped) {
  const counts = Object.values(dropped ?? {});
  const total = counts.reduce((sum, count) => sum + count, 0);
  set("dropped", dropped === null ? UNKNOWN : short(total));
  set("dropped-by", dropped === null ? "Bun does not tell" : reasons(dropped));
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
