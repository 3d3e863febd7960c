/**
 * `npm run pairs -- DIR --json`: compares every pair in a folder, and says where our verdict agrees with that of the project
 * that wrote the pair, where a ruling says why it does not, and where neither is so. Ends with 1 if there is one of those.
 */
import { parseArgs } from "node:util";
import { casesIn, type Judged, judge } from "./cases.ts";

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { json: { type: "boolean", default: false } },
});
const [folder] = positionals;
if (folder === undefined) {
  console.error("usage: npm run pairs -- DIR [--json]");
  process.exit(2);
}
const cases: Judged[] = [];
for (const name of casesIn(folder)) cases.push(await judge(folder, name));
const agree = cases.filter((each) => each.agree).length;
const ruled = cases.filter((each) => !each.agree && each.ruling !== undefined).length;
const summary = {
  total: cases.length,
  agree,
  ruled,
  open: cases.length - agree - ruled,
  percent: cases.length === 0 ? 0 : Math.round((agree / cases.length) * 1000) / 10,
};
// An object per case and line, the summary last: as the corpus script does it.
if (values.json) for (const one of [...cases, summary]) console.log(JSON.stringify(one));
else {
  for (const { case: name, verdict, theirs, ruling, findings, agree: same } of cases) {
    if (same) continue;
    console.log(`${name}: ours ${verdict}, theirs ${theirs}${ruling === undefined ? "" : `; ruling ${ruling}`}`);
    for (const finding of findings.filter((each) => each.verdict !== "safe").slice(0, 3))
      console.log(`  ${finding.rule} at ${finding.at}: ${finding.reason}`);
  }
  console.log(`${summary.total} pairs: ${agree} agree (${summary.percent} %), ${ruled} ruled, ${summary.open} open`);
}
process.exitCode = summary.open === 0 ? 0 : 1;
