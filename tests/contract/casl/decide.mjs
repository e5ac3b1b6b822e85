// Loads rules into @casl/ability 6 and 7. Reads JSON from standard input: the rules of several people, checks, and the
// field names of each subject type. Writes JSON: per major version and person the decisions on the checks, the permitted
// fields for the checks without a field, and the packed rules.
import * as casl6 from "casl6";
import * as extra6 from "casl6/extra";
import * as casl7 from "casl7";
import * as extra7 from "casl7/extra";
import { readFileSync } from "node:fs";

const VERSIONS = { 6: [casl6, extra6], 7: [casl7, extra7] };

function subjectOf(casl, { subjectType, subject }) {
  return subject === null ? subjectType : casl.subject(subjectType, { ...subject });
}

function decide(casl, rules, checks) {
  const ability = casl.createMongoAbility(rules);
  return checks.map((check) => {
    const question = [check.action, subjectOf(casl, check), check.field ?? undefined];
    const rule = ability.relevantRuleFor(...question);
    const reason = rule?.inverted ? (rule.reason ?? null) : null;
    return { allowed: ability.can(...question), rule: rule ? ability.rules.indexOf(rule.origin) : null, reason };
  });
}

function permittedFields(casl, extra, rules, checks, fields) {
  const ability = casl.createMongoAbility(rules);
  return checks.map((check) => {
    const fieldsFrom = (rule) => rule.fields ?? fields[check.subjectType];
    return extra.permittedFieldsOf(ability, check.action, subjectOf(casl, check), { fieldsFrom });
  });
}

const { people, checks, checksWithoutField, fields } = JSON.parse(readFileSync(0, "utf8"));
const results = Object.entries(VERSIONS).map(([version, [casl, extra]]) => [
  version,
  people.map((rules) => ({
    decisions: decide(casl, rules, checks),
    permittedFields: permittedFields(casl, extra, rules, checksWithoutField, fields),
    packed: extra.packRules(rules),
  })),
]);
process.stdout.write(JSON.stringify(Object.fromEntries(results)));
