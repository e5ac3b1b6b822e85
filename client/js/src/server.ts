import { canOf, type Can, type Session } from "./abilities.js";
import { errorOf } from "./errors.js";
import { tokenVerifier, type Claims } from "./tokens.js";

export { verifyWebhook, WebhookError, type Webhook, type WebhookRequest } from "./webhooks.js";
export type { Claims } from "./tokens.js";

export interface VerifierOptions {
  /** Where this back end reaches the service. */
  baseUrl: string;
  /** The origins of pages that may send requests that change something, such as `https://app.example.org`. */
  origins?: readonly string[];
  /** The name of the session cookie. Default: `auth_session`, with or without the prefix `__Host-`. */
  cookieName?: string;
  /** The audience whose tokens are accepted, one of TOKEN_AUDIENCES of the service. Without it none is. */
  audience?: string;
  /** PUBLIC_URL of the service, which issues the tokens. Default: `baseUrl`. */
  issuer?: string;
  fetch?: typeof fetch;
}

/** Who sends a request. `session` and `can` are as the service has just answered; a token tells its `claims` alone. */
export type Caller =
  | { readonly by: "session"; readonly userId: string; readonly session: Session; readonly can: Can }
  | { readonly by: "token"; readonly userId: string; readonly claims: Claims };

export type Verify = (request: Request) => Promise<Caller | null>;

const COOKIE = /^(__Host-)?auth_session$/;
/** Everything else is nobody's, and not worth a question. */
const TOKEN = /^ost_(key_)?[\w-]{43}$/;
const SAFE = ["GET", "HEAD", "OPTIONS", "TRACE"];
const KEPT_MAX = 1_000;
const PATIENCE_MS = 5_000;

/**
 * `verify(request)` for a back end: who sends this request, or null for nobody who is known.
 *
 * A session cookie or bearer token is forwarded to the service, which is asked each time, so that a session that has ended
 * counts no more; an unchanged answer has no body. A token for `audience` is verified here, and counts until it expires.
 * A cookie counts only if the request comes from a page of `origins` or of the same origin, or changes nothing (OWASP
 * CSRF Prevention Cheat Sheet). Throws `OstiaryError` or what `fetch` throws if the service does not answer.
 */
export function createVerifier(options: VerifierOptions): Verify {
  const baseUrl = options.baseUrl.replace(/\/$/, "");
  const send = options.fetch ?? fetch;
  const get = (path: string, headers: Record<string, string>): Promise<Response> =>
    send(baseUrl + path, { headers, redirect: "error", signal: AbortSignal.timeout(PATIENCE_MS) });
  const { audience, issuer = baseUrl } = options;
  const verifyToken = audience ? tokenVerifier(() => get("/.well-known/jwks.json", {}), issuer, audience) : null;
  const kept = new Map<string, { readonly etag: string; readonly session: Session }>();

  /** The session of a credential. A few are kept, to ask whether they still hold. */
  async function sessionOf(credential: Record<string, string>): Promise<Session> {
    const key = JSON.stringify(credential);
    const known = kept.get(key);
    kept.delete(key);
    const response = await get("/api/session", { ...credential, ...(known && { "If-None-Match": known.etag }) });
    const session = response.status === 304 && known ? known.session : ((await response.json().catch(() => null)) as Session);
    if (!response.ok && response.status !== 304) throw errorOf(response, session);
    const etag = response.headers.get("ETag");
    if (etag && session.user) kept.set(key, { etag, session });
    if (kept.size > KEPT_MAX) kept.delete(kept.keys().next().value!);
    return session;
  }

  return async (request) => {
    const authorization = request.headers.get("Authorization");
    const bearer = authorization?.match(/^Bearer +([^\s]+)$/i)?.[1];
    if (bearer?.includes(".")) {
      const claims = await verifyToken?.(bearer);
      return claims ? { by: "token", userId: claims.sub, claims } : null;
    }
    if (bearer && !TOKEN.test(bearer)) return null;
    const cookies = authorization ? "" : cookiesOf(request, options.cookieName);
    if (!bearer && (!cookies || isCrossSite(request, options.origins ?? []))) return null;
    const session = await sessionOf(bearer ? { Authorization: `Bearer ${bearer}` } : { Cookie: cookies });
    return session.user ? { by: "session", userId: session.user.id, session, can: canOf(session) } : null;
  };
}

/** The session cookies of a request: the service needs no other ones. */
function cookiesOf(request: Request, name: string | undefined): string {
  const isSession = (cookie: string): boolean => {
    const end = cookie.indexOf("=");
    const named = cookie.slice(0, end);
    return (name === undefined ? COOKIE.test(named) : named === name) && TOKEN.test(cookie.slice(end + 1));
  };
  return (request.headers.get("Cookie") ?? "").split(/; */).filter(isSession).join("; ");
}

/** Whether a request with a cookie changes something and does not prove that it comes from an own page. */
function isCrossSite({ method, headers }: Request, origins: readonly string[]): boolean {
  if (SAFE.includes(method) || headers.get("Sec-Fetch-Site") === "same-origin") return false;
  return !origins.includes(headers.get("Origin") ?? "");
}
