/** Every rule about contracts. */
import { answer } from "./answer.ts";
import { answerHeader } from "./answer-header.ts";
import { csvFile } from "./csv-file.ts";
import { effect } from "./effect.ts";
import { event } from "./event.ts";
import { httpBinding } from "./http-binding.ts";
import { key } from "./key.ts";
import { operationAdded } from "./operation-added.ts";
import { operationRemoved } from "./operation-removed.ts";
import { parameter } from "./parameter.ts";
import { parameterValue } from "./parameter-value.ts";
import { requestBody } from "./request-body.ts";
import type { Rule } from "./rule.ts";
import { security } from "./security.ts";
import { servers } from "./servers.ts";
import { soapBinding } from "./soap-binding.ts";
import { sqlStatement } from "./sql-statement.ts";
import { values } from "./values.ts";

export const contractRules: readonly Rule[] = Object.freeze([
  operationRemoved,
  operationAdded,
  effect,
  key,
  security,
  parameter,
  parameterValue,
  requestBody,
  answer,
  answerHeader,
  values,
  soapBinding,
  httpBinding,
  sqlStatement,
  event,
  csvFile,
  servers,
]);
