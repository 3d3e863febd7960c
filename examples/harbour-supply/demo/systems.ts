/** Starts the five systems, and says what Mortise must know of them. */
import { launch, type Simulator } from "../simulators/launch.ts";
import type { Places } from "./places.ts";

export interface Systems {
  readonly shop: Simulator;
  readonly all: readonly Simulator[];
  /** The environment of Mortise: addresses. Secrets are in the secrets folder. */
  readonly environment: Readonly<Record<string, string>>;
  stop(): Promise<void>;
}

/** `api`: where Mortise will publish. `port` finds a port: the usual one that is given, or a free one. */
export async function startSystems(
  places: Places,
  api: string,
  port: (usual: number) => Promise<number>,
): Promise<Systems> {
  const started: Simulator[] = [];
  const start = async (
    name: Simulator["name"],
    usual: number,
    more: readonly string[],
    environment: Readonly<Record<string, string>> = {},
  ): Promise<Simulator> => {
    const ports = ["--port", String(await port(usual)), "--control-port", String(await port(usual + 10))];
    const simulator = await launch(name, ["--data", places.data(name), ...ports, ...more], environment);
    started.push(simulator);
    return simulator;
  };
  const webhookSecret = () => `whsec_${Buffer.from(crypto.getRandomValues(new Uint8Array(24))).toString("base64")}`;
  try {
    const carrier = await start("carrier", 8704, ["--outbox", places.outbox]);
    const [shop, erp, payments] = await Promise.all([
      start("shop", 8701, ["--api-url", api, "--webhook-url", `${api}/webhooks/shop`], {
        SHOP_TOKEN: places.secret("SHOP_TOKEN"),
        SHOP_WEBHOOK_SECRET: places.secret("SHOP_WEBHOOK_SECRET", webhookSecret),
      }),
      start("erp", 8702, ["--carrier", carrier.url], {
        ERP_USER: "mortise",
        ERP_PASSWORD: places.secret("ERP_PASSWORD"),
      }),
      start("payments", 8703, ["--webhook-url", `${api}/webhooks/payments`], {
        PAYMENTS_TOKEN: places.secret("PAYMENTS_TOKEN"),
        PAYMENTS_WEBHOOK_SECRET: places.secret("PAYMENTS_WEBHOOK_SECRET", webhookSecret),
      }),
      start("warehouse", 8705, []),
    ]);
    return {
      shop,
      all: started,
      environment: {
        SHOP_URL: shop.url,
        ERP_URL: `${erp.url}/sales`,
        PAYMENTS_URL: payments.url,
        WAREHOUSE_URL: `${places.data("warehouse")}/warehouse.db`,
        CARRIER_FOLDER: places.outbox,
      },
      stop: () => stopAll(started),
    };
  } catch (error) {
    await stopAll(started);
    throw error;
  }
}

async function stopAll(simulators: readonly Simulator[]): Promise<void> {
  await Promise.all(simulators.map((simulator) => simulator.stop()));
}

/** Now and then something goes wrong: the systems drop connections after acting, are slow, and fail. */
export async function misbehave({ all }: Systems): Promise<void> {
  for (const simulator of all) {
    if (simulator.name === "erp") await simulator.behave({ mode: "drop", rate: 0.05 });
    if (simulator.name === "payments") await simulator.behave({ mode: "fail", rate: 0.1 });
    if (simulator.name === "shop") await simulator.behave({ mode: "slow", rate: 0.05, ms: 2000 });
    if (simulator.name === "warehouse") await simulator.behave({ mode: "slow", ms: 500, times: 20 });
  }
}
