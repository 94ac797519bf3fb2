// The last two minutes, as lines.

import { short } from "./format.js";
import uPlot from "./uplot.js";

const SECONDS = 120;
const HEIGHT_PX = 150;

export class Charts {
  /** Columns: time, then the values of each chart. */
  #times = [];
  #charts = [
    new Chart("#chart-deliveries", ["--accent"], (s) => [s.deliveriesPerSecond]),
    new Chart("#chart-times", ["--accent", "--second"], (s) => [s.p50Ms, s.p99Ms]),
    new Chart("#chart-clients", ["--accent"], (s) => [s.clients]),
  ];

  constructor() {
    const redraw = () => {
      for (const chart of this.#charts) chart.build(this.#times);
    };
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", redraw);
    new ResizeObserver(() => {
      for (const chart of this.#charts) chart.fit();
    }).observe(document.body);
    redraw();
  }

  /** @param {any} snapshot */
  add(snapshot) {
    this.#times.push(snapshot.at / 1000);
    const surplus = this.#times.length - SECONDS;
    if (surplus > 0) this.#times.splice(0, surplus);
    for (const chart of this.#charts) chart.add(snapshot, this.#times);
  }
}

class Chart {
  #place;
  #colours;
  #read;
  #columns;
  #plot;

  constructor(place, colours, read) {
    this.#place = document.querySelector(place);
    this.#colours = colours;
    this.#read = read;
    this.#columns = colours.map(() => []);
  }

  build(times) {
    this.#plot?.destroy();
    const style = getComputedStyle(document.documentElement);
    const colour = (name) => style.getPropertyValue(name).trim();
    const axis = {
      stroke: colour("--quiet"),
      grid: { stroke: colour("--line"), width: 1 },
      ticks: { show: false },
      font: "11px system-ui, sans-serif",
    };
    const lines = this.#colours.map((name) => ({
      stroke: colour(name),
      width: 1.5,
      points: { show: false },
    }));
    const options = {
      width: this.#place.clientWidth,
      height: HEIGHT_PX,
      cursor: { show: false },
      legend: { show: false },
      scales: { y: { range: (_plot, _min, max) => [0, (max || 1) * 1.1] } },
      axes: [
        {
          ...axis,
          size: 26,
          space: 70,
          values: [[1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1]],
        },
        { ...axis, size: 48, values: (_plot, values) => values.map(short) },
      ],
      series: [{}, ...lines],
    };
    this.#plot = new uPlot(options, [times, ...this.#columns], this.#place);
  }

  fit() {
    this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT_PX });
  }

  add(snapshot, times) {
    for (const [index, value] of this.#read(snapshot).entries()) {
      const column = this.#columns[index];
      column.push(value);
      column.splice(0, column.length - times.length);
    }
    this.#plot?.setData([times, ...this.#columns]);
  }
}
