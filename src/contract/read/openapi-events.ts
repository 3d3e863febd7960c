/** Webhooks (OpenAPI 3.1.0, section 4.8.1) and callbacks (3.0.3, "Callback Object") as events: what the system sends to us. */
import { bodyKind } from "../media.ts";
import type { EventModel, WebhookBinding } from "../model.ts";
import { camelCase, type Names } from "./names.ts";
import { bodyOf } from "./openapi-body.ts";
import type { Documents, Place } from "./openapi-documents.ts";
import { methods } from "./openapi-operation.ts";
import type { Schemas } from "./openapi-schema.ts";

export class Events {
  readonly #documents: Documents;
  readonly #schemas: Schemas;
  readonly #names: Names;
  readonly #events: [string, EventModel][] = [];
  /** Callbacks that several operations share are one event. */
  readonly #seen = new Set<string>();

  constructor(documents: Documents, schemas: Schemas, names: Names) {
    this.#documents = documents;
    this.#schemas = schemas;
    this.#names = names;
  }

  webhooks(webhooks: Place | undefined): void {
    for (const [name, at] of this.#documents.members(webhooks)) this.#item(name, at, undefined);
  }

  /** The callbacks of an operation. */
  callbacks(operation: Place, called: string): void {
    const documents = this.#documents;
    for (const [name, at] of documents.members(documents.member(operation, "callbacks"))) {
      const callback = documents.follow(at);
      for (const [expression, item] of documents.members(callback))
        this.#item(name, item, { operation: called, expression });
    }
  }

  named(): { readonly [name: string]: EventModel } {
    return Object.fromEntries(this.#events);
  }

  #item(written: string, at: Place, callback: WebhookBinding["callback"]): void {
    const documents = this.#documents;
    let item = documents.follow(at);
    if (callback !== undefined && isCallback(item)) {
      // a reference to a whole callback where one of its items is meant
      const [inner] = documents.members(item);
      if (inner === undefined) return;
      item = documents.follow(inner[1]);
    }
    for (const method of methods) {
      const operation = documents.member(item, method);
      if (operation === undefined) continue;
      const id = `${operation.file}#${operation.pointer}`;
      if (this.#seen.has(id)) return;
      this.#seen.add(id);
      this.#event(written, item, operation, callback);
    }
  }

  #event(written: string, item: Place, operation: Place, callback: WebhookBinding["callback"]): void {
    const documents = this.#documents;
    const request = documents.member(operation, "requestBody");
    const content = request === undefined ? undefined : documents.member(documents.follow(request), "content");
    const body = bodyOf(documents, this.#schemas, content);
    // A notice without a readable body tells nothing that a process could wait for.
    if (body === undefined || bodyKind(body.mediaType) !== "json") {
      documents.note(operation, `"${written}" has no JSON body and becomes no event`);
      return;
    }
    const name = this.#names.take(camelCase(written));
    const summary = documents.text(operation, "summary");
    const description = documents.text(operation, "description");
    const correlation = correlationOf(documents, operation) ?? correlationOf(documents, item);
    this.#events.push([
      name,
      {
        name,
        ...(summary === undefined ? {} : { summary }),
        ...(description === undefined ? {} : { description }),
        payload: body.schema,
        ...(correlation === undefined ? {} : { correlation }),
        binding: {
          protocol: "webhook",
          mediaType: body.mediaType,
          ...(callback === undefined ? {} : { callback }),
        },
      },
    ]);
  }
}

function isCallback({ value }: Place): boolean {
  if (typeof value !== "object" || value === null) return false;
  const names = Object.keys(value).filter((name) => !name.startsWith("x-"));
  return names.length > 0 && names.every((name) => name.includes("{$") || /^https?:/.test(name));
}

function correlationOf(documents: Documents, owner: Place): string | undefined {
  const at = documents.member(owner, "x-mortise-correlation");
  if (at === undefined) return undefined;
  if (typeof at.value === "string" && /^(\/([^~/]|~[01])*)+$/.test(at.value)) return at.value;
  throw documents.unreadable(at, 'a correlation is a JSON Pointer into the payload, such as "/orderId"');
}
