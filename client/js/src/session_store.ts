import type { Session } from "./abilities.js";

/** What is known of the session. `pending`: nothing yet. `error`: why the last reading failed, with what was known before. */
export interface SessionState {
  readonly status: "pending" | "signedIn" | "signedOut";
  readonly session: Session | null;
  readonly error: unknown;
}

/** An answer of the service: null if the session is still the one with the given ETag. */
export interface Reading {
  readonly session: Session | null;
  readonly etag: string | null;
}

const AGAIN_AFTER_MS = 100;

export type SessionStore = ReturnType<typeof sessionStore>;

/** The session as last read, for any number of askers. */
export function sessionStore(read: (etag: string | null) => Promise<Reading>, initial: Session | null) {
  let state = stateOf(initial);
  let etag: string | null = null;
  let readAt = initial ? Date.now() : 0;
  let changes = 0;
  let reading: Promise<Session> | null = null;
  let next: Promise<Session> | null = null;
  const listeners = new Set<() => void>();

  function become(changed: SessionState): void {
    state = changed;
    for (const listener of [...listeners]) listener();
  }

  /** Take over what an answer of the service has told, such as that to signing in. Readings under way do not count. */
  function set(session: Session): void {
    changes += 1;
    etag = null;
    readAt = Date.now();
    become(stateOf(session));
  }

  async function readOnce(): Promise<Session> {
    const before = changes;
    let answer = await read(etag);
    if (state.session?.user && answer.session?.user === null) {
      // A request that two renewals have overtaken is anonymous, although nobody has signed out.
      await new Promise((resolve) => setTimeout(resolve, AGAIN_AFTER_MS));
      answer = await read(null);
    }
    if (before !== changes && state.session) return state.session;
    readAt = Date.now();
    const session = answer.session ?? state.session!;
    etag = answer.etag;
    if (session !== state.session || state.error) become(stateOf(session));
    return session;
  }

  function start(): Promise<Session> {
    reading = readOnce()
      .catch((error: unknown) => {
        become({ ...state, error });
        throw error;
      })
      .finally(() => (reading = null));
    return reading;
  }

  /** Read the session, not earlier than now. */
  function refresh(): Promise<Session> {
    if (!reading) return start();
    const afterwards = (): Promise<Session> => {
      next = null;
      return reading ?? start();
    };
    return (next ??= reading.then(afterwards, afterwards));
  }

  return {
    set,
    refresh,
    state: (): SessionState => state,
    age: (): number => Date.now() - readAt,
    /** The session that is known, or else the next answer. */
    session: async (): Promise<Session> => state.session ?? (await (reading ?? start())),
    /** Returns what ends it, and whether it had not ended before. */
    subscribe(listener: () => void): () => boolean {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

/** The state in which a session, or none, is known. */
export function stateOf(session: Session | null): SessionState {
  return { status: !session ? "pending" : session.user ? "signedIn" : "signedOut", session, error: null };
}
