import { decide, type Session, type SubjectId } from "./abilities.js";
import type { Action, SubjectType } from "./generated/subjects.js";
import { OstiaryError, type Ostiary } from "./index.js";

/** What loaders of React Router, SvelteKit and others are called with. */
export interface LoaderArgs {
  readonly request?: Request;
  readonly url?: URL;
  readonly params: Readonly<Record<string, string | undefined>>;
}

type Id = Exclude<SubjectId, null>;

/**
 * Who may see a route: those who may `action` on the subject with this `id`, which can come from the arguments of the
 * loader; on `any` subject of the type; every signed-in user; or every one with a complete profile. With `stepUp` they must
 * also have proved who they are a short time ago.
 */
export type Requirement<Args> = { readonly stepUp?: boolean } & (
  | {
      readonly action: Action;
      readonly subject: SubjectType;
      readonly field?: string;
      readonly id: Id | ((args: Args) => Id | undefined);
      readonly any?: never;
    }
  | {
      readonly action: Action;
      readonly subject: SubjectType;
      readonly field?: string;
      readonly any: true;
      readonly id?: never;
    }
  | { readonly signedIn: true }
  | { readonly onboarded: true }
);

/** What is thrown to lead elsewhere or to refuse: by default a `Response`, which React Router and others take. */
export interface Thrown {
  redirect(url: string): unknown;
  refuse(body: Refused): unknown;
}

/** The body of the 403. `reason` is the policy's, where it has one. */
export interface Refused {
  readonly code: "forbidden";
  readonly reason: string | null;
}

export type Authorize<In extends LoaderArgs> = <Args extends In, Data>(
  requirement: Requirement<Args>,
  loader?: (args: Args) => Data,
) => (args: Args) => Promise<Awaited<Data>>;

const RESPONSES: Thrown = {
  redirect: (url) => new Response(null, { status: 302, headers: { Location: url } }),
  refuse: (body) => Response.json(body, { status: 403 }),
};

/**
 * `authorize` for a client, or for the one that `ostiary` finds for the arguments of a loader.
 *
 * `authorize(requirement, loader)` returns a loader. It throws a redirect to sign in, to complete the profile or to prove
 * again who one is, or a 403; only then it calls `loader`, whose own refusals by the service are answered alike.
 * A no is given only after the session was read again. The service checks every call in any case.
 */
export function createAuthorize<In extends LoaderArgs = LoaderArgs>(
  ostiary: Ostiary | ((args: In) => Ostiary),
  thrown: Thrown = RESPONSES,
): Authorize<In> {
  return <Args extends In, Data>(requirement: Requirement<Args>, loader?: (args: Args) => Data) =>
    async (args: Args): Promise<Awaited<Data>> => {
      const client = typeof ostiary === "function" ? ostiary(args) : ostiary;
      let outcome = outcomeOf(requirement, args, await client.session());
      if (outcome !== OPEN) outcome = outcomeOf(requirement, args, await client.refresh());
      if (outcome === STALE && (await proved(client))) outcome = outcomeOf(requirement, args, await client.refresh());
      if (outcome !== OPEN) throw answerTo(outcome, client, args, thrown);
      try {
        return (await loader?.(args)) as Awaited<Data>;
      } catch (error) {
        const refused = error instanceof OstiaryError ? OUTCOMES[error.code]?.(error) : undefined;
        throw refused ? answerTo(refused, client, args, thrown) : error;
      }
    };
}

type Outcome = "open" | "anonymous" | "incomplete" | "stale" | { readonly reason: string | null };
const OPEN = "open";
const STALE = "stale";
const OUTCOMES: Readonly<Record<string, (error: OstiaryError) => Outcome>> = {
  not_signed_in: () => "anonymous",
  onboarding_required: () => "incomplete",
  reauthentication_required: () => STALE,
  forbidden: ({ problem }) => ({ reason: problem.detail ?? null }),
};

function outcomeOf<Args>(requirement: Requirement<Args>, args: Args, session: Session): Outcome {
  if (!session.user) return "anonymous";
  const incomplete = session.onboarding?.required === true;
  if ("action" in requirement) {
    const { action, subject, field } = requirement;
    const { allowed, reason } = decide(session, action, subject, idOf(requirement, args), field);
    if (!allowed) return incomplete ? "incomplete" : { reason };
  } else if (incomplete && "onboarded" in requirement) {
    return "incomplete";
  }
  // An API key has no session, and never a fresh proof.
  const until = session.session ? Date.parse(session.session.stepUpUntil) : 0;
  return requirement.stepUp && until <= Date.now() ? STALE : OPEN;
}

/** The id of a requirement: null only for `any`. An id that is missing from the arguments is undefined, and denied. */
function idOf<Args>(requirement: { any?: true; id?: Id | ((args: Args) => Id | undefined) }, args: Args): SubjectId | undefined {
  if (requirement.any) return null;
  const { id } = requirement;
  return (typeof id === "function" ? id(args) : id) ?? undefined;
}

async function proved({ options: { stepUp } }: Ostiary): Promise<boolean> {
  return typeof stepUp === "function" && (await stepUp());
}

function answerTo(outcome: Outcome, { options }: Ostiary, args: LoaderArgs, thrown: Thrown): unknown {
  if (typeof outcome === "object") return thrown.refuse({ code: "forbidden", reason: outcome.reason });
  if (outcome === "incomplete") return thrown.redirect(leadingBack(options.onboardingUrl ?? "/onboarding", args));
  if (outcome === "anonymous") return thrown.redirect(leadingBack(options.signInUrl ?? "/sign-in", args));
  if (typeof options.stepUp === "string") return thrown.redirect(leadingBack(options.stepUp, args));
  return thrown.refuse({ code: "forbidden", reason: null });
}

/** The URL of a page that leads back to the present one. */
function leadingBack(page: string, args: LoaderArgs): string {
  const here = args.request?.url ?? args.url?.href ?? "";
  return `${page}${page.includes("?") ? "&" : "?"}return_to=${encodeURIComponent(here)}`;
}
