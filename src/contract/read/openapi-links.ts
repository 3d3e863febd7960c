/** Links of OpenAPI responses (3.2.0, "Link Object"): which operation takes what this one gives. */
import type { LinkModel, OperationModel } from "../model.ts";
import { camelCase, Names } from "./names.ts";
import type { Documents, Place } from "./openapi-documents.ts";

/** An operation as it was read, with the names that the contract has for it. */
export interface LinkedOperation {
  readonly model: OperationModel;
  /** The Operation Object. */
  readonly place: Place;
  readonly answers: readonly (readonly [status: string, place: Place])[];
}

/** The operations with their links. One that leads to no operation of the contract is passed over, with a note. */
export function withLinks(documents: Documents, operations: readonly LinkedOperation[]): OperationModel[] {
  const byId = new Map<string, OperationModel>();
  const byPlace = new Map<string, OperationModel>();
  for (const { model, place } of operations) {
    const id = documents.text(place, "operationId");
    if (id !== undefined) byId.set(id, model);
    byPlace.set(`${place.file}#${place.pointer}`, model);
  }
  const target = (place: Place): OperationModel | undefined => {
    const id = documents.text(place, "operationId");
    const reference = documents.text(place, "operationRef");
    if (id !== undefined) return byId.get(id);
    if (reference === undefined) return undefined;
    try {
      const { file, pointer } = documents.target(place, reference);
      return byPlace.get(`${file}#${pointer}`);
    } catch {
      return undefined; // another contract's operation
    }
  };
  return operations.map(({ model, answers }) => {
    const names = new Names();
    const links: [string, LinkModel][] = [];
    for (const [status, answer] of answers) {
      for (const [name, at] of documents.members(documents.member(answer, "links"))) {
        const link = readLink(documents, at, status, target);
        if (link === undefined) documents.note(at, `the link "${name}" leads to no operation and is passed over`);
        else links.push([names.take(camelCase(name)), link]);
      }
    }
    return links.length === 0 ? model : { ...model, links: Object.fromEntries(links) };
  });
}

function readLink(
  documents: Documents,
  at: Place,
  status: string,
  target: (place: Place) => OperationModel | undefined,
): LinkModel | undefined {
  let place: Place;
  try {
    place = documents.follow(at);
  } catch {
    return undefined; // links are no part of what a contract needs to be called
  }
  const to = target(place);
  if (to === undefined || to.binding.protocol !== "rest") return undefined;
  const { parameters, body } = to.binding;
  const input: [string, unknown][] = [];
  for (const [written, { value }] of documents.members(documents.member(place, "parameters"))) {
    const [, where, name] = /^(?:(path|query|header|cookie)\.)?(.*)$/s.exec(written) ?? [];
    const found = parameters.find((each) => each.name === name && (where === undefined || each.in === where));
    if (found !== undefined) input.push([found.property, value]);
  }
  const request = documents.member(place, "requestBody");
  if (request !== undefined && body !== undefined)
    input.push([body.from.kind === "property" ? body.from.name : "*", request.value]);
  const description = documents.text(place, "description");
  return {
    ...(description === undefined ? {} : { description }),
    status,
    operation: to.name,
    input: Object.fromEntries(input),
  };
}
