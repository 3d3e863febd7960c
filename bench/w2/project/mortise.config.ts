import { defineConfig, env } from "mortise";

export default defineConfig({
  api: { port: 0 },
  admin: { port: 0 },
  store: env("STORE"),
  limits: { connectionsPerAddress: 1000 },
});
