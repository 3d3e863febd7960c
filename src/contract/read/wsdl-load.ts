/**
 * Reads the files of a WSDL contract: the definitions, and every schema that they hold, import or include, across files
 * and in rings. What comes out has no imports left in it.
 */
import { failure, MortiseError } from "../../errors.ts";
import { attributeOf, parseXml, placeOf, type XmlElement, type XmlTrouble } from "../../formats/xml.ts";
import { yaml } from "./document.ts";
import { type ContractFile, type ContractFiles, foreign } from "./source.ts";
import { isKnownSchema, knownNamespaces, knownSchema } from "./wsdl-known.ts";
import { drafts, type SchemaDocument, Schemas, schemaChildren, unreadableAt, xsd } from "./xsd-schemas.ts";

/** The namespace of WSDL 1.1. */
export const wsdl = "http://schemas.xmlsoap.org/wsdl/";

/** Contracts are large: some declare hundreds of namespaces at the top. */
export const wsdlLimits = Object.freeze({
  depth: 256,
  attributes: 4096,
  elements: 2_000_000,
  bytes: 64 * 1024 * 1024,
});

export interface Definitions {
  readonly file: string;
  readonly root: XmlElement;
  readonly namespace: string;
}

export interface LoadedWsdl {
  /** The entry first. */
  readonly definitions: readonly Definitions[];
  readonly schemas: Schemas;
}

// Namespaces whose few names are built in (xsd-builtin.ts): their documents are never fetched.
const wellKnown = new Set([
  xsd,
  "http://www.w3.org/XML/1998/namespace",
  "http://www.w3.org/2005/05/xmlmime",
  "http://schemas.xmlsoap.org/soap/encoding/",
  "http://schemas.xmlsoap.org/wsdl/",
]);

/** Loads everything that the entry refers to. Rejects with `contract-unreadable`. */
export async function loadWsdl(files: ContractFiles): Promise<LoadedWsdl> {
  const loader = new Loader(files);
  await loader.document(files.entry);
  await loader.addKnown();
  return { definitions: loader.definitions, schemas: loader.schemas };
}

class Loader {
  readonly definitions: Definitions[] = [];
  readonly schemas = new Schemas();
  readonly #files: ContractFiles;
  readonly #parsed = new Map<string, XmlElement>();
  readonly #loaded = new Set<string>();
  /** File and effective namespace of each schema that was taken: what ends rings of includes. */
  readonly #taken = new Set<string>();
  readonly #namespaces = new Set<string>();
  #urls: Promise<ReadonlyMap<string, string>> | undefined;

  constructor(files: ContractFiles) {
    this.#files = files;
  }

  /** A file that is either a WSDL or, as some import it, a schema. */
  async document(file: ContractFile): Promise<void> {
    if (this.#loaded.has(file.path)) return;
    this.#loaded.add(file.path);
    const given = this.#parse(file);
    const root = given.namespace === "" && given.local === "definitions" ? inWsdl(given) : given;
    if (root.namespace === xsd && root.local === "schema") return this.#schema(file.path, root, undefined);
    if (root.namespace === "http://www.w3.org/ns/wsdl")
      throw unreadableAt(file.path, root, "this is WSDL 2.0, and only WSDL 1.1 is read");
    if (root.namespace !== wsdl || root.local !== "definitions")
      throw unreadableAt(file.path, root, `<${root.local}> is neither a WSDL 1.1 document nor a schema`);
    this.definitions.push({ file: file.path, root, namespace: attributeOf(root, "targetNamespace") ?? "" });
    for (const child of root.children) {
      if (child.namespace !== wsdl) continue;
      if (child.local === "import") {
        const location = attributeOf(child, "location");
        if (location !== undefined) await this.document(await this.#read(location, file.path, child));
      } else if (child.local === "types") {
        for (const schema of child.children) {
          if (schema.namespace !== xsd) continue;
          if (schema.local === "schema") await this.#schema(file.path, schema, undefined);
          else await this.#schemaImport(file.path, schema, "");
        }
      }
    }
  }

  /** Adds the schemas that are known, where no file of the contract is one of them; many use their names and import nothing. */
  async addKnown(): Promise<void> {
    for (const namespace of knownNamespaces)
      if (!this.#namespaces.has(namespace)) await this.#schema(namespace, knownSchema(namespace), undefined);
  }

  /** @param including Namespace of the schema that includes this one. */
  async #schema(file: string, root: XmlElement, including: string | undefined): Promise<void> {
    const own = attributeOf(root, "targetNamespace");
    if (including !== undefined && own !== undefined && own !== including)
      throw unreadableAt(file, root, `it is included into the namespace ${including}, but its own is ${own}`);
    const namespace = own ?? including ?? "";
    const key = `${file} ${placeOf(root)} ${namespace}`;
    if (this.#taken.has(key)) return;
    this.#taken.add(key);
    const document: SchemaDocument = {
      file,
      root,
      namespace,
      chameleon: own === undefined && namespace !== "",
      elementsQualified: attributeOf(root, "elementFormDefault") === "qualified",
      attributesQualified: attributeOf(root, "attributeFormDefault") === "qualified",
    };
    this.#namespaces.add(namespace);
    this.schemas.add(document);
    for (const child of schemaChildren(root)) {
      await this.#schemaImport(file, child, namespace);
      if (child.local === "redefine") this.schemas.redefine(document, child);
    }
  }

  /** An `import`, `include` or `redefine`; anything else is passed over. */
  async #schemaImport(file: string, child: XmlElement, namespace: string): Promise<void> {
    const location = attributeOf(child, "schemaLocation")?.trim() ?? "";
    const wanted = child.local === "import" ? (attributeOf(child, "namespace") ?? "") : "";
    if (isKnownSchema(wanted) && /^https?:/i.test(location) && !(await this.#isMapped(location))) return;
    if (location === "" || !/^(import|include|redefine)$/.test(child.local)) return;
    if (wellKnown.has(wanted)) return;
    const target = await this.#readSchema(location, file, child, child.local === "import" ? wanted : namespace);
    if (target === undefined) return;
    const found = this.#parse(target);
    if (found.namespace === wsdl && found.local === "definitions") {
      // Some point at the WSDL that holds the schema.
      await this.document(target);
      return;
    }
    if (found.namespace !== xsd || found.local !== "schema")
      throw unreadableAt(
        target.path,
        found,
        `<${found.local}> is not a schema: its namespace is "${found.namespace}", not ${xsd}`,
      );
    // The namespace that an import states is not compared: if it is wrong, the names that need it dangle and say so.
    await this.#schema(target.path, found, child.local === "import" ? undefined : namespace);
  }

  #parse(file: ContractFile): XmlElement {
    let root = this.#parsed.get(file.path);
    if (root === undefined) {
      try {
        const { bytes, charset } = declaredFirst(file.bytes);
        root = withoutDrafts(parseXml(bytes, wsdlLimits, charset));
        if (bytes !== file.bytes)
          this.schemas.notes.add(file.path, root, "the XML declaration does not stand at the start of the document");
      } catch (cause) {
        if (!(cause instanceof MortiseError)) throw cause;
        const { place, reason } = cause.details as XmlTrouble;
        throw failure("contract-unreadable", { file: file.path, place, reason }, { cause });
      }
      this.#parsed.set(file.path, root);
    }
    return root;
  }

  /** What stands at another place is not read. That is a fault only where something of it is needed; `undefined` until then. */
  async #readSchema(
    location: string,
    from: string,
    element: XmlElement,
    namespace: string,
  ): Promise<ContractFile | undefined> {
    try {
      return await this.#read(location, from, element);
    } catch (refused) {
      const elsewhere = refused instanceof MortiseError && refused.message.includes(foreign);
      // The location of an import is a hint (XML Schema 1.0 part 1, section 4.2.3); what is included has to be there.
      if (element.local !== "import" || !/^https?:/i.test(location) || !elsewhere) throw refused;
      const reason = `"${location.slice(0, 200)}" can't be read: ${foreign}`;
      this.schemas.miss(namespace, reason);
      this.schemas.notes.add(from, element, reason);
      return undefined;
    }
  }

  async #isMapped(location: string): Promise<boolean> {
    this.#urls ??= this.#manifest();
    return (await this.#urls).has(location);
  }

  async #read(location: string, from: string, element: XmlElement): Promise<ContractFile> {
    const place = placeOf(element);
    try {
      return await this.#files.read(location, from, place);
    } catch (refused) {
      if (!/^https?:/i.test(location)) throw refused;
      this.#urls ??= this.#manifest();
      const mapped = (await this.#urls).get(location);
      if (mapped === undefined) throw refused;
      return this.#files.read(mapped, this.#files.entry.path, place);
    }
  }

  /** `manifest.yml` beside the entry: under `mappings` a file for each URL, for contracts whose imports are addresses. */
  async #manifest(): Promise<ReadonlyMap<string, string>> {
    const urls = new Map<string, string>();
    let text: string;
    try {
      text = (await this.#files.read("manifest.yml", this.#files.entry.path)).text;
    } catch {
      return urls;
    }
    const facts: unknown = yaml().parse(text, { maxAliasCount: 0 });
    const mappings: unknown = (facts as { mappings?: unknown } | null)?.mappings;
    if (typeof mappings !== "object" || mappings === null) return urls;
    for (const [url, file] of Object.entries(mappings)) if (typeof file === "string") urls.set(url, file);
    return urls;
  }
}

/** White space or a comment before the XML declaration, as many servers and licences put it there: the declaration is blanked, so that places stay. */
function declaredFirst(bytes: Uint8Array): { readonly bytes: Uint8Array; readonly charset?: string } {
  const start = Buffer.from(bytes.subarray(0, 8192)).toString("latin1");
  const found = /^((?:\s|<!--(?:(?!-->)[\s\S])*-->)+)(<\?xml\s[^>]*\?>)/.exec(start);
  if (found === null) return { bytes };
  const [, before = "", declaration = ""] = found;
  const blanked = Buffer.from(bytes);
  blanked.fill(" ", before.length, before.length + declaration.length);
  const charset = /\sencoding\s*=\s*["']([\w.-]+)["']/.exec(declaration)?.[1];
  return { bytes: blanked, ...(charset === undefined ? {} : { charset }) };
}

/** Some write a WSDL without any namespace. */
function inWsdl(element: XmlElement): XmlElement {
  if (element.namespace !== "") return element;
  return { ...element, namespace: wsdl, children: element.children.map(inWsdl) };
}

/** Elements of the drafts of XML Schema as those of the standard. */
function withoutDrafts(element: XmlElement): XmlElement {
  let children = element.children;
  for (const [index, child] of element.children.entries()) {
    const changed = withoutDrafts(child);
    if (changed === child) continue;
    if (children === element.children) children = [...children];
    (children as XmlElement[])[index] = changed;
  }
  const draft = drafts.has(element.namespace);
  return draft || children !== element.children
    ? { ...element, namespace: draft ? xsd : element.namespace, children }
    : element;
}
