import { LOG_LEVELS, type Settings } from "../index";
import { isHostPattern, isOriginPattern } from "./api/host-patterns";

const MAX_PORT = 65_535;
/** Where Bun looks for a port that it is not given, the first before the next. */
const PORT_VARIABLES = ["BUN_PORT", "PORT", "NODE_PORT"];

/** The settings of the server itself, beside the library's configuration. */
export const SERVER_SETTINGS = {
  port: {
    kind: "integer",
    min: 0,
    max: MAX_PORT,
    placeholder: "3000",
    otherVariables: PORT_VARIABLES,
    doc: `Port; 0 is any free one. Also in the variables ${PORT_VARIABLES.join(", ")}.`,
  },
  host: {
    kind: "string",
    default: "127.0.0.1",
    doc: "IP address or localhost. Any but a loopback address needs an API key.",
  },
  apiKey: {
    kind: "string",
    placeholder: "KEY",
    secret: true,
    doc: "Publishing, stats, metrics and live figures want Authorization: Bearer KEY.",
  },
  allowedHosts: {
    kind: "list",
    flag: "allowed-host",
    placeholder: "NAME",
    default: [],
    items: { name: "host names such as a.example or *.a.example", allows: isHostPattern },
    doc: `Names that the server is asked for by, such as a proxy's, any number of times. Without an
      API key it answers for these, localhost and IP addresses alone.`,
  },
  allowedOrigins: {
    kind: "list",
    flag: "allowed-origin",
    placeholder: "ORIGIN",
    default: [],
    items: {
      name: "origins such as https://a.example or https://*.a.example:8443",
      allows: isOriginPattern,
    },
    doc: `Origins of web pages that may publish and watch (CORS), besides the server's own, any
      number of times.`,
  },
  logLevel: {
    kind: "enum",
    choices: LOG_LEVELS,
    default: "warn",
    doc: `What is logged, as JSON lines to standard error: ${LOG_LEVELS.join(", ")}.`,
  },
  sources: {
    kind: "list",
    flag: "source",
    placeholder: "SPEC",
    default: [],
    doc: `Where messages come from; any number of times (in the variable, separated by ";" or lines;
      in the file a list, sources):
      market:channel=market,rate=5
      synthetic:channel=ticks,rate=800,size=128
      replay:file=F,channel=C,rate=R
      stdin:channel=C
      Without one, the trades of a made-up market.`,
  },
} as const satisfies Settings;
