/** A port of the server that can't be listened at, as an error with a remedy: which of the two it is, and why. */
import { failure } from "../errors.ts";

/** Resolves and rejects as `opening` does; what the operating system refuses is `server-failed`, with the option that gave the port. */
export async function listening<T>(option: "api" | "admin", opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (cause) {
    const { syscall, code, message, port } = cause as NodeJS.ErrnoException & { readonly port?: number };
    if (syscall !== "listen") throw cause;
    const taken = `the port ${port} of ${option}.port is taken by another program`;
    const why = code === "EADDRINUSE" ? taken : `the address of ${option}.host and ${option}.port can't be used`;
    const reason = `it can't listen, since ${why} (${message}); choose another one in mortise.config.ts`;
    throw failure("server-failed", { reason }, { cause });
  }
}
