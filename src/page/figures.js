// The row of figures.

import { fine, short, time, whole } from "./format.js";

const WORDS = {
  slow: "slow",
  skipped: "skipped",
  closed: "closed",
  queueFull: "queue full",
};

/** @param {any} snapshot */
export function showFigures(snapshot) {
  const { clients, messagesPerSecond, deliveriesPerSecond, bytesPerSecond, p99Ms, dropped } =
    snapshot;
  set("clients", short(clients));
  set("messages", short(messagesPerSecond));
  set("deliveries", short(deliveriesPerSecond));
  set("megabytes", fine(bytesPerSecond / 1e6));
  set("p99", time(p99Ms));
  const reasons = Object.entries(WORDS).filter(([reason]) => dropped[reason] > 0);
  set("dropped", short(Object.values(dropped).reduce((sum, count) => sum + count, 0)));
  set(
    "dropped-by",
    reasons.map(([reason, word]) => `${word} ${whole(dropped[reason])}`).join(", "),
  );
}

/** @param {string} id @param {string} text */
function set(id, text) {
  document.querySelector(`#${id}`).textContent = text;
}
