// Puts the page together: what the server says goes to those who show it.

/** @import { LiveMessage } from "../live/snapshot" */

import { enableChannels, showChannels } from "./channels.js";
import { Charts } from "./charts.js";
import { showDepartures, showSlow } from "./clients.js";
import { Connection, urlOf } from "./connection.js";
import { byId, setText } from "./dom.js";
import { showFigures } from "./figures.js";
import { apiKey, askForKey, authorization, keyGiven } from "./key.js";
import { enableLinks } from "./links.js";
import { enablePublishing } from "./publish.js";
import { enableChoosing, showShards } from "./shards.js";
import { Stream } from "./stream.js";
import { showVerdict, withdrawVerdict } from "./verdict.js";

/** The subprotocol of `/live`, and that which brings the key: a browser sends no header of ours. */
const LIVE = "shardcast.live";
const KEY_PREFIX = "shardcast.key.";
/** The server speaks once a second. */
const SILENCE_MS = 5000;

const WORDS = {
  connecting: "connecting",
  connected: "connected",
  disconnected: "disconnected",
  refused: "refused",
  locked: "needs the API key",
};

/** Why nobody knows how the server does. */
const UNHEARD = {
  disconnected: "The server does not answer.",
  refused: "The server refuses to tell.",
  locked: "The server wants its API key.",
};

const status = byId("status", HTMLElement);
const about = byId("about", HTMLElement);
const charts = new Charts();
const stream = new Stream();
let wasLost = false;

/** @param {keyof typeof WORDS} state */
function showState(state) {
  status.dataset.state = state;
  setText(byId("status-text", HTMLElement), WORDS[state]);
  // Only a message makes what is shown true again: see `show`.
  if (state !== "connected") document.body.classList.add("stale");
  if (state === "disconnected") wasLost = true;
  if (state === "disconnected" || state === "refused" || state === "locked") {
    withdrawVerdict(UNHEARD[state]);
  }
  if (state !== "connected" || !wasLost) return;
  // What has cut this connection may have cut the other, which cannot know: channels may be silent.
  wasLost = false;
  stream.again();
}

/** @param {LiveMessage} message what `/live` sends every second */
function show(message) {
  document.body.classList.remove("stale");
  setText(about, message.about);
  showVerdict(message);
  showFigures(message);
  charts.add(message);
  showShards(message);
  showChannels(message);
  showSlow(message);
  showDepartures(message);
  stream.offer(message.sources[0] ?? message.channels[0]?.channel);
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
  const signal = AbortSignal.timeout(SILENCE_MS);
  const answer = await fetch("stats", { method: "HEAD", headers: authorization(), signal });
  return answer.status !== 401;
}

/** Before every attempt: the server may have been restarted with another key. */
async function unlock() {
  while (!(await isLetIn())) {
    showState("locked");
    if (!(await askForKey())) await keyGiven();
  }
}

enablePublishing();
enableLinks();
enableChoosing();
enableChannels((channel) => stream.listen(channel));
new Connection({
  url: urlOf("live"),
  protocols,
  hear: (data) => show(JSON.parse(String(data))),
  enter: ({ name }) => showState(name),
  silenceMs: SILENCE_MS,
  prepare: unlock,
});
