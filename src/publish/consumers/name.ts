/**
 * Names of consumers. Tokens bring what their issuer calls somebody (`auth0|62f`, `https://client.example`), and whoever can call can be disabled,
 * have a plan and be named in a preview. A name goes into logs, limits and records: it is bounded, and plain.
 */
export const consumerForm = /^[^\p{Cc}\p{Cs}]{1,200}$/u;
