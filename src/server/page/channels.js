// The table of channels: the busiest, or those that are searched for.

/** @import { ChannelSnapshot, Snapshot } from "../live/snapshot" */

import { byId, setText } from "./dom.js";
import { counted, fine, whole } from "./format.js";
import { authorization } from "./key.js";
import { fill } from "./table.js";

/** Found channels are asked for as often as snapshots come, and so many of them. */
const MAX_FOUND = 50;
/** Names that can be listened to: the server refuses others. */
const NAME = /^[A-Za-z0-9_.:/-]{1,200}$/;

const rows = byId("channels", HTMLElement);
const note = byId("channels-note", HTMLElement);
const search = byId("channel-search", HTMLInputElement);

/** The last snapshot. @type {Snapshot | undefined} */
let latest;
/** What was found, and by which text. @type {{ text: string, channels: ChannelSnapshot[] }} */
let found = { text: "", channels: [] };
/** Messages of the channels that were found before, and when. */
let before = { at: 0, published: new Map() };
let isAsking = false;

/** @param {(channel: string) => void} listen */
export function enableChannels(listen) {
  rows.addEventListener("click", ({ target }) => {
    if (target instanceof HTMLButtonElement) listen(target.textContent ?? "");
  });
  search.addEventListener("input", () => {
    if (latest) showChannels(latest);
  });
}

/** @param {Snapshot} snapshot */
export function showChannels(snapshot) {
  latest = snapshot;
  if (search.value !== "") void find();
  show(snapshot);
}

/** @param {Snapshot} snapshot */
function show({ sharded, channels, channelsTotal, subscriptionsTotal }) {
  const text = search.value;
  const shown = text === "" ? channels : found.text === text ? found.channels : [];
  const cells = shown.map(({ channel, subscribers, perSecond }) => {
    const name = { text: channel, isButton: NAME.test(channel) };
    return [name, whole(subscribers), fine(perSecond)];
  });
  fill(rows, cells, noRows(sharded, text));
  setText(note, !sharded ? "" : text === "" ? totals(shown.length) : matches(shown.length, text));

  /** @param {number} count */
  function totals(count) {
    const all = `${counted(channelsTotal, "channel")}, ${counted(subscriptionsTotal, "subscription")}.`;
    return count < channelsTotal ? `${all} Here are the ${whole(count)} busiest.` : all;
  }
}

/** @param {boolean} sharded @param {string} text */
function noRows(sharded, text) {
  if (!sharded) return "Bun does not name its channels.";
  if (text === "") return "No channel has subscribers.";
  return found.text === text ? "No channel is called so." : "Searching …";
}

/** @param {number} count @param {string} text */
function matches(count, text) {
  if (found.text !== text) return "Searching …";
  const found50 = count === MAX_FOUND ? `The ${MAX_FOUND} busiest` : counted(count, "channel");
  return `${found50} with “${text}” in the name.`;
}

/** Asks the server, unless it is being asked. */
async function find() {
  if (isAsking) return;
  isAsking = true;
  const text = search.value;
  try {
    const query = new URLSearchParams({ top: String(MAX_FOUND), search: text });
    const response = await fetch(`channels?${query}`, { headers: authorization() });
    if (response.ok) found = { text, channels: withRates(await response.json()) };
  } catch {
    // The page's own connection shows that the server is away.
  } finally {
    isAsking = false;
  }
  if (latest) show(latest);
  // More was typed meanwhile.
  if (search.value !== text && search.value !== "") void find();
}

/**
 * @param {{ channel: string, subscribers: number, published: number }[]} channels
 * @returns {ChannelSnapshot[]}
 */
function withRates(channels) {
  const at = performance.now();
  const seconds = (at - before.at) / 1000;
  const rated = channels.map(({ channel, subscribers, published }) => {
    const earlier = before.published.get(channel);
    const perSecond = earlier === undefined ? null : Math.max(0, published - earlier) / seconds;
    return { channel, subscribers, perSecond };
  });
  before = {
    at,
    published: new Map(channels.map(({ channel, published }) => [channel, published])),
  };
  return rated;
}
