/** Files of rows: how they are called and cut up, and how a column is written. */
import { canonicalJson } from "../../../formats/json.ts";
import type { CsvBinding, CsvColumn } from "../../model.ts";
import type { Rule } from "./rule.ts";

const ofFile = {
  files: "the file names",
  delimiter: "the delimiter",
  quote: "the quote",
  header: "the row of headings",
} as const;
const ofColumn = {
  pattern: "dates",
  decimalMark: "the decimal mark",
  groupMark: "the group mark",
  truth: "true and false",
} as const;

export const csvFile: Rule = {
  ids: ["csv-file", "csv-column"],
  *event(_both, { name: member, old, now }) {
    if (old.binding.protocol !== "csv" || now.binding.protocol !== "csv") return;
    const was: CsvBinding = old.binding;
    const is: CsvBinding = now.binding;
    const about = { side: "event", member, verdict: "breaking" } as const;
    for (const [part, called] of Object.entries(ofFile) as [keyof typeof ofFile, string][])
      if (was[part] !== is[part])
        yield {
          ...about,
          place: "file",
          rule: "csv-file",
          reason: `${called} changed from ${JSON.stringify(was[part])} to ${JSON.stringify(is[part])}: files can't be read as before`,
        };
    if (!is.header) {
      const order = was.columns.map(({ property }) => property);
      if (canonicalJson(order) !== canonicalJson(is.columns.slice(0, order.length).map(({ property }) => property)))
        yield {
          ...about,
          place: "columns",
          rule: "csv-file",
          reason: "the columns stand in another order, and no heading tells them",
        };
    }
    const after = new Map(is.columns.map((column) => [column.property, column]));
    for (const column of was.columns) {
      const here = after.get(column.property);
      if (here === undefined) continue;
      const place = `column ${column.property}`;
      const strange = here.titles.filter((title) => !column.titles.includes(title));
      if (is.header && strange.length > 0)
        yield { ...about, place, rule: "csv-column", reason: `its heading can be ${JSON.stringify(strange[0])} now` };
      for (const [part, called] of Object.entries(ofColumn) as [keyof typeof ofColumn & keyof CsvColumn, string][])
        if (canonicalJson(column[part] ?? null) !== canonicalJson(here[part] ?? null))
          yield { ...about, place, rule: "csv-column", reason: `${called} are written otherwise` };
      if (here.empty.some((text) => !column.empty.includes(text)))
        yield { ...about, place, rule: "csv-column", reason: "other texts mean that there is nothing" };
      const meant = column.empty.filter((text) => text !== "" && !here.empty.includes(text));
      if (meant.length > 0 && here.as === "text")
        yield {
          ...about,
          place,
          rule: "csv-column",
          verdict: "review",
          reason: `${JSON.stringify(meant[0])} meant that there is nothing, and can be a value now`,
        };
    }
  },
};
