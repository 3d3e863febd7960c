import assert from "node:assert/strict";
import { test } from "node:test";
import { textOfPatterns } from "./example/pattern-text.ts";
import { Random } from "./example/random.ts";
import { compilePattern, isCheckable } from "./pattern.ts";

const password = "^(?=.*[0-9])(?=.*[a-z])(?=.*[A-Z])(?!.*\\s).{8,20}$";

test("look-around at the ends of a pattern means what it means elsewhere", () => {
  const texts = [
    "",
    "a",
    "-",
    "--",
    "b1",
    "abc-def",
    "a--b",
    "-ab",
    "ab-",
    "abcdefgh",
    "Abcdefg1",
    "Abc defg1",
    "ABCDEFG1",
    "Abcdefg1".repeat(4),
    "foo",
    "foobar",
    "barfoo",
    "a\nb1",
    "(",
    ")",
    "x)y",
    "é1",
    "file.tmp",
    "file.txt",
  ];
  for (const pattern of [
    password,
    "^(?!-)(?!.*--)[a-z0-9-]+(?<!-)$",
    "^(?=.{2,5}$)[a-z]",
    "^(?=[)(\\]])",
    "^(?!(?:foo|bar)$).*$",
    "^(?!foo|bar).+$",
    "^.*(?<!\\.tmp)$",
    "^[a-z.]+(?<=t)(?<!b.t)$",
    "^(?=a)",
    "^(?!.*\\d)",
    "^(?!\\s*$).+",
  ]) {
    assert.ok(isCheckable(pattern), pattern);
    const expected = new RegExp(pattern, "u");
    for (const text of texts)
      assert.equal(compilePattern(pattern).test(text), expected.test(text), `${pattern} ${text}`);
  }
});

test("a text is found that a pattern with look-around takes", () => {
  for (const pattern of [
    password,
    "^(?=.*[A-Za-z])(?=.*\\d)(?=.*[@$!%*#?&])[A-Za-z\\d@$!%*#?&]{8,}$",
    "^(?=.{8,20}$)(?![_.])(?!.*[_.]{2})[a-zA-Z0-9._]+(?<![_.])$",
    "^(?!0+$)\\d{4}$",
  ])
    for (let seed = 0; seed < 30; seed++) {
      const text = textOfPatterns([pattern], { least: 0, most: 1000 }, new Random(`seed ${seed}`));
      assert.match(String(text), new RegExp(pattern), `${pattern} seed ${seed}`);
    }
});

test("what can't be taken apart, or has back references, is not checked", () => {
  for (const pattern of [
    "^(?=a)b|c$",
    "(?=a)b",
    "^a(?=b)b$",
    "^((?!foo).)*$",
    "^(a)\\1$",
    "^(?=a)*b",
    "^(?=(?=a)b)c",
    "^(?=[a",
    "^(?=a",
  ])
    assert.ok(!isCheckable(pattern), pattern);
});

test("a hostile pattern with look-around is as fast as any other", () => {
  const pattern = compilePattern("^(?=(a+)+$)(?!(?:b|b)*c)(a|a)*$");
  const text = `${"a".repeat(50_000)}!`;
  const start = performance.now();
  assert.equal(pattern.test(text), false);
  assert.ok(performance.now() - start < 2_000);
});
