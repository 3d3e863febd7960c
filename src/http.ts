/**
 * Node's HTTP without what its import brings along: an import reads every name of a built-in module, and three of this one's (`WebSocket`,
 * `CloseEvent`, `MessageEvent`) load a second HTTP client, which nobody here uses: 70 ms of each thread, and of each command.
 */
export const { Agent, createServer, get, request, STATUS_CODES } = process.getBuiltinModule("node:http");
