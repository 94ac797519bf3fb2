// Plays the scenario under Node with the WebSocket of a package: `node node.js undici ws://…`.

import { play } from "./scenario.js";

const [name, base] = process.argv.slice(2);
const { WebSocket } = await import(String(name));
console.log(JSON.stringify(await play(WebSocket, String(base))));
process.exit(0);
