import { defineConfig, env, secret } from "mortise";

export default defineConfig({
  api: { port: env("HARBOUR_API_PORT", "8080") },
  admin: { port: env("HARBOUR_ADMIN_PORT", "8081") },
  store: env("HARBOUR_STORE", ".mortise/store"),
  secrets: env("HARBOUR_SECRETS", ".mortise/secrets"),
  encryption: { key: secret("STORE_KEY") }, // made by the first start
  log: { level: env("HARBOUR_LOG", "info") },
});
