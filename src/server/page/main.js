// Puts the page together: each part shows its share of the server's snapshots.

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

/** The subprotocols of `/live` and of the key: a browser sends no header of a page's own. */
const LIVE = "shardcast.live";
const KEY_PREFIX = "shardcast.key.";
/** The server sends a snapshot a second. */
const SILENCE_MS = 5000;

const WORDS = {
  connecting: "connecting",
  connected: "connected",
  disconnected: "disconnected",
  refused: "refused",
  locked: "needs the API key",
};

/** Why there is no verdict. */
const NO_VERDICT = {
  disconnected: "The server does not answer.",
  refused: "The server refuses this page.",
  locked: "The server requires its API key.",
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
  // Only the next snapshot makes the figures current again: see `show`.
  if (state !== "connected") document.body.classList.add("stale");
  if (state === "disconnected") wasLost = true;
  if (state === "disconnected" || state === "refused" || state === "locked") {
    withdrawVerdict(NO_VERDICT[state]);
  }
  if (state !== "connected" || !wasLost) return;
  // What cut this connection may have cut the stream's too, which a silent channel does not show.
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

/** Whether the server accepts the key of the page, or needs none. */
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
  onMessage: (data) => show(JSON.parse(String(data))),
  onState: ({ name }) => showState(name),
  silenceMs: SILENCE_MS,
  prepare: unlock,
});
