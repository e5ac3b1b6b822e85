import type { Client } from "openapi-fetch";
import { OstiaryError } from "./errors.js";
import type { components, paths } from "./generated/api.js";

export type Translation = components["schemas"]["TranslationView"];

/** A text as somebody has edited it. `version` is the one that was loaded, null for a new key. */
export interface EditedTranslation {
  readonly languageCode: string;
  readonly key: string;
  readonly text: string;
  readonly state?: Translation["state"];
  readonly version: number | null;
}

/** Somebody else has saved or deleted the text meanwhile, and nothing was written. */
export interface Conflict {
  readonly mine: EditedTranslation;
  /** The present text; null if it was deleted, or never was. */
  readonly theirs: Translation | null;
  readonly theirName: string | null;
  /** `mine` as it replaces `theirs`: give it to `save`. */
  readonly overwrite: EditedTranslation;
}

export type Saved = { readonly saved: Translation; readonly conflict: null } | { readonly saved: null; readonly conflict: Conflict };

type Api = Client<paths>;
type Unwrap = <T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>) => Promise<T>;

/** Write a text if it is still at its version. */
export async function save(api: Api, unwrap: Unwrap, mine: EditedTranslation): Promise<Saved> {
  const { languageCode, key, text, state, version } = mine;
  const params = { path: { languageCode, key } };
  const header = version === null ? { "If-None-Match": "*" } : { "If-Match": `"${version}"` };
  const body = state ? { text, state } : { text };
  try {
    const saved = await unwrap(
      api.PUT("/api/languages/{languageCode}/translations/{key}", { params: { ...params, header }, body }),
    );
    return { saved, conflict: null };
  } catch (error) {
    if (!(error instanceof OstiaryError) || error.code !== "version_conflict") throw error;
    const theirs = await unwrap(
      api.GET("/api/languages/{languageCode}/translations/{key}", { params }),
    ).catch(nullIfMissing);
    const theirName = error.problem.current?.updatedByName ?? null;
    const overwrite = { ...mine, version: theirs?.version ?? null };
    return { saved: null, conflict: { mine, theirs, theirName, overwrite } };
  }
}

function nullIfMissing(error: unknown): null {
  if (error instanceof OstiaryError && error.code === "not_found") return null;
  throw error;
}
