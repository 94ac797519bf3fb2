/** How heads of requests are read: every byte at every place, and what is known to be misread. */

import { describe, expect, test } from "bun:test";

import { onEach } from "../both";
import { HEAD_DIFFERENCES } from "./head-differences";
import { answersTo, type Parts, requestOf, TAKEN, tellingRoutes } from "./request-heads";

/** Where a byte may stand in a request. */
const PLACES: Record<string, (byte: string) => Parts> = {
  path: (byte) => ({ target: `/a${byte}b` }),
  query: (byte) => ({ target: `/a?a${byte}b` }),
  host: (byte) => ({ host: `exa${byte}mple.test` }),
  "field's name": (byte) => ({ name: `x-${byte}a` }),
  "field's value": (byte) => ({ value: `a${byte}b` }),
  method: (byte) => ({ method: `G${byte}T` }),
};

/** Bytes that are not read as by Bun, and the row of docs/parity.md which says why. */
const DIFFERENT: Record<string, [bytes: string, row: string][]> = {
  path: [
    ["00-20", "a malformed request line"],
    ["23", "a fragment in the target"],
  ],
  query: [
    ["00-20", "a malformed request line"],
    ["23", "a fragment in the target"],
  ],
  host: [
    [
      "09 20 22-23 25 2f 3a 3c 3e-40 5b-5e 60 7b-7d 7f-ff",
      "a host that is neither a name nor an address",
    ],
  ],
  "field's value": [["7f", "the character DEL in a field"]],
  method: [["00-0c 0e-1f 80-ff", "a malformed request line"]],
};

const BYTES = Array.from({ length: 256 }, (_, byte) => String.fromCharCode(byte));

describe("every byte is read as by Bun, but for those in the table,", () => {
  for (const [place, parts] of Object.entries(PLACES)) {
    for (const isUpgrade of [false, true]) {
      test(`in a ${place} of ${isUpgrade ? "an upgrade" : "a plain request"}`, async () => {
        const requests = BYTES.map((byte) => requestOf(parts(byte), isUpgrade));
        const [builtIn, sharded] = await answers(requests);
        const different = BYTES.keys().filter((byte) => builtIn[byte] !== sharded[byte]);
        const expected = (DIFFERENT[place] ?? []).map(([bytes]) => bytes);
        expect(inRanges([...different])).toBe(expected.join(" "));
      });
    }
  }
});

test("every byte that is read in another way has a row of the documentation", () => {
  const rows = Object.values(DIFFERENT).flatMap((differences) => differences.map(([, row]) => row));
  expect(Object.keys(HEAD_DIFFERENCES)).toEqual(expect.arrayContaining(rows));
});

const HOST = "Host: example.test";
const CHUNKED = "Transfer-Encoding: chunked";
const lines = (...all: string[]) => all.join("\r\n");
const posted = (fields: string, body = "") =>
  lines("POST /a HTTP/1.1", HOST, fields, "", "") + body;
const chunks = (body: string) => posted(CHUNKED, body);
const SMUGGLED = lines("GET /smuggled HTTP/1.1", HOST, "", "");

/** By which other servers have been made to see other requests than there were. */
const VECTORS: Record<string, string> = {
  "LF alone behind a field": posted(`Dummy: x\nContent-Length: ${SMUGGLED.length}`, SMUGGLED),
  "CR alone behind a field": posted(`Dummy: x\rContent-Length: ${SMUGGLED.length}`, SMUGGLED),
  "a folded line": posted("X: a\r\n b"),
  "a folded first line": lines("GET /a HTTP/1.1", ` ${HOST}`, "", ""),
  "a blank before a colon": posted("Content-Length : 2", "hi"),
  "a field without a name": posted(": a"),
  "a field without a colon": posted("Content-Length"),
  "no Host": lines("GET /a HTTP/1.1", "", ""),
  "HTTP/1.2": lines("GET /a HTTP/1.2", HOST, "", ""),
  "two blanks behind the method": lines("GET  /a HTTP/1.1", HOST, "", ""),
  "a method in lower case": lines("get /a HTTP/1.1", HOST, "", ""),
  "an authority as the target": requestOf({ target: "evil.example" }, false),
  "an authority with a port as the target": requestOf({ target: "evil.example:80" }, false),
  "another scheme in the target": requestOf({ target: "ftp://evil.example/" }, false),
  "a scheme of WebSockets in the target": requestOf({ target: "ws://evil.example/" }, false),
  "* as the target": requestOf({ target: "*" }, false),
  "a query alone as the target": requestOf({ target: "?x" }, false),
  "a path out of the root": requestOf({ target: "/a/../../b/%2e%2e/c" }, false),
  "two slashes before the path": requestOf({ target: "//evil.example/a" }, false),
  "a whole URI behind a slash": requestOf({ target: "/http://evil.example/" }, false),
  "JSON in the query": requestOf({ target: '/a?filter={"a":[1,"<b>"]}`' }, false),
  "JSON in the path": requestOf({ target: '/{"a":[1,"<b>"]}`' }, false),
  "UTF-8 in the target": requestOf({ target: "/\xc3\xbc?\xc3\xbc" }, false),
  "a host in capitals, with the usual port": requestOf({ host: "EXAMPLE.test:80" }, false),
  "a host that is an address": requestOf({ host: "[::1]:8080" }, false),
  "two lengths that agree": posted("Content-Length: 2\r\nContent-Length: 2", "hi"),
  "two lengths that differ": posted("Content-Length: 2\r\nContent-Length: 3", "hi!"),
  "a list of lengths": posted("Content-Length: 2, 2", "hi"),
  "a length with a plus": posted("Content-Length: +2", "hi"),
  "a length with a minus": posted("Content-Length: -2", "hi"),
  "a length in hexadecimal digits": posted("Content-Length: 0x2", "hi"),
  "a length with a blank in it": posted("Content-Length: 2 2", "hi"),
  "a length of nothing": posted("Content-Length: "),
  "a length with zeros": posted("Content-Length: 0002", "hi"),
  "a length that no number holds": posted("Content-Length: 99999999999999999999", "hi"),
  "chunks and a length": posted(`${CHUNKED}\r\nContent-Length: 5`, "0\r\n\r\n"),
  "a length and chunks": posted(`Content-Length: 5\r\n${CHUNKED}`, "0\r\n\r\n"),
  "Transfer-Encoding twice": posted(`${CHUNKED}\r\n${CHUNKED}`, "0\r\n\r\n"),
  "chunked, identity": posted(`${CHUNKED}, identity`, "0\r\n\r\n"),
  "chunked, chunked": posted(`${CHUNKED}, chunked`, "0\r\n\r\n"),
  xchunked: posted("Transfer-Encoding: xchunked", "0\r\n\r\n"),
  "chunked in quotes": posted('Transfer-Encoding: "chunked"', "0\r\n\r\n"),
  "chunked with a parameter": posted(`${CHUNKED};q=1`, "0\r\n\r\n"),
  "chunked in capitals": posted("Transfer-Encoding: CHUNKED", "0\r\n\r\n"),
  "chunked behind a vertical tab": posted("Transfer-Encoding: \x0bchunked", "0\r\n\r\n"),
  identity: posted("Transfer-Encoding: identity", "0\r\n\r\n"),
  "no coding": posted("Transfer-Encoding: ", "0\r\n\r\n"),
  "chunks in HTTP/1.0": chunks("0\r\n\r\n").replace("HTTP/1.1", "HTTP/1.0"),
  chunks: chunks("2\r\nhi\r\nA;b=c\r\n0123456789\r\n0\r\n\r\n"),
  "a blank behind a chunk's size": chunks("2 \r\nhi\r\n0\r\n\r\n"),
  "a blank before a chunk's size": chunks(" 2\r\nhi\r\n0\r\n\r\n"),
  "a blank before an extension": chunks("2 ;a\r\nhi\r\n0\r\n\r\n"),
  "LF alone behind a chunk's size": chunks("2\nhi\r\n0\r\n\r\n"),
  "LF alone behind an extension": chunks("2;a\nhi\r\n0\r\n\r\n"),
  "CR alone in an extension": chunks("2;a\rb\r\nhi\r\n0\r\n\r\n"),
  "LF alone behind a chunk": chunks("2\r\nhi\n0\r\n\r\n"),
  "LF alone behind the last chunk": chunks("2\r\nhi\r\n0\n\n"),
  "a chunk's size of FFFFFFFFFFFFFFFF": chunks("FFFFFFFFFFFFFFFF\r\nhi\r\n0\r\n\r\n"),
  "a chunk's size with a plus": chunks("+2\r\nhi\r\n0\r\n\r\n"),
  "a chunk's size with 0x": chunks("0x2\r\nhi\r\n0\r\n\r\n"),
  "a chunk without a size": chunks("\r\nhi\r\n0\r\n\r\n"),
  "a chunk that is longer than its size": chunks("2\r\nhix\r\n0\r\n\r\n"),
};

test("what others have misread is read, or refused, as by Bun", async () => {
  const [builtIn, sharded] = await answers(Object.values(VECTORS));
  const named = (all: string[]) => Object.keys(VECTORS).map((name, at) => [name, all[at]]);
  expect(named(sharded)).toEqual(named(builtIn));
  expect(sharded.join()).not.toContain("/smuggled");
});

test("an upgrade in HTTP/1.0 is a plain request", async () => {
  const upgrade = requestOf({ target: "/plain" }, true).replace("HTTP/1.1", "HTTP/1.0");
  const [builtIn, sharded] = await onEach((stage) => {
    stage.serve((app) => app.get("/plain", () => new Response("", { status: 418 })));
    return answersTo(stage.port, [upgrade]);
  });
  expect(sharded).toEqual(builtIn);
});

test("the host of the target is that of an upgrade, as of a plain request", async () => {
  const requests = [false, true].map((isUpgrade) =>
    requestOf({ target: "http://other.test/x" }, isUpgrade),
  );
  const [, [plain, upgrade]] = await answers(requests);
  expect(plain).toContain('"url":"http://other.test/x"');
  expect(upgrade).toBe(plain as string);
});

test.each([
  ["example.test:80", true],
  ["a_b.test", true],
  ["[::ffff:1.2.3.4]:81", true],
  ["127.0.0.1", true],
  ["1.2.3.4.5", false],
  ["example.0x1", false],
  ["[::x]", false],
  ["example..test", true],
])("the host %s is read alike by an upgrade and a plain request", async (host, isTaken) => {
  const requests = [false, true].map((isUpgrade) => requestOf({ host }, isUpgrade));
  const [, [plain, upgrade]] = await answers(requests);
  expect(plain).toStartWith(isTaken ? `${TAKEN}` : "400");
  expect(upgrade).toBe(plain as string);
});

/** What each is answered by Elysia itself, and by shards. */
function answers(requests: string[]): Promise<[builtIn: string[], sharded: string[]]> {
  return onEach((stage) => {
    stage.serve(tellingRoutes);
    return answersTo(stage.port, requests);
  });
}

/** Numbers in hexadecimal digits: `09 20-2f`. */
function inRanges(bytes: number[]): string {
  const hex = (byte: number) => byte.toString(16).padStart(2, "0");
  const begins = bytes.filter((byte) => !bytes.includes(byte - 1));
  const ends = bytes.filter((byte) => !bytes.includes(byte + 1));
  const ranges = begins.map((begin, at) => [begin, ends[at] ?? begin] as const);
  return ranges
    .map(([from, to]) => (from === to ? hex(from) : `${hex(from)}-${hex(to)}`))
    .join(" ");
}
