/** The page at `/`: what this is, and the stream as it comes. One file, no build, no other server. */

/** What a browser gets. `channels` are those that have a source. */
export function page(channels: string[]): string {
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>shardcast</title>
<style>
  :root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
  body { max-width: 52rem; margin: 2rem auto; padding: 0 1rem; }
  code, output, li { font-family: ui-monospace, monospace; font-size: .875rem; }
  form { display: flex; gap: .5rem; align-items: baseline; flex-wrap: wrap; }
  input { font: inherit; flex: 1 1 12rem; }
  ol { list-style: none; padding: 0; border-top: 1px solid color-mix(in srgb, currentColor 25%, transparent); }
  li { padding: .25rem 0; overflow-wrap: anywhere;
       border-bottom: 1px solid color-mix(in srgb, currentColor 12%, transparent); }
</style>
<h1>shardcast</h1>
<p>A WebSocket broadcast server. Connect to <code>/stream?channels=…</code>, publish with
<code>POST /publish/:channel</code>, look at <code>/stats</code>.</p>
<form>
  <label for="channels">Channels</label>
  <input id="channels" name="channels" value="${escapeHtml(channels.join(","))}" required>
  <button>Listen</button>
  <output id="state" aria-live="polite"></output>
</form>
<ol id="messages" aria-label="the last messages"></ol>
<script>
  const SHOWN = 20, RETRY_MS = 1000, MAX_SHOWN_CHARACTERS = 300;
  const form = document.querySelector("form"), state = document.querySelector("#state");
  const list = document.querySelector("#messages");
  let socket, count = 0, connected = "connecting";
  function listen() {
    const url = new URL("/stream", location.href);
    url.protocol = url.protocol.replace("http", "ws");
    url.searchParams.set("channels", form.channels.value);
    const mine = socket = new WebSocket(url);
    mine.onopen = () => { if (mine === socket) connected = "connected"; };
    mine.onmessage = ({ data }) => { if (mine === socket) show(data); };
    mine.onclose = () => {
      if (mine !== socket) return;
      connected = "disconnected";
      setTimeout(() => { if (mine === socket) listen(); }, RETRY_MS * (1 + Math.random()));
    };
  }
  function show(data) {
    count += 1;
    const item = document.createElement("li");
    const text = typeof data === "string" ? data : data.size + " bytes";
    item.textContent = text.slice(0, MAX_SHOWN_CHARACTERS);
    list.prepend(item);
    while (list.children.length > SHOWN) list.lastChild.remove();
  }
  form.onsubmit = (event) => {
    event.preventDefault();
    const before = socket;
    list.replaceChildren();
    listen();
    before.close();
  };
  setInterval(() => { state.value = connected + ", " + count + " messages/s"; count = 0; }, 1000);
  listen();
</script>
`;
}

function escapeHtml(text: string): string {
  const entities: Record<string, string> = {
    "&": "&amp;",
    "<": "&lt;",
    ">": "&gt;",
    '"': "&quot;",
  };
  return text.replace(/[&<>"]/g, (character) => entities[character] ?? character);
}
