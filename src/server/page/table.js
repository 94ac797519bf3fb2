// Tables whose rows are changed in place: what is put anew each second cannot be selected.

import { keepChildren, make, setText } from "./dom.js";

/**
 * @typedef {object} Cell
 * @property {string} text
 * @property {string} [note] in small print below
 * @property {string} [title] a tooltip
 * @property {boolean} [isButton]
 */

/**
 * @param {Element} body
 * @param {(string | Cell)[][]} rows
 * @param {string} otherwise stands in for no rows
 */
export function fill(body, rows, otherwise) {
  const hadNothing = body.classList.contains("nothing");
  // What stands in for rows is made of none: a button of theirs would listen to its words.
  if (body.classList.toggle("nothing", rows.length === 0) !== hadNothing) body.replaceChildren();
  const shown = rows.length > 0 ? rows : [[otherwise]];
  const heads = body.closest("table")?.querySelectorAll("th") ?? [];
  keepChildren(body, shown.length, () => make("tr"));
  for (const [index, cells] of shown.entries()) {
    const row = body.children[index];
    if (row) fillRow(row, cells, heads);
  }
}

/** @param {Element} row @param {(string | Cell)[]} cells @param {ArrayLike<Element>} heads */
function fillRow(row, cells, heads) {
  keepChildren(row, cells.length, (index) => make("td", heads[index]?.className));
  for (const [index, cell] of cells.entries()) {
    const place = row.children[index];
    if (!(place instanceof HTMLTableCellElement)) continue;
    place.colSpan = cells.length === 1 ? heads.length : 1;
    fillCell(place, typeof cell === "string" ? { text: cell } : cell);
  }
}

/** @param {HTMLTableCellElement} place @param {Cell} cell */
function fillCell(place, { text, note = "", title = "", isButton = false }) {
  keepChildren(place, 2, (index) => (index === 0 ? firstPart(isButton) : make("small")));
  const [first, second] = place.children;
  if (first instanceof HTMLButtonElement !== isButton) first?.replaceWith(firstPart(isButton));
  if (place.firstElementChild) setText(place.firstElementChild, text);
  if (second) setText(second, note);
  if (place.title !== title) place.title = title;
}

/** @param {boolean} isButton */
function firstPart(isButton) {
  if (!isButton) return make("span");
  const button = make("button", "link");
  button.type = "button";
  return button;
}
