export function checks(key: string): {
  letIn(authorization: string | undefined): boolean;
  within(caller: string): boolean;
};
