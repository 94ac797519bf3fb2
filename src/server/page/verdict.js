// The verdict of the alert rules, in one line.

/** @import { ProblemSnapshot, Snapshot } from "../live/snapshot" */

import { byId, keepChildren, make, setText } from "./dom.js";
import { duration } from "./format.js";

const LEVELS = { page: "Critical", ticket: "Warning" };
/** The figures of the row that a rule is about. */
const FIGURES = new Map([
  ["ShardcastDropsForFullQueues", "dropped-rate"],
  ["ShardcastSlowClients", "dropped-rate"],
  ["ShardcastSlowDelivery", "p99"],
  ["ShardcastShardNearlyFull", "clients"],
  ["ShardcastClientsDisconnected", "clients"],
]);

const place = byId("verdict", HTMLElement);
const level = byId("verdict-level", HTMLElement);
const summary = byId("verdict-summary", HTMLElement);
const note = byId("verdict-note", HTMLElement);
const list = byId("problems", HTMLElement);
const TITLE = document.title;

/** @param {Snapshot} snapshot */
export function showVerdict({ verdict }) {
  if (!verdict) return withdrawVerdict("Without sharding, deliveries are not counted.");
  const { problems, seconds } = verdict;
  const [worst, ...others] = problems;
  const span = `Looks back ${duration(seconds)}, and at the departures of the last five minutes.`;
  if (worst) {
    show(worst.severity, `${LEVELS[worst.severity]}:`, worst.summary);
    setText(note, `${worst.figure}. Rule: ${worst.name}. ${span}`);
  } else {
    show("good", "All is well.", "No alert rule holds.");
    setText(note, span);
  }
  showOthers(others);
  markFigures(problems);
}

/**
 * While the server is silent, its state is unknown.
 *
 * @param {string} why
 */
export function withdrawVerdict(why) {
  show("unknown", "Unknown.", why);
  setText(note, "");
  showOthers([]);
  markFigures([]);
}

/**
 * Screen readers read the line out when it changes, so it has no figure that changes every second.
 *
 * @param {"unknown" | "good" | "page" | "ticket"} severity
 * @param {string} word
 * @param {string} text
 */
function show(severity, word, text) {
  place.dataset.level = severity;
  setText(level, word);
  setText(summary, text);
  document.title = severity === "page" ? `Critical: ${TITLE}` : TITLE;
}

/** @param {ProblemSnapshot[]} problems */
function showOthers(problems) {
  list.hidden = problems.length === 0;
  keepChildren(list, problems.length, () => {
    const item = make("li");
    item.append(make("strong"), " ", make("span"), " ", make("small"));
    return item;
  });
  for (const [index, { severity, summary, figure, name }] of problems.entries()) {
    const item = list.children[index];
    const [word, text, detail] = item?.children ?? [];
    if (!(item instanceof HTMLElement) || !word || !text || !detail) continue;
    item.dataset.level = severity;
    setText(word, `${LEVELS[severity]}:`);
    setText(text, summary);
    setText(detail, `${figure}. Rule: ${name}.`);
  }
}

/** @param {ProblemSnapshot[]} problems the worst first */
function markFigures(problems) {
  for (const id of new Set(FIGURES.values())) {
    const problem = problems.find(({ name }) => FIGURES.get(name) === id);
    const figure = byId(id, HTMLElement).parentElement;
    if (figure) figure.dataset.level = problem?.severity ?? "good";
  }
}
