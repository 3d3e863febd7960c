/** The folder of a demonstration: where its systems and Mortise keep what they know, its secrets, and the ports that are free. */
import { randomBytes, randomInt } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";

export interface Places {
  readonly folder: string;
  readonly store: string;
  readonly secrets: string;
  readonly logs: string;
  readonly outbox: string;
  /** Data folder of a simulator, with its ledger. */
  readonly data: (name: string) => string;
  /** The secret `name`; made by `make` the first time. */
  readonly secret: (name: string, make?: () => string) => string;
  readonly keepSecret: (name: string, value: string) => void;
}

const marker = "harbour-supply.txt";
const pidFile = "running.pid";
const note = "Made by `npm start` of the Harbour Supply example; removed by `npm start -- --fresh`.\n";

/** Makes the folder, or takes the one that is there. `fresh` empties it, if it is one of ours. */
export function openPlaces(folder: string, fresh: boolean): Places {
  refuseSecond(join(folder, pidFile));
  if (fresh && existsSync(folder)) {
    if (!existsSync(join(folder, marker)))
      throw new Error(`${folder} was not made by this example: remove it yourself`);
    rmSync(folder, { recursive: true });
  }
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, marker), note);
  writeFileSync(join(folder, pidFile), `${process.pid}\n`);
  process.once("exit", () => rmSync(join(folder, pidFile), { force: true }));
  const inside = (name: string): string => {
    const path = join(folder, name);
    mkdirSync(path, { recursive: true, mode: 0o700 });
    return path;
  };
  const secrets = inside("secrets");
  const keepSecret = (name: string, value: string): void => {
    writeFileSync(join(secrets, name), `${value}\n`, { mode: 0o600 });
  };
  if (!existsSync(join(secrets, "STORE_KEY"))) keepSecret("STORE_KEY", randomBytes(32).toString("base64"));
  return {
    folder,
    store: join(folder, "store"),
    secrets,
    logs: inside("logs"),
    outbox: inside("carrier"),
    data: (name) => inside(join("systems", name)),
    keepSecret,
    secret(name, make = () => randomBytes(24).toString("hex")) {
      const file = join(secrets, name);
      if (!existsSync(file)) keepSecret(name, make());
      return readFileSync(file, "utf8").trim();
    },
  };
}

/** Two starts on one folder would write the same ledgers. Of a start that was killed only the number is left. */
function refuseSecond(file: string): void {
  const before = existsSync(file) ? Number(readFileSync(file, "utf8")) : 0;
  if (before > 0 && before !== process.pid && isAlive(before)) {
    throw new Error(`It is running already, as process ${before}. If that is something else, remove ${file}`);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}

/**
 * Where a free port is looked for: below the range from which systems give ports to connections and to whoever asks for any (Linux
 * begins at 32768, others at 49152). A port from there could be somebody else's by the time it is listened on.
 */
const first = 20_000;
const last = 32_000;
const triesAtMost = 100;

/** `wanted` if nobody listens there, else any free port; `wanted` 0 is any. Rejects if none is found. */
export async function freePort(wanted: number): Promise<number> {
  for (let port = wanted === 0 ? randomInt(first, last) : wanted, tries = 0; tries < triesAtMost; tries += 1) {
    if (await isFree(port)) return port;
    port = randomInt(first, last);
  }
  throw new Error(`no free port was found between ${first} and ${last}`);
}

function isFree(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", () => resolve(false));
    server.listen(port, "127.0.0.1", () => server.close(() => resolve(true)));
  });
}
