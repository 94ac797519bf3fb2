// The links to routes that require the API key, which a browser does not send by itself.

import { byId } from "./dom.js";
import { apiKey, askForKey, authorization } from "./key.js";

const dialog = byId("answer", HTMLDialogElement);
const title = byId("answer-title", HTMLElement);
const body = byId("answer-body", HTMLElement);

/** With a key, the page fetches and shows the answer. Without one they are plain links. */
export function enableLinks() {
  for (const link of document.querySelectorAll("a[data-guarded]")) {
    link.addEventListener("click", (event) => {
      if (!(link instanceof HTMLAnchorElement) || !isLocked()) return;
      event.preventDefault();
      void show(link);
    });
  }
}

/** Whether the server requires a key. */
function isLocked() {
  return apiKey() !== undefined || !byId("unlock", HTMLElement).hidden;
}

/** @param {HTMLAnchorElement} link */
async function show({ href, pathname }) {
  title.textContent = pathname;
  body.textContent = await answerOf(href);
  dialog.showModal();
}

/** @param {string} url @returns {Promise<string>} */
async function answerOf(url) {
  try {
    const response = await fetch(url, { headers: authorization() });
    if (response.status === 401 && (await askForKey())) return answerOf(url);
    const text = await response.text();
    return response.headers.get("content-type")?.startsWith("application/json")
      ? JSON.stringify(JSON.parse(text), null, 2)
      : text;
  } catch {
    return "The server does not answer.";
  }
}
