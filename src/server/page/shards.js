// Every shard, and every worker of it as a cell that shows its load.

/** @import { ShardSnapshot, Snapshot, WorkerSnapshot } from "../live/snapshot" */

import { byId, keepChildren, make, setText } from "./dom.js";
import { counted, short, whole } from "./format.js";

const place = byId("shards", HTMLElement);
const detail = byId("worker", HTMLElement);
const stuckNote = byId("stuck", HTMLElement);
const leftOutNote = byId("left-out", HTMLElement);
const hints = {
  true: byId("sharded-hint", HTMLElement),
  false: byId("unsharded-hint", HTMLElement),
};

/** Of stuck workers no more than these are named. */
const MAX_NAMES = 5;

/** The place among all of the cell whose figures are written out. The tab key reaches it alone. */
let chosen = 0;

/** How far each key goes from cell to cell. @type {Record<string, number>} */
const STEPS = {
  ArrowLeft: -1,
  ArrowRight: 1,
  ArrowUp: -1,
  ArrowDown: 1,
  Home: Number.NEGATIVE_INFINITY,
  End: Number.POSITIVE_INFINITY,
};

export function enableChoosing() {
  for (const event of ["focusin", "pointerover", "click"]) {
    place.addEventListener(event, ({ target }) => {
      const cell = target instanceof Element ? target.closest(".worker") : null;
      if (cell) choose(cells().indexOf(cell));
    });
  }
  place.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const all = cells();
    const next = all[Math.min(all.length - 1, Math.max(0, chosen + step))];
    if (next instanceof HTMLElement) next.focus();
  });
}

/** @param {Snapshot} snapshot */
export function showShards({ sharded, shards, workersLeftOut, workersStuck }) {
  hints.true.hidden = !sharded;
  hints.false.hidden = sharded;
  place.hidden = detail.hidden = !sharded;
  if (!sharded) return;
  keepChildren(place, shards.length, newShard);
  for (const [number, shard] of shards.entries()) showShard(place.children[number], number, shard);
  note(stuckNote, workersStuck, (all) => {
    return `${all} stuck (${namesOfStuck(shards)}): messages wait in its queue, and it takes none.`;
  });
  note(leftOutNote, workersLeftOut, (all) => `And ${all} of later shards.`);
  choose(chosen);
}

function cells() {
  return [...place.querySelectorAll(".worker")];
}

/** @param {number} number */
function choose(number) {
  const all = cells();
  chosen = Math.min(number, all.length - 1);
  for (const [index, cell] of all.entries()) {
    const isChosen = index === chosen;
    cell.classList.toggle("chosen", isChosen);
    if (cell instanceof HTMLElement) cell.tabIndex = isChosen ? 0 : -1;
    if (isChosen) setText(detail, cell.getAttribute("aria-label") ?? "");
  }
}

/**
 * @param {HTMLElement} element
 * @param {number} count
 * @param {(workers: string) => string} format
 */
function note(element, count, format) {
  element.hidden = count === 0;
  setText(element, count === 0 ? "" : format(counted(count, "worker")));
}

/** @param {ShardSnapshot[]} shards */
function namesOfStuck(shards) {
  const names = shards.flatMap(({ workers }, shard) =>
    workers.flatMap(({ stuck }, worker) => (stuck ? [`${shard}/${worker}`] : [])),
  );
  return names.length > MAX_NAMES ? `${names.slice(0, MAX_NAMES).join(", ")}, …` : names.join(", ");
}

/** @param {number} number */
function newShard(number) {
  const box = make("div", "shard");
  box.setAttribute("role", "group");
  box.setAttribute("aria-label", `Shard ${number}`);
  const title = make("strong");
  title.textContent = `Shard ${number}`;
  box.append(title, make("span"), make("div", "workers"));
  return box;
}

/** @param {Element | undefined} box @param {number} number @param {ShardSnapshot} shard */
function showShard(box, number, { clients, limit, workers }) {
  const [, count, row] = box?.children ?? [];
  if (!count || !row) return;
  setText(count, `${whole(clients)} of ${short(limit)} clients`);
  keepChildren(row, workers.length, newWorker);
  for (const [index, worker] of workers.entries()) {
    const cell = row.children[index];
    if (cell) showWorker(cell, `Worker ${number}/${index}`, worker);
  }
}

function newWorker() {
  const cell = make("button", "worker");
  cell.type = "button";
  cell.append(make("i", "busy"), make("i", "queue"), make("b"));
  return cell;
}

/** @param {Element} cell @param {string} name @param {WorkerSnapshot} worker */
function showWorker(cell, name, { clients, busy, queue, fill, saturated, stuck }) {
  const [busyBar, queueBar, label] = cell.children;
  const state = stuck ? ", stuck" : saturated ? ", saturated" : "";
  const load = busy === null ? "" : `${percent(busy)} busy, `;
  const waiting = `${counted(queue, "message")} queued (${percent(fill)} full)`;
  cell.setAttribute(
    "aria-label",
    `${name}: ${counted(clients, "client")}, ${load}${waiting}${state}`,
  );
  cell.classList.toggle("saturated", saturated);
  cell.classList.toggle("stuck", stuck);
  fillTo(busyBar, busy ?? 0);
  fillTo(queueBar, fill);
  if (label) setText(label, short(clients));
}

/** @param {Element | undefined} bar @param {number} part */
function fillTo(bar, part) {
  if (bar instanceof HTMLElement) bar.style.transform = `scaleY(${part.toFixed(2)})`;
}

/** @param {number} part */
function percent(part) {
  return `${Math.round(part * 100)} %`;
}
