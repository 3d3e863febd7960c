/**
 * What `npm start` runs: the five systems of Harbour Supply and Mortise, each as a process of its own; a few orders every second;
 * one line for each order that has ended. Ctrl-C stops all of it, and the next start goes on where this one stopped.
 */
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { playFinance } from "./demo/finance.ts";
import { type Mortise, startMortise } from "./demo/mortise.ts";
import { type Options, readOptions, usage } from "./demo/options.ts";
import { freePort, openPlaces, type Places } from "./demo/places.ts";
import { Screen } from "./demo/screen.ts";
import { misbehave, type Systems, startSystems } from "./demo/systems.ts";
import { followLedger } from "./simulators/ledger.ts";

const print = (line = ""): void => void process.stdout.write(`${line}\n`);

const options = read();
process.exitCode = await main(options);

function read(): Options {
  try {
    const given = readOptions(process.argv.slice(2));
    if (given !== "help") return given;
    print(usage);
    process.exit(0);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n\n${usage}\n`);
    process.exit(2);
  }
}

async function main(given: Options): Promise<number> {
  const since = new Date().toISOString();
  let places: Places;
  try {
    places = openPlaces(given.folder ?? fileURLToPath(new URL(".mortise", import.meta.url)), given.fresh);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
  const stopping = stopRequest(given.forMs);
  const port = (usual: number): Promise<number> => freePort(given.anyPort ? 0 : usual);
  const apiPort = await port(8080);
  const adminPort = await port(8081);
  const api = `http://127.0.0.1:${apiPort}`;
  print("Starting the systems of Harbour Supply, and Mortise ...");
  const systems = await startSystems(places, api, port);
  let mortise: Mortise | undefined;
  try {
    mortise = await startMortise({
      store: places.store,
      logs: places.logs,
      adminPort,
      environment: {
        ...systems.environment,
        HARBOUR_API_PORT: String(apiPort),
        HARBOUR_ADMIN_PORT: String(adminPort),
        HARBOUR_STORE: places.store,
        HARBOUR_SECRETS: places.secrets,
      },
    });
    return await play(given, places, systems, mortise, { since, api, adminPort, stopping });
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  } finally {
    await mortise?.stop();
    await systems.stop();
  }
}

interface Stage {
  readonly since: string;
  readonly api: string;
  readonly adminPort: number;
  readonly stopping: Promise<void>;
}

async function play(given: Options, places: Places, systems: Systems, mortise: Mortise, stage: Stage): Promise<number> {
  const screen = new Screen(stage.since, process.stdout.isTTY === true, print);
  const { shop } = systems;
  banner(places, mortise, stage);
  await shop.command("configure", { apiKey: await shopKey(places, mortise) });
  if (given.faults) await misbehave(systems);
  screen.heading();
  const stopFinance = playFinance(mortise);
  const stopFollowing = followLedger(join(places.data("shop"), "ledger.jsonl"), 200, (line) => screen.take(line));
  const questions = setInterval(() => void shop.command("ask", {}).catch(() => {}), 5000);
  const gone = new Promise<"gone">((resolve) => mortise.process.once("exit", () => resolve("gone")));
  try {
    const placed = placeOrders(given, systems, screen);
    const why = await Promise.race([stage.stopping, placed.allEnded, gone]);
    placed.stop();
    if (why === "gone") throw new Error(`Mortise has ended; its log says why: ${mortise.logFile}`);
    if (why === undefined) print("\nStopping ...");
  } finally {
    clearInterval(questions);
    stopFinance();
    await shop.command("configure", { rate: 0 }).catch(() => {});
    await mortise.stop();
    stopFollowing();
    print();
    for (const line of screen.summary()) print(line);
  }
  return given.orders !== undefined && screen.open > 0 ? 1 : 0;
}

function banner(places: Places, mortise: Mortise, stage: Stage): void {
  const here = (path: string): string => {
    const short = relative(process.cwd(), path);
    return short.startsWith("..") ? path : short;
  };
  print();
  print(`  API docs    ${stage.api}/orders/v1/docs`);
  print(`  admin API   http://127.0.0.1:${stage.adminPort}/openapi.json   (token: ${here(mortise.tokenFile)})`);
  print(`  store       ${here(places.store)}`);
  print(`  ledgers     ${here(join(places.folder, "systems"))}/*/ledger.jsonl   what each system says happened`);
  print(`  log         ${here(mortise.logFile)}`);
  print();
}

/** The shop's API key: made once, and kept with the other secrets. */
async function shopKey(places: Places, mortise: Mortise): Promise<string> {
  const known = places.secret("SHOP_API_KEY", () => "none");
  if (known !== "none") return known;
  const scopes = ["orders:write", "orders:read", "stock:read"];
  const { key } = (await mortise.admin("POST", "/keys", { consumer: "web-shop", scopes })) as { readonly key: string };
  places.keepSecret("SHOP_API_KEY", key);
  return key;
}

/** Places orders at the rate, all of them or until stopped. `allEnded` resolves only where a number of orders was asked for. */
function placeOrders(
  { rate, orders }: Options,
  { shop }: Systems,
  screen: Screen,
): { readonly allEnded: Promise<"ended">; stop(): void } {
  let left = orders ?? Number.POSITIVE_INFINITY;
  let underWay = 0;
  let ended: (value: "ended") => void = () => {};
  const allEnded = new Promise<"ended">((resolve) => {
    ended = resolve;
  });
  const place = setInterval(() => {
    if (left <= 0 || screen.open >= 64) return;
    left -= 1;
    underWay += 1;
    shop
      .command("place", {})
      .catch(() => {
        left += 1;
      })
      .finally(() => {
        underWay -= 1;
      });
  }, 1000 / rate);
  // The ledger is looked at every 200 ms: an order that was just placed may not be seen as open yet.
  let quiet = 0;
  const look = setInterval(() => {
    quiet = left <= 0 && underWay === 0 && screen.open === 0 ? quiet + 1 : 0;
    if (quiet >= 3) ended("ended");
  }, 200);
  return {
    allEnded,
    stop() {
      clearInterval(place);
      clearInterval(look);
    },
  };
}

/** Resolves on Ctrl-C, SIGTERM or when the time is over. A second Ctrl-C ends this process at once; the systems end with it. */
function stopRequest(forMs: number | undefined): Promise<void> {
  return new Promise((resolve) => {
    let asked = false;
    const ask = (): void => {
      if (asked) process.exit(130);
      asked = true;
      resolve();
    };
    process.on("SIGINT", ask);
    process.on("SIGTERM", ask);
    if (forMs !== undefined) setTimeout(resolve, forMs).unref();
  });
}
