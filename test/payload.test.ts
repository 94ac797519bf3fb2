import { describe, expect, test } from "bun:test";
import { toBytes, toPayload, toText } from "../src/payload";
import { sendStatus } from "../src/publish-result";

describe("a payload", () => {
  test.each([
    ["text", "é", "é"],
    ["a number, as its text", 42, "42"],
    ["a boolean, as its text", true, "true"],
    ["an ArrayBuffer", new Uint8Array([1, 2]).buffer, new Uint8Array([1, 2])],
    ["a part of a buffer", new Uint8Array([1, 2, 3]).subarray(1), new Uint8Array([2, 3])],
    ["a DataView", new DataView(new Uint8Array([1, 2, 3]).buffer, 1, 1), new Uint8Array([2])],
    ["wider elements", new Uint16Array([0x0201]), new Uint8Array([1, 2])],
  ])("is %s", (_name, data, payload) => {
    expect(toPayload(data, "send")).toEqual(payload);
  });

  test("of shared memory is a copy, which no other thread can change", () => {
    const shared = new Uint8Array(new SharedArrayBuffer(1));
    const payload = toPayload(shared, "send") as Uint8Array;
    shared[0] = 9;
    expect(payload).toEqual(new Uint8Array([0]));
  });

  test.each([[undefined], [null]])("is not %p", (data) => {
    expect(() => toPayload(data, "send")).toThrow(`send requires a message, but got ${data}`);
  });

  test("of the wrong kind is refused by the method that says its kind", () => {
    expect(() => toText(new Uint8Array(1), "sendText")).toThrow("sendText expects a string");
    expect(() => toBytes("x", "sendBinary")).toThrow("sendBinary expects a BufferSource");
  });

  test("can be a Blob in memory, and cannot be a file", () => {
    expect(toPayload(new Blob(["ab", "c"]), "send")).toEqual(new Uint8Array([97, 98, 99]));
    const file = Bun.file(import.meta.path);
    expect(() => toPayload(file, "send")).toThrow("send cannot send a Blob that is not in memory");
  });
});

describe("the status of a publish", () => {
  test("is the number of bytes when all workers took it", () => {
    expect(sendStatus({ subscribers: 2, shards: 2, dropped: 0, saturated: 0 }, "é")).toBe(2);
    expect(
      sendStatus({ subscribers: 1, shards: 1, dropped: 0, saturated: 0 }, new Uint8Array(5)),
    ).toBe(5);
  });

  test("is -1 when it waits behind others in a saturated worker's queue", () => {
    expect(sendStatus({ subscribers: 2, shards: 2, dropped: 0, saturated: 1 }, "x")).toBe(-1);
  });

  test("is 0 when a worker dropped it, or the channel has no subscriber", () => {
    expect(sendStatus({ subscribers: 2, shards: 2, dropped: 1, saturated: 0 }, "x")).toBe(0);
    expect(sendStatus({ subscribers: 0, shards: 0, dropped: 0, saturated: 0 }, "x")).toBe(0);
  });
});
