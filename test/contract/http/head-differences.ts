/** What differs from Bun on purpose in how heads of requests are read: a look at each. */

import { expect } from "bun:test";
import http from "node:http";

import { onEach } from "../both";
import { answersTo, requestOf, TAKEN, tellingRoutes } from "./request-heads";

const HOST = "Host: example.test";

/** Characters of an answer that are looked at. */
const SHOWN = 200;

/** A request with this line, and these lines behind it. */
const head = (line: string, ...fields: string[]) => [line, ...fields, "", ""].join("\r\n");
const get = (target: string) => requestOf({ target }, false);
const hosted = (host: string) => requestOf({ target: "/a/b", host }, false);
const post = (coding: string, body: string) =>
  head("POST /a HTTP/1.1", HOST, `Transfer-Encoding: ${coding}`) + body;

/** Requests, and what each is answered: a status, or what the app was asked. */
interface Row {
  requests: string[];
  builtIn: number | RegExp;
  sharded: number | RegExp;
}

const ROWS: Record<string, Row> = {
  "a malformed request line": {
    requests: [
      head("GET /a b HTTP/1.1", HOST),
      head("GET /a#b c HTTP/1.1", HOST),
      head("GET http://a b@example.test/ HTTP/1.1", HOST),
      head("GET /a"),
      head("GET /a http/1.1", HOST),
      head("GET\t/a HTTP/1.1", HOST),
      head("GET /a  HTTP/1.1", HOST),
      head("GET /a HTTP/1.1 ", HOST),
      head("GET /a HTTP/1.1", HOST).replaceAll("\r", ""),
    ],
    builtIn: 505,
    sharded: 400,
  },
  "the HTTP/2 preface": {
    requests: ["PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
    builtIn: 400,
    sharded: 505,
  },
  "an empty line before a request": {
    requests: [`\r\n${get("/a")}`],
    builtIn: 400,
    sharded: TAKEN,
  },
  "a fragment in the target": {
    requests: [get("/a#b")],
    builtIn: /example.test\/a#b"/,
    sharded: /example.test\/a"/,
  },
  "the host if the target is a whole URI": {
    requests: ["http://other.test/x", "HTTP://other.test/x", "http://me@other.test/x"].map(get),
    builtIn: /example.test\/x"/,
    sharded: /other.test\/x"/,
  },
  "several Host fields": {
    requests: [head("GET /a HTTP/1.1", HOST, "Host: other.test")],
    builtIn: TAKEN,
    sharded: 400,
  },
  "HTTP/1.0 without Host": {
    requests: [head("GET /a HTTP/1.0")],
    builtIn: /"url":"\/a"/,
    sharded: /"url":"http:\/\/localhost\/a"/,
  },
  "a host that is neither a name nor an address": {
    requests: [
      ...["", "me@abcd", "abcd:99999", "abcd:x", "[::1", "ab%63d", "1.2.3.4.5"].map(hosted),
      ...["http:///x", "http://other.test:x/", "http://me@you@other.test/"].map(get),
    ],
    builtIn: TAKEN,
    sharded: 400,
  },
  "a host of one to three characters": {
    requests: ["a", "abc", "a.b:80"].map(hosted),
    builtIn: TAKEN,
    sharded: 400,
  },
  "the character DEL in a field": {
    requests: [requestOf({ value: "a\x7fb" }, false)],
    builtIn: TAKEN,
    sharded: 400,
  },
  "several codings in Transfer-Encoding": {
    requests: [post("gzip, chunked", "0\r\n\r\n")],
    builtIn: 400,
    sharded: 501,
  },
  "a single comma in Transfer-Encoding": {
    requests: ["chunked,", ",chunked"].map((coding) => post(coding, "0\r\n\r\n")),
    builtIn: TAKEN,
    sharded: 400,
  },
  "a chunk size of more than 15 digits": {
    requests: [post("chunked", `${"2".padStart(16, "0")}\r\nhi\r\n0\r\n\r\n`)],
    builtIn: TAKEN,
    sharded: 400,
  },
  "198 header fields": {
    requests: [head("GET /a HTTP/1.1", HOST, ...Array(197).fill("X: y"))],
    builtIn: TAKEN,
    sharded: 431,
  },
};

export const HEAD_DIFFERENCES: Record<string, () => Promise<void>> = {
  ...Object.fromEntries(Object.entries(ROWS).map(([name, row]) => [name, () => see(row)])),

  async "a head of 16 to 32 KiB"() {
    const bun: { maxHeaderSize: number } = http;
    bun.maxHeaderSize = 16_384;
    const requests = [requestOf({ value: "x".repeat(20_000) }, false)];
    await see({ requests, builtIn: 431, sharded: TAKEN });
  },
};

async function see({ requests, builtIn, sharded }: Row): Promise<void> {
  const [byBuiltIn, bySharded] = await onEach((stage) => {
    stage.serve(tellingRoutes);
    return answersTo(stage.port, requests);
  });
  for (const answer of byBuiltIn) expect(answer.slice(0, SHOWN)).toMatch(pattern(builtIn));
  for (const answer of bySharded) expect(answer.slice(0, SHOWN)).toMatch(pattern(sharded));
}

function pattern(answer: number | RegExp): RegExp {
  return typeof answer === "number" ? new RegExp(`^${answer}`) : answer;
}
