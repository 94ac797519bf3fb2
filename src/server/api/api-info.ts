import { version } from "../../../package.json";

/** What both descriptions, of HTTP and of the sockets, call the server. */
export const API_INFO = {
  title: "shardcast",
  version,
  description: "A WebSocket broadcast server. Publish over HTTP, listen over a WebSocket.",
};
