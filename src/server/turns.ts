/** Acts that change the running server, one at a time: deployments, reloads, secrets. */

/** Does it when all that came before has ended, however it ended. */
export type InTurn = <T>(act: () => Promise<T>) => Promise<T>;

export function takeTurns(): InTurn {
  let last: Promise<unknown> = Promise.resolve();
  return (act) => {
    const turn = last.then(act, act);
    last = turn.catch(() => {});
    return turn;
  };
}
