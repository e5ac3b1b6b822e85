import type { components } from "./generated/api.js";
import type { Texts } from "./texts/texts_of.js";

export type Problem = components["schemas"]["Problem"];
/** A code of docs/errors.md. */
export type ProblemCode = Problem["code"];

/** A refusal or failure of the service, or of what stands before it. */
export class OstiaryError extends Error {
  override readonly name = "OstiaryError";
  readonly code: ProblemCode;
  readonly status: number;
  /** What to write beside each field of a form, by the name of the field. Empty unless the status is 422. */
  readonly fields: Readonly<Record<string, string>>;
  /** After how many seconds to try again; null where the service does not say so. */
  readonly retryAfter: number | null;

  constructor(
    readonly problem: Problem,
    retryAfter: string | null,
    private readonly texts: Texts | undefined,
  ) {
    super(problem.detail ?? problem.title);
    this.code = problem.code;
    this.status = problem.status;
    this.retryAfter = retryAfter === null || Number.isNaN(+retryAfter) ? null : +retryAfter;
    this.fields = Object.fromEntries(
      (problem.errors ?? []).map(({ field, code, message, params }) => [field, texts?.field(code, params ?? {}) ?? message]),
    );
  }

  /** What to show to people: of the option `texts`, else in the words and the language of the service. */
  text(): string {
    return this.texts?.problem(this.code, this.problem.params ?? {}) ?? this.problem.text;
  }
}

/** The error of an answer that is not a success, whose body has been read: JSON, or the text of something else. */
export function errorOf(response: Response, body: unknown, texts?: Texts): OstiaryError {
  const { status, headers } = response;
  const problem = typeof body === "object" && body !== null && "code" in body ? (body as Problem) : notOurs(status);
  return new OstiaryError(problem, headers.get("Retry-After"), texts);
}

/** What a proxy answers while the service is away. */
function notOurs(status: number): Problem {
  const code = status >= 502 && status <= 504 ? "temporarily_unavailable" : "internal_error";
  const title = `The answer ${status} is none of the service`;
  return { type: "about:blank", title, status, code, text: title };
}
