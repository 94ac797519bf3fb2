// The tables of clients: those that lag, and those that the server has disconnected.

/** @import { DepartureSnapshot, Snapshot } from "../live/snapshot" */

import { byId, setText } from "./dom.js";
import { bytes, clock, counted, whole } from "./format.js";
import { fill } from "./table.js";

/** Workers report slow clients once a second. A report that is older than this is marked. */
const LATE_MS = 3000;

const slowRows = byId("slow", HTMLElement);
const slowNote = byId("slow-note", HTMLElement);
const departureRows = byId("departures", HTMLElement);
const departuresNote = byId("departures-note", HTMLElement);

const SLOW_NOTE = slowNote.textContent ?? "";

/** @type {Record<DepartureSnapshot["reason"], string>} */
const REASONS = {
  slow: "Too slow",
  idle: "Silent for too long",
  violation: "Broke the protocol or a limit",
  unfinished: "Did not complete a message",
  failed: "Its worker has failed",
};

/** @param {Snapshot} snapshot */
export function showSlow({ slow, slowAt, at }) {
  const rows = slow.map(({ id, shard, worker, lagMessages, lagBytes }) => {
    const lag =
      lagMessages === undefined
        ? bytes(lagBytes)
        : { text: counted(lagMessages, "message"), note: bytes(lagBytes) };
    return [id, `${shard}/${worker}`, lag];
  });
  fill(slowRows, rows, slowAt === null ? "Unknown yet." : "No client lags now.");
  const lateMs = at - (slowAt ?? at);
  const late = `As of ${whole(lateMs / 1000)} s ago: a worker is late with its answer.`;
  setText(slowNote, lateMs < LATE_MS ? SLOW_NOTE : late);
}

/** @param {Snapshot} snapshot */
export function showDepartures({ sharded, departures, departuresTotal }) {
  const rows = departures.map((departure) => {
    const { id, address, shard, worker, reason, code, detail, at } = departure;
    const title = `Close code ${code}${detail && `, “${detail}”`}`;
    return [
      { text: clock(at), title: new Date(at).toLocaleString() },
      { text: id, note: `${address}, worker ${shard}/${worker}` },
      { text: REASONS[reason], note: lagOf(departure) || detail, title },
    ];
  });
  fill(departureRows, rows, sharded ? "None." : "Without sharding, departures are not recorded.");
  setText(departuresNote, sharded ? noteOf(departures.length, departuresTotal) : "");
}

/** @param {number} shown @param {number} total */
function noteOf(shown, total) {
  if (total === 0) return "Clients that close by themselves, or that the app closes, are not here.";
  const all = `${counted(total, "client")} since the start`;
  return shown < total ? `${all}. Here are the last ${whole(shown)}.` : `${all}.`;
}

/** @param {DepartureSnapshot} departure */
function lagOf({ lagMessages = 0, lagBytes = 0 }) {
  return lagMessages > 0 ? `${counted(lagMessages, "message")}, ${bytes(lagBytes)}` : "";
}
