import { describe, expect, test } from "bun:test";
import { TrustedProxies } from "../../src/app-backend/trusted-proxies";
import { resolveConfig } from "../../src/config/config";
import { connect, refused } from "../helpers/client";
import { serve } from "../helpers/serving";

const PROXIES = new TrustedProxies(["10.0.0.0/8", "192.0.2.7", "2001:db8::/32"]);

/** The client that is found behind `peer`, as `address port`. */
function clientBehind(peer: string, forwardedFor: string | null): string {
  const headers = new Headers(forwardedFor === null ? {} : { "x-forwarded-for": forwardedFor });
  const { address, port } = PROXIES.clientOf({ address: peer, port: 1 }, headers);
  return `${address} ${port}`;
}

describe("the client behind proxies", () => {
  test.each([
    ["of no trusted proxy", "203.0.113.5", "198.51.100.1", "203.0.113.5 1"],
    ["of a proxy that says nothing", "10.1.2.3", null, "10.1.2.3 1"],
    ["of a proxy", "10.1.2.3", "198.51.100.1", "198.51.100.1 0"],
    ["of a proxy that is seen as IPv6", "::ffff:10.1.2.3", "198.51.100.1", "198.51.100.1 0"],
    ["of a proxy by its address alone", "192.0.2.7", "198.51.100.1", "198.51.100.1 0"],
    ["of a neighbour of a proxy", "192.0.2.8", "198.51.100.1", "192.0.2.8 1"],
    ["of two proxies", "10.0.0.1", "198.51.100.1, 10.0.0.2", "198.51.100.1 0"],
    ["and not what the client made up", "10.0.0.1", "1.2.3.4, 198.51.100.1", "198.51.100.1 0"],
    ["of proxies alone", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3 0"],
    ["with a port", "10.0.0.1", "198.51.100.1:4711", "198.51.100.1 4711"],
    ["of IPv6", "2001:db8::5", "2a00::1", "2a00::1 0"],
    ["of IPv6 with a port", "10.0.0.1", "[2a00::1]:4711", "2a00::1 4711"],
    ["of IPv4 written as IPv6", "10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1 0"],
    ["of no proxy, seen as IPv6", "::ffff:11.0.0.1", "198.51.100.1", "::ffff:11.0.0.1 1"],
    ["of a proxy that says nonsense", "10.0.0.1", "unknown", "10.0.0.1 1"],
    ["up to the nonsense", "10.0.0.1", "1.2.3.4, <script>, 10.0.0.9", "10.0.0.9 0"],
    ["of an empty word", "10.0.0.1", "", "10.0.0.1 1"],
  ])("is that %s", (_name, peer, forwardedFor, expected) => {
    expect(clientBehind(peer, forwardedFor)).toBe(expected);
  });

  test.each([["10.0.0.0/33"], ["::/129"], ["proxy.example"], ["10.0.0.0/8/8"], [""], ["10/8"]])(
    "cannot be behind %p",
    (block) => {
      const config = () => resolveConfig({ trustedProxies: [block] });
      expect(config).toThrow("trustedProxies must be a list of IP addresses and blocks of them");
    },
  );

  test.each([
    [{ trustedProxies: ["127.0.0.0/8"] }, "198.51.100.1"],
    [{}, "127.0.0.1"],
  ])("is who a server sees with %p", async (config, expected) => {
    const { ws, http } = serve(config, (app) =>
      app
        .get("/ip", ({ request, server }) => server?.requestIP(request)?.address)
        .ws("/ws", { open: (ws) => void ws.send(ws.remoteAddress) })
        .ws("/refused", {
          beforeHandle: ({ request, server, status }) =>
            status(403, server?.requestIP(request)?.address),
        }),
    );
    const headers = { "x-forwarded-for": "198.51.100.1" };
    expect(await (await fetch(`${http}/ip`, { headers })).text()).toBe(expected);
    expect(await (await connect(`${ws}/ws`, { headers })).next()).toBe(expected);
    expect((await refused(`${ws}/refused`, { headers })).body).toBe(expected);
  });

  test("is told by a field that Connection names, too", async () => {
    const { http } = serve({ trustedProxies: ["127.0.0.0/8"] }, (app) =>
      app.get("/ip", ({ request, server }) => server?.requestIP(request)?.address),
    );
    const connection = "X-Forwarded-For, keep-alive";
    const headers = { "x-forwarded-for": "198.51.100.1", connection };
    expect(await (await fetch(`${http}/ip`, { headers })).text()).toBe("198.51.100.1");
  });
});
