// Puts the page together: what the server says goes to those who show it.

import { Charts } from "./charts.js";
import { keepConnected } from "./connection.js";
import { showFigures } from "./figures.js";
import { apiKey, askForKey } from "./key.js";
import { enablePublishing } from "./publish.js";
import { showShards } from "./shards.js";
import { Stream } from "./stream.js";
import { showChannels, showSlow } from "./tables.js";

/** The subprotocol of `/live`, and the one that brings the key: a browser can send no other header. */
const LIVE = "shardcast.live";
const KEY_PREFIX = "shardcast.key.";

const status = document.querySelector("#status");
const charts = new Charts();
const stream = new Stream();

/** @param {"connecting" | "connected" | "disconnected"} state */
function showState(state) {
  status.dataset.state = state;
  status.lastElementChild.textContent = state;
}

/** @param {any} snapshot what `/live` sends every second */
function show(snapshot) {
  document.querySelector("#about").textContent = snapshot.about;
  showFigures(snapshot);
  charts.add(snapshot);
  showShards(snapshot.shards);
  showChannels(snapshot.channels);
  showSlow(snapshot.slow);
  stream.offer(snapshot.sources[0] ?? snapshot.channels[0]?.channel);
}

function protocols() {
  const key = apiKey();
  return key === undefined ? [LIVE] : [LIVE, KEY_PREFIX + toBase64Url(key)];
}

/** @param {string} text */
function toBase64Url(text) {
  const bytes = String.fromCharCode(...new TextEncoder().encode(text));
  return btoa(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Whether the key that the page has, if any, is the one that the server wants. */
async function isLetIn() {
  const key = apiKey();
  const headers = key === undefined ? {} : { authorization: `Bearer ${key}` };
  return (await fetch("/stats", { method: "HEAD", headers })).status !== 401;
}

enablePublishing();
keepConnected({
  path: "/live",
  protocols,
  hear: (text) => show(JSON.parse(text)),
  enter: showState,
  // Before every attempt: the server may have been restarted with another key.
  prepare: async () => {
    while (!(await isLetIn())) await askForKey();
  },
});
