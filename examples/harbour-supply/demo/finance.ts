/** The people of finance, played: each open credit check is answered after a moment's thought, through the admin API. */
import type { Mortise } from "./mortise.ts";

interface Task {
  readonly id: string;
  readonly name: string;
  readonly input: { readonly total: string };
}

/** Above this they say no. */
const tooMuch = 9000;

/** Looks every `everyMs` at the open tasks; returns what ends it. */
export function playFinance(mortise: Mortise, everyMs = 1000): () => void {
  const answered = new Set<string>();
  let busy = false;
  const look = async (): Promise<void> => {
    if (busy) return;
    busy = true;
    try {
      const { tasks } = (await mortise.admin("GET", "/tasks?status=open")) as { readonly tasks: readonly Task[] };
      for (const task of tasks) {
        if (task.name !== "credit-check" || answered.has(task.id)) continue;
        const approved = Number(task.input.total) <= tooMuch;
        const answer = approved ? { approved } : { approved, reason: "more than this customer may owe" };
        await mortise.admin("POST", `/tasks/${encodeURIComponent(task.id)}/answer`, {
          answer,
          reason: "played by finance",
        });
        answered.add(task.id);
      }
    } catch {
      // Mortise is starting or stopping: the task is still there when it is back
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void look(), everyMs);
  return () => clearInterval(timer);
}
