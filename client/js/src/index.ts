import createClient, { type Client } from "openapi-fetch";
import { canOf, type Can, type CanQuestion, type Session } from "./abilities.js";
import { errorOf } from "./errors.js";
import { ANONYMOUS, freshness } from "./freshness.js";
import type { components, paths } from "./generated/api.js";
import { itemsOf, type ItemOf, type ListParameters, type ListPath } from "./lists.js";
import { sessionStore, type Reading, type SessionState } from "./session_store.js";
import type { Texts } from "./texts/texts_of.js";
import { save, type EditedTranslation, type Saved } from "./translations.js";
import { transport } from "./transport.js";

export { canOf, decide, type Can, type Decision, type Session, type SubjectId } from "./abilities.js";
export { OstiaryError, type Problem, type ProblemCode } from "./errors.js";
export type { components, operations, paths } from "./generated/api.js";
export type { Action, SubjectType } from "./generated/subjects.js";
export type { ItemOf, ListParameters, ListPath } from "./lists.js";
export type { SessionState } from "./session_store.js";
export type { Conflict, EditedTranslation, Saved, Translation } from "./translations.js";
export type { Texts } from "./texts/texts_of.js";

type Schemas = components["schemas"];
type Proof = Schemas["PasswordProof"] | Schemas["CodeProof"];

export interface OstiaryOptions {
  /** The origin of the service, such as `https://id.example.org`. Empty, the default: that of the page. */
  baseUrl?: string;
  /** The page where people sign in; `authorize` adds `return_to`. Default: `/sign-in`. */
  signInUrl?: string;
  /** The page where people complete their profile. Default: `/onboarding`. */
  onboardingUrl?: string;
  /** The page where people prove again who they are, or a function that lets them, and resolves to whether they have. */
  stepUp?: string | (() => Promise<boolean>);
  /** The texts of errors, from `@ostiary/client/texts/en` or `/de`. Without them: the service's own. */
  texts?: Texts;
  /** The session that is known already, such as one that the server has rendered with. */
  session?: Session;
  /** Headers of every request, such as the `Cookie` of the request that a server renders for. */
  headers?: Record<string, string>;
  /** Whether to listen to `GET /api/session/events`. Default: true. */
  events?: boolean;
  fetch?: typeof fetch;
}

export interface Ostiary {
  readonly options: Readonly<OstiaryOptions>;
  /** The typed calls of openapi-fetch: each resolves to `{ data, error, response }`. */
  readonly api: Client<paths>;
  /** Who is signed in: as known, or else read once for any number of askers. Throws as `unwrap`. */
  session(): Promise<Session>;
  /** Read who is signed in, not earlier than now. */
  refresh(): Promise<Session>;
  /** What is known now. The same object until something has changed. */
  state(): SessionState;
  /** Call `listener` at every change of the state, and keep the session fresh meanwhile. Returns what ends that. */
  subscribe(listener: () => void): () => void;
  /** May the signed-in user? By the rules that are known now. It hides and shows; the service decides. */
  can: Can;
  /** Ask for a code and a link by mail: to sign in, unless `purpose` says otherwise. */
  requestKey(
    request: Omit<Schemas["RequestKeyInput"], "purpose"> & { purpose?: Schemas["RequestKeyInput"]["purpose"] },
  ): Promise<Schemas["KeyRequested"]>;
  signIn(
    credentials: Schemas["PasswordSignIn"] | Schemas["CodeSignIn"] | Schemas["LinkSignIn"],
  ): Promise<Schemas["SignedIn"]>;
  /** What a link is for, and which fields it needs. Consumes nothing. */
  inspect(token: string): Promise<Schemas["InspectedKey"]>;
  /** Use a link or code, and sign in with it. */
  redeem(key: Schemas["RedeemKeyInput"]): Promise<Schemas["SignedIn"]>;
  completeProfile(fields: Schemas["UserChange"]): Promise<Session>;
  /** Set or change the password. Needs a fresh proof, and ends all other sessions. */
  setPassword(secret: string): Promise<Session>;
  /** Mail a code to a new address. Needs a fresh proof; then `redeem({ purpose: "email_change", email, code })`. */
  changeEmail(email: string): Promise<Schemas["KeyRequested"]>;
  /** Prove again who one is, by password or by a code that was mailed to the user's address. */
  reauthenticate(proof: Proof): Promise<Session>;
  /** End this session, or those of all devices. */
  signOut(where?: { everywhere?: boolean }): Promise<void>;
  /** The user's sessions on all devices. */
  sessions(): AsyncGenerator<Schemas["SessionListItem"], void, undefined>;
  /** All items of a list, page by page: `for await (const user of ostiary.items("/api/users"))`. */
  items<Path extends ListPath>(
    path: Path,
    ...parameters: object extends ListParameters<Path> ? [ListParameters<Path>?] : [ListParameters<Path>]
  ): AsyncGenerator<ItemOf<Path>, void, undefined>;
  /** Write a text if it is still at the version that was loaded; otherwise resolves to the conflict. */
  save(translation: EditedTranslation): Promise<Saved>;
  /** The `data` of a call of `api`. Throws `OstiaryError` for its `error`, and what `fetch` throws without an answer. */
  unwrap<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T>;
}

/** A client of the service: one for each page, or on a server one for each request. */
export function createOstiary(options: OstiaryOptions = {}): Ostiary {
  const baseUrl = (options.baseUrl ?? "").replace(/\/$/, "");
  const sendNow: typeof fetch = (...request) => (options.fetch ?? fetch)(...request);
  const { stepUp } = options;
  const send = transport(sendNow, {
    refused: () => {
      if (store.state().status !== "pending") void store.refresh().catch(() => {}); // the state tells the error
    },
    stepUp: typeof stepUp === "function" ? stepUp : null,
  });
  const api = createClient<paths>({ baseUrl, credentials: "include", fetch: send, headers: options.headers ?? {} });
  const store = sessionStore(readSession, options.session ?? null);
  const fresh = freshness(store, baseUrl, options.events ?? true);
  let subscribers = 0;

  async function readSession(etag: string | null): Promise<Reading> {
    const headers = { ...options.headers, ...(etag && { "If-None-Match": etag }) };
    const response = await sendNow(`${baseUrl}/api/session`, { credentials: "include", headers });
    if (response.status === 304) return { session: null, etag };
    const body: unknown = await response.json().catch(() => null);
    if (!response.ok) throw errorOf(response, body, options.texts);
    return { session: body as Session, etag: response.headers.get("ETag") };
  }

  async function unwrap<T>(asked: Promise<{ data?: T; error?: unknown; response: Response }>): Promise<T> {
    const { data, error, response } = await asked;
    if (!response.ok) throw errorOf(response, error, options.texts);
    return data as T;
  }

  /** Take over the session of an answer, here and in other tabs. */
  function take<Told extends Session>(session: Told): Told {
    store.set(session);
    fresh.tell(false);
    return session;
  }

  async function readAgain(): Promise<Session> {
    fresh.tell(false);
    return store.refresh();
  }

  return {
    options,
    api,
    unwrap,
    session: store.session,
    refresh: store.refresh,
    state: store.state,
    subscribe(listener) {
      const unsubscribe = store.subscribe(listener);
      subscribers += 1;
      fresh.start();
      if (store.state().status === "pending") void store.session().catch(() => {}); // the state tells the error
      return () => {
        if (unsubscribe() && --subscribers === 0) fresh.stop();
      };
    },
    can: (...question: CanQuestion) => canOf(store.state().session)(...(question as Parameters<Can>)),
    requestKey: (request) => unwrap(api.POST("/api/keys", { body: { purpose: "sign_in", ...request } })),
    signIn: async (credentials) => take(await unwrap(api.POST("/api/session", { body: credentials }))),
    inspect: (token) => unwrap(api.POST("/api/keys/inspect", { body: { token } })),
    redeem: async (key) => take(await unwrap(api.POST("/api/keys/redeem", { body: key }))),
    async completeProfile(fields) {
      await unwrap(api.PATCH("/api/users/{userId}", { params: { path: { userId: "me" } }, body: fields }));
      return readAgain();
    },
    async setPassword(secret) {
      await unwrap(api.PUT("/api/keys/primary/secret", { body: { secret } }));
      return readAgain();
    },
    changeEmail: (email) => unwrap(api.POST("/api/keys", { body: { purpose: "email_change", email } })),
    reauthenticate: async (proof) => take(await unwrap(api.POST("/api/session/reauthentication", { body: proof }))),
    async signOut(where) {
      if (where?.everywhere) await unwrap(api.DELETE("/api/sessions"));
      await unwrap(api.DELETE("/api/session"));
      store.set(ANONYMOUS);
      fresh.tell(true);
    },
    sessions: () =>
      itemsOf((cursor) => unwrap(api.GET("/api/sessions", { params: { query: cursor ? { cursor } : {} } }))),
    items: (path, ...[parameters]) =>
      itemsOf((cursor) => {
        const { path: names, query } = (parameters ?? {}) as { path?: object; query?: object };
        const params = { ...(names && { path: names }), query: { ...query, ...(cursor && { cursor }) } };
        return unwrap(api.GET(path as never, { params } as never));
      }),
    save: (translation) => save(api, unwrap, translation),
  };
}

/** The page to go to after signing in: the parameter `return_to` of a URL if it is of the same origin, else `fallback`. */
export function returnTo(url: string | URL, fallback = "/"): string {
  const here = new URL(url);
  const wanted = here.searchParams.get("return_to");
  if (wanted === null) return fallback;
  const page = URL.canParse(wanted, here) ? new URL(wanted, here) : null;
  if (page?.origin !== here.origin) return fallback;
  // A path that begins with two slashes would lead to another host.
  return page.pathname.replace(/^\/+/, "/") + page.search + page.hash;
}
