// Made by `make client` from app/guards/policy.py. Do not edit.

export type Action = "create" | "read" | "update" | "administer" | "translate" | "delete";
export type SubjectType = "Language" | "Translation" | "User" | "ServiceAccount" | "Session" | "Key" | "AuditEvent" | "Policy" | "Job";

/** The attribute that an id is compared with. */
export const ID_ATTRIBUTES = {
  "Language": "code",
  "Translation": "languageCode",
  "User": "id",
  "ServiceAccount": "id",
  "AuditEvent": "id",
  "Job": "id"
} as const;
/** The attribute with the id of the owner, of the types that rules know by their owner alone. */
export const OWNER_ATTRIBUTES = {
  "Session": "userId",
  "Key": "userId"
} as const;
