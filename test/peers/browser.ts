/** A browser that somebody else wrote, where there is one on this machine: Chromium, driven through playwright-core. */
import { existsSync } from "node:fs";
import { delimiter, join } from "node:path";
import { type Browser, chromium } from "playwright-core";

const names = ["chromium", "chromium-browser", "google-chrome-stable", "google-chrome"];

/** `CHROMIUM`, else the first that the path has. */
function installed(): string | undefined {
  const folders = (process.env.PATH ?? "").split(delimiter);
  const found = folders.flatMap((folder) => names.map((name) => join(folder, name))).find((path) => existsSync(path));
  return process.env.CHROMIUM ?? found;
}

const executable = installed();
/** For `skip` of a test: why there is no browser. */
export const noBrowser: string | false = executable === undefined ? "there is no Chromium on the path" : false;

export function launchBrowser(): Promise<Browser> {
  return chromium.launch({
    executablePath: executable ?? "",
    // Containers have no sandbox of its own and little shared memory; the pages are ours.
    args: ["--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu"],
  });
}
