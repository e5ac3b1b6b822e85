// Both majors of @casl/ability: they load rules, raw and as the server packed them, decide the checks, tell the permitted
// fields of what the checks are about, and pack the rules.
import * as casl6 from "casl6";
import * as extra6 from "casl6/extra";
import * as casl7 from "casl7";
import * as extra7 from "casl7/extra";
import { readFileSync } from "node:fs";

const MAJORS = { 6: [casl6, extra6], 7: [casl7, extra7] };

function decide(casl, rules, checks) {
  const ability = casl.createMongoAbility(rules);
  return checks.map(({ action, subjectType, subject, field }) => {
    const asked = subject === null ? subjectType : casl.subject(subjectType, { ...subject });
    const rule = ability.relevantRuleFor(action, asked, field ?? undefined);
    const allowed = ability.can(action, asked, field ?? undefined);
    const reason = rule?.inverted ? (rule.reason ?? null) : null;
    return { allowed, rule: rule ? ability.rules.indexOf(rule.origin) : null, reason };
  });
}

function permittedFields(casl, extra, rules, checks, fields) {
  const ability = casl.createMongoAbility(rules);
  return checks.map(({ action, subjectType, subject }) => {
    const asked = subject === null ? subjectType : casl.subject(subjectType, { ...subject });
    const fieldsFrom = (rule) => rule.fields ?? fields[subjectType];
    return extra.permittedFieldsOf(ability, action, asked, { fieldsFrom });
  });
}

const { people, checks, aboutFields, fields } = JSON.parse(readFileSync(0, "utf8"));
const answers = Object.entries(MAJORS).map(([major, [casl, extra]]) => [
  major,
  people.map(({ rules, packed }) => ({
    decisions: decide(casl, rules, checks),
    decisionsFromPacked: decide(casl, extra.unpackRules(packed), checks),
    permittedFields: permittedFields(casl, extra, rules, aboutFields, fields),
    packed: extra.packRules(rules),
  })),
]);
process.stdout.write(JSON.stringify(Object.fromEntries(answers)));
