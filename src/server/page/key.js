// The API key, kept as long as the tab.

import { byId } from "./dom.js";

const NAME = "shardcast-key";
const dialog = byId("key", HTMLDialogElement);
const input = byId("key-input", HTMLInputElement);
const wrong = byId("key-wrong", HTMLElement);
const unlock = byId("unlock", HTMLButtonElement);

/** @type {Promise<boolean> | undefined} */
let asking;
let tellGiven = () => {};

unlock.addEventListener("click", askForKey);

/** @returns {string | undefined} */
export function apiKey() {
  return sessionStorage.getItem(NAME) ?? undefined;
}

/** @returns {Record<string, string>} what a request needs that the key is to let in */
export function authorization() {
  const key = apiKey();
  return key === undefined ? {} : { authorization: `Bearer ${key}` };
}

/**
 * Asks for a key, since the one that there is, if any, was refused. All who ask at once share one
 * answer.
 *
 * @returns {Promise<boolean>} whether one was given
 */
export function askForKey() {
  asking ??= ask().finally(() => {
    asking = undefined;
  });
  return asking;
}

/** Resolves when a key is given after all. Until then the page has a button for it. */
export function keyGiven() {
  unlock.hidden = false;
  return new Promise((/** @type {(given: void) => void} */ resolve) => {
    tellGiven = resolve;
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
  tellGiven();
  return true;
}
