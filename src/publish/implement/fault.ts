/** An answer that a given contract declares as an error, as a value: `stock === null ? fault("notFound", { message: "..." }) : { ... }`. */

export class DeclaredAnswer<N extends string = string, D = unknown> {
  /** The fault's name in `contract.ts`. */
  readonly fault: N;
  readonly detail: D;
  constructor(name: N, detail: D) {
    this.fault = name;
    this.detail = detail;
  }
}

/** Answers with a fault that the contract declares. `detail` is the body. */
export function fault<const N extends string, D>(name: N, detail: D): DeclaredAnswer<N, D> {
  return Object.freeze(new DeclaredAnswer(name, detail));
}
