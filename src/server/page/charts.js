// The last two minutes, as lines.

/** @import { Snapshot } from "../live/snapshot" */

import { byId, make, setText } from "./dom.js";
import { fine, short, time } from "./format.js";
import uPlot from "./uplot.js";

const SECONDS = 120;
const SHORTEST_SPAN_S = 30;
const HEIGHT_PX = 150;
/** Snapshots come once a second. Where one is missing, the line has a gap. */
const LONGEST_STEP_S = 2.5;
/** Steps of an axis of integers: there is no half client. */
const INTEGER_STEPS = Array.from({ length: 10 }, (_, power) =>
  [1, 2, 5].map((n) => n * 10 ** power),
);

/**
 * @typedef {object} Line
 * @property {string} name
 * @property {"--accent" | "--second"} colour
 * @property {(snapshot: Snapshot) => number | null} read
 *
 * @typedef {object} Kind
 * @property {string} id of its figure
 * @property {string} title
 * @property {(value: number | null) => string} format
 * @property {(value: number | null) => string} mark at the axis
 * @property {number[]} [steps]
 * @property {Line[]} lines
 */

/** @type {Kind[]} */
const KINDS = [
  {
    id: "chart-deliveries",
    title: "Deliveries/s",
    format: short,
    mark: short,
    steps: INTEGER_STEPS.flat(),
    lines: [{ name: "", colour: "--accent", read: (s) => s.deliveriesPerSecond }],
  },
  {
    id: "chart-times",
    title: "Delivery time",
    format: time,
    mark: fine,
    lines: [
      { name: "p50", colour: "--accent", read: (s) => s.p50Ms },
      { name: "p99", colour: "--second", read: (s) => s.p99Ms },
    ],
  },
  {
    id: "chart-clients",
    title: "Clients",
    format: short,
    mark: short,
    steps: INTEGER_STEPS.flat(),
    lines: [{ name: "", colour: "--accent", read: (s) => s.clients }],
  },
];

export class Charts {
  /** Seconds since 1970, as uPlot has it. @type {number[]} */
  #times = [];
  #charts = KINDS.map((kind) => new Chart(kind));

  constructor() {
    const redraw = () => {
      for (const chart of this.#charts) chart.build(this.#times);
    };
    for (const query of ["(prefers-color-scheme: dark)", "(forced-colors: active)"]) {
      matchMedia(query).addEventListener("change", redraw);
    }
    new ResizeObserver(() => {
      for (const chart of this.#charts) chart.fit();
    }).observe(document.body);
    redraw();
  }

  /** @param {Snapshot} snapshot */
  add(snapshot) {
    const now = snapshot.at / 1000;
    const last = this.#times.at(-1) ?? now;
    if (now - last > LONGEST_STEP_S) this.#add(last + 1, null);
    this.#add(now, snapshot);
    const surplus = this.#times.findIndex((at) => at >= now - SECONDS);
    this.#times.splice(0, surplus);
    for (const chart of this.#charts) chart.show(this.#times, surplus);
  }

  /**
   * @param {number} at
   * @param {Snapshot | null} snapshot null where a line has a gap
   */
  #add(at, snapshot) {
    this.#times.push(at);
    for (const chart of this.#charts) chart.add(snapshot);
  }
}

class Chart {
  #kind;
  #place;
  /** The newest value of each line, beside its name. */
  #values;
  /** @type {(number | null)[][]} */
  #columns;
  /** @type {uPlot | undefined} */
  #plot;

  /** @param {Kind} kind */
  constructor(kind) {
    this.#kind = kind;
    this.#columns = kind.lines.map(() => []);
    this.#place = make("div", "plot");
    this.#place.setAttribute("role", "img");
    const caption = make("figcaption");
    caption.append(kind.title);
    this.#values = kind.lines.map(({ name, colour }) => {
      const key = caption.appendChild(make("span", `key ${colour.slice(2)}`));
      key.append(name, make("b"));
      return key.lastElementChild ?? key;
    });
    byId(kind.id, HTMLElement).append(caption, this.#place);
  }

  /**
   * Anew, in the colours of now.
   *
   * @param {number[]} times
   */
  build(times) {
    this.#plot?.destroy();
    const options = { width: this.#place.clientWidth, height: HEIGHT_PX, ...look(this.#kind) };
    this.#plot = new uPlot(options, [times, ...this.#columns], this.#place);
  }

  fit() {
    this.#plot?.setSize({ width: this.#place.clientWidth, height: HEIGHT_PX });
  }

  /** @param {Snapshot | null} snapshot */
  add(snapshot) {
    for (const [index, { read }] of this.#kind.lines.entries()) {
      this.#columns[index]?.push(snapshot && read(snapshot));
    }
  }

  /**
   * @param {number[]} times
   * @param {number} surplus values that have become too old
   */
  show(times, surplus) {
    for (const column of this.#columns) column.splice(0, surplus);
    this.#plot?.setData([times, ...this.#columns]);
    const { title, lines, format } = this.#kind;
    const values = lines.map(({ name }, index) => {
      const column = this.#columns[index] ?? [];
      const now = format(column.at(-1) ?? null);
      const value = this.#values[index];
      if (value) setText(value, now);
      return `${name} now ${now}, at most ${format(highest(column))}`.trim();
    });
    this.#place.setAttribute(
      "aria-label",
      `${title} in the last two minutes: ${values.join("; ")}`,
    );
  }
}

/** @param {(number | null)[]} column */
function highest(column) {
  const known = column.filter((value) => value !== null);
  return known.length === 0 ? null : Math.max(...known);
}

/** @param {Kind} kind @returns {Omit<uPlot.Options, "width" | "height">} */
function look({ lines, mark, steps }) {
  const axis = {
    stroke: colour("--quiet"),
    grid: { stroke: colour("--line"), width: 1 },
    ticks: { show: false },
    font: "11px system-ui, sans-serif",
  };
  const clock = [[1, "{HH}:{mm}:{ss}", null, null, null, null, null, null, 1]];
  return {
    cursor: { show: false },
    // At the right as much as the last label of the clock needs.
    padding: [6, null, 0, 0],
    legend: { show: false },
    scales: {
      x: { range: ({ data }) => spanOf(data[0]) },
      y: { range: (_plot, _min, max) => [0, (max || 1) * 1.1] },
    },
    axes: [
      { ...axis, size: 26, space: 70, values: clock },
      {
        ...axis,
        size: 44,
        values: (_plot, values) => values.map(mark),
        ...(steps && { incrs: steps }),
      },
    ],
    series: [
      {},
      ...lines.map((line) => ({
        stroke: colour(line.colour),
        width: 1.5,
        // Colour alone must not tell two lines apart.
        ...(line.colour === "--second" && { dash: [5, 3] }),
        points: { show: false },
      })),
    ],
  };
}

/**
 * What a colour of the style sheet comes to: a canvas does not know the system's.
 *
 * @param {string} name
 */
function colour(name) {
  const probe = document.body.appendChild(make("i", "probe"));
  probe.style.color = `var(${name})`;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}

/**
 * What the axis of time shows: all there is, and no less than a part of what there will be.
 *
 * @param {ArrayLike<number>} times
 * @returns {[number, number]}
 */
function spanOf(times) {
  const newest = times[times.length - 1] ?? Date.now() / 1000;
  const oldest = times[0] ?? newest;
  return [Math.min(oldest, newest - SHORTEST_SPAN_S), newest];
}
