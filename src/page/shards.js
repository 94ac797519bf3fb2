// Every shard, and every worker of it as a cell that shows its load.

import { whole } from "./format.js";

const place = document.querySelector("#shards");

/** @param {{ clients: number, limit: number, workers: any[] }[]} shards */
export function showShards(shards) {
  while (place.children.length > shards.length) place.lastElementChild.remove();
  for (const [number, shard] of shards.entries()) {
    showShard(place.children[number] ?? place.appendChild(newShard(number)), shard);
  }
}

/** @param {number} number */
function newShard(number) {
  const box = element("div", "shard");
  const title = element("strong");
  title.textContent = `Shard ${number}`;
  box.append(title, element("span"), element("div", "workers"));
  return box;
}

function showShard(box, { clients, limit, workers }) {
  const [, count, cells] = box.children;
  count.textContent = `${whole(clients)} of ${whole(limit)} clients`;
  while (cells.children.length > workers.length) cells.lastElementChild.remove();
  for (const [number, worker] of workers.entries()) {
    const cell = cells.children[number] ?? cells.appendChild(newWorker());
    showWorker(cell, number, worker);
  }
}

function newWorker() {
  const cell = element("div", "worker");
  const meter = element("meter");
  meter.max = 100;
  cell.append(meter, element("i"), element("b"));
  return cell;
}

function showWorker(cell, number, { clients, busy, queue, saturated }) {
  const [meter, bar, label] = cell.children;
  const percent = Math.round(busy * 100);
  const said =
    `Worker ${number}: ${whole(clients)} clients, ${percent} % busy, ` +
    `${whole(queue)} messages queued${saturated ? ", saturated" : ""}`;
  cell.title = said;
  cell.classList.toggle("full", saturated);
  meter.value = percent;
  meter.setAttribute("aria-label", said);
  bar.style.height = `${percent}%`;
  label.textContent = whole(clients);
}

function element(name, className = "") {
  const made = document.createElement(name);
  if (className) made.className = className;
  return made;
}
