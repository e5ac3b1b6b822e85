/** What a token of `POST /api/session/token` says. `roles` is null for members of more than 100 languages. */
export interface Claims {
  readonly iss: string;
  /** The id of the user. */
  readonly sub: string;
  /** The id of the session. */
  readonly sid: string;
  readonly aud: string;
  readonly iat: number;
  readonly exp: number;
  readonly jti: string;
  readonly platform_role?: string | null;
  readonly roles?: Readonly<Record<string, readonly string[]>> | null;
}

interface Key {
  readonly alg: string;
  readonly key: CryptoKey;
}

// RFC 8725 section 3.1: the key decides the algorithm, never the token.
const ALGORITHMS: Readonly<Record<string, { kty: string; crv: string; key: AlgorithmIdentifier | EcKeyImportParams; verify: AlgorithmIdentifier | EcdsaParams }>> = {
  EdDSA: { kty: "OKP", crv: "Ed25519", key: { name: "Ed25519" }, verify: { name: "Ed25519" } },
  ES256: {
    kty: "EC",
    crv: "P-256",
    key: { name: "ECDSA", namedCurve: "P-256" },
    verify: { name: "ECDSA", hash: "SHA-256" },
  },
};
const TOKEN_MAX = 8_192;
const LIFETIME_MAX_SECONDS = 300;
const CLOCKS_DIFFER_SECONDS = 5;
const KEYS_MAX_AGE_MS = 300_000;
const UNKNOWN_KEY_MS = 60_000;
const PART = /^[A-Za-z0-9_-]+$/;

/**
 * Verifies tokens of one issuer for one audience (RFC 7519 section 7.2, RFC 8725): the claims of a good token, otherwise
 * null. `readKeys` gets the keys of the issuer, which are read again after 5 minutes, and for an unknown `kid` at most once
 * a minute, because strangers choose it. Throws what it throws.
 */
export function tokenVerifier(
  readKeys: () => Promise<Response>,
  issuer: string,
  audience: string,
): (token: string) => Promise<Claims | null> {
  let keys: Promise<ReadonlyMap<string, Key>> | null = null;
  let readAt = 0;

  async function keyOf(kid: string): Promise<Key | undefined> {
    const age = Date.now() - readAt;
    const known = age < KEYS_MAX_AGE_MS ? (await keys)?.get(kid) : undefined;
    if (known) return known;
    if (!keys || age > UNKNOWN_KEY_MS) {
      readAt = Date.now();
      keys = imported(readKeys());
      keys.catch(() => (keys = null)); // whoever waits for it gets the error, and the next one tries again
    }
    return (await keys).get(kid);
  }

  return async (token) => {
    const parts = token.split(".");
    if (token.length > TOKEN_MAX || parts.length !== 3 || !parts.every((part) => PART.test(part))) return null;
    const header = jsonIn(parts[0]!);
    if (!header || header.typ !== "JWT" || typeof header.kid !== "string" || "crit" in header) return null;
    const found = await keyOf(header.kid);
    if (!found || header.alg !== found.alg) return null;
    const signature = bytesIn(parts[2]!);
    const signed = new TextEncoder().encode(`${parts[0]}.${parts[1]}`);
    const algorithm = ALGORITHMS[found.alg]!.verify;
    if (!signature || !(await crypto.subtle.verify(algorithm, found.key, signature, signed))) return null;
    const claims = jsonIn(parts[1]!);
    return claims && isGood(claims, issuer, audience, Date.now() / 1000) ? (claims as unknown as Claims) : null;
  };
}

function isGood(claims: Record<string, unknown>, issuer: string, audience: string, now: number): boolean {
  const { iss, aud, iat, exp, nbf = iat } = claims;
  if (iss !== issuer || aud !== audience) return false;
  if (![iat, exp, nbf].every((time) => typeof time === "number" && Number.isFinite(time))) return false;
  if (!["sub", "sid", "jti"].every((name) => typeof claims[name] === "string" && claims[name] !== "")) return false;
  const [from, until] = [Math.max(iat as number, nbf as number), exp as number];
  return from <= now + CLOCKS_DIFFER_SECONDS && now < until && until - (iat as number) <= LIFETIME_MAX_SECONDS;
}

async function imported(read: Promise<Response>): Promise<ReadonlyMap<string, Key>> {
  const response = await read;
  if (!response.ok) throw new Error(`The keys of the issuer were answered with ${response.status}`);
  const { keys } = (await response.json()) as { keys: (JsonWebKey & { kid: string })[] };
  const found = new Map<string, Key>();
  for (const { kid, kty, crv, x, y, alg = "" } of keys) {
    const algorithm = ALGORITHMS[alg];
    if (!algorithm || algorithm.kty !== kty || algorithm.crv !== crv) continue;
    const jwk = { kty, crv, x, ...(y !== undefined && { y }) } as JsonWebKey;
    found.set(kid, { alg, key: await crypto.subtle.importKey("jwk", jwk, algorithm.key, false, ["verify"]) });
  }
  return found;
}

/** The JSON object in a part of a token; null if there is none. */
function jsonIn(part: string): Record<string, unknown> | null {
  try {
    const value: unknown = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytesIn(part)!));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : null;
  } catch {
    return null;
  }
}

/** The bytes of base64url without padding (RFC 7515 section 2); null for text that encodes no bytes, or in another way. */
function bytesIn(part: string): Uint8Array<ArrayBuffer> | null {
  try {
    const text = atob(part.replaceAll("-", "+").replaceAll("_", "/"));
    const same = btoa(text).replace(/=+$/, "").replaceAll("+", "-").replaceAll("/", "_") === part;
    return same ? Uint8Array.from(text, (character) => character.charCodeAt(0)) : null;
  } catch {
    return null;
  }
}
