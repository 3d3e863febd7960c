/**
 * Values that stand elsewhere in the message and are referred to by `href="#id"` (SOAP 1.1, section 5.4.1) or
 * `enc:ref="id"` (SOAP 1.2 part 2, section 3.1.5). A message comes from outside: rings are refused, and what the references
 * unfold to is counted, because a few that point at each other can stand for more than any machine holds.
 */
import { attributeOf, type XmlElement } from "../formats/xml.ts";
import type { Problem } from "../operation.ts";

const soap12 = "http://www.w3.org/2003/05/soap-encoding";
const mostUnfolded = 200_000;
/** References inside each other. */
const deepest = 100;

export class References {
  readonly #byId = new Map<string, XmlElement>();
  readonly #open: XmlElement[] = [];
  #unfolded = 0;
  #told = false;

  constructor(body: readonly XmlElement[]) {
    const waiting = [...body];
    for (let element = waiting.pop(); element !== undefined; element = waiting.pop()) {
      const id = attributeOf(element, "id") ?? attributeOf(element, "id", soap12);
      if (id !== undefined && !this.#byId.has(id)) this.#byId.set(id, element);
      waiting.push(...element.children);
    }
  }

  /** The element that `element` refers to, without reading it. */
  target(element: XmlElement): XmlElement | undefined {
    const reference = referenceOf(element);
    return reference === undefined ? undefined : this.#byId.get(reference);
  }

  /**
   * The element that `element` refers to; `undefined` if it is a value itself. `null`, and a problem, where it can't be
   * followed. Whoever gets one calls `leave` when it is read.
   */
  enter(element: XmlElement, at: string, problems: Problem[]): XmlElement | null | undefined {
    if (this.#open.length > 0 || this.#unfolded > 0) this.#unfolded += 1;
    const reference = referenceOf(element);
    if (reference === undefined && this.#unfolded <= mostUnfolded) return undefined;
    const target = reference === undefined ? undefined : this.#byId.get(reference);
    const message =
      this.#unfolded > mostUnfolded
        ? `its references unfold to more than ${mostUnfolded} values`
        : target === undefined
          ? "refers to an id that stands nowhere in the message"
          : this.#open.includes(target)
            ? "refers to a value that holds it: a ring, which JSON can't hold"
            : this.#open.length >= deepest
              ? `its references are nested deeper than ${deepest}`
              : undefined;
    if (message === undefined && target !== undefined) {
      this.#unfolded += 1;
      this.#open.push(target);
      return target;
    }
    if (!this.#told || this.#unfolded <= mostUnfolded) problems.push({ at, message: message ?? "" });
    this.#told = this.#unfolded > mostUnfolded;
    return null;
  }

  leave(target: XmlElement | undefined | null): void {
    if (target !== undefined && target !== null) this.#open.pop();
  }

  /** Whether an element of the body is only there to be referred to. */
  static isTarget(element: XmlElement): boolean {
    return (
      attributeOf(element, "root", "http://schemas.xmlsoap.org/soap/encoding/")?.trim() === "0" ||
      element.local === "multiRef"
    );
  }
}

function referenceOf(element: XmlElement): string | undefined {
  const href = attributeOf(element, "href");
  return attributeOf(element, "ref", soap12) ?? (href?.startsWith("#") ? href.slice(1) : undefined);
}
