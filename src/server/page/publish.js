// The box that publishes.

import { byId } from "./dom.js";
import { counted } from "./format.js";
import { askForKey, authorization } from "./key.js";

const form = byId("publish", HTMLFormElement);
const channelInput = byId("publish-channel", HTMLInputElement);
const messageInput = byId("message", HTMLTextAreaElement);
const output = byId("published", HTMLOutputElement);

/** @typedef {{ text: string, good: boolean }} Outcome */

export function enablePublishing() {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const { text, good } = await publish(channelInput.value, messageInput.value);
    output.value = text;
    output.classList.toggle("failed", !good);
  });
  messageInput.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) form.requestSubmit();
  });
}

/** @param {string} channel @param {string} message @returns {Promise<Outcome>} */
async function publish(channel, message) {
  const headers = { "content-type": "text/plain", ...authorization() };
  const path = `publish/${encodeURIComponent(channel)}`;
  try {
    const response = await fetch(path, { method: "POST", headers, body: message });
    if (response.status !== 401) return outcome(response, await response.text());
  } catch {
    return bad("The server does not answer.");
  }
  return (await askForKey()) ? publish(channel, message) : bad("Publishing needs the API key.");
}

/** @param {Response} response @param {string} body @returns {Outcome} */
function outcome({ ok, status, statusText }, body) {
  const { error, subscribers = 0, dropped = 0 } = fields(body);
  if (!ok)
    return bad(
      error?.message || body.trim() || `The server answered ${status} ${statusText}`.trim(),
    );
  if (dropped > 0) return bad(`Dropped by ${counted(dropped, "worker")}: the queues are full.`);
  if (subscribers === 0) return { text: "Published to 0 subscribers.", good: true };
  return { text: `Published to ${counted(subscribers, "subscriber")}.`, good: true };
}

/**
 * An answer of the app's is JSON; one from before it, of the door or a proxy, is not.
 *
 * @param {string} body
 * @returns {{ error?: { message?: string }, subscribers?: number, dropped?: number }}
 */
function fields(body) {
  try {
    return JSON.parse(body);
  } catch {
    return {};
  }
}

/** @param {string} text @returns {Outcome} */
function bad(text) {
  return { text, good: false };
}
