/** A stream of events whose client goes away over TLS, in whichever way: what was done for it ends. */
import assert from "node:assert/strict";
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { connect, type Socket } from "node:net";
import { test } from "node:test";
import { setTimeout as pause } from "node:timers/promises";
import { connect as tlsConnect } from "node:tls";
import { defineApi } from "../define.ts";
import { anOrder, getStock, openBench, ordersOptions, orderToCash } from "../harness.test.ts";
import { listen } from "../listener.ts";
import { get } from "../operations.ts";

const fixture = (name: string) => readFileSync(new URL(`../../outbound/fixtures/${name}`, import.meta.url), "utf8");
const pair = { cert: fixture("good.pem"), key: fixture("server.key") };
const api = defineApi({
  ...ordersOptions,
  operations: {
    followOrder: get("/orders/{key}/events", { scope: "orders:read", follows: orderToCash, allow: () => true }),
    watchStock: get("/stock/{sku}/events", { scope: "stock:read", calls: getStock, every: "100ms" }),
  },
});

const waysToLeave: Readonly<Record<string, (tcp: Socket) => void>> = {
  "ends TCP alone": (tcp) => void tcp.end(),
  "is gone": (tcp) => void tcp.destroy(),
  resets: (tcp) => void tcp.resetAndDestroy(),
};

for (const [how, leave] of Object.entries(waysToLeave)) {
  test(`over TLS a listener that ${how} gives its place back, and nothing is asked for it any more`, async () => {
    // One place of each consumer: who comes next gets it only when it is free.
    await using bench = await openBench({ apis: [api], streams: { lookMs: 20, perConsumer: 1 } });
    const { backend, publisher, key } = bench;
    const tls = { read: () => pair, asksClients: false, onFailure: assert.ifError };
    const listener = await listen((request) => publisher.handle(request), { port: 0, tls });
    try {
      await backend.start({ process: "order-to-cash", key: "o-1", input: { ...anOrder }, origin: "test" });
      let looks = 0;
      const { mark } = backend;
      backend.mark = (...given) => {
        looks++;
        return mark.apply(backend, given);
      };
      for (const path of ["/stock/rope/events", "/orders/o-1/events"]) {
        const tcp = connect(listener.port, "127.0.0.1");
        tcp.on("error", () => {});
        await once(tcp, "connect");
        const secure = tlsConnect({ socket: tcp, ca: fixture("ca.pem"), servername: "localhost" });
        secure.on("error", () => {});
        secure.setEncoding("utf8");
        secure.write(
          `GET /orders/v1${path} HTTP/1.1\r\nhost: x\r\nx-api-key: ${key}\r\naccept: text/event-stream\r\n\r\n`,
        );
        let told = "";
        for await (const part of secure.iterator({ destroyOnReturn: false })) {
          told += part;
          if (/^data: /m.test(told)) break;
        }
        assert.match(told, /^HTTP\/1\.1 200 /);
        assert.equal(listener.inFlight, 1);
        leave(tcp);
        while (listener.inFlight > 0) await pause(5);
        tcp.destroy();
        const before = [backend.called.length, looks];
        await pause(250);
        assert.deepEqual([backend.called.length, looks], before, path);
      }
    } finally {
      publisher.drain();
      await listener.close(0);
    }
  });
}
