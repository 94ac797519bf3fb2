import { expect, onTestFinished, spyOn, test } from "bun:test";

import { channelsIn } from "../../src/server/api/channel-names";

const STREAM = "http://localhost/stream";

test.each([
  ["one list", "?channels=a,b"],
  ["a list in parts", "?channels=a&channels=b"],
  ["lists in which a name comes twice", "?channels=a,b&channels=a"],
])("reads %s", (_what, query) => {
  expect(channelsIn(`${STREAM}${query}`, 3)).toEqual(["a", "b"]);
});

test.each([
  ["one list", "?channels=a,b,c"],
  ["a list in parts", "?channels=a,b&channels=c"],
  ["as many names behind one that comes again", "?channels=a,a,a,b"],
])("refuses too many channels in %s, and leaves out none in silence", (_what, query) => {
  expect(channelsIn(`${STREAM}${query}`, 2)).toEqual({ error: "name at most 2 channels" });
});

test("reads no more names of a long list than decide that it is too long", () => {
  const split = spyOn(String.prototype, "split");
  onTestFinished(() => split.mockRestore());
  channelsIn(`${STREAM}?channels=${",".repeat(30_000)}`, 2);
  expect(split.mock.results.map(({ value }) => value)).toEqual([["", "", ""]]);
});
