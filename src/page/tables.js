// The tables of channels and of slow clients.

/** @import { Snapshot, SlowClientSnapshot } from "../snapshot" */

import { byId, keepChildren, make, setText } from "./dom.js";
import { bytes, fine, whole } from "./format.js";

/** Workers say once a second who is slow; one that takes longer is told of. */
const LATE_MS = 3000;

const channelRows = byId("channels", HTMLElement);
const slowRows = byId("slow", HTMLElement);
const slowNote = byId("slow-note", HTMLElement);

/** @param {(channel: string) => void} listen */
export function enableListening(listen) {
  channelRows.addEventListener("click", ({ target }) => {
    if (target instanceof HTMLButtonElement) listen(target.textContent ?? "");
  });
}

/** @param {Snapshot} snapshot */
export function showChannels({ sharded, channels }) {
  const rows = channels.map(({ channel, subscribers, perSecond }) => {
    return [channel, whole(subscribers), fine(perSecond)];
  });
  fill(channelRows, rows, sharded ? "Nobody is subscribed." : "Bun does not name its channels.");
  for (const row of channels.length > 0 ? channelRows.children : []) makeButton(row.children[0]);
}

/** @param {Snapshot} snapshot */
export function showSlow({ slow, slowAt, at }) {
  const rows = slow.map((client) => [client.id, `${client.shard}/${client.worker}`, lagOf(client)]);
  fill(slowRows, rows, slowAt === null ? "Not known yet." : "Every client keeps up.");
  const lateMs = at - (slowAt ?? at);
  slowNote.hidden = lateMs < LATE_MS;
  setText(slowNote, `As of ${whole(lateMs / 1000)} s ago: a worker is late with its answer.`);
}

/** @param {SlowClientSnapshot} client */
function lagOf({ lagMessages, lagBytes }) {
  return lagMessages === undefined ? bytes(lagBytes) : `${whole(lagMessages)} (${bytes(lagBytes)})`;
}

/**
 * In place: what is put anew each second cannot be selected.
 *
 * @param {Element} body
 * @param {string[][]} rows
 * @param {string} otherwise
 */
function fill(body, rows, otherwise) {
  const hadNothing = body.classList.contains("nothing");
  // What stands in for rows is made of none: a button of theirs would listen to its words.
  if (body.classList.toggle("nothing", rows.length === 0) !== hadNothing) body.replaceChildren();
  const shown = rows.length > 0 ? rows : [[otherwise]];
  keepChildren(body, shown.length, () => make("tr"));
  for (const [index, texts] of shown.entries()) {
    const row = body.children[index];
    if (row) fillRow(row, texts);
  }
}

/** @param {Element} row @param {string[]} texts */
function fillRow(row, texts) {
  keepChildren(row, texts.length, () => make("td"));
  for (const [index, text] of texts.entries()) {
    const cell = row.children[index];
    if (!(cell instanceof HTMLTableCellElement)) continue;
    cell.colSpan = texts.length === 1 ? 3 : 1;
    setText(cell.firstElementChild ?? cell, text);
    cell.title = text;
  }
}

/**
 * Makes the text of a cell a button.
 *
 * @param {Element | undefined} cell
 */
function makeButton(cell) {
  if (!cell || cell.firstElementChild) return;
  const button = make("button", "link");
  button.type = "button";
  button.textContent = cell.textContent;
  cell.replaceChildren(button);
}
