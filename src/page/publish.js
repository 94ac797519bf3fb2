// The box that publishes.

import { apiKey, askForKey } from "./key.js";

const form = document.querySelector("#publish");
const output = document.querySelector("#published");

export function enablePublishing() {
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    try {
      say(...(await publish(form.channel.value, form.message.value)));
    } catch {
      say("The server does not answer.", false);
    }
  });
}

/** @returns {Promise<[string, boolean]>} what became of it, and whether it was taken */
async function publish(channel, message) {
  const key = apiKey();
  const headers = { "content-type": "text/plain" };
  if (key !== undefined) headers.authorization = `Bearer ${key}`;
  const path = `/publish/${encodeURIComponent(channel)}`;
  const response = await fetch(path, { method: "POST", headers, body: message });
  if (response.status === 401) {
    await askForKey();
    return publish(channel, message);
  }
  const answer = await response.json();
  if (!response.ok) return [answer.error ?? `HTTP ${response.status}`, false];
  if (answer.shards === 0) return ["Published; nobody is subscribed.", true];
  return [`Published to ${answer.shards} ${answer.shards === 1 ? "shard" : "shards"}.`, true];
}

function say(text, good) {
  output.value = text;
  output.classList.toggle("failed", !good);
}
