/** Watches the folder of every system of files, and delivers what is dropped there. */
import { resolve } from "node:path";
import { checkFolder, type FolderWatch, watchFolder } from "../../connectors/files.ts";
import type { ContractModel } from "../../contract/model.ts";
import type { Surface } from "../apis/surface.ts";
import type { Deliver } from "./deliver.ts";

export interface FileTriggers {
  /** Makes sure that the folders of this surface can be watched. Throws `files-settings`. */
  check(surface: Surface): Promise<void>;
  /** Watches the folders of this surface from now on, and no others. A system that stays as it is is watched on. Rejects with the first that can't be watched. */
  watch(surface: Surface): Promise<void>;
  /** A file that is not through by then is taken up again at the next start. */
  stop(withinMs: number): Promise<void>;
}

/** How long a reload waits for the file under way in a folder that is watched in another way from then on. */
const changeMs = 2_000;

interface Place {
  readonly name: string;
  readonly folder: string;
  readonly model: ContractModel;
}

export function openFileTriggers(deliver: Deliver): FileTriggers {
  const watched = new Map<string, Place & { readonly watch: FolderWatch }>();
  const stop = async (name: string, withinMs: number): Promise<void> => {
    const { watch } = watched.get(name) ?? {};
    watched.delete(name);
    await watch?.stop(withinMs);
  };
  const isWatched = ({ name, folder, model }: Place): boolean => {
    const known = watched.get(name);
    return known !== undefined && known.folder === folder && known.model === model;
  };
  return {
    async check(surface) {
      for (const place of placesOf(surface)) if (!isWatched(place)) await checkFolder(place);
    },
    async watch(surface) {
      const places = placesOf(surface);
      const staying = new Set(places.filter(isWatched).map(({ name }) => name));
      for (const name of [...watched.keys()]) if (!staying.has(name)) await stop(name, changeMs);
      for (const place of places) {
        const { name, folder, model } = place;
        if (staying.has(name)) continue;
        const watch = await watchFolder({
          folder,
          model,
          async deliver(event, payload, { id }) {
            await deliver({ system: name, event, payload, delivery: id, origin: `file:${name}` });
          },
        });
        watched.set(name, { ...place, watch });
      }
    },
    async stop(withinMs) {
      await Promise.all([...watched.keys()].map((name) => stop(name, withinMs)));
    },
  };
}

function placesOf({ project, settings }: Surface): readonly Place[] {
  return [...project.systems.values()]
    .filter(({ connector }) => connector === "files")
    .map(({ name, contract }) => ({
      name,
      folder: resolve(project.folder, settings.get(name)?.connection ?? ""),
      model: contract,
    }));
}
