/** The package that checks signatures of tokens: for those APIs only that take some. */
let loading: Promise<typeof import("jose")> | undefined;

export function jose(): Promise<typeof import("jose")> {
  loading ??= import("jose");
  return loading;
}
