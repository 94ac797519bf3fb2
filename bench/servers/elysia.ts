/** Stock Elysia on Bun, with Bun's own `publish`. */

import { serveElysia } from "./elysia-app";

serveElysia();
