import { createMongoAbility, subject as named, type AnyMongoAbility } from "@casl/ability";
import type { components } from "./generated/api.js";
import { ID_ATTRIBUTES, OWNER_ATTRIBUTES, type Action, type SubjectType } from "./generated/subjects.js";

/** Who is signed in, and what they may do: the answer to `GET /api/session`. */
export type Session = components["schemas"]["WhoAmI"];

/**
 * Which subject is meant: its id (a code of a language, the id of a user; of a Session or Key the id of its owner), `me`
 * for the signed-in user, or an object of the API. Null: is there possibly one?
 */
export type SubjectId = string | object | null;

export interface Decision {
  readonly allowed: boolean;
  /** Why not, where the policy says so. */
  readonly reason: string | null;
}

/** May they? `can(action, subject)` asks about the type, `can(action, subject, id)` about one subject. */
export interface Can {
  (action: Action, subject: SubjectType): boolean;
  (action: Action, subject: SubjectType, id: SubjectId, field?: string): boolean;
}

/** A question to `Can`, of which the length tells whether it names a subject. */
export type CanQuestion = [action: Action, subject: SubjectType, id?: SubjectId, field?: string];

// `me` is the signed-in user in the place of these ids.
const BY_USER_ID: readonly SubjectType[] = ["User", "ServiceAccount"];
const DENIED: Decision = { allowed: false, reason: null };
const abilities = new WeakMap<Session, AnyMongoAbility>();

/** What the rules of a session say. A missing id (undefined) is denied: it is never taken for a question about the type. */
export function decide(
  session: Session | null,
  action: Action,
  subject: SubjectType,
  id: SubjectId | undefined,
  field?: string,
): Decision {
  if (!session || id === undefined) return DENIED;
  const ability: AnyMongoAbility = abilities.get(session) ?? createMongoAbility(session.rules as never);
  abilities.set(session, ability);
  const rule = ability.relevantRuleFor(action, subjectOf(session, subject, id) as never, field);
  return rule && !rule.inverted ? { allowed: true, reason: null } : { allowed: false, reason: rule?.reason || null };
}

/** `can` with the rules of a session. */
export function canOf(session: Session | null): Can {
  return (...question: CanQuestion) => {
    const [action, subject, id, field] = question;
    return decide(session, action, subject, question.length > 2 ? id : null, field).allowed;
  };
}

function subjectOf(session: Session, type: SubjectType, id: SubjectId): unknown {
  const owner = (OWNER_ATTRIBUTES as Record<string, string>)[type];
  const attribute = owner ?? (ID_ATTRIBUTES as Record<string, string>)[type];
  // A new object each time, because `subject` marks the one that it is given.
  if (typeof id === "object") return id ? named(type, { ...id }) : type;
  if (!attribute) return type; // there is one policy
  return named(type, { [attribute]: id === "me" && (owner || BY_USER_ID.includes(type)) ? session.user?.id : id });
}
