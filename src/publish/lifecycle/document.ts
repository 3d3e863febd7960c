/** The state of a version in its OpenAPI document (DS-6): the same facts that its answers carry. */
import type { ApiDefinition } from "../define.ts";
import type { OpenApiDocument } from "../openapi.ts";

const methods: ReadonlySet<string> = new Set(["get", "put", "post", "delete", "patch"]);

/** `x-sunset` and the like are extensions (OpenAPI 3.1.1, section 4.9). Times are ISO 8601. */
export function withLifecycle(document: OpenApiDocument, { lifecycle }: ApiDefinition): OpenApiDocument {
  if (lifecycle.state !== "deprecated") return document;
  const { since, sunset, migration, successor, brownouts } = lifecycle;
  const day = (at: number) => new Date(at).toISOString().slice(0, 10);
  const times = brownouts.map(({ from, until }) => ({
    from: new Date(from).toISOString(),
    until: new Date(until).toISOString(),
  }));
  const planned =
    times.length === 0
      ? ""
      : ` Without service, as a reminder: ${times.map(({ from, until }) => `${from} to ${until}`).join(", ")}.`;
  const notice = `Deprecated since ${day(since)}; it ends on ${day(sunset)}. Its successor is ${successor.href}; how to move: ${migration}${planned}`;
  const { title, version, description, ...rest } = document.info;
  return {
    ...document,
    info: {
      title,
      version,
      description: description === undefined ? notice : `${notice}\n\n${String(description)}`,
      ...rest,
      "x-deprecated-since": new Date(since).toISOString(),
      "x-sunset": new Date(sunset).toISOString(),
      "x-successor": successor.href,
      "x-migration": migration,
      ...(times.length === 0 ? {} : { "x-brownouts": times }),
    },
    paths: Object.fromEntries(
      Object.entries(document.paths).map(([path, item]) => [
        path,
        Object.fromEntries(
          // A path of a given contract has members beside its methods.
          Object.entries(item).map(([name, one]) => [name, methods.has(name) ? { ...one, deprecated: true } : one]),
        ),
      ]),
    ),
  };
}
