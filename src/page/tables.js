// The tables of channels and of slow clients.

import { bytes, fine, whole } from "./format.js";

/** @param {{ channel: string, subscribers: number, perSecond: number }[]} channels */
export function showChannels(channels) {
  const rows = channels.map(({ channel, subscribers, perSecond }) => [
    channel,
    whole(subscribers),
    fine(perSecond),
  ]);
  fill("#channels", rows, "Nobody is subscribed.");
}

/** @param {any[]} slow */
export function showSlow(slow) {
  const rows = slow.map(({ id, shard, worker, lagMessages, lagBytes }) => [
    id,
    `${shard}/${worker}`,
    lagMessages === undefined ? bytes(lagBytes) : `${whole(lagMessages)} (${bytes(lagBytes)})`,
  ]);
  fill("#slow", rows, "Every client keeps up.");
}

function fill(selector, rows, otherwise) {
  const body = document.querySelector(selector);
  body.replaceChildren(...(rows.length > 0 ? rows.map(row) : [nothing(otherwise)]));
}

function row(cells) {
  const line = document.createElement("tr");
  for (const text of cells) {
    const cell = line.insertCell();
    cell.textContent = text;
    cell.title = text;
  }
  return line;
}

function nothing(text) {
  const line = document.createElement("tr");
  const cell = line.insertCell();
  cell.colSpan = 3;
  cell.className = "nothing";
  cell.textContent = text;
  return line;
}
