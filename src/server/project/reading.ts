/** Reading the project again: what was read is kept only once it is served. */
import { openModules } from "./modules/modules.ts";
import { loadProject, type Project } from "./project.ts";

export interface Reader {
  /** Throws `project-invalid`. `keep`: call it when the project is served; what does not change is taken from it then. */
  read(): Promise<{ readonly project: Project; readonly keep: () => void }>;
}

/** `folder`: of the project, absolute. */
export function openReader(folder: string): Reader {
  const modules = openModules({ folder });
  return {
    async read() {
      let keep = (): void => {};
      const project = await loadProject(folder, async (_, files) => {
        const round = await modules.load(files);
        keep = round.keep;
        return round;
      });
      return { project, keep: () => keep() };
    },
  };
}
