// The API key, kept as long as the tab.

import { byId } from "./dom.js";

const NAME = "shardcast-key";
const dialog = byId("key", HTMLDialogElement);
const input = byId("key-input", HTMLInputElement);
const wrong = byId("key-wrong", HTMLElement);
const unlock = byId("unlock", HTMLButtonElement);

/** @type {Promise<boolean> | undefined} */
let asking;
let resolveGiven = () => {};

unlock.addEventListener("click", askForKey);

/** @returns {string | undefined} */
export function apiKey() {
  return sessionStorage.getItem(NAME) ?? undefined;
}

/** @returns {Record<string, string>} the headers of a request, with the key if there is one */
export function authorization() {
  const key = apiKey();
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

/**
 * Asks the user for a key: there is none, or the server refused it. Calls at the same time share
 * one dialog.
 *
 * @returns {Promise<boolean>} whether one was given
 */
export function askForKey() {
  asking ??= ask().finally(() => {
    asking = undefined;
  });
  return asking;
}

/** Resolves once a key is given. Until then the page has a button for it. */
export function keyGiven() {
  unlock.hidden = false;
  return new Promise((/** @type {(given: void) => void} */ resolve) => {
    resolveGiven = resolve;
  });
}

async function ask() {
  wrong.hidden = apiKey() === undefined;
  sessionStorage.removeItem(NAME);
  input.value = "";
  dialog.returnValue = "";
  dialog.showModal();
  await new Promise((resolve) => dialog.addEventListener("close", resolve, { once: true }));
  if (dialog.returnValue !== "given") return false;
  sessionStorage.setItem(NAME, input.value);
  input.value = "";
  unlock.hidden = true;
  resolveGiven();
  return true;
}
