/**
 * Names that parts of a contract give themselves: `$self` of a document (OpenAPI 3.2.0, section 4.1.2.2.1), `$id`, `$anchor` and
 * `$dynamicAnchor` of a schema (JSON Schema 2020-12 core, section 8.2). A reference by such a name leads to that part; nothing is
 * fetched for it.
 */

interface Resource {
  readonly file: string;
  /** JSON Pointer. */
  readonly pointer: string;
}

export class Identities {
  /** By absolute or as-written name, without fragment. */
  readonly #resources = new Map<string, Resource>();
  /** File and anchor to JSON Pointer; the first one of a name counts. */
  readonly #anchors = new Map<string, string>();
  /** File to what its references are relative to, where it says so. */
  readonly #bases = new Map<string, string>();

  /** Looks at one object of a file. */
  look(value: Readonly<Record<string, unknown>>, file: string, pointer: string): void {
    const { $self, $id, $anchor, $dynamicAnchor } = value;
    if (pointer === "" && typeof $self === "string") {
      this.#bases.set(file, withoutFragment($self));
      this.#resources.set(withoutFragment($self), { file, pointer });
    }
    if (typeof $id === "string" && !$id.startsWith("#")) {
      const id = withoutFragment($id);
      for (const name of [id, this.#absolute(id, file)])
        if (name !== undefined && !this.#resources.has(name)) this.#resources.set(name, { file, pointer });
    }
    for (const anchor of [$anchor, $dynamicAnchor]) {
      const key = `${file}\n${String(anchor)}`;
      if (typeof anchor === "string" && !this.#anchors.has(key)) this.#anchors.set(key, pointer);
    }
  }

  /** What has given itself the name `reference`, as seen from a file. */
  resource(reference: string, file: string): Resource | undefined {
    const absolute = this.#absolute(reference, file);
    return this.#resources.get(reference) ?? (absolute === undefined ? undefined : this.#resources.get(absolute));
  }

  anchor(file: string, name: string): string | undefined {
    return this.#anchors.get(`${file}\n${name}`);
  }

  /** A reference below the folder of the file's `$self`, as a relative one; others as they are. */
  relative(reference: string, file: string): string {
    const base = this.#bases.get(file);
    const folder = base === undefined || !/^https?:/i.test(base) ? undefined : URL.parse(".", base)?.href;
    return folder !== undefined && reference.startsWith(folder) ? `./${reference.slice(folder.length)}` : reference;
  }

  #absolute(reference: string, file: string): string | undefined {
    const base = this.#bases.get(file);
    return base === undefined ? undefined : URL.parse(reference, base)?.href;
  }
}

function withoutFragment(name: string): string {
  return name.split("#", 1)[0]!;
}
