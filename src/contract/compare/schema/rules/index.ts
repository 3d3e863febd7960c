/** Every rule about what a value may be. What lies inside a value is walked by walk.ts, which has the rules for members and options. */
import type { SchemaRule } from "../rule.ts";
import { allowedValuesRule } from "./allowed-values.ts";
import { conditionRule } from "./condition.ts";
import { dependentPropertiesRule } from "./dependent-properties.ts";
import { formatRule } from "./format.ts";
import { kindRule } from "./kind.ts";
import { listLengthRule } from "./list-length.ts";
import { multipleOfRule } from "./multiple-of.ts";
import { namedPartRule } from "./named-part.ts";
import { numberRangeRule } from "./number-range.ts";
import { patternRule } from "./pattern.ts";
import { propertyCountRule } from "./property-count.ts";
import { propertyNamesRule } from "./property-names.ts";
import { requiredPropertyRule } from "./required-property.ts";
import { textLengthRule } from "./text-length.ts";

export const schemaRules: readonly SchemaRule[] = Object.freeze([
  kindRule,
  allowedValuesRule,
  numberRangeRule,
  multipleOfRule,
  textLengthRule,
  patternRule,
  formatRule,
  listLengthRule,
  requiredPropertyRule,
  propertyCountRule,
  propertyNamesRule,
  dependentPropertiesRule,
  conditionRule,
  namedPartRule,
]);
