import type { Settings } from "../config/layers";
import { PORT_VARIABLES, portVariable } from "../elysia/default-port";
import { LOG_LEVELS } from "../logging/logger";
import { isHostPattern, isOriginPattern } from "./api/host-patterns";

const MAX_PORT = 65_535;

/** What is set for the server itself, as opposed to the library's configuration. */
export const SERVER_SETTINGS = {
  port: {
    kind: "whole",
    min: 0,
    max: MAX_PORT,
    otherVariable: portVariable,
    doc: `Port; 0 is any free one. Also in the variables ${PORT_VARIABLES.join(", ")}.`,
  },
  host: {
    kind: "text",
    doc: "IP address or localhost. Any but a loopback address needs an API key.",
  },
  apiKey: {
    kind: "text",
    secret: true,
    doc: "Publishing, stats, metrics and live figures want Authorization: Bearer KEY.",
  },
  allowedHosts: {
    kind: "list",
    items: { name: "host names such as a.example or *.a.example", allows: isHostPattern },
    doc: `Names that the server is asked for by, such as a proxy's, any number of times. Without an
      API key it answers for these, localhost and IP addresses alone.`,
  },
  allowedOrigins: {
    kind: "list",
    items: {
      name: "origins such as https://a.example or https://*.a.example:8443",
      allows: isOriginPattern,
    },
    doc: `Origins of web pages that may publish and watch (CORS), besides the server's own, any
      number of times.`,
  },
  logLevel: {
    kind: "choice",
    choices: LOG_LEVELS,
    doc: `What is logged, as JSON lines to standard error: ${LOG_LEVELS.join(", ")}.`,
  },
  sources: {
    kind: "list",
    doc: `Where messages come from; any number of times (in the variable, parted by ";" or lines;
      in the file a list, sources):
      market:channel=market,rate=5
      synthetic:channel=ticks,rate=800,size=128
      replay:file=F,channel=C,rate=R
      stdin:channel=C
      Without one, the trades of a made-up market.`,
  },
} as const satisfies Settings;
