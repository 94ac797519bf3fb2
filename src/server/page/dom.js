// The few ways in which the page is changed.

/**
 * The element with this id.
 *
 * @template {Element} T
 * @param {string} id
 * @param {new () => T} type
 * @returns {T}
 */
export function byId(id, type) {
  const found = document.getElementById(id);
  if (found instanceof type) return found;
  throw new Error(`the page has no ${type.name} #${id}`);
}

/**
 * @template {keyof HTMLElementTagNameMap} N
 * @param {N} name
 * @param {string} [className]
 */
export function make(name, className = "") {
  const made = document.createElement(name);
  made.className = className;
  return made;
}

/**
 * Sets a text only where it is another: what a person has selected stays so.
 *
 * @param {Element} element
 * @param {string} text
 */
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/**
 * Gives `place` exactly `count` children; those that it has are kept.
 *
 * @param {Element} place
 * @param {number} count
 * @param {(index: number) => Element} make
 */
export function keepChildren(place, count, make) {
  while (place.children.length > count) place.lastElementChild?.remove();
  while (place.children.length < count) place.append(make(place.children.length));
}
