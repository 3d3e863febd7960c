/**
 * The admin API of the project's running server, as commands use it. Where it is, and a token for this user, stand in `admin.json` in
 * the store's folder (written by the server, readable by its user only), or in MORTISE_ADMIN_URL and MORTISE_ADMIN_TOKEN.
 */
import { readFileSync } from "node:fs";
import { userInfo } from "node:os";
import { join, resolve } from "node:path";
import { type ErrorCode, errorTable, failure, MortiseError } from "../errors.ts";
import { request } from "../http.ts";
import type { Context } from "./context.ts";
import { projectFolder } from "./project-folder.ts";

export interface AdminClient {
  /** The answer's JSON. Throws the error that the server answered, `server-unreachable` or `server-token`. */
  get(path: string, query?: Readonly<Record<string, string | number | undefined>>): Promise<never>;
  post(path: string, body: Readonly<Record<string, unknown>>): Promise<never>;
}

interface Address {
  readonly url: string;
  readonly token: string;
}

/** Answers of the admin API are small; more than this is a defect. */
const longestAnswer = 64 * 1024 * 1024;
const patience = 30_000;

/** `patienceMs`: how long an answer may take. Default 30 seconds. */
export async function adminClient(context: Context, patienceMs = patience): Promise<AdminClient> {
  const { url, token } = await addressOf(context);
  if (!URL.canParse(url) || new URL(url).protocol !== "http:")
    throw failure("option-invalid", {
      option: "MORTISE_ADMIN_URL",
      reason: "it must be a URL such as http://127.0.0.1:8081",
    });
  if (!/^[\x21-\x7e]+$/.test(token))
    throw failure("option-invalid", { option: "MORTISE_ADMIN_TOKEN", reason: "a token is one word without spaces" });
  const send = async (method: string, path: string, body?: unknown): Promise<never> => {
    const { status, text } = await exchange(new URL(path, url), method, token, body, patienceMs);
    let answer: unknown;
    try {
      answer = JSON.parse(text);
    } catch {
      throw failure("server-unreachable", {
        address: url,
        reason: `what answers there is no Mortise (status ${status})`,
      });
    }
    if (status >= 400) throw problem(answer as ProblemAnswer, status);
    return answer as never;
  };
  return {
    get(path, query = {}) {
      const given = Object.entries(query).filter(([, value]) => value !== undefined);
      const text = new URLSearchParams(
        given.map(([name, value]): [string, string] => [name, String(value)]),
      ).toString();
      return send("GET", text === "" ? path : `${path}?${text}`);
    },
    post: (path, body) => send("POST", path, body),
  };
}

async function addressOf(context: Context): Promise<Address> {
  const { env, folder } = context.io;
  const { MORTISE_ADMIN_URL: url, MORTISE_ADMIN_TOKEN: token } = env;
  if (url !== undefined && token !== undefined) return { url, token };
  const project = projectFolder(folder, context.project);
  const file = join(await storeFolder(project, env), "admin.json");
  let written: Partial<Address>;
  try {
    written = JSON.parse(readFileSync(file, "utf8")) as Partial<Address>;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT")
      throw failure("server-unreachable", { address: project, reason: "it is not running" });
    throw failure("server-token", { address: url ?? project, file }, { cause: error });
  }
  const found = { url: url ?? written.url, token: token ?? written.token };
  if (found.url === undefined || found.token === undefined)
    throw failure("server-token", { address: found.url ?? project, file });
  return found as Address;
}

/** The store's folder, from the configuration; loaded only where it says something else than the default. */
export async function storeFolder(project: string, env: Context["io"]["env"]): Promise<string> {
  const text = readFileSync(join(project, "mortise.config.ts"), "utf8");
  if (!/\bstore\b/.test(text)) return join(project, ".mortise");
  const { loadConfig } = await import("../server/project/load-config.ts");
  return resolve(project, (await loadConfig(project, env)).store);
}

function exchange(
  url: URL,
  method: string,
  token: string,
  body: unknown,
  patienceMs: number,
): Promise<{ readonly status: number; readonly text: string }> {
  const unreachable = (reason: string): MortiseError => failure("server-unreachable", { address: url.origin, reason });
  return new Promise((resolve, reject) => {
    const headers = {
      authorization: `Bearer ${token}`,
      accept: "application/json",
      "x-mortise-by": user(),
      ...(body === undefined ? {} : { "content-type": "application/json" }),
    };
    const sent = request(url, { method, headers, agent: false, timeout: patienceMs }, (answer) => {
      const parts: Buffer[] = [];
      let length = 0;
      answer.on("data", (part: Buffer) => {
        length += part.length;
        if (length > longestAnswer) sent.destroy(new Error("its answer is too long"));
        else parts.push(part);
      });
      answer.on("end", () => resolve({ status: answer.statusCode ?? 0, text: Buffer.concat(parts).toString("utf8") }));
      answer.on("error", (error) => reject(unreachable(error.message)));
    });
    sent.on("timeout", () => sent.destroy(new Error(`no answer in ${patienceMs / 1000} seconds`)));
    sent.on("error", (error: NodeJS.ErrnoException) =>
      reject(unreachable(error.code === "ECONNREFUSED" ? "nothing listens there" : error.message)),
    );
    sent.end(body === undefined ? undefined : JSON.stringify(body));
  });
}

/** Who is at the command line, for the audit. */
export function user(): string {
  try {
    return userInfo()
      .username.replace(/[^A-Za-z0-9._@-]/g, "_")
      .slice(0, 64);
  } catch {
    return "unknown"; // a user without an entry in the system's list
  }
}

/** RFC 9457, section 3.1. */
interface ProblemAnswer {
  readonly type?: string;
  readonly code?: string;
  readonly detail?: string;
  readonly title?: string;
  readonly errors?: unknown;
  /** Of a refused reload: what is wrong, each with file and line. */
  readonly problems?: unknown;
}

/** The error that the server answered, with its code. */
function problem(answer: ProblemAnswer, status: number): MortiseError {
  const code = answer.code ?? answer.type?.split(/[/#:]/).at(-1) ?? "";
  const message = answer.detail ?? answer.title ?? `The server answered ${status}.`;
  const known: ErrorCode = Object.hasOwn(errorTable, code) ? (code as ErrorCode) : "internal";
  return new MortiseError(known, message, { details: answer.errors ?? answer.problems });
}
