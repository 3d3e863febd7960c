/** `Content-Disposition` of what passes (RFC 6266): always an attachment, so that no browser shows it in our name; the system's file name only as far as it is a plain one. */

const longest = 100;

/** `given`: what the system said. */
export function attachment(given: string | undefined): string {
  const name = given === undefined ? "" : plain(nameIn(given));
  if (name === "") return "attachment";
  const ascii = name.replace(/[^\x20-\x7e]|["\\%]/g, "_");
  const extended = encodeURIComponent(name).replace(/['()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
  return ascii === name
    ? `attachment; filename="${ascii}"`
    : `attachment; filename="${ascii}"; filename*=UTF-8''${extended}`;
}

function nameIn(given: string): string {
  const extended = /;\s*filename\*\s*=\s*utf-8'[\w-]*'([^;\s"]+)/i.exec(given)?.[1];
  if (extended !== undefined) {
    try {
      return decodeURIComponent(extended);
    } catch {
      // The other form may be good.
    }
  }
  const [, quoted, bare] = /;\s*filename\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^;\s"]+))/i.exec(given) ?? [];
  return quoted?.replace(/\\(.)/g, "$1") ?? bare ?? "";
}

/** The last part of a path, without what a file system or a screen could take for something else. */
function plain(name: string): string {
  const last = name.split(/[/\\]/).at(-1) ?? "";
  const clean = last
    .replace(/[\p{C}\p{Zl}\p{Zp}]/gu, "")
    .replace(/[<>:"|?*]/g, "_")
    .replace(/^[. ]+|[. ]+$/g, "");
  return [...clean].slice(0, longest).join("");
}
