import { LOG_LEVELS, PORT_VARIABLES, portVariable, type Settings } from "../index";
import { isHostPattern, isOriginPattern } from "./api/host-patterns";

const MAX_PORT = 65_535;

/** The settings of the server itself, beside the library's configuration. */
export const SERVER_SETTINGS = {
  port: {
    kind: "integer",
    min: 0,
    max: MAX_PORT,
    placeholder: "3000",
    otherVariable: portVariable,
    doc: `Port; 0 selects any free one. Also in the variables ${PORT_VARIABLES.join(", ")}.`,
  },
  host: {
    kind: "string",
    default: "127.0.0.1",
    doc: "IP address or localhost. An address that is not loopback requires an API key.",
  },
  apiKey: {
    kind: "string",
    placeholder: "KEY",
    secret: true,
    doc: "Publishing, stats, metrics and live figures require Authorization: Bearer KEY.",
  },
  allowedHosts: {
    kind: "list",
    flag: "allowed-host",
    placeholder: "NAME",
    default: [],
    items: { name: "host names such as a.example or *.a.example", allows: isHostPattern },
    doc: `A host name of the server, such as a proxy's. Repeatable. Without an API key the server
      answers only for these names, localhost and IP addresses.`,
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
    doc: `An origin of web pages that can publish and read figures (CORS), besides the server's own.
      Repeatable.`,
  },
  logLevel: {
    kind: "enum",
    choices: LOG_LEVELS,
    default: "warn",
    doc: `Lowest level of log lines, which are JSON on standard error: ${LOG_LEVELS.join(", ")}.`,
  },
  sources: {
    kind: "list",
    flag: "source",
    placeholder: "SPEC",
    default: [],
    doc: `A source of messages. Repeatable (in the variable, separated by ";" or newlines; in the file,
      the list sources):
      market:channel=market,rate=5
      synthetic:channel=ticks,rate=800,size=128
      replay:file=F,channel=C,rate=R
      stdin:channel=C
      Without one, the server streams trades of a synthetic market.`,
  },
} as const satisfies Settings;
