/** Elysia by itself on Bun, with Bun's own `publish`. */

import { serveElysia } from "./elysia-app";

serveElysia();
